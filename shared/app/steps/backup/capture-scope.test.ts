import { beforeEach, describe, expect, it } from 'vitest';
import { apiResource, COMMON_RESOURCES } from '../../../../test/support/api-resources.ts';
import { BackupWorld } from '../../../../test/support/backup-world.ts';
import type { BackupSpec } from '../../../domain/backup-record.ts';
import type { JsonObject } from '../../../domain/json.ts';

let world: BackupWorld;

function seed(apiVersion: string, kind: string, name: string, rest: JsonObject = {}): JsonObject {
  const { metadata, ...fields } = rest;
  return world.cluster.seed({
    apiVersion,
    kind,
    metadata: { name, ...(metadata as JsonObject | undefined) },
    ...fields,
  });
}

const inShop = (extra: JsonObject = {}): JsonObject => ({ namespace: 'shop', ...extra });
const uidOf = (object: JsonObject): string => String((object.metadata as JsonObject).uid);
const ownedBy = (owner: JsonObject): JsonObject => ({
  ownerReferences: [{ apiVersion: 'v1', kind: 'X', name: 'x', uid: uidOf(owner) }],
});

/** A web application with everything that hangs on it, and as much that does not. */
function seedShop(): void {
  const label = { labels: { app: 'web' } };
  const deployment = seed('apps/v1', 'Deployment', 'web', { metadata: inShop(label), spec: {} });
  const set = seed('apps/v1', 'ReplicaSet', 'web-1', { metadata: inShop(ownedBy(deployment)) });
  seed('v1', 'Pod', 'web-1-a', {
    metadata: inShop(ownedBy(set)),
    spec: {
      serviceAccountName: 'runner',
      priorityClassName: 'high',
      volumes: [
        { name: 'a', persistentVolumeClaim: { claimName: 'data' } },
        { name: 'b', configMap: { name: 'settings' } },
      ],
    },
  });
  seed('v1', 'ServiceAccount', 'runner', {
    metadata: inShop(),
    imagePullSecrets: [{ name: 'registry' }],
  });
  seed('v1', 'Secret', 'registry', { metadata: inShop() });
  seed('v1', 'ConfigMap', 'settings', { metadata: inShop() });
  seed('v1', 'PersistentVolumeClaim', 'data', {
    metadata: inShop(),
    spec: { volumeName: 'pv-1', storageClassName: 'disk' },
  });
  seed('v1', 'PersistentVolume', 'pv-1', { spec: { storageClassName: 'disk' } });
  seed('storage.k8s.io/v1', 'StorageClass', 'disk');
  seed('scheduling.k8s.io/v1', 'PriorityClass', 'high');
  const rbac = 'rbac.authorization.k8s.io/v1';
  seed(rbac, 'ClusterRoleBinding', 'runners', {
    subjects: [{ kind: 'ServiceAccount', namespace: 'shop', name: 'runner' }],
    roleRef: { kind: 'ClusterRole', name: 'reader' },
  });
  // Names a kind without objects, and one without a definition.
  seed(rbac, 'ClusterRole', 'reader', {
    rules: [{ apiGroups: ['example.com'], resources: ['gadgets', 'nowhere'] }],
  });
  seed('apiextensions.k8s.io/v1', 'CustomResourceDefinition', 'gadgets.example.com');
  seed('apiextensions.k8s.io/v1', 'CustomResourceDefinition', 'widgets.example.com');
  seed('example.com/v1', 'Widget', 'gear', { metadata: inShop(label) });

  seed('v1', 'ConfigMap', 'unrelated', { metadata: inShop() });
  seed('v1', 'Secret', 'elsewhere', { metadata: { namespace: 'other', ...label } });
  seed('v1', 'PersistentVolume', 'pv-2');
  seed('storage.k8s.io/v1', 'StorageClass', 'unused');
  seed(rbac, 'ClusterRole', 'unused');
  seed(rbac, 'ClusterRoleBinding', 'others', {
    subjects: [{ kind: 'ServiceAccount', namespace: 'other', name: 'runner' }],
    roleRef: { kind: 'ClusterRole', name: 'unused' },
  });
}

