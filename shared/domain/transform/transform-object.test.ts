import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../json.ts';
import type { KubeObject } from '../kube-object.ts';
import { type TransformOptions, transformObject } from './transform-object.ts';

const OPTIONS: TransformOptions = {
  namespaceMapping: {},
  imageRules: [],
  preserveNodePorts: undefined,
  volumeName: (name) => name,
};

const API_VERSIONS: Readonly<Record<string, string>> = {
  Job: 'batch/v1',
  CustomResourceDefinition: 'apiextensions.k8s.io/v1',
};

function object(kind: string, rest: JsonObject = {}, metadata: JsonObject = {}): KubeObject {
  const apiVersion = API_VERSIONS[kind] ?? 'v1';
  return { apiVersion, kind, metadata: { name: 'x', ...metadata }, ...rest };
}

function transformed(given: KubeObject, options: Partial<TransformOptions> = {}) {
  const changes = transformObject(given, { ...OPTIONS, ...options });
  return { object: given, changes };
}

describe('every object', () => {
  it('loses identity, history and status, and keeps what users wrote', () => {
    const { object: result, changes } = transformed(
      object(
        'ConfigMap',
        { data: { a: '1' }, status: { x: 1 } },
        {
          namespace: 'shop',
          uid: 'u',
          resourceVersion: '1',
          generation: 3,
          creationTimestamp: 't',
          deletionTimestamp: 't',
          deletionGracePeriodSeconds: 1,
          selfLink: '/',
          managedFields: [{}],
          ownerReferences: [{ uid: 'old' }],
          generateName: 'x-',
          labels: { a: 'b' },
          annotations: { note: 'kept' },
          finalizers: ['example.com/mine'],
        },
      ),
    );
    expect(result).toEqual(
      object(
        'ConfigMap',
        { data: { a: '1' } },
        {
          namespace: 'shop',
          labels: { a: 'b' },
          annotations: { note: 'kept' },
          finalizers: ['example.com/mine'],
        },
      ),
    );
    expect(changes).toEqual([]);
  });

  it.each([
    'kubernetes.io/pv-protection',
    'kubernetes.io/pvc-protection',
    'external-attacher/diskplugin-csi-alibabacloud-com',
    'external-provisioner.volume.kubernetes.io/finalizer',
    'service.kubernetes.io/load-balancer-cleanup',
    'service.k8s.alibaba/resources',
    'customresourcecleanup.apiextensions.k8s.io',
    'batch.kubernetes.io/job-tracking',
    'foregroundDeletion',
  ])('loses the finalizer %s, which a controller adds by itself', (finalizer) => {
    const { object: result } = transformed(object('X', {}, { finalizers: [finalizer, 'a.b/c'] }));
    expect(result.metadata.finalizers).toEqual(['a.b/c']);
  });

  it.each([
    'deployment.kubernetes.io/revision',
    'deprecated.daemonset.template.generation',
    'autoscaling.alpha.kubernetes.io/conditions',
    'pv.kubernetes.io/bind-completed',
    'pv.kubernetes.io/bound-by-controller',
    'volume.beta.kubernetes.io/storage-provisioner',
    'volume.kubernetes.io/storage-provisioner',
    'volume.kubernetes.io/selected-node',
    'kubernetes.io/service-account.uid',
    'control-plane.alpha.kubernetes.io/leader',
  ])('loses the annotation %s, which a controller wrote for itself', (annotation) => {
    const annotations = { [annotation]: 'x', 'example.com/note': 'y' };
    const { object: result } = transformed(object('X', {}, { annotations }));
    expect(result.metadata.annotations).toEqual({ 'example.com/note': 'y' });
  });

  it('has namespaces and images mapped', () => {
    const { object: result, changes } = transformed(
      object(
        'Pod',
        { spec: { containers: [{ name: 'a', image: 'nginx' }] } },
        { namespace: 'shop' },
      ),
      {
        namespaceMapping: { shop: 'shop2' },
        imageRules: [{ from: 'docker.io/library', to: 'r.example.com/l' }],
      },
    );
    expect(result.metadata.namespace).toBe('shop2');
    expect(changes).toEqual([
      'namespace: shop -> shop2',
      'image of a: nginx -> r.example.com/l/nginx',
    ]);
  });
});

