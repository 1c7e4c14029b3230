/** What every Kubernetes object has, and how kinds are addressed. */

/** A link from a dependent to what owns it. */
export interface OwnerReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly controller?: boolean;
  readonly blockOwnerDeletion?: boolean;
}

/** Metadata as the API server sends it. */
interface ObjectMeta {
  readonly name: string;
  readonly namespace?: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly generation?: number;
  readonly creationTimestamp: string;
  readonly deletionTimestamp?: string;
  readonly deletionGracePeriodSeconds?: number;
  readonly labels?: Labels;
  readonly annotations?: Labels;
  readonly ownerReferences?: readonly OwnerReference[];
  readonly finalizers?: readonly string[];
}

/** Labels, annotations and other string maps. */
export type Labels = Readonly<Record<string, string>>;

/** Any object of the API; kinds add their fields. */
export interface KubeObject {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: ObjectMeta;
}

/** How a kind is addressed. `trim` drops what no controller reads, to keep caches small. */
export interface ResourceKind<T extends KubeObject> {
  readonly apiVersion: string;
  readonly kind: string;
  readonly plural: string;
  /** Asks the server for these objects only; a server may ignore it. */
  readonly fieldSelector?: string;
  trim?(object: T): T;
}

/** A condition of a status. */
export interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason?: string;
  readonly message?: string;
  readonly lastTransitionTime?: string;
  readonly lastUpdateTime?: string;
  readonly lastProbeTime?: string | null;
  readonly observedGeneration?: number;
}

/** A LabelSelector; an empty one selects everything, an absent one nothing. */
export interface LabelSelector {
  readonly matchLabels?: Labels;
  readonly matchExpressions?: readonly SelectorRequirement[];
}

/** One term of a label or node selector. */
export interface SelectorRequirement {
  readonly key: string;
  readonly operator: string;
  readonly values?: readonly string[];
}

/** A reference to an object, as `claimRef` and `targetRef` hold it. */
export interface ObjectReference {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly namespace?: string;
  readonly name?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
}

/** A namespace. */
export interface Namespace extends KubeObject {
  readonly status?: { readonly phase?: string };
}

/** A service account. */
export type ServiceAccount = KubeObject;

/** A ConfigMap whose values are of no interest: which keys it has is. */
export interface ConfigMap extends KubeObject {
  readonly data?: Labels;
  readonly binaryData?: Labels;
}

/** A Secret. */
export interface Secret extends KubeObject {
  readonly type?: string;
  readonly data?: Labels;
}

/** Keys are all that pods need to know of a ConfigMap; values may be large. */
export const configMaps: ResourceKind<ConfigMap> = {
  apiVersion: 'v1',
  kind: 'ConfigMap',
  plural: 'configmaps',
  trim: (map) => ({
    metadata: map.metadata,
    data: withoutValues({ ...map.data, ...map.binaryData }),
  }),
};

/** All Secrets, without their values. */
export const secrets: ResourceKind<Secret> = {
  apiVersion: 'v1',
  kind: 'Secret',
  plural: 'secrets',
  trim: (secret) => ({ metadata: secret.metadata, data: withoutValues(secret.data ?? {}) }),
};

/** The Secrets that hold a service account's token, without their values. */
export const tokenSecrets: ResourceKind<Secret> = {
  apiVersion: 'v1',
  kind: 'Secret',
  plural: 'secrets',
  fieldSelector: 'type=kubernetes.io/service-account-token',
  trim: (secret) => ({
    metadata: secret.metadata,
    type: secret.type ?? '',
    data: withoutValues(secret.data ?? {}),
  }),
};

export const serviceAccounts: ResourceKind<ServiceAccount> = {
  apiVersion: 'v1',
  kind: 'ServiceAccount',
  plural: 'serviceaccounts',
};

/** The unique name of an object within its kind: `namespace/name`, or `name`. */
export function keyOf(object: KubeObject): string {
  return keyFor(object.metadata.namespace, object.metadata.name);
}

/** `namespace/name`, or `name` for what has no namespace. */
export function keyFor(namespace: string | undefined, name: string): string {
  return namespace === undefined ? name : `${namespace}/${name}`;
}

/** The key taken apart again. */
export function nameOf(key: string): { namespace?: string; name: string } {
  const slash = key.indexOf('/');
  if (slash < 0) return { name: key };
  return { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}

/** Seconds-precise RFC 3339, as `metav1.Time` is written. */
export function timestamp(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

function withoutValues(map: Labels): Labels {
  return Object.fromEntries(Object.keys(map).map((key) => [key, '']));
}
