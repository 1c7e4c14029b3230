import type { Cluster } from '../cluster.ts';
import type { Reply } from '../http/reply.ts';
import type { JsonObject } from '../json-tree.ts';
import { listObjects } from '../read/list-objects.ts';
import { readListOptions } from '../read/query-options.ts';
import { notFound } from '../status-error.ts';
import { keyOf } from '../storage/keys.ts';
import { parseStored } from '../storage/store-event.ts';
import { listReply, objectReply } from './object-reply.ts';
import type { ResourceRequest } from './resource-request.ts';

/** Since 1.33 every answer about Endpoints says so. */
const endpointsDeprecated =
  'v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice';

/** Warnings that reading a resource brings. */
export function deprecationsOf(request: Pick<ResourceRequest, 'resource'>): string[] {
  return request.resource.storageKey === 'endpoints' ? [endpointsDeprecated] : [];
}

/** The object that a request names. @throws StatusError 404 */
export function readObject(cluster: Cluster, request: ResourceRequest): JsonObject {
  const { resource, namespace, name = '' } = request;
  const { group, plural } = resource.info;
  const json = cluster.store.read(keyOf({ resource: resource.storageKey, namespace, name }));
  if (json === undefined) throw notFound({ group, plural, name });
  return resource.codec.fromStorage(parseStored(json));
}

/** GET of one object. */
export function getVerb(cluster: Cluster, request: ResourceRequest): Reply {
  return objectReply(request, 200, readObject(cluster, request), deprecationsOf(request));
}

/** GET of a collection. */
export function listVerb(cluster: Cluster, request: ResourceRequest, continueTtlMs: number): Reply {
  const { resource, namespace } = request;
  const options = readListOptions(request.query, false);
  const page = listObjects(cluster, { resource, namespace, options, continueTtlMs });
  return listReply(request, page, deprecationsOf(request));
}