const clusterRelated = [
  'clusterrolebindings.rbac.authorization.k8s.io runners related:binding',
  'clusterroles.rbac.authorization.k8s.io reader related:cluster-role',
  'customresourcedefinitions.apiextensions.k8s.io gadgets.example.com related:role-definition',
  'customresourcedefinitions.apiextensions.k8s.io widgets.example.com related:definition',
  'persistentvolumes pv-1 related:volume',
  'priorityclasses.scheduling.k8s.io high related:priority-class',
  'storageclasses.storage.k8s.io disk related:storage-class',
];

async function contentsOf(spec: Partial<BackupSpec>): Promise<readonly string[]> {
  const record = await world.backUp(spec);
  expect(record).toMatchObject({ phase: 'Completed', errors: [] });
  return await world.contents(record);
}

beforeEach(async () => {
  world = await BackupWorld.create();
  seedShop();
});

describe('the scope of a backup', () => {
  it('is a namespace whole, and of the cluster what its objects need', async () => {
    const contents = await contentsOf({ namespaces: ['shop'] });
    expect(contents.filter((c) => c.includes('related:'))).toEqual(clusterRelated);
    expect(contents.filter((c) => c.endsWith(' selected'))).toEqual([
      'configmaps shop/settings selected',
      'configmaps shop/unrelated selected',
      'deployments.apps shop/web selected',
      'namespaces shop selected',
      'persistentvolumeclaims shop/data selected',
      'pods shop/web-1-a selected',
      'replicasets.apps shop/web-1 selected',
      'secrets shop/registry selected',
      'serviceaccounts shop/runner selected',
      'widgets.example.com shop/gear selected',
    ]);
  });

  it('is what carries a label, and all that this owns, mounts or names', async () => {
    const labelSelector = { matchLabels: { app: 'web' } };
    expect(await contentsOf({ namespaces: ['*'], labelSelector })).toEqual(
      [
        ...clusterRelated,
        'configmaps shop/settings related:config-map',
        'deployments.apps shop/web selected',
        'namespaces other related:namespace',
        'namespaces shop related:namespace',
        'persistentvolumeclaims shop/data related:claim',
        'pods shop/web-1-a related:owner',
        'replicasets.apps shop/web-1 related:owner',
        'secrets other/elsewhere selected',
        'secrets shop/registry related:secret',
        'serviceaccounts shop/runner related:service-account',
        'widgets.example.com shop/gear selected',
      ].sort(),
    );
  });

  it('finds what a label leads to even against the order of the lists', async () => {
    // A Service is listed late, yet the Pod that it owns stands at the front of the lists.
    const service = seed('v1', 'Service', 'late', { metadata: inShop({ labels: { tier: 'x' } }) });
    seed('v1', 'Pod', 'early', { metadata: inShop(ownedBy(service)) });
    const labelSelector = { matchLabels: { tier: 'x' } };
    expect(await contentsOf({ labelSelector })).toEqual([
      'namespaces shop related:namespace',
      'pods shop/early related:owner',
      'services shop/late selected',
    ]);
  });

  it('follows claims of a StatefulSet that no pod mounts', async () => {
    seed('apps/v1', 'StatefulSet', 'db', {
      metadata: inShop({ labels: { app: 'db' } }),
      spec: { volumeClaimTemplates: [{ metadata: { name: 'data' } }] },
    });
    seed('v1', 'PersistentVolumeClaim', 'data-db-0', { metadata: inShop() });
    seed('v1', 'PersistentVolumeClaim', 'data-db-x', { metadata: inShop() });
    expect(await contentsOf({ labelSelector: { matchLabels: { app: 'db' } } })).toEqual([
      'namespaces shop related:namespace',
      'persistentvolumeclaims shop/data-db-0 related:claim',
      'statefulsets.apps shop/db selected',
    ]);
  });

  it('leaves kinds out that are excluded, relations or not', async () => {
    const contents = await contentsOf({
      excludedResources: ['persistentvolumes', 'secrets', 'clusterroles.rbac.authorization.k8s.io'],
    });
    expect(contents.filter((c) => /^(persistentvolumes|secrets|clusterroles)\b/.test(c))).toEqual(
      [],
    );
    expect(contents).toContain('storageclasses.storage.k8s.io disk related:storage-class');
  });

  it('lets a related object in only if its kind is listed, Namespaces aside', async () => {
    expect(await contentsOf({ resources: ['pods', 'persistentvolumes', 'configmaps'] })).toEqual([
      'configmaps shop/settings selected',
      'configmaps shop/unrelated selected',
      'namespaces shop selected',
      'persistentvolumes pv-1 related:volume',
      'pods shop/web-1-a selected',
    ]);
  });

  it('is the whole cluster when asked for, with the Namespaces that were chosen', async () => {
    const contents = await contentsOf({ clusterScope: 'all', namespaces: ['shop'] });
    expect(contents).toContain('persistentvolumes pv-2 selected');
    expect(contents).toContain('clusterroles.rbac.authorization.k8s.io unused selected');
    expect(contents.filter((c) => c.startsWith('namespaces '))).toEqual([
      'namespaces shop selected',
    ]);
  });

  it('is nothing of the cluster when told so', async () => {
    const contents = await contentsOf({ clusterScope: 'none' });
    expect(contents.every((c) => c.includes('shop/'))).toBe(true);
    expect(contents).toHaveLength(9);
  });

  it('never holds what is protected, being deleted, or made by a kubelet', async () => {
    seed('v1', 'ConfigMap', 'system', { metadata: { namespace: 'kube-system' } });
    seed('v1', 'Event', 'event', { metadata: inShop() });
    seed('v1', 'ConfigMap', 'going', {
      metadata: inShop({ deletionTimestamp: '2026-01-01T00:00:00Z', finalizers: ['x'] }),
    });
    seed('v1', 'Pod', 'static', {
      metadata: inShop({ annotations: { 'kubernetes.io/config.mirror': 'x' } }),
    });
    seed('v1', 'Namespace', 'leaving', {
      metadata: { deletionTimestamp: '2026-01-01T00:00:00Z', finalizers: ['x'] },
    });
    seed('v1', 'ConfigMap', 'left-behind', { metadata: { namespace: 'leaving' } });
    const record = await world.backUp({ namespaces: ['*'] });
    expect(record.namespacesResolved).toEqual(['other', 'shop']);
    const contents = (await world.contents(record)).join('\n');
    for (const name of ['system', 'event', 'going', 'static', 'leaving', 'left-behind']) {
      expect(contents).not.toContain(name);
    }
    expect((await world.manifest(record)).counts.leftOut).toEqual({ deleting: 1, mirrorPod: 1 });
  });

  it('holds an object once that two groups serve', async () => {
    const alias = apiResource('deployments.extensions', 'Deployment');
    world = await BackupWorld.create({ resources: [...COMMON_RESOURCES, alias] });
    const deployment = seed('apps/v1', 'Deployment', 'web', { metadata: inShop() });
    world.cluster.intercept = async (call, proceed) => {
      const result = await proceed();
      if (call.method !== 'list' || call.subject !== 'deployments.extensions') return result;
      const item = Buffer.from(JSON.stringify({ ...deployment, apiVersion: 'extensions/v1' }));
      return { ...result, items: [item] };
    };
    const contents = await world.contents(await world.backUp());
    expect(contents).toEqual(['deployments.apps shop/web selected', 'namespaces shop selected']);
  });

  it('lists each kind once for a whole cluster, and only the kinds it needs', async () => {
    const lists: string[] = [];
    world.cluster.intercept = async (call, proceed) => {
      if (call.method === 'list') lists.push(call.subject);
      return await proceed();
    };
    await world.backUp({ namespaces: ['*'] });
    expect(lists.filter((l) => l === 'configmaps')).toHaveLength(1);
    expect(lists).not.toContain('events');
    // Wanted by name: fetched, not listed.
    expect(lists).not.toContain('persistentvolumes');
    expect(lists).toContain('clusterrolebindings.rbac.authorization.k8s.io');
  });
});
