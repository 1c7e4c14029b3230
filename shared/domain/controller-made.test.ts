import { describe, expect, it } from 'vitest';
import { hasSelector, leftOutAlways, neverCreated, remakingOwner } from './controller-made.ts';
import type { KubeObject, OwnerReference } from './kube-object.ts';

function object(kind: string, metadata: object = {}, rest: object = {}): KubeObject {
  return {
    apiVersion: 'v1',
    kind,
    metadata: { name: 'x', namespace: 'shop', ...metadata },
    ...rest,
  };
}

function owner(kind: string, given: Partial<OwnerReference> = {}): OwnerReference {
  const apiVersion = ['Job', 'CronJob'].includes(kind) ? 'batch/v1' : 'apps/v1';
  return { apiVersion, kind, name: 'o', uid: 'u', controller: true, ...given };
}

describe('kinds that are never created', () => {
  it.each([
    'events',
    'events.events.k8s.io',
    'leases.coordination.k8s.io',
    'nodes',
    'csinodes.storage.k8s.io',
    'volumeattachments.storage.k8s.io',
    'controllerrevisions.apps',
    'ipaddresses.networking.k8s.io',
    'volumesnapshotcontents.snapshot.storage.k8s.io',
  ])('%s', (kind) => {
    expect(neverCreated(kind)).toMatch(/^owned_by:/);
  });

  it.each(['pods', 'deployments.apps', 'secrets', 'endpoints', 'events.example.com'])(
    'are not %s',
    (kind) => {
      expect(neverCreated(kind)).toBeUndefined();
    },
  );
});

describe('the owner that makes an object again', () => {
  it.each([
    ['Pod', owner('ReplicaSet')],
    ['Pod', owner('StatefulSet')],
    ['Pod', owner('DaemonSet')],
    ['Pod', owner('Job')],
    ['Pod', owner('ReplicationController', { apiVersion: 'v1' })],
    ['Pod', owner('Node', { apiVersion: 'v1' })],
    ['ReplicaSet', owner('Deployment')],
    ['Job', owner('CronJob')],
    ['EndpointSlice', owner('Service', { apiVersion: 'v1' })],
    ['PersistentVolumeClaim', owner('Pod', { apiVersion: 'v1' })],
  ])('of a %s is %o', (kind, ref) => {
    expect(remakingOwner(object(kind, { ownerReferences: [ref] }))).toEqual(ref);
  });

  it.each([
    ['a Pod without an owner', object('Pod')],
    ['a Pod of a custom kind', object('Pod', { ownerReferences: [owner('CloneSet')] })],
    [
      'a Pod of a StatefulSet of another group',
      object('Pod', {
        ownerReferences: [owner('StatefulSet', { apiVersion: 'apps.kruise.io/v1' })],
      }),
    ],
    [
      'a Pod whose owner does not control it',
      object('Pod', { ownerReferences: [owner('ReplicaSet', { controller: false })] }),
    ],
    [
      'a ConfigMap of a Deployment',
      object('ConfigMap', { ownerReferences: [owner('Deployment')] }),
    ],
    [
      'a Deployment of a Deployment',
      object('Deployment', { ownerReferences: [owner('Deployment')] }),
    ],
  ])('is none for %s', (_what, given) => {
    expect(remakingOwner(given)).toBeUndefined();
  });
});

const token = (name: string, account: string) =>
  object(
    'Secret',
    { name, annotations: { 'kubernetes.io/service-account.name': account } },
    { type: 'kubernetes.io/service-account-token' },
  );

describe('objects that stay out whatever their owners', () => {
  it.each([
    ['a pod that succeeded', object('Pod', {}, { status: { phase: 'Succeeded' } }), 'finished'],
    ['a pod that failed', object('Pod', {}, { status: { phase: 'Failed' } }), 'finished'],
    [
      'a mirror pod',
      object('Pod', { annotations: { 'kubernetes.io/config.mirror': 'h' } }),
      'owned_by:the kubelet',
    ],
    [
      'a job that completed',
      object('Job', {}, { status: { completionTime: '2026-01-01T00:00:00Z' } }),
      'finished',
    ],
    [
      'a job that failed',
      object('Job', {}, { status: { conditions: [{ type: 'Failed', status: 'True' }] } }),
      'finished',
    ],
    [
      'the certificate of the cluster',
      object('ConfigMap', { name: 'kube-root-ca.crt' }),
      'owned_by:root-ca-cert-publisher',
    ],
    [
      'a token made for an account',
      token('robot-token-abcde', 'robot'),
      'owned_by:ServiceAccount/robot',
    ],
    [
      'an APIService that the aggregator keeps',
      object('APIService', { labels: { 'kube-aggregator.kubernetes.io/automanaged': 'onstart' } }),
      'owned_by:kube-aggregator',
    ],
    [
      "the API server's own Service",
      object('Service', { namespace: 'default', name: 'kubernetes' }),
      'owned_by:the API server',
    ],
    [
      "a controller's EndpointSlice",
      object('EndpointSlice', {
        labels: {
          'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io',
          'kubernetes.io/service-name': 'web',
        },
      }),
      'owned_by:Service/web',
    ],
  ])('%s', (_what, given, reason) => {
    expect(leftOutAlways(given)).toBe(reason);
  });

  it.each([
    ['a running pod', object('Pod', {}, { status: { phase: 'Running' } })],
    ['a running job', object('Job', {}, { status: { active: 1 } })],
    [
      'a job whose failure is over',
      object('Job', {}, { status: { conditions: [{ type: 'Failed', status: 'False' }] } }),
    ],
    ['a ConfigMap of the user', object('ConfigMap', { name: 'kube-root-ca' })],
    ['a token that a user asked for', token('robot-token', 'robot')],
    ['a token named after another account', token('other-token-abcde', 'robot')],
    [
      'a Secret of the user with such a name',
      object('Secret', { name: 'robot-token-abcde' }, { type: 'Opaque' }),
    ],
    ['an APIService of the user', object('APIService')],
    ['a Service called kubernetes elsewhere', object('Service', { name: 'kubernetes' })],
    ['an EndpointSlice of the user', object('EndpointSlice')],
    [
      'an EndpointSlice of another controller',
      object('EndpointSlice', {
        labels: { 'endpointslice.kubernetes.io/managed-by': 'gateway.example.com' },
      }),
    ],
  ])('are not %s', (_what, given) => {
    expect(leftOutAlways(given)).toBeUndefined();
  });
});

describe('a Service', () => {
  it('fills its endpoints where it selects', () => {
    expect(hasSelector(object('Service', {}, { spec: { selector: { app: 'web' } } }))).toBe(true);
    expect(hasSelector(object('Service', {}, { spec: { selector: {} } }))).toBe(false);
    expect(hasSelector(object('Service', {}, { spec: {} }))).toBe(false);
  });
});
