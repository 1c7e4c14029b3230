/** The admission chain of a write: built-in plugins, webhooks, the kind's own rules, webhooks. */
import type { Cluster } from '../cluster.ts';
import type { JsonObject } from '../json-tree.ts';
import type { ServedResource } from '../resources/served-resource.ts';
import type { Writer } from '../writer.ts';
import { admitDefaultClasses } from './default-classes.ts';
import { applyLimitDefaults, checkLimits } from './limit-ranges.ts';
import { checkNamespace, checkNamespaceDeletion } from './namespace-lifecycle.ts';
import { admitPod } from './pod-admission.ts';

interface Place {
  readonly resource: ServedResource;
  readonly namespace: string | undefined;
  readonly writer: Writer;
}

/** A create in the chain. */
export interface CreateAdmission extends Place {
  readonly object: JsonObject;
}

/** An update in the chain. */
export interface UpdateAdmission extends Place {
  readonly name: string;
  readonly subresource: string;
  readonly object: JsonObject;
  readonly old: JsonObject;
}

/** Admits a new object; `prepare` applies the kind's own rules between the two kinds of webhook. */
export async function admitCreate(
  cluster: Cluster,
  request: CreateAdmission,
  prepare: (object: JsonObject) => void,
): Promise<JsonObject> {
  const { resource, namespace, object } = request;
  checkNamespace(cluster, request);
  if (resource.storageKey === 'pods') {
    applyLimitDefaults(cluster, namespace ?? '', object);
    admitPod(cluster, namespace ?? '', object);
  }
  admitDefaultClasses(cluster, resource.storageKey, object);
  const review = { ...request, operation: 'CREATE', subresource: '', old: undefined } as const;
  const mutated = await cluster.webhooks.mutate({ ...review, object });
  prepare(mutated);
  checkLimits(cluster, { ...request, object: mutated });
  await cluster.webhooks.validate({ ...review, object: mutated });
  return mutated;
}

/** Admits a changed object. */
export async function admitUpdate(
  cluster: Cluster,
  request: UpdateAdmission,
  prepare: (object: JsonObject) => void,
): Promise<JsonObject> {
  const review = { ...request, operation: 'UPDATE' } as const;
  const mutated = await cluster.webhooks.mutate(review);
  prepare(mutated);
  // What a pod asks for cannot be changed, so only claims are looked at again.
  const isClaim = request.resource.storageKey === 'persistentvolumeclaims';
  if (isClaim && request.subresource === '') checkLimits(cluster, { ...request, object: mutated });
  await cluster.webhooks.validate({ ...review, object: mutated });
  return mutated;
}

/** Admits a deletion. */
export async function admitDelete(
  cluster: Cluster,
  request: Place & { readonly name: string },
): Promise<void> {
  checkNamespaceDeletion(request.resource, request.name);
  await cluster.webhooks.validateDeletion(request);
}
