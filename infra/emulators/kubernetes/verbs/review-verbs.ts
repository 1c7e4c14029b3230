/** Questions about identity and rights: kinds that are only created, and answer in their status. */
import type { UserInfo } from '../cluster.ts';
import { parseObjectBody } from '../http/body.ts';
import { jsonReply, type Reply } from '../http/reply.ts';
import { type JsonObject, objectAt, textAt } from '../json-tree.ts';
import { bodyType, type ResourceRequest } from './resource-request.ts';

type Authenticate = (token: string) => UserInfo | undefined;

const allRules = {
  resourceRules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'] }],
  nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['*'] }],
  incomplete: false,
};

function userStatus(user: UserInfo): JsonObject {
  return { username: user.user, groups: [...user.groups] };
}

function answer(
  request: ResourceRequest,
  asked: JsonObject,
  authenticate: Authenticate,
): JsonObject {
  switch (request.resource.info.kind) {
    case 'TokenReview': {
      const user = authenticate(textAt(asked, 'spec', 'token'));
      if (user === undefined) return { user: {}, error: 'invalid bearer token' };
      return {
        authenticated: true,
        user: userStatus(user),
        audiences: ['https://kubernetes.default.svc'],
      };
    }
    case 'SelfSubjectReview':
      return { userInfo: userStatus(request.user) };
    case 'SelfSubjectRulesReview':
      return allRules;
    default:
      // Rights are not evaluated: whoever is authenticated may do everything.
      return { allowed: true };
  }
}

/** POST of a review. @throws StatusError 400 */
export function reviewVerb(request: ResourceRequest, authenticate: Authenticate): Reply {
  const { resource } = request;
  const asked = parseObjectBody(request.body, bodyType(request), resource.info.kind);
  return jsonReply(201, {
    kind: resource.info.kind,
    apiVersion: resource.apiVersion,
    metadata: {},
    spec: objectAt(asked, 'spec') ?? {},
    status: answer(request, asked, authenticate),
  });
}
