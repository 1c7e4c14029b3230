import { beforeEach, describe, expect, it } from 'vitest';
import {
  ownerReference,
  sampleDeployment,
  sampleObject,
  sampleVolume,
} from '../../test/support/restore-samples.ts';
import { RestoreWorld } from '../../test/support/restore-world.ts';
import { BackupCentreError } from '../domain/errors.ts';
import { type JsonObject, objectAt } from '../domain/json.ts';
import { ApiRejection } from '../ports/cluster-client.ts';

let world: RestoreWorld;

beforeEach(async () => {
  world = await RestoreWorld.create();
});

/** The object in the target's words, without what the target gives. */
function restored(
  resource: string,
  namespace: string | undefined,
  name: string,
): JsonObject | undefined {
  const object = world.target.peek(resource, namespace, name);
  const metadata = objectAt(object, 'metadata') ?? {};
  const {
    uid: _u,
    resourceVersion: _r,
    creationTimestamp: _c,
    managedFields: _m,
    ...kept
  } = metadata;
  return object === undefined ? undefined : { ...object, metadata: kept };
}

describe('a restore', () => {
  it('brings objects back into an empty cluster and lists each', async () => {
    world.seed(sampleObject('ConfigMap', 'shop/web', { data: { a: '1' } }));
    world.seed(sampleDeployment('shop/web'));
    const record = await world.restore(await world.backups.backUp());
    expect(record.errors).toEqual([]);
    expect(record.phase).toBe('Completed');
    expect(await world.outcome(record)).toEqual([
      'configmaps shop/web created',
      'deployments.apps shop/web created',
      'namespaces shop created',
    ]);
    expect(record.counts).toEqual({ created: 3, skipped: 0, failed: 0, omitted: 0 });
    expect(record.progress).toMatchObject({ objectsTotal: 3, objectsDone: 3 });
    expect(restored('configmaps', 'shop', 'web')?.data).toEqual({ a: '1' });
    expect(restored('deployments.apps', 'shop', 'web')?.status).toBeUndefined();
  });

  it('asks the API server once per object', async () => {
    for (let i = 0; i < 50; i += 1) world.seed(sampleObject('ConfigMap', `shop/c${i}`));
    const record = await world.restore(await world.backups.backUp());
    expect(record.counts.created).toBe(51);
    const { create = 0, get = 0 } = world.target.requests;
    expect({ create, get }).toEqual({ create: 51, get: 0 });
  });

  it('changes nothing the second time, and says what was edited in between', async () => {
    for (const object of sampleVolume('shop/data', 'pv1', 'nasplugin.csi.alibabacloud.com')) {
      world.seed(object);
    }
    world.seed(sampleObject('ConfigMap', 'shop/kept', { data: { a: '1' } }));
    world.seed(sampleObject('ConfigMap', 'shop/edited', { data: { a: '1' } }));
    world.seed(sampleDeployment('shop/web'));
    world.seed(sampleObject('Service', 'shop/web', { spec: { clusterIP: '10.0.0.1', ports: [] } }));
    const backup = await world.backups.backUp();
    expect((await world.restore(backup)).phase).toBe('Completed');
    world.target.seed(sampleObject('ConfigMap', 'shop/edited', { data: { a: '2' } }));
    const before = world.target.dump();
    const second = await world.restore(backup);
    expect(second.phase).toBe('Completed');
    expect(await world.outcome(second)).toEqual([
      'configmaps shop/edited skipped exists_different',
      'configmaps shop/kept skipped exists_equal',
      'deployments.apps shop/web skipped exists_equal',
      'namespaces shop skipped exists_equal',
      'persistentvolumeclaims shop/data skipped exists_equal',
      'persistentvolumes pv1 skipped exists_equal',
      'services shop/web skipped exists_equal',
    ]);
    expect(world.target.dump()).toEqual(before);
  });

  it('keeps large and exact numbers', async () => {
    const text =
      '{"apiVersion":"example.com/v1","kind":"Widget","metadata":{"name":"w","namespace":"shop"},' +
      '"spec":{"big":9007199254740993,"exact":1.10}}';
    world.seed(sampleObject('Widget', 'shop/w', { spec: { big: 'BIG', exact: 'EXACT' } }));
    const sent: string[] = [];
    world.rewriteSource('"BIG"', '9007199254740993');
    world.rewriteSource('"EXACT"', '1.10');
    world.onCreate((body) => sent.push(body));
    await world.restore(await world.backups.backUp());
    expect(sent.find((body) => body.includes('"Widget"'))).toContain(
      text.slice(text.indexOf('"spec"'), -1),
    );
  });

  it('leaves out what controllers make, with their name', async () => {
    const web = world.seed(sampleDeployment('shop/web'));
    const owned = (object: object) => ({ ownerReferences: [ownerReference({ ...object })] });
    const set = world.seed(sampleObject('ReplicaSet', 'shop/web-1', {}, owned(web)));
    world.seed(sampleObject('Pod', 'shop/web-1-a', {}, owned(set)));
    world.seed(sampleObject('Pod', 'shop/done', { status: { phase: 'Succeeded' } }));
    world.seed(sampleObject('Pod', 'shop/bare', { status: { phase: 'Running' } }));
    world.seed(sampleObject('ConfigMap', 'shop/kube-root-ca.crt'));
    const record = await world.restore(await world.backups.backUp());
    expect(await world.outcome(record)).toEqual([
      'configmaps shop/kube-root-ca.crt omitted owned_by:root-ca-cert-publisher',
      'deployments.apps shop/web created',
      'namespaces shop created',
      'pods shop/bare created',
      'pods shop/done omitted finished',
      'pods shop/web-1-a omitted owned_by:ReplicaSet/web-1',
      'replicasets.apps shop/web-1 omitted owned_by:Deployment/web',
    ]);
    expect(record.counts).toEqual({ created: 3, skipped: 0, failed: 0, omitted: 4 });
  });

  it('links what is owned to its owner of the target and never to the old one', async () => {
    const parent = world.seed(sampleObject('Widget', 'shop/parent'));
    const reference = ownerReference(parent);
    world.seed(sampleObject('ConfigMap', 'shop/child', {}, { ownerReferences: [reference] }));
    // What the UIDs of both clusters have in common is nothing.
    for (let i = 0; i < 100; i += 1) world.target.seed(sampleObject('Event', 'default/e'));
    const record = await world.restore(await world.backups.backUp());
    expect(record.phase).toBe('Completed');
    const owner = objectAt(world.target.peek('widgets.example.com', 'shop', 'parent'), 'metadata');
    const child = objectAt(world.target.peek('configmaps', 'shop', 'child'), 'metadata');
    expect(owner?.uid).not.toBe(reference.uid);
    expect(child?.ownerReferences).toEqual([{ ...reference, uid: owner?.uid }]);
  });

  it('creates an owned object without owners where those are nowhere', async () => {
    const gone = { apiVersion: 'example.com/v1', kind: 'Widget', name: 'gone', uid: 'old-uid' };
    world.seed(sampleObject('ConfigMap', 'shop/child', {}, { ownerReferences: [gone] }));
    const record = await world.restore(await world.backups.backUp());
    const child = objectAt(world.target.peek('configmaps', 'shop', 'child'), 'metadata');
    expect(child?.ownerReferences).toBeUndefined();
    const item = (await world.items(record)).find((i) => i.name === 'child');
    expect(item?.changes).toEqual(['owner Widget/gone: left off, it did not come back before']);
  });

  it('links to an owner that was in the target before', async () => {
    world.target.seed(sampleObject('Namespace', 'shop'));
    const there = world.target.seed(sampleObject('Widget', 'shop/boss'));
    const reference = { ...ownerReference(there), uid: 'old-uid' };
    world.seed(sampleObject('ConfigMap', 'shop/child', {}, { ownerReferences: [reference] }));
    await world.restore(await world.backups.backUp());
    const child = objectAt(world.target.peek('configmaps', 'shop', 'child'), 'metadata');
    expect(child?.ownerReferences).toEqual([ownerReference(there)]);
  });

  it('makes a pod come back alone where its controller does not', async () => {
    const web = world.seed(sampleObject('ReplicaSet', 'shop/web'));
    const metadata = { ownerReferences: [ownerReference(web)], labels: { pick: 'me' } };
    world.seed(sampleObject('Pod', 'shop/web-a', { spec: { nodeName: 'n' } }, metadata));
    const backup = await world.backups.backUp();
    const record = await world.restore(backup, { resources: ['pods'] });
    expect(await world.outcome(record)).toEqual([
      'namespaces shop created',
      'pods shop/web-a created',
      'replicasets.apps shop/web omitted filtered',
    ]);
  });

  it('says what to do about an object that the server refuses', async () => {
    world.seed(sampleObject('Service', 'shop/web', { spec: { ports: [{ port: 80 }] } }));
    const words =
      'spec.ports[0].nodePort: Invalid value: 30080: provided port is already allocated';
    world.onCreate((_body, subject) => {
      if (subject.startsWith('services')) throw new ApiRejection(422, 'Invalid', words);
    });
    const record = await world.restore(await world.backups.backUp());
    expect(record.phase).toBe('PartiallyFailed');
    expect(record.errors).toMatchObject([{ code: 'object_rejected', message: words }]);
    expect(record.errors[0]?.hint).toContain('preserveNodePorts');
  });
});

