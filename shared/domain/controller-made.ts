/**
 * What a restore does not create because a controller makes it again. Bringing such objects back means
 * stale state, duplicates, or children that the garbage collector removes a moment later.
 */
import { objectAt, textAt } from './json.ts';
import type { KubeObject, OwnerReference } from './kube-object.ts';

/** Kinds that are never created, with the one that makes them. */
const NEVER: Readonly<Record<string, string>> = {
  events: 'the reporting components',
  'events.events.k8s.io': 'the reporting components',
  'leases.coordination.k8s.io': 'their holders',
  'leasecandidates.coordination.k8s.io': 'their holders',
  nodes: 'the node pool',
  'csinodes.storage.k8s.io': 'the kubelet',
  'volumeattachments.storage.k8s.io': 'the attach-detach controller',
  'csistoragecapacities.storage.k8s.io': 'the CSI driver',
  'resourceslices.resource.k8s.io': 'the resource driver',
  'ipaddresses.networking.k8s.io': 'their Service',
  componentstatuses: 'the API server',
  'certificatesigningrequests.certificates.k8s.io': 'their requesters',
  'controllerrevisions.apps': 'their StatefulSet or DaemonSet',
  'volumesnapshots.snapshot.storage.k8s.io': 'the restore of volumes',
  'volumesnapshotcontents.snapshot.storage.k8s.io': 'the restore of volumes',
};

/** Children that their controller makes again, by child kind: the owner kinds that do. */
const REMADE: Readonly<Record<string, readonly string[]>> = {
  Pod: ['ReplicaSet', 'ReplicationController', 'StatefulSet', 'DaemonSet', 'Job', 'Node'],
  ReplicaSet: ['Deployment'],
  Job: ['CronJob'],
  EndpointSlice: ['Service'],
  // Claims of ephemeral volumes: the pod's own claim would keep its successor from starting.
  PersistentVolumeClaim: ['Pod'],
};

/** API groups of the makers; a custom Deployment of another group makes nothing. */
const MAKER_VERSIONS = /^(v1|(apps|batch|extensions)\/\w+)$/;

/** Secrets that the token controller of old clusters made: `<account>-token-<5 letters>`. */
const TOKEN_NAME = /^(.+)-token-[a-z0-9]{5}$/;

const MIRROR_ANNOTATION = 'kubernetes.io/config.mirror';

/** Objects that the publishers of certificates write into every namespace. */
const PUBLISHED: Readonly<Record<string, string>> = {
  'kube-root-ca.crt': 'owned_by:root-ca-cert-publisher',
  'openshift-service-ca.crt': 'owned_by:service-ca-operator',
};

/** Whether any object of this kind is ever created; decided before an object is read. */
export function neverCreated(groupResource: string): string | undefined {
  const maker = NEVER[groupResource];
  return maker === undefined ? undefined : `owned_by:${maker}`;
}

/** The owner that makes this object again by itself, undefined where no controller does. */
export function remakingOwner(
  object: Pick<KubeObject, 'kind' | 'metadata'>,
): OwnerReference | undefined {
  const owner = object.metadata.ownerReferences?.find((o) => o.controller === true);
  if (owner === undefined || !MAKER_VERSIONS.test(owner.apiVersion)) return undefined;
  return REMADE[object.kind]?.includes(owner.kind) === true ? owner : undefined;
}

/** `owned_by:<kind>/<name>` */
export function ownedBy(owner: Pick<OwnerReference, 'kind' | 'name'>): string {
  return `owned_by:${owner.kind}/${owner.name}`;
}

/**
 * Why an object stays out whatever becomes of its owners: `owned_by:<maker>` or `finished`; undefined
 * where it may come back.
 */
export function leftOutAlways(object: KubeObject): string | undefined {
  const { name, namespace, annotations, labels } = object.metadata;
  switch (object.kind) {
    case 'Pod':
      return isMirror(object) ? 'owned_by:the kubelet' : finishedPod(object);
    case 'Job':
      return finishedJob(object);
    case 'ConfigMap':
      return PUBLISHED[name];
    case 'Secret':
      return object.type === 'kubernetes.io/service-account-token'
        ? madeToken(name, annotations)
        : undefined;
    case 'APIService':
      return labels?.['kube-aggregator.kubernetes.io/automanaged'] === undefined
        ? undefined
        : 'owned_by:kube-aggregator';
    case 'Service':
    case 'Endpoints':
      return isApiServer(namespace, name) ? 'owned_by:the API server' : undefined;
    case 'EndpointSlice':
      return isApiServer(namespace, name) ? 'owned_by:the API server' : managedSlice(object);
    default:
      return undefined;
  }
}

/** The API server keeps its own Service and endpoints in `default`. */
function isApiServer(namespace: string | undefined, name: string): boolean {
  return namespace === 'default' && name === 'kubernetes';
}

function isMirror(pod: KubeObject): boolean {
  return pod.metadata.annotations?.[MIRROR_ANNOTATION] !== undefined;
}

function finishedPod(pod: KubeObject): string | undefined {
  const phase = textAt(pod, 'status', 'phase');
  return phase === 'Succeeded' || phase === 'Failed' ? 'finished' : undefined;
}

/** A failed Job has no completion time, only a condition. */
function finishedJob(job: KubeObject): string | undefined {
  if (textAt(job, 'status', 'completionTime') !== undefined) return 'finished';
  const conditions = objectAt(job, 'status')?.conditions;
  const failed =
    Array.isArray(conditions) &&
    conditions.some((c) => textAt(c, 'type') === 'Failed' && textAt(c, 'status') === 'True');
  return failed ? 'finished' : undefined;
}

function madeToken(
  name: string,
  annotations: Readonly<Record<string, string>> | undefined,
): string | undefined {
  const account = annotations?.['kubernetes.io/service-account.name'];
  const made = account !== undefined && TOKEN_NAME.exec(name)?.[1] === account;
  return made ? `owned_by:ServiceAccount/${account}` : undefined;
}

function managedSlice(slice: KubeObject): string | undefined {
  const { labels, name } = slice.metadata;
  const manager = labels?.['endpointslice.kubernetes.io/managed-by'] ?? '';
  return /^endpointslice(mirroring)?-controller\.k8s\.io$/.test(manager)
    ? `owned_by:Service/${labels?.['kubernetes.io/service-name'] ?? name}`
    : undefined;
}

/** Whether a Service fills its endpoints by itself. */
export function hasSelector(service: KubeObject): boolean {
  return Object.keys(objectAt(service, 'spec', 'selector') ?? {}).length > 0;
}