describe('a Namespace', () => {
  it('loses its spec: the finalizer is the server’s', () => {
    const { object: result } = transformed(object('Namespace', { spec: { finalizers: ['k'] } }));
    expect(result.spec).toBeUndefined();
  });
});

describe('a Pod', () => {
  const pod = (spec: JsonObject, metadata: JsonObject = {}) =>
    transformed(object('Pod', { spec }, metadata)).object;

  it('loses its node, computed fields and debugging containers', () => {
    const result = pod({
      nodeName: 'n1',
      priority: 7,
      preemptionPolicy: 'Never',
      priorityClassName: 'high',
      ephemeralContainers: [{ name: 'debug' }],
      nodeSelector: { zone: 'a' },
    });
    expect(result.spec).toEqual({ priorityClassName: 'high', nodeSelector: { zone: 'a' } });
  });

  it.each([
    [{ runtimeClassName: 'gvisor', overhead: { cpu: '1' } }, { runtimeClassName: 'gvisor' }],
    [{ overhead: { cpu: '1' } }, { overhead: { cpu: '1' } }],
  ])('loses the overhead that its runtime class computes: %o', (spec, expected) => {
    expect(pod(spec).spec).toEqual(expected);
  });

  it('loses the volumes and mounts of its account’s token', () => {
    const result = pod({
      serviceAccountName: 'robot',
      volumes: [{ name: 'kube-api-access-ab1cd' }, { name: 'robot-token-xyz12' }, { name: 'data' }],
      containers: [
        { name: 'a', volumeMounts: [{ name: 'kube-api-access-ab1cd' }, { name: 'data' }] },
      ],
      initContainers: [{ name: 'i', volumeMounts: [{ name: 'robot-token-xyz12' }] }],
    });
    expect(result.spec).toEqual({
      serviceAccountName: 'robot',
      volumes: [{ name: 'data' }],
      containers: [{ name: 'a', volumeMounts: [{ name: 'data' }] }],
      initContainers: [{ name: 'i' }],
    });
  });

  it.each(['kube-api-access', 'kube-api-access-of-mine', 'other-token-xyz12'])(
    'keeps the volume %s',
    (name) => {
      const spec = { serviceAccountName: 'robot', volumes: [{ name }] };
      expect(pod({ ...spec }).spec).toEqual(spec);
    },
  );

  it.each([
    'cni.projectcalico.org/podIP',
    'k8s.v1.cni.cncf.io/network-status',
    'k8s.ovn.org/pod-networks',
    'k8s.aliyun.com/pod-ips',
  ])('loses the network annotation %s', (annotation) => {
    expect(pod({}, { annotations: { [annotation]: 'x' } }).metadata.annotations).toBeUndefined();
  });
});

describe('a Job', () => {
  const labels = () => ({
    'controller-uid': 'u',
    'batch.kubernetes.io/controller-uid': 'u',
    'job-name': 'x',
    'batch.kubernetes.io/job-name': 'x',
    app: 'web',
  });

  it('loses selector and labels that were made of its UID', () => {
    const spec = {
      selector: { matchLabels: { 'controller-uid': 'u' } },
      template: { metadata: { labels: labels() } },
    };
    const result = transformed(object('Job', { spec }, { labels: labels() })).object;
    expect(result.spec).toEqual({ template: { metadata: { labels: { app: 'web' } } } });
    expect(result.metadata.labels).toEqual({ app: 'web' });
  });

  it('keeps a selector of the user', () => {
    const spec = { manualSelector: true, selector: { matchLabels: { app: 'web' } } };
    expect(transformed(object('Job', { spec: { ...spec } })).object.spec).toEqual(spec);
  });
});

describe('accounts and secrets', () => {
  it('lose what the token controller made', () => {
    const secrets = [
      { name: 'x-token-abcde' },
      { name: 'x-dockercfg-abcde' },
      { name: 'x-token-mine' },
      { name: 'x-token-github' },
      { name: 'pull' },
    ];
    const result = transformed(object('ServiceAccount', { secrets })).object;
    expect(result.secrets).toEqual([
      { name: 'x-token-mine' },
      { name: 'x-token-github' },
      { name: 'pull' },
    ]);
  });

  it('have a token filled in anew', () => {
    const { object: result, changes } = transformed(
      object(
        'Secret',
        {
          type: 'kubernetes.io/service-account-token',
          data: { token: 't', 'ca.crt': 'c', namespace: 'n', extra: 'e' },
        },
        {
          annotations: {
            'kubernetes.io/service-account.name': 'a',
            'kubernetes.io/service-account.uid': 'u',
          },
        },
      ),
    );
    expect(result.data).toEqual({ extra: 'e' });
    expect(result.metadata.annotations).toEqual({ 'kubernetes.io/service-account.name': 'a' });
    expect(changes).toEqual([
      'token of the service account: given anew',
      'annotation kubernetes.io/service-account.uid: left off',
    ]);
  });

  it('keep the data of other secrets', () => {
    const data = { token: 't' };
    expect(transformed(object('Secret', { type: 'Opaque', data })).object.data).toEqual(data);
  });
});

