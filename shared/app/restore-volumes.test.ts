import { beforeEach, describe, expect, it } from 'vitest';
import {
  backUpDisks,
  bindClaim,
  claimOf,
  DISK_CLASS,
  diskClass,
  diskWorld,
  moveTarget,
  REGION,
  resourceOf,
  rowsOf,
  seedDiskClaim,
  seedNode,
  snapshotObjects,
  snapshotsOf,
} from '../../test/support/disk-samples.ts';
import { sampleObject } from '../../test/support/restore-samples.ts';
import type { RestoreWorld } from '../../test/support/restore-world.ts';
import { BackupCentreError } from '../domain/errors.ts';
import { objectAt } from '../domain/json.ts';

let world: RestoreWorld;

beforeEach(async () => {
  world = await diskWorld();
});

describe('a claim on a snapshot', () => {
  it('is made by the driver of the target, and its snapshot objects go once it is bound', async () => {
    seedDiskClaim(world, 'shop/data');
    const backup = await backUpDisks(world);
    const [snapshot] = snapshotsOf(backup);
    const record = await world.restore(backup);
    expect(record.phase).toBe('Completed');
    expect(record.errors).toEqual([]);
    expect(rowsOf(record)).toEqual(['data InProgress pendingConsumer']);
    expect(await world.outcome(record)).toEqual([
      'namespaces shop created',
      'persistentvolumeclaims shop/data created',
      'persistentvolumes pv-data omitted restored_from_snapshot',
      'pods shop/pod-data created',
    ]);
    const data = claimOf(world, 'shop/data');
    const name = String(objectAt(data, 'spec', 'dataSource')?.name);
    expect(data?.spec).toEqual({
      accessModes: ['ReadWriteOnce'],
      resources: { requests: { storage: '20Gi' } },
      storageClassName: DISK_CLASS,
      dataSource: { apiGroup: 'snapshot.storage.k8s.io', kind: 'VolumeSnapshot', name },
    });
    const made = snapshotObjects(world);
    expect(made.map((object) => objectAt(object, 'metadata')?.name)).toEqual([name, name]);
    expect(made.map((object) => object.spec)).toEqual([
      {
        deletionPolicy: 'Retain',
        driver: 'diskplugin.csi.alibabacloud.com',
        source: { snapshotHandle: snapshot },
        volumeSnapshotRef: {
          apiVersion: 'snapshot.storage.k8s.io/v1',
          kind: 'VolumeSnapshot',
          namespace: 'shop',
          name,
        },
        sourceVolumeMode: 'Filesystem',
      },
      { source: { volumeSnapshotContentName: name } },
    ]);

    expect(await world.workOnRelease(record.id)).toBe('waiting');
    expect(snapshotObjects(world)).toHaveLength(2);
    await bindClaim(world.target, 'shop/data');
    await world.backups.clock.advance(15_000);
    expect(await world.workOnRelease(record.id)).toBe('ended');
    expect(snapshotObjects(world)).toEqual([]);
    const after = await world.record(record.id);
    expect(after.phase).toBe('Completed');
    expect(after.volumes).toMatchObject([
      { pvc: 'data', phase: 'Completed', progress: 1, pv: 'pvc-shop-data', resourceId: snapshot },
    ]);
    expect(after.progress).toMatchObject({ volumesTotal: 1, volumesDone: 1 });
    expect(world.backups.disks.living().snapshots).toEqual([snapshot]);
  });

  it('keeps a snapshot that would end meanwhile, and leaves others alone', async () => {
    seedDiskClaim(world, 'shop/data');
    const { disks, clock } = world.backups;
    const backup = await world.backups.backUp({ volumeBackup: true, retentionDays: 20 });
    await world.restore(backup, { namespaceMapping: { shop: 'early' } });
    expect(disks.calls.keepSnapshot).toBe(0);
    await clock.advance(19.5 * 86_400_000);
    await world.restore(backup, { namespaceMapping: { shop: 'dry' }, dryRun: true });
    expect(disks.calls.keepSnapshot).toBe(0);
    const record = await world.restore(backup);
    expect(record).toMatchObject({ phase: 'Completed', errors: [], warnings: [] });
    await clock.advance(10 * 86_400_000);
    expect(disks.living().snapshots).toEqual(snapshotsOf(backup));
  });

  it('goes on where a snapshot cannot be kept longer, with a warning', async () => {
    seedDiskClaim(world, 'shop/data');
    const { disks } = world.backups;
    const backup = await world.backups.backUp({ volumeBackup: true, retentionDays: 5 });
    const denied = 'Cannot keep snapshot s: Forbidden.RAM';
    disks.refuseNext('keepSnapshot', new BackupCentreError('cloud_access_denied', denied));
    const record = await world.restore(backup);
    expect(record).toMatchObject({ phase: 'Completed', errors: [] });
    const object = { namespace: 'shop', name: 'data' };
    expect(record.warnings).toMatchObject([{ code: 'cloud_access_denied', object }]);
    expect(record.warnings[0]?.message).toContain(denied);
  });

  it('comes back under another namespace, and a second time, from the same snapshot', async () => {
    seedDiskClaim(world, 'shop/data');
    const backup = await backUpDisks(world);
    await world.restore(backup);
    const second = await world.restore(backup, { namespaceMapping: { shop: 'shop2' } });
    expect(second.errors).toEqual([]);
    expect(second.volumes).toMatchObject([{ namespace: 'shop2', phase: 'InProgress' }]);
    const names = ['shop/data', 'shop2/data'].map((place) =>
      String(objectAt(claimOf(world, place), 'spec', 'dataSource')?.name),
    );
    expect(new Set(names).size).toBe(2);
    for (const [i, namespace] of ['shop', 'shop2'].entries()) {
      const name = names[i] ?? '';
      const snapshot = world.target.peek(
        'volumesnapshots.snapshot.storage.k8s.io',
        namespace,
        name,
      );
      expect(snapshot?.spec).toEqual({ source: { volumeSnapshotContentName: name } });
    }
    expect(world.backups.disks.living().snapshots).toEqual(snapshotsOf(backup));
  });

  it('that exists is left alone, and nothing is made for it', async () => {
    seedDiskClaim(world, 'shop/data');
    const backup = await backUpDisks(world);
    const first = await world.restore(backup);
    await bindClaim(world.target, 'shop/data');
    expect(await world.workOnRelease(first.id)).toBe('ended');
    const before = world.target.dump();
    const second = await world.restore(backup);
    expect(second.phase).toBe('Completed');
    expect(await world.outcome(second)).toContain(
      'persistentvolumeclaims shop/data skipped exists_equal',
    );
    expect(await world.outcome(second)).toContain('persistentvolumes pv-data omitted claim_exists');
    expect(rowsOf(second)).toEqual(['data Skipped exists: the claim was left as it is']);
    expect(world.target.dump()).toEqual(before);
    expect(await world.isReleasing(second.id)).toBe(false);
  });

  it('of a namespace that is being removed is made anew once that is gone', async () => {
    seedDiskClaim(world, 'shop/data');
    const backup = await backUpDisks(world);
    const [namespace, leaving] = [resourceOf('Namespace'), { finalizers: ['keep'] }];
    world.target.seed({
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: 'shop', ...leaving },
    });
    world.target.seed(sampleObject('PersistentVolumeClaim', 'shop/data'));
    await world.target.remove({ resource: namespace, name: 'shop' });
    const id = await world.start(backup);
    await world.workUntilWait(id);
    await world.target.remove({
      resource: resourceOf('PersistentVolumeClaim'),
      namespace: 'shop',
      name: 'data',
    });
    const free = Buffer.from(JSON.stringify({ metadata: { finalizers: null } }));
    await world.target.patch(
      { resource: namespace, name: 'shop' },
      free,
      'application/merge-patch+json',
    );
    const record = await world.workToEnd(id);
    expect(record.errors).toEqual([]);
    expect(rowsOf(record)).toEqual(['data InProgress pendingConsumer']);
  });

  it('is refused, not made empty, where its snapshot is gone', async () => {
    seedDiskClaim(world, 'shop/data');
    seedDiskClaim(world, 'shop/other');
    const backup = await backUpDisks(world);
    const [lost = ''] = snapshotsOf(backup);
    await world.backups.disks.deleteSnapshot(REGION, lost);
    const record = await world.restore(backup);
    expect(record.phase).toBe('PartiallyFailed');
    expect(record.errors).toMatchObject([
      {
        code: 'lost',
        message: `Cannot restore persistentvolumeclaims shop/data: snapshot ${lost} of its disk is gone at ECS (cn-hangzhou)`,
      },
    ]);
    expect(rowsOf(record)[0]).toBe(
      `data Failed lost: snapshot ${lost} of its disk is gone at ECS (cn-hangzhou)`,
    );
    expect(rowsOf(record)[1]).toBe('other InProgress pendingConsumer');
    expect(claimOf(world, 'shop/data')).toBeUndefined();
    expect(world.target.peek('persistentvolumes', undefined, 'pv-data')).toBeUndefined();
  });

  it('of less than 20 GiB becomes 20 GiB, and the list says so', async () => {
    seedDiskClaim(world, 'shop/data', { request: '5Gi', sizeGiB: 5 });
    const record = await world.restore(await backUpDisks(world));
    const item = (await world.items(record)).find(({ name }) => name === 'data');
    expect(item?.changes[0]).toBe('size: 5Gi becomes 20Gi (disks have 20 GiB at least)');
    expect(objectAt(claimOf(world, 'shop/data'), 'spec', 'resources')?.requests).toEqual({
      storage: '20Gi',
    });
  });

  it('of a StatefulSet comes back before the set, which then finds it', async () => {
    seedDiskClaim(world, 'shop/data-db-0');
    world.seed(
      sampleObject('StatefulSet', 'shop/db', {
        spec: { volumeClaimTemplates: [{ metadata: { name: 'data' }, spec: {} }] },
      }),
    );
    const created: string[] = [];
    world.onCreate((_body, subject) => created.push(subject));
    await world.restore(await backUpDisks(world));
    const at = (text: string) => created.findIndex((subject) => subject.startsWith(text));
    const order = ['volumesnapshotcontents', 'volumesnapshots', 'persistentvolumeclaims'].map(at);
    expect([...order, at('statefulsets')]).toEqual([...order, at('statefulsets')].sort());
    expect(order[0]).toBeGreaterThan(0);
  });

  it('ends the run before anything is made where its class is nowhere', async () => {
    world = await diskWorld();
    world.target.seed(diskClass('another'));
    await world.target.remove({
      resource: resourceOf('StorageClass'),
      name: DISK_CLASS,
    });
    seedDiskClaim(world, 'shop/data');
    const backup = await backUpDisks(world);
    const before = world.target.dump();
    const record = await world.restore(backup);
    expect(record.phase).toBe('Failed');
    expect(record.errors).toHaveLength(1);
    expect(record.errors[0]).toMatchObject({ code: 'storage_class_missing' });
    expect(record.errors[0]?.hint).toContain('alicloud-disk-topology-alltype');
    expect(world.target.dump()).toEqual(before);
    const dry = await world.restore(backup, { dryRun: true });
    expect(dry.phase).toBe('PartiallyFailed');
    expect(await world.outcome(dry)).toContain(
      'persistentvolumeclaims shop/data refuse storage_class_missing',
    );
  });

  it('named by a conversion ends the run; covered by one it keeps its class, with a warning', async () => {
    seedDiskClaim(world, 'shop/data');
    const backup = await backUpDisks(world);
    const to = 'alibabacloud-cnfs-nas';
    const named = await world.restore(backup, {
      storageClassConversion: [{ namespace: 'shop', pvc: 'data', to }],
    });
    expect(named.phase).toBe('Failed');
    expect(named.errors.map(({ code }) => code)).toEqual(['conversion_not_allowed']);
    expect(claimOf(world, 'shop/data')).toBeUndefined();
    const covered = await world.restore(backup, { storageClassConversion: [{ to }] });
    expect(covered.errors).toEqual([]);
    expect(covered.warnings.map(({ code }) => code)).toContain('conversion_skipped');
    expect(objectAt(claimOf(world, 'shop/data'), 'spec')?.storageClassName).toBe(DISK_CLASS);
  });

  it('without a class comes back on a static volume without one', async () => {
    seedNode(world, 'n1', 'cn-hangzhou-k');
    seedDiskClaim(world, 'shop/data', { storageClass: '' });
    const record = await world.restore(await backUpDisks(world));
    expect(record.errors).toEqual([]);
    const spec = objectAt(claimOf(world, 'shop/data'), 'spec');
    expect(spec?.storageClassName).toBe('');
    const volume = world.target.peek('persistentvolumes', undefined, String(spec?.volumeName));
    expect(objectAt(volume, 'spec')?.storageClassName).toBe('');
    expect(snapshotObjects(world)).toEqual([]);
  });

  it('comes back in the cluster it was in, after its namespace was lost', async () => {
    world.seed(diskClass());
    seedDiskClaim(world, 'shop/data');
    const backup = await backUpDisks(world);
    const { cluster, disks } = world.backups;
    await cluster.remove({ resource: resourceOf('Namespace'), name: 'shop' });
    await cluster.remove({ resource: resourceOf('PersistentVolume'), name: 'pv-data' });
    disks.attach('d-data', undefined);
    await disks.deleteDisk(REGION, 'd-data');
    const record = await world.restore(backup, {}, 'c1');
    expect(record).toMatchObject({ phase: 'Completed', errors: [], warnings: [] });
    const back = cluster.peek('persistentvolumeclaims', 'shop', 'data');
    expect(objectAt(back, 'spec', 'dataSource')?.kind).toBe('VolumeSnapshot');
  });

  it('takes its class from the restore where the target lacks it', async () => {
    await world.target.remove({ resource: resourceOf('StorageClass'), name: DISK_CLASS });
    world.seed(diskClass());
    seedDiskClaim(world, 'shop/data');
    const record = await world.restore(await backUpDisks(world));
    expect(record.errors).toEqual([]);
    expect(rowsOf(record)).toEqual(['data InProgress pendingConsumer']);
  });

  it('is reported the same in a dry run, which changes nothing', async () => {
    await moveTarget(world, 'cn-beijing');
    seedDiskClaim(world, 'shop/data', { request: '5Gi', sizeGiB: 5 });
    const backup = await backUpDisks(world);
    const before = [world.target.dump(), world.backups.disks.living()];
    const record = await world.restore(backup, { dryRun: true });
    expect(record.phase).toBe('Completed');
    expect(await world.outcome(record)).toEqual([
      'namespaces shop create',
      'persistentvolumeclaims shop/data create',
      'persistentvolumes pv-data omit restored_from_snapshot',
      'pods shop/pod-data create',
    ]);
    const item = (await world.items(record)).find(({ name }) => name === 'data');
    expect(item?.changes[0]).toBe('size: 5Gi becomes 20Gi (disks have 20 GiB at least)');
    expect([world.target.dump(), world.backups.disks.living()]).toEqual(before);
    expect(world.backups.disks.calls.copySnapshot).toBe(0);
  });
});
