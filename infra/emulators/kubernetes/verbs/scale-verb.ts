/** The `scale` subresource: replicas of a workload as an autoscaling/v1 Scale. */
import type { Cluster } from '../cluster.ts';
import { forbiddenField, invalidField, invalidObject } from '../field-error.ts';
import { parseObjectBody } from '../http/body.ts';
import { jsonReply, type Reply } from '../http/reply.ts';
import {
  ensureObject,
  isObject,
  type JsonObject,
  numberAt,
  objectAt,
  textAt,
  textMapAt,
} from '../json-tree.ts';
import { applyJsonPatch } from '../patch/json-patch.ts';
import { applyMergePatch } from '../patch/merge-patch.ts';
import type { ScalePaths, ServedResource } from '../resources/served-resource.ts';
import { methodNotAllowed } from '../status-error.ts';
import { metadataOf } from '../write/object-meta.ts';
import { updateObject } from '../write/update-object.ts';
import { readObject } from './read-verbs.ts';
import { bodyType, type ResourceRequest, writerOf } from './resource-request.ts';

const builtinPaths: ScalePaths = {
  specReplicas: ['spec', 'replicas'],
  statusReplicas: ['status', 'replicas'],
};

function selectorText(object: JsonObject): string {
  const selector = objectAt(object, 'spec', 'selector');
  const labels = isObject(selector?.matchLabels) ? selector.matchLabels : selector;
  return Object.entries(textMapAt({ labels }, 'labels'))
    .map(([key, value]) => `${key}=${value}`)
    .sort()
    .join(',');
}

function scaleOf(object: JsonObject, paths: ScalePaths): JsonObject {
  const metadata = metadataOf(object);
  const kept = ['name', 'namespace', 'uid', 'resourceVersion', 'creationTimestamp'];
  const selector =
    paths.labelSelector === undefined
      ? selectorText(object)
      : textAt(object, ...paths.labelSelector);
  const replicas = numberAt(object, ...paths.specReplicas) ?? 0;
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: Object.fromEntries(kept.map((field) => [field, metadata[field]])),
    spec: replicas === 0 ? {} : { replicas },
    status: {
      replicas: numberAt(object, ...paths.statusReplicas) ?? 0,
      ...(selector === '' ? {} : { selector }),
    },
  };
}

function withReplicas(object: JsonObject, paths: ScalePaths, replicas: number): JsonObject {
  let parent = object;
  for (const field of paths.specReplicas.slice(0, -1)) parent = ensureObject(parent, field);
  parent[paths.specReplicas.at(-1) ?? 'replicas'] = replicas;
  return object;
}

function checked(scale: JsonObject, resource: ServedResource, name: string): number {
  const replicas = objectAt(scale, 'spec')?.replicas ?? 0;
  if (typeof replicas === 'number' && Number.isInteger(replicas) && replicas >= 0) return replicas;
  const why = 'must be greater than or equal to 0';
  const error =
    typeof replicas === 'number'
      ? invalidField('spec.replicas', replicas, why)
      : forbiddenField('spec.replicas', 'must be an integer');
  throw invalidObject({ group: 'autoscaling', kind: 'Scale', name: name || resource.info.kind }, [
    error,
  ]);
}

function wantedScale(request: ResourceRequest, method: string, current: JsonObject): JsonObject {
  if (method === 'PUT') return parseObjectBody(request.body, bodyType(request), 'Scale');
  const patch: unknown = JSON.parse(request.body);
  if (Array.isArray(patch)) return applyJsonPatch(current, patch as unknown[]);
  return applyMergePatch(current, isObject(patch) ? patch : {});
}

/** GET, PUT and PATCH of `scale`. @throws StatusError */
export async function scaleVerb(
  cluster: Cluster,
  request: ResourceRequest,
  method: string,
): Promise<Reply> {
  const paths = request.resource.scalePaths ?? builtinPaths;
  const { resource, namespace, name = '' } = request;
  if (method === 'GET') return jsonReply(200, scaleOf(readObject(cluster, request), paths));
  if (method !== 'PUT' && method !== 'PATCH') throw methodNotAllowed();
  const { writer } = writerOf(request, method === 'PUT' ? 'UpdateOptions' : 'PatchOptions');
  const change = (current: JsonObject): JsonObject => {
    const scale = wantedScale(request, method, scaleOf(current, paths));
    const replicas = checked(scale, resource, name);
    const version = textAt(scale, 'metadata', 'resourceVersion');
    if (version !== '') metadataOf(current).resourceVersion = version;
    return withReplicas(current, paths, replicas);
  };
  const update = { resource, namespace, name, subresource: 'scale', writer, change };
  const updated = await updateObject(cluster, update);
  return jsonReply(200, scaleOf(updated, paths));
}