describe('volumes', () => {
  it('come back static and retained, bound to the claim by its name', () => {
    const { object: result, changes } = transformed(
      object('PersistentVolume', {
        spec: {
          persistentVolumeReclaimPolicy: 'Delete',
          claimRef: { namespace: 'shop', name: 'data', uid: 'u', resourceVersion: '1' },
          csi: { driver: 'd', volumeHandle: 'd-1' },
        },
      }),
    );
    expect(result.spec).toEqual({
      persistentVolumeReclaimPolicy: 'Retain',
      claimRef: { namespace: 'shop', name: 'data' },
      csi: { driver: 'd', volumeHandle: 'd-1' },
    });
    expect(changes).toEqual([
      'claimRef: bound anew, by its name',
      'reclaim policy: Delete -> Retain, the volume is on the storage it was on',
    ]);
  });

  it('that are retained already are no change', () => {
    const spec = { persistentVolumeReclaimPolicy: 'Retain' };
    expect(transformed(object('PersistentVolume', { spec })).changes).toEqual([]);
  });

  const claim = (spec: JsonObject, volumeName: TransformOptions['volumeName']) =>
    transformed(object('PersistentVolumeClaim', { spec }), { volumeName });

  it.each([
    ['the volume that came back', (name: string) => name, { volumeName: 'pv1' }, []],
    ['it under its new name', () => 'pv2', { volumeName: 'pv2' }, ['volume: pv1 -> pv2']],
    [
      'no volume where none came',
      () => undefined,
      {},
      ['volume pv1: not restored, a new one is provisioned'],
    ],
  ])('are claimed: a claim names %s', (_what, volumeName, spec, changes) => {
    const result = claim({ volumeName: 'pv1' }, volumeName);
    expect(result.object.spec).toEqual(spec);
    expect(result.changes).toEqual(changes);
  });

  it.each([
    ['VolumeSnapshot', {}, ['data source: VolumeSnapshot is not restored']],
    ['PersistentVolumeClaim', { dataSource: { kind: 'PersistentVolumeClaim', name: 's' } }, []],
  ])('are not filled from a source that does not come back: %s', (kind, spec, changes) => {
    const result = claim({ dataSource: { kind, name: 's' } }, () => undefined);
    expect(result.object.spec).toEqual(spec);
    expect(result.changes).toEqual(changes);
  });
});

describe('a definition', () => {
  it('keeps unknown fields by its schema', () => {
    const { object: result, changes } = transformed(
      object('CustomResourceDefinition', {
        spec: {
          preserveUnknownFields: true,
          versions: [{ name: 'v1', schema: { openAPIV3Schema: { type: 'object' } } }],
        },
      }),
    );
    expect(result.spec).toEqual({
      versions: [
        {
          name: 'v1',
          schema: {
            openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
          },
        },
      ],
    });
    expect(changes).toEqual(['preserveUnknownFields: moved into the schema']);
  });

  it('that prunes stays as it is', () => {
    const spec = { preserveUnknownFields: false, versions: [] };
    expect(transformed(object('CustomResourceDefinition', { spec })).object.spec).toEqual(spec);
  });
});

describe('endpoints of the user', () => {
  it('lose the identity of what they point to', () => {
    const targetRef = { kind: 'Pod', name: 'p', uid: 'u', resourceVersion: '1' };
    const { object: result } = transformed(
      object('Endpoints', { subsets: [{ addresses: [{ ip: '10.0.0.1', targetRef }] }] }),
    );
    expect(result.subsets).toEqual([
      { addresses: [{ ip: '10.0.0.1', targetRef: { kind: 'Pod', name: 'p' } }] },
    ]);
  });
});
