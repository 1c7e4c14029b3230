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
  nodes: 'the node pool',
  'csinodes.storage.k8s.io': 'the kubelet',
  'volumeattachments.storage.k8s.io': 'the attach-detach controller',
  'csistoragecapacities.storage.k8s.io': 'the CSI driver',
  componentstatuses: 'the API server',
  'certificatesigningrequests.certificates.k8s.io': 'their requesters',
  'controllerrevisions.apps': 'their StatefulSet or DaemonSet',
  'volumesnapshots.snapshot.storage.k8s.io': 'the restore of volumes',
  'volumesnapshotcontents.snapshot.storage.k8s.io': 'the restore of volumes',
};

/** Children that their controller makes again, by child kind: the owner kinds that do. */
const REMADE: Readonly<Record<string, readonly string[]>> = {
  Pod: ['ReplicaSet', 'ReplicationController', 'StatefulSet', 'DaemonSet', 'Job'],
  ReplicaSet: ['Deployment'],
  Job: ['CronJob'],
  EndpointSlice: ['Service'],
};

/** Secrets that the token controller of old clusters made: `<account>-token-<5 letters>`. */
const TOKEN_NAME = /^(.+)-token-[a-z0-9]{5}$/;

/** Whether any object of this kind is ever created; decided before an object is read. */
export function neverCreated(groupResource: string): string | undefined {
  const maker = NEVER[groupResource];
  return maker === undefined ? undefined : `owned_by:${maker}`;
}

/** What a decision about one object needs to know of the rest. */
export interface OwnershipFacts {
  /** Whether this owner is created by this restore, or was in the target before it. */
  ownerComesBack(owner: OwnerReference, namespace: string | undefined): boolean;
  /** Whether the backup or the target has a Service of that name with a selector. */
  serviceSelects(namespace: string | undefined, name: string): boolean;
}

/** `owned_by:<owner>` or `finished` where the object must not be created; undefined where it may. */
export function leftOut(object: KubeObject, facts: OwnershipFacts): string | undefined {
  return (
    remadeByOwner(object, facts) ?? finished(object) ?? singular(object) ?? endpoints(object, facts)
  );
}

function remadeByOwner(object: KubeObject, facts: OwnershipFacts): string | undefined {
  const makers = REMADE[object.kind];
  const owner = object.metadata.ownerReferences?.find((o) => o.controller === true);
  if (owner === undefined) return undefined;
  if (object.kind === 'Pod' && owner.kind === 'Node') return ownedBy(owner);
  if (makers?.includes(owner.kind) !== true) return undefined;
  return facts.ownerComesBack(owner, object.metadata.namespace) ? ownedBy(owner) : undefined;
}

function ownedBy(owner: OwnerReference): string {
  return `owned_by:${owner.kind}/${owner.name}`;
}

function finished(object: KubeObject): string | undefined {
  if (object.kind === 'Pod') {
    const phase = textAt(object, 'status', 'phase');
    return phase === 'Succeeded' || phase === 'Failed' ? 'finished' : undefined;
  }
  if (object.kind !== 'Job') return undefined;
  return textAt(object, 'status', 'completionTime') === undefined ? undefined : 'finished';
}

function singular(object: KubeObject): string | undefined {
  const { name, annotations, labels } = object.metadata;
  switch (object.kind) {
    case 'ConfigMap':
      return name === 'kube-root-ca.crt' ? 'owned_by:root-ca-cert-publisher' : undefined;
    case 'Secret': {
      if (object.type !== 'kubernetes.io/service-account-token') return undefined;
      const account = annotations?.['kubernetes.io/service-account.name'];
      const made = TOKEN_NAME.exec(name)?.[1];
      return account !== undefined && made === account
        ? `owned_by:ServiceAccount/${account}`
        : undefined;
    }
    case 'APIService':
      return labels?.['kube-aggregator.kubernetes.io/automanaged'] === undefined
        ? undefined
        : 'owned_by:kube-aggregator';
    default:
      return undefined;
  }
}

function endpoints(object: KubeObject, facts: OwnershipFacts): string | undefined {
  const { name, namespace, labels } = object.metadata;
  if (object.kind === 'Endpoints') {
    return facts.serviceSelects(namespace, name) ? `owned_by:Service/${name}` : undefined;
  }
  if (object.kind !== 'EndpointSlice') return undefined;
  const manager = labels?.['endpointslice.kubernetes.io/managed-by'] ?? '';
  return /^endpointslice(mirroring)?-controller\.k8s\.io$/.test(manager)
    ? `owned_by:Service/${labels?.['kubernetes.io/service-name'] ?? name}`
    : undefined;
}

/** Whether a Service fills its endpoints by itself. */
export function hasSelector(service: KubeObject): boolean {
  return Object.keys(objectAt(service, 'spec', 'selector') ?? {}).length > 0;
}
