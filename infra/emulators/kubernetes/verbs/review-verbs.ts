/** Questions about identity and rights: kinds that are only created, and answer in their status. */

import { parseObjectBody } from '../http/body.ts';
import { jsonReply, type Reply } from '../http/reply.ts';
import { type JsonObject, textAt } from '../json-tree.ts';
import { trackUpdate } from '../managed-fields/managed-fields.ts';
import { timeText } from '../schema/scalars.ts';
import { decodeObject } from '../write/decode-object.ts';
import { metadataOf } from '../write/object-meta.ts';
import { withKind } from '../write/with-kind.ts';
import type { UserInfo } from '../writer.ts';
import { bodyType, type ResourceRequest, writerOf } from './resource-request.ts';

type Authenticate = (token: string) => UserInfo | undefined;

const allRules = {
  resourceRules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'] }],
  nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['*'] }],
  incomplete: false,
};

function userStatus(user: UserInfo): JsonObject {
  return { username: user.user, uid: user.user, groups: [...user.groups] };
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
export function reviewVerb(
  request: ResourceRequest,
  authenticate: Authenticate,
  nowMs: number,
): Reply {
  const { resource } = request;
  const { writer } = writerOf(request, 'CreateOptions');
  const raw = parseObjectBody(request.body, bodyType(request), resource.info.kind);
  const asked = resource.codec.encode(decodeObject(resource, raw, writer));
  const isSelf = resource.info.kind === 'SelfSubjectReview';
  trackUpdate(resource.codec.empty, asked, {
    manager: writer.manager,
    apiVersion: resource.apiVersion,
    subresource: '',
    nowMs,
    shape: resource.codec.shape,
    resetFields: [],
  });
  if (isSelf) metadataOf(asked).creationTimestamp = timeText(nowMs);
  const status = answer(request, asked, authenticate);
  const type = { apiVersion: resource.apiVersion, kind: resource.info.kind, custom: false };
  return jsonReply(201, withKind({ ...asked, status }, type));
}
