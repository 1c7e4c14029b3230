import { describe, expect, it } from 'vitest';
import type { JsonObject } from './json.ts';
import { type Captured, followsRule, namesOthers, placeWants, wantsOf } from './relations.ts';

const named = (resource: string, object: JsonObject) =>
  wantsOf(resource, object, 'shop').map((w) =>
    [w.rule, w.resource, w.namespace === undefined ? w.name : `${w.namespace}/${w.name}`].join(' '),
  );

const podSpec = {
  serviceAccountName: 'runner',
  priorityClassName: 'high',
  runtimeClassName: 'sandboxed',
  imagePullSecrets: [{ name: 'registry' }],
  volumes: [
    { name: 'a', persistentVolumeClaim: { claimName: 'data' } },
    { name: 'b', configMap: { name: 'settings' } },
    { name: 'c', secret: { secretName: 'tls' } },
    {
      name: 'd',
      projected: { sources: [{ configMap: { name: 'ca' } }, { secret: { name: 'token' } }] },
    },
    { name: 'e', csi: { driver: 'x', nodePublishSecretRef: { name: 'mount' } } },
    { name: 'f', cephfs: { secretRef: { name: 'ceph' } } },
    { name: 'g', emptyDir: {} },
  ],
  initContainers: [{ name: 'i', envFrom: [{ configMapRef: { name: 'init' } }] }],
  containers: [
    {
      name: 'c',
      envFrom: [{ secretRef: { name: 'env' } }],
      env: [
        { name: 'A', valueFrom: { configMapKeyRef: { name: 'one', key: 'k' } } },
        { name: 'B', valueFrom: { secretKeyRef: { name: 'two', key: 'k' } } },
        { name: 'C', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
        { name: 'D', value: 'plain' },
      ],
    },
  ],
};

const podNames = [
  'claim persistentvolumeclaims shop/data',
  'config-map configmaps shop/ca',
  'config-map configmaps shop/init',
  'config-map configmaps shop/one',
  'config-map configmaps shop/settings',
  'priority-class priorityclasses.scheduling.k8s.io high',
  'runtime-class runtimeclasses.node.k8s.io sandboxed',
  'secret secrets shop/ceph',
  'secret secrets shop/env',
  'secret secrets shop/mount',
  'secret secrets shop/registry',
  'secret secrets shop/tls',
  'secret secrets shop/token',
  'secret secrets shop/two',
  'service-account serviceaccounts shop/runner',
];

describe('names inside an object', () => {
  it.each([
    ['pods', { kind: 'Pod', spec: podSpec }],
    ['deployments.apps', { kind: 'Deployment', spec: { template: { spec: podSpec } } }],
    ['jobs.batch', { kind: 'Job', spec: { template: { spec: podSpec } } }],
    [
      'cronjobs.batch',
      { kind: 'CronJob', spec: { jobTemplate: { spec: { template: { spec: podSpec } } } } },
    ],
    ['podtemplates', { kind: 'PodTemplate', template: { spec: podSpec } }],
  ])('of the pod in %s are all found', (resource, object) => {
    expect(named(resource, object).sort()).toEqual(podNames);
  });

  it.each<[string, string, JsonObject, readonly string[]]>([
    ['a pod without references', 'pods', { kind: 'Pod', spec: { containers: [{}] } }, []],
    [
      'a StatefulSet: its service, its claims by ordinal and their class',
      'statefulsets.apps',
      {
        kind: 'StatefulSet',
        metadata: { name: 'db' },
        spec: {
          serviceName: 'db-headless',
          template: { spec: {} },
          volumeClaimTemplates: [
            { metadata: { name: 'data' }, spec: { storageClassName: 'disk' } },
          ],
        },
      },
      [
        'service services shop/db-headless',
        'claim persistentvolumeclaims shop/data-db-#',
        'storage-class storageclasses.storage.k8s.io disk',
      ],
    ],
    [
      'a bound claim: its volume and class',
      'persistentvolumeclaims',
      { spec: { volumeName: 'pv-1', storageClassName: 'disk' } },
      ['volume persistentvolumes pv-1', 'storage-class storageclasses.storage.k8s.io disk'],
    ],
    [
      'a claim from a snapshot',
      'persistentvolumeclaims',
      { spec: { dataSource: { kind: 'VolumeSnapshot', name: 'snap' } } },
      ['snapshot volumesnapshots.snapshot.storage.k8s.io shop/snap'],
    ],
    ['an unbound claim of the default class', 'persistentvolumeclaims', { spec: {} }, []],
    [
      'a volume: its class, and the Secrets it is mounted with',
      'persistentvolumes',
      {
        spec: {
          storageClassName: 'disk',
          csi: { nodePublishSecretRef: { namespace: 'shop', name: 'oss' } },
        },
      },
      ['storage-class storageclasses.storage.k8s.io disk', 'secret secrets shop/oss'],
    ],
    [
      'a volume with its class in the old annotation',
      'persistentvolumes',
      { metadata: { annotations: { 'volume.beta.kubernetes.io/storage-class': 'old' } }, spec: {} },
      ['storage-class storageclasses.storage.k8s.io old'],
    ],
    [
      'a ServiceAccount: its Secrets',
      'serviceaccounts',
      { secrets: [{ name: 'token' }], imagePullSecrets: [{ name: 'registry' }] },
      ['secret secrets shop/token', 'secret secrets shop/registry'],
    ],
    [
      'a snapshot: claim, content and class',
      'volumesnapshots.snapshot.storage.k8s.io',
      {
        spec: { source: { persistentVolumeClaimName: 'data' }, volumeSnapshotClassName: 'fast' },
        status: { boundVolumeSnapshotContentName: 'content-1' },
      },
      [
        'claim persistentvolumeclaims shop/data',
        'snapshot-content volumesnapshotcontents.snapshot.storage.k8s.io content-1',
        'snapshot-class volumesnapshotclasses.snapshot.storage.k8s.io fast',
      ],
    ],
    [
      'a snapshot’s content: its class',
      'volumesnapshotcontents.snapshot.storage.k8s.io',
      { spec: { volumeSnapshotClassName: 'fast' } },
      ['snapshot-class volumesnapshotclasses.snapshot.storage.k8s.io fast'],
    ],
    [
      'a ClusterRoleBinding: its role',
      'clusterrolebindings.rbac.authorization.k8s.io',
      { roleRef: { kind: 'ClusterRole', name: 'reader' } },
      ['cluster-role clusterroles.rbac.authorization.k8s.io reader'],
    ],
    [
      'a RoleBinding to a Role',
      'rolebindings.rbac.authorization.k8s.io',
      { roleRef: { kind: 'Role', name: 'reader' } },
      ['role roles.rbac.authorization.k8s.io shop/reader'],
    ],
    [
      'a RoleBinding to a ClusterRole',
      'rolebindings.rbac.authorization.k8s.io',
      { roleRef: { kind: 'ClusterRole', name: 'view' } },
      ['cluster-role clusterroles.rbac.authorization.k8s.io view'],
    ],
    [
      'an Ingress: class, certificate and services',
      'ingresses.networking.k8s.io',
      {
        spec: {
          ingressClassName: 'nginx',
          tls: [{ secretName: 'cert' }],
          defaultBackend: { service: { name: 'fallback' } },
          rules: [{ http: { paths: [{ backend: { service: { name: 'web' } } }] } }],
        },
      },
      [
        'ingress-class ingressclasses.networking.k8s.io nginx',
        'secret secrets shop/cert',
        'service services shop/fallback',
        'service services shop/web',
      ],
    ],
    [
      'an Ingress with its class in the annotation',
      'ingresses.networking.k8s.io',
      { metadata: { annotations: { 'kubernetes.io/ingress.class': 'alb' } }, spec: {} },
      ['ingress-class ingressclasses.networking.k8s.io alb'],
    ],
    [
      'an autoscaler: what it scales',
      'horizontalpodautoscalers.autoscaling',
      { spec: { scaleTargetRef: { kind: 'Deployment', name: 'web' } } },
      ['scale-target deployments.apps shop/web'],
    ],
    [
      'an autoscaler of a kind we do not know',
      'horizontalpodautoscalers.autoscaling',
      { spec: { scaleTargetRef: { kind: 'Rollout', name: 'web' } } },
      [],
    ],
    ['a kind without rules', 'configmaps', { data: { a: 'b' } }, []],
  ])('%s', (_, resource, object, expected) => {
    expect(named(resource, object)).toEqual(expected);
    expect(namesOthers(resource)).toBe(resource !== 'configmaps');
  });

  it.each<JsonObject>([
    {},
    { spec: null },
    { spec: 'text' },
    { spec: { volumes: [null, 1], containers: {}, template: [] } },
  ])('are none in the malformed object %j', (object) => {
    for (const kind of ['Pod', 'CronJob', 'Deployment']) {
      expect(named('pods', { kind, ...object })).toEqual([]);
    }
  });
});

describe('what comes along with any object', () => {
  it('is its Namespace, and for a custom resource its definition', () => {
    expect(placeWants({ group: 'example.com', resource: 'widgets' }, 'shop')).toEqual([
      { rule: 'namespace', resource: 'namespaces', name: 'shop' },
      {
        rule: 'definition',
        resource: 'customresourcedefinitions.apiextensions.k8s.io',
        name: 'widgets.example.com',
      },
    ]);
    expect(placeWants({ group: '', resource: 'persistentvolumes' }, undefined)).toEqual([]);
  });
});

describe('objects that nobody named', () => {
  const captured: Captured = {
    has: (o) =>
      `${o.resource} ${o.namespace}/${o.name}` === 'serviceaccounts shop/runner' ||
      `${o.resource} ${o.namespace}/${o.name}` === 'persistentvolumeclaims shop/data',
    hasUid: (uid) => uid === 'owner-uid',
    hasAccountsOf: (namespace) => namespace === 'shop',
  };
  const bindings = 'clusterrolebindings.rbac.authorization.k8s.io';
  const snapshots = 'volumesnapshots.snapshot.storage.k8s.io';

  it.each<[string, string, JsonObject, string | undefined]>([
    ['owned by one', 'pods', { metadata: { ownerReferences: [{ uid: 'owner-uid' }] } }, 'owner'],
    ['owned by another', 'pods', { metadata: { ownerReferences: [{ uid: 'x' }] } }, undefined],
    [
      'binding an account',
      bindings,
      { subjects: [{ kind: 'ServiceAccount', namespace: 'shop', name: 'runner' }] },
      'binding',
    ],
    [
      'binding another account',
      bindings,
      { subjects: [{ kind: 'ServiceAccount', namespace: 'other', name: 'runner' }] },
      undefined,
    ],
    [
      'binding all accounts of a namespace',
      bindings,
      { subjects: [{ kind: 'Group', name: 'system:serviceaccounts:shop' }] },
      'binding',
    ],
    [
      'binding all accounts of another namespace',
      bindings,
      { subjects: [{ kind: 'Group', name: 'system:serviceaccounts:other' }] },
      undefined,
    ],
    ['binding a user', bindings, { subjects: [{ kind: 'User', name: 'runner' }] }, undefined],
    ['binding nobody', bindings, {}, undefined],
    [
      'binding an account of their own namespace',
      'rolebindings.rbac.authorization.k8s.io',
      {
        metadata: { namespace: 'shop' },
        subjects: [{ kind: 'ServiceAccount', name: 'runner' }],
      },
      'binding',
    ],
    [
      'a snapshot of a claim',
      snapshots,
      {
        metadata: { namespace: 'shop' },
        spec: { source: { persistentVolumeClaimName: 'data' } },
      },
      'snapshot',
    ],
    [
      'a snapshot of another claim',
      snapshots,
      {
        metadata: { namespace: 'shop' },
        spec: { source: { persistentVolumeClaimName: 'x' } },
      },
      undefined,
    ],
  ])('%s', (_, resource, object, rule) => {
    expect(followsRule(resource, object, captured)).toBe(rule);
  });
});

describe('definitions that a role names', () => {
  const ROLE = 'clusterroles.rbac.authorization.k8s.io';
  const rules = [
    { apiGroups: ['argoproj.io'], resources: ['applications', 'applications/status', '*'] },
    { apiGroups: ['*', '', 'apps'], resources: ['appprojects'] },
    { apiGroups: ['cert-manager.io'], resources: ['*'] },
    { nonResourceURLs: ['/metrics'] },
  ];

  it('are wanted once each, wildcards and built-in groups without a dot aside', () => {
    expect(named(ROLE, { metadata: { name: 'argocd' }, rules })).toEqual([
      'role-definition customresourcedefinitions.apiextensions.k8s.io applications.argoproj.io',
    ]);
  });

  it('are not wanted by the roles that the API server makes', () => {
    const labels = { 'kubernetes.io/bootstrapping': 'rbac-defaults' };
    expect(named(ROLE, { metadata: { name: 'edit', labels }, rules })).toEqual([]);
  });
});
