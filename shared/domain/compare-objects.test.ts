import { describe, expect, it } from 'vitest';
import { isSameObject } from './compare-objects.ts';
import type { JsonObject } from './json.ts';
import type { KubeObject } from './kube-object.ts';

function object(kind: string, rest: JsonObject = {}, metadata: JsonObject = {}): KubeObject {
  return { apiVersion: 'v1', kind, metadata: { name: 'x', ...metadata }, ...rest };
}

/** Pairs of what a restore wants and what it finds. */
type Pair = readonly [what: string, wanted: KubeObject, existing: KubeObject];

const EQUAL: readonly Pair[] = [
  [
    'identity, status and managed fields',
    object('ConfigMap', { data: { a: '1' } }),
    object(
      'ConfigMap',
      { data: { a: '1' }, status: {} },
      { uid: 'u', resourceVersion: '9', managedFields: [{}], creationTimestamp: 't' },
    ),
  ],
  ['the order of fields', object('X', { a: 1, b: 2 }), object('X', { b: 2, a: 1 })],
  ['absent and empty', object('X', { data: {} }), object('X', { list: [], other: null })],
  [
    'a cluster address and ports that the target gave',
    object('Service', { spec: { ports: [{ port: 80 }] } }),
    object('Service', {
      spec: {
        clusterIP: '10.0.0.9',
        clusterIPs: ['10.0.0.9'],
        ports: [{ port: 80, nodePort: 30001 }],
      },
    }),
  ],
  [
    'the volume that a claim was bound to',
    object('PersistentVolumeClaim', { spec: { storageClassName: 'a' } }),
    object(
      'PersistentVolumeClaim',
      { spec: { storageClassName: 'a', volumeName: 'pv-9' } },
      {
        annotations: { 'pv.kubernetes.io/bind-completed': 'yes' },
        finalizers: ['kubernetes.io/pvc-protection'],
      },
    ),
  ],
  [
    'the binding of a volume, and Delete where the restore would retain',
    object('PersistentVolume', {
      spec: { persistentVolumeReclaimPolicy: 'Retain', claimRef: { name: 'd' } },
    }),
    object('PersistentVolume', {
      spec: { persistentVolumeReclaimPolicy: 'Delete', claimRef: { name: 'd', uid: 'u' } },
    }),
  ],
  [
    'a node, a token and tolerations that a pod was given',
    object('Pod', { spec: { containers: [{ name: 'a' }] } }),
    object('Pod', {
      spec: {
        nodeName: 'n1',
        priority: 0,
        volumes: [{ name: 'kube-api-access-abcde' }],
        containers: [{ name: 'a', volumeMounts: [{ name: 'kube-api-access-abcde' }] }],
        tolerations: [{ key: 'node.kubernetes.io/not-ready' }],
      },
    }),
  ],
  [
    'the label that names a namespace',
    object('Namespace'),
    object(
      'Namespace',
      { spec: { finalizers: ['kubernetes'] } },
      {
        labels: { 'kubernetes.io/metadata.name': 'x' },
      },
    ),
  ],
  [
    'the revision of a Deployment',
    object('Deployment', { spec: { replicas: 2 } }),
    object(
      'Deployment',
      { spec: { replicas: 2 } },
      {
        annotations: { 'deployment.kubernetes.io/revision': '4' },
      },
    ),
  ],
  [
    'a certificate that was injected into a webhook',
    object('MutatingWebhookConfiguration', { webhooks: [{ name: 'w', clientConfig: {} }] }),
    object('MutatingWebhookConfiguration', {
      webhooks: [{ name: 'w', clientConfig: { caBundle: 'x' } }],
    }),
  ],
  [
    'a number that was kept as text',
    object('X', { spec: { n: { isLosslessNumber: true, value: '1' } } }),
    object('X', { spec: { n: 1 } }),
  ],
];

const DIFFERENT: readonly Pair[] = [
  ['data', object('ConfigMap', { data: { a: '1' } }), object('ConfigMap', { data: { a: '2' } })],
  ['a label', object('X'), object('X', {}, { labels: { a: 'b' } })],
  ['an annotation', object('X', {}, { annotations: { a: 'b' } }), object('X')],
  [
    'replicas',
    object('Deployment', { spec: { replicas: 2 } }),
    object('Deployment', { spec: { replicas: 3 } }),
  ],
  ['the order of a list', object('X', { list: [1, 2] }), object('X', { list: [2, 1] })],
  ['a number and its text', object('X', { spec: { n: 1 } }), object('X', { spec: { n: '1' } })],
  [
    'a large number in its last digit',
    object('X', { spec: { n: { isLosslessNumber: true, value: '9007199254740993' } } }),
    object('X', { spec: { n: { isLosslessNumber: true, value: '9007199254740992' } } }),
  ],
  [
    'the storage of a volume',
    object('PersistentVolume', { spec: { csi: { volumeHandle: 'd-1' } } }),
    object('PersistentVolume', { spec: { csi: { volumeHandle: 'd-2' } } }),
  ],
  [
    'the port of a Service',
    object('Service', { spec: { ports: [{ port: 80 }] } }),
    object('Service', { spec: { ports: [{ port: 81 }] } }),
  ],
  ['false and absent', object('X', { spec: { a: false } }), object('X', { spec: {} })],
];

describe('an object in the target is the same', () => {
  it.each(EQUAL)('whatever its %s', (_what, wanted, existing) => {
    const before = structuredClone([wanted, existing]);
    expect(isSameObject(wanted, existing)).toBe(true);
    expect([wanted, existing]).toEqual(before);
  });

  it.each(DIFFERENT)('unless it differs in %s', (_what, wanted, existing) => {
    expect(isSameObject(wanted, existing)).toBe(false);
  });
});
