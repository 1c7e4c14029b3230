/** Kubernetes objects as the centre sees them: untyped, so that no field is ever dropped. */
import type { JsonObject } from './json.ts';

/** `metadata` of an object, with the fields that rules look at; all others pass through. */
export interface ObjectMeta {
  name: string;
  namespace?: string;
  generateName?: string;
  uid?: string;
  resourceVersion?: string;
  creationTimestamp?: string;
  deletionTimestamp?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  finalizers?: string[];
  ownerReferences?: OwnerReference[];
  [field: string]: unknown;
}

/** An owner of an object; an old UID in here makes the collector delete the child. */
export interface OwnerReference {
  apiVersion: string;
  kind: string;
  name: string;
  uid: string;
  controller?: boolean;
  blockOwnerDeletion?: boolean;
}

/** Any object of any kind. */
export interface KubeObject extends JsonObject {
  apiVersion: string;
  kind: string;
  metadata: ObjectMeta;
}

/** One object's place in a cluster. */
export interface ObjectReference {
  readonly apiVersion: string;
  /** Plural with group, as in `deployments.apps`; core kinds have no group: `pods`. */
  readonly resource: string;
  readonly kind: string;
  readonly namespace?: string;
  readonly name: string;
}

/** `deployments.apps shop/web` or `namespaces shop`: how messages name an object. */
export function describeReference(ref: {
  readonly resource: string;
  readonly namespace?: string;
  readonly name: string;
}): string {
  return ref.namespace === undefined
    ? `${ref.resource} ${ref.name}`
    : `${ref.resource} ${ref.namespace}/${ref.name}`;
}
