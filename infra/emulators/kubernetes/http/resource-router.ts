/** From a resource request to the verb that answers it. */
import type { ServerResponse } from 'node:http';
import type { Cluster } from '../cluster.ts';
import type { WatchHub } from '../read/watch-hub.ts';
import { methodNotAllowed, notFound, resourceNotFound } from '../status-error.ts';
import type { TokenIssuer } from '../tokens/token-issuer.ts';
import { patchVerb } from '../verbs/patch-verb.ts';
import { bindingVerb, evictionVerb, tokenVerb } from '../verbs/pod-subresources.ts';
import { getVerb, listVerb } from '../verbs/read-verbs.ts';
import type { ResourceRequest } from '../verbs/resource-request.ts';
import { reviewVerb } from '../verbs/review-verbs.ts';
import { scaleVerb } from '../verbs/scale-verb.ts';
import { watchVerb } from '../verbs/watch-verb.ts';
import { createVerb, deleteCollectionVerb, deleteVerb, updateVerb } from '../verbs/write-verbs.ts';
import type { UserInfo } from '../writer.ts';
import type { Reply } from './reply.ts';

/** What answering takes besides the cluster. */
export interface RouterContext {
  readonly cluster: Cluster;
  readonly hub: WatchHub;
  readonly issuer: TokenIssuer;
  readonly authenticate: (token: string) => UserInfo | undefined;
  readonly continueTtlMs: number;
}

const reviewGroups = new Set(['authentication.k8s.io', 'authorization.k8s.io']);

/** Subresources that need a real kubelet or network behind them. */
const absentSubresources = new Set(['attach', 'exec', 'log', 'portforward', 'proxy']);

function checkAllowed(request: ResourceRequest, verb: string): void {
  const { info } = request.resource;
  if (request.subresource === '') {
    const named = request.name !== undefined;
    const fitsPath = verb === 'create' ? !named : named || !['update', 'patch'].includes(verb);
    if (!fitsPath || !info.verbs.includes(verb)) throw methodNotAllowed();
    return;
  }
  const sub = info.subresources.find((s) => s.name === request.subresource);
  if (sub === undefined && request.resource.custom) {
    throw notFound({ group: info.group, plural: info.plural, name: request.name ?? '' });
  }
  if (sub === undefined || absentSubresources.has(sub.name)) throw resourceNotFound();
  if (!sub.verbs.includes(verb)) throw methodNotAllowed();
}

async function subresourceReply(
  context: RouterContext,
  request: ResourceRequest,
  method: string,
): Promise<Reply> {
  const { cluster } = context;
  switch (request.subresource) {
    case 'scale':
      return scaleVerb(cluster, request, method);
    case 'binding':
      return bindingVerb(cluster, request);
    case 'eviction':
      return evictionVerb(cluster, request);
    case 'token':
      return tokenVerb(cluster, context.issuer, request);
    default:
      if (method === 'GET') return getVerb(cluster, request);
      return method === 'PUT' ? updateVerb(cluster, request) : patchVerb(cluster, request);
  }
}

/**
 * Answers a resource request; undefined when the answer is a stream that goes on.
 * @throws StatusError
 */
export async function resourceReply(
  context: RouterContext,
  request: ResourceRequest,
  target: { readonly method: string; readonly verb: string; readonly response: ServerResponse },
): Promise<Reply | undefined> {
  const { cluster } = context;
  const { method, verb, response } = target;
  checkAllowed(request, verb);
  if (request.subresource !== '') return subresourceReply(context, request, method);
  if (reviewGroups.has(request.resource.info.group)) {
    return reviewVerb(request, context.authenticate, cluster.now());
  }
  switch (verb) {
    case 'get':
      return getVerb(cluster, request);
    case 'list':
      return listVerb(cluster, request, context.continueTtlMs);
    case 'watch':
      watchVerb(cluster, context.hub, request, response);
      return undefined;
    case 'create':
      return createVerb(cluster, request);
    case 'update':
      return updateVerb(cluster, request);
    case 'patch':
      return patchVerb(cluster, request);
    case 'delete':
      return deleteVerb(cluster, request);
    case 'deletecollection':
      return deleteCollectionVerb(cluster, request);
    default:
      throw methodNotAllowed();
  }
}