describe('volumes of a restore', () => {
  const NAS = 'nasplugin.csi.alibabacloud.com';
  const DISK = 'diskplugin.csi.alibabacloud.com';

  it('come back before their claims, static and retained', async () => {
    for (const object of sampleVolume('shop/data', 'pv1', DISK)) world.seed(object);
    world.backups.disks.addDisk('cn-hangzhou', { id: 'pv1-handle', status: 'Available' });
    const created: string[] = [];
    world.onCreate((_body, subject) => created.push(subject));
    const record = await world.restore(await world.backups.backUp());
    expect(record.phase).toBe('Completed');
    expect(created).toEqual([
      'namespaces shop',
      'persistentvolumes pv1',
      'persistentvolumeclaims shop/data',
    ]);
    expect(restored('persistentvolumes', undefined, 'pv1')?.spec).toEqual({
      persistentVolumeReclaimPolicy: 'Retain',
      claimRef: { kind: 'PersistentVolumeClaim', namespace: 'shop', name: 'data' },
      csi: { driver: DISK, volumeHandle: 'pv1-handle' },
    });
    expect(restored('persistentvolumeclaims', 'shop', 'data')?.spec).toEqual({
      volumeName: 'pv1',
      storageClassName: 'fast',
    });
    const [volume] = (await world.items(record)).filter((i) => i.resource === 'persistentvolumes');
    expect(volume?.changes.join()).toContain('Delete -> Retain');
  });

  it('stand beside the first on shared storage when a namespace is restored under another name', async () => {
    for (const object of sampleVolume('shop/data', 'pv1', NAS)) world.seed(object);
    const backup = await world.backups.backUp();
    const record = await world.restore(backup, { namespaceMapping: { shop: 'shop2' } }, 'c1');
    expect(record.errors).toEqual([]);
    const claim = world.backups.cluster.peek('persistentvolumeclaims', 'shop2', 'data');
    const name = String(objectAt(claim, 'spec')?.volumeName);
    expect(name).toMatch(/^pv1-[0-9a-f]{8}$/);
    const volume = world.backups.cluster.peek('persistentvolumes', undefined, name);
    expect(objectAt(volume, 'spec', 'claimRef')).toMatchObject({
      namespace: 'shop2',
      name: 'data',
    });
  });

  it('are refused for a disk that another volume names, together with the claim', async () => {
    for (const object of sampleVolume('shop/data', 'pv1', DISK)) world.seed(object);
    world.backups.disks.addDisk('cn-hangzhou', { id: 'pv1-handle' });
    const backup = await world.backups.backUp();
    const record = await world.restore(backup, { namespaceMapping: { shop: 'shop2' } }, 'c1');
    expect(record.phase).toBe('PartiallyFailed');
    expect(record.errors.map((e) => e.code)).toEqual(['volume_in_use', 'volume_in_use']);
    expect(await world.outcome(record)).toEqual([
      'namespaces shop2 created',
      'persistentvolumeclaims shop2/data failed volume_in_use',
      'persistentvolumes pv1 failed volume_in_use',
    ]);
  });

  it('are refused for a disk that is attached though no volume names it, with the claim', async () => {
    for (const object of sampleVolume('shop/data', 'pv1', DISK)) world.seed(object);
    world.backups.disks.addDisk('cn-hangzhou', { id: 'pv1-handle' });
    const record = await world.restore(await world.backups.backUp());
    expect(record.errors.map((e) => e.message)).toEqual([
      'Cannot restore persistentvolumes pv1: disk pv1-handle is attached to instance i-1',
      'Cannot restore persistentvolumeclaims shop/data: its volume pv1 was not restored',
    ]);
    expect(record.errors.map((e) => e.code)).toEqual(['volume_in_use', 'volume_in_use']);
  });

  it('are new and empty where the disk is gone, and the record says so', async () => {
    for (const object of sampleVolume('shop/data', 'pv1', DISK)) world.seed(object);
    const record = await world.restore(await world.backups.backUp());
    expect(record.phase).toBe('Completed');
    expect(record.warnings.map((w) => w.code)).toEqual(['storage_gone']);
    expect(await world.outcome(record)).toEqual([
      'namespaces shop created',
      'persistentvolumeclaims shop/data created',
      'persistentvolumes pv1 omitted storage_gone',
    ]);
    expect(record.volumes).toMatchObject([{ pvc: 'data', method: 'yamlOnly', phase: 'Skipped' }]);
    expect(record.volumes[0]?.reason).toContain('storage_gone');
    expect(restored('persistentvolumeclaims', 'shop', 'data')?.spec).toEqual({
      storageClassName: 'fast',
    });
  });

  it('come back as they were where ECS may not be asked', async () => {
    for (const object of sampleVolume('shop/data', 'pv1', DISK)) world.seed(object);
    const backup = await world.backups.backUp();
    const denied = new BackupCentreError('cloud_access_denied', 'Cannot describe disks: denied');
    world.backups.disks.refuseNext('describeDisks', denied);
    const record = await world.restore(backup);
    expect(record.warnings).toEqual([]);
    expect(restored('persistentvolumes', undefined, 'pv1')?.spec).toBeDefined();
  });

  it('are provisioned anew when only objects are wanted', async () => {
    for (const object of sampleVolume('shop/data', 'pv1', DISK)) world.seed(object);
    const record = await world.restore(await world.backups.backUp(), { volumes: 'none' });
    expect(record.phase).toBe('Completed');
    expect(restored('persistentvolumeclaims', 'shop', 'data')?.spec).toEqual({
      storageClassName: 'fast',
    });
    expect(restored('persistentvolumes', undefined, 'pv1')).toBeUndefined();
  });
});
