import { beforeEach, describe, expect, it } from 'vitest';
import { COMMON_RESOURCES } from '../../test/support/api-resources.ts';
import {
  bindClaim,
  DISK_CLASS,
  diskClass,
  diskWorld,
  moveTarget,
  REGION,
  seedDiskClaim,
  seedNode,
} from '../../test/support/disk-samples.ts';
import { sampleObject } from '../../test/support/restore-samples.ts';
import type { RestoreWorld } from '../../test/support/restore-world.ts';
import type { BackupRecord } from '../domain/backup-record.ts';
import { type JsonObject, objectAt } from '../domain/json.ts';
import type { RestoreRecord } from '../domain/restore-record.ts';
import { cancelRun } from './cancel-run.ts';

let world: RestoreWorld;

beforeEach(async () => {
  world = await diskWorld();
});

function backUp(): Promise<BackupRecord> {
  return world.backups.backUp({ volumeBackup: true });
}

/** `<claim> <phase> <reason>` of each row. */
function rows(record: RestoreRecord): readonly string[] {
  return record.volumes.map(({ pvc, phase, reason }) => `${pvc} ${phase} ${reason}`);
}

/** Objects of the snapshot API in the target. */
function snapshotObjects(): readonly JsonObject[] {
  return Object.entries(world.target.dump()).flatMap(([key, object]) =>
    key.startsWith('volumesnapshot') ? [object] : [],
  );
}

/** Ids of the backup's snapshots, which nothing may remove. */
function snapshotsOf(backup: BackupRecord): readonly string[] {
  return backup.volumes.flatMap(({ resourceId }) => resourceId ?? []);
}

function claim(place: string): JsonObject | undefined {
  const [namespace = '', name = ''] = place.split('/');
  return world.target.peek('persistentvolumeclaims', namespace, name);
}

describe('a claim on a snapshot', () => {
  it('is made by the driver of the target, and its snapshot objects go once it is bound', async () => {
    seedDiskClaim(world, 'shop/data');
    const backup = await backUp();
    const [snapshot] = snapshotsOf(backup);
    const record = await world.restore(backup);
    expect(record.phase).toBe('Completed');
    expect(record.errors).toEqual([]);
    expect(rows(record)).toEqual(['data InProgress pendingConsumer']);
    expect(await world.outcome(record)).toEqual([
      'namespaces shop created',
      'persistentvolumeclaims shop/data created',
      'persistentvolumes pv-data omitted restored_from_snapshot',
      'pods shop/pod-data created',
    ]);
    const data = claim('shop/data');
    const name = String(objectAt(data, 'spec', 'dataSource')?.name);
    expect(data?.spec).toEqual({
      accessModes: ['ReadWriteOnce'],
      resources: { requests: { storage: '20Gi' } },
      storageClassName: DISK_CLASS,
      dataSource: { apiGroup: 'snapshot.storage.k8s.io', kind: 'VolumeSnapshot', name },
    });
    const made = snapshotObjects();
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
    expect(snapshotObjects()).toHaveLength(2);
    await bindClaim(world.target, 'shop/data');
    await world.backups.clock.advance(15_000);
    expect(await world.workOnRelease(record.id)).toBe('ended');
    expect(snapshotObjects()).toEqual([]);
    const after = await world.record(record.id);
    expect(after.phase).toBe('Completed');
    expect(after.volumes).toMatchObject([
      { pvc: 'data', phase: 'Completed', progress: 1, pv: 'pvc-shop-data', resourceId: snapshot },
    ]);
    expect(after.progress).toMatchObject({ volumesTotal: 1, volumesDone: 1 });
    expect(world.backups.disks.living().snapshots).toEqual([snapshot]);
  });

  it('needs no release where it is bound before the restore ends', async () => {
    seedDiskClaim(world, 'shop/data');
    const backup = await backUp();
    const id = await world.start(backup, { verify: true });
    world.onCreated('persistentvolumeclaims shop/data', () => bindClaim(world.target, 'shop/data'));
    const record = await world.workToEnd(id);
    expect(rows(record)[0]).toMatch(/^data Completed new volume pvc-shop-data, of snapshot s-/);
    expect(record.progress).toMatchObject({ volumesTotal: 1, volumesDone: 1 });
    expect(await world.isReleasing(id)).toBe(false);
    expect(snapshotObjects()).toEqual([]);
  });

  it('holds its backup until it is bound', async () => {
    seedDiskClaim(world, 'shop/data');
    const backup = await backUp();
    const record = await world.restore(backup);
    const uses = () => world.backups.records.get('backup_uses', [backup.id, record.id]);
    expect(await uses()).toBeDefined();
    await bindClaim(world.target, 'shop/data');
    expect(await world.workOnRelease(record.id)).toBe('ended');
    expect(await uses()).toBeUndefined();
  });

  it('comes back under another namespace, and a second time, from the same snapshot', async () => {
    seedDiskClaim(world, 'shop/data');
    const backup = await backUp();
    await world.restore(backup);
    const second = await world.restore(backup, { namespaceMapping: { shop: 'shop2' } });
    expect(second.errors).toEqual([]);
    expect(second.volumes).toMatchObject([{ namespace: 'shop2', phase: 'InProgress' }]);
    const names = ['shop/data', 'shop2/data'].map((place) =>
      String(objectAt(claim(place), 'spec', 'dataSource')?.name),
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
    const backup = await backUp();
    const first = await world.restore(backup);
    await bindClaim(world.target, 'shop/data');
    expect(await world.workOnRelease(first.id)).toBe('ended');
    const before = world.target.dump();
    const second = await world.restore(backup);
    expect(second.phase).toBe('Completed');
    expect(await world.outcome(second)).toContain(
      'persistentvolumeclaims shop/data skipped exists_equal',
    );
    expect(rows(second)).toEqual(['data Skipped exists: the claim was left as it is']);
    expect(world.target.dump()).toEqual(before);
    expect(await world.isReleasing(second.id)).toBe(false);
  });

  it('is refused, not made empty, where its snapshot is gone', async () => {
    seedDiskClaim(world, 'shop/data');
    seedDiskClaim(world, 'shop/other');
    const backup = await backUp();
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
    expect(rows(record)[0]).toBe(
      `data Failed lost: snapshot ${lost} of its disk is gone at ECS (cn-hangzhou)`,
    );
    expect(rows(record)[1]).toBe('other InProgress pendingConsumer');
    expect(claim('shop/data')).toBeUndefined();
    expect(world.target.peek('persistentvolumes', undefined, 'pv-data')).toBeUndefined();
  });

  it('of less than 20 GiB becomes 20 GiB, and the list says so', async () => {
    seedDiskClaim(world, 'shop/data', { request: '5Gi', sizeGiB: 5 });
    const record = await world.restore(await backUp());
    const item = (await world.items(record)).find(({ name }) => name === 'data');
    expect(item?.changes[0]).toBe('size: 5Gi becomes 20Gi (disks have 20 GiB at least)');
    expect(objectAt(claim('shop/data'), 'spec', 'resources')?.requests).toEqual({
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
    await world.restore(await backUp());
    const at = (text: string) => created.findIndex((subject) => subject.startsWith(text));
    const order = ['volumesnapshotcontents', 'volumesnapshots', 'persistentvolumeclaims'].map(at);
    expect([...order, at('statefulsets')]).toEqual([...order, at('statefulsets')].sort());
    expect(order[0]).toBeGreaterThan(0);
  });

  it('ends the run before anything is made where its class is nowhere', async () => {
    world = await diskWorld();
    world.target.seed(diskClass('another'));
    await world.target.remove({
      resource: classResource(),
      name: DISK_CLASS,
    });
    seedDiskClaim(world, 'shop/data');
    const backup = await backUp();
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

  it('takes its class from the restore where the target lacks it', async () => {
    await world.target.remove({ resource: classResource(), name: DISK_CLASS });
    world.seed(diskClass());
    seedDiskClaim(world, 'shop/data');
    const record = await world.restore(await backUp());
    expect(record.errors).toEqual([]);
    expect(rows(record)).toEqual(['data InProgress pendingConsumer']);
  });

  it('is given up after seven days without a pod, and the record says so', async () => {
    seedDiskClaim(world, 'shop/data');
    const backup = await backUp();
    const record = await world.restore(backup);
    let looks = 0;
    const beginMs = world.backups.clock.now();
    while (await world.isReleasing(record.id)) {
      looks += 1;
      await world.workOnRelease(record.id);
      const run = await world.backups.records.get('runs', [`${record.runId}-release`]);
      if (run?.value.state === 'ended') break;
      const pause = (run?.value.wakeAtMs ?? 0) - world.backups.clock.now();
      expect(pause).toBeGreaterThan(0);
      expect(pause).toBeLessThanOrEqual(600_000);
      await world.backups.clock.advance(pause);
    }
    const days = (world.backups.clock.now() - beginMs) / 86_400_000;
    expect(days).toBeGreaterThan(6.9);
    expect(days).toBeLessThan(7.1);
    expect(looks).toBeLessThan(1_100);
    expect(snapshotObjects()).toEqual([]);
    const after = await world.record(record.id);
    expect(after.phase).toBe('Completed');
    expect(rows(after)).toEqual(['data Failed pendingConsumer: no pod mounted the claim in time']);
    expect(after.warnings.map(({ code }) => code)).toContain('pending_consumer');
    expect(claim('shop/data')).toBeDefined();
    expect(world.backups.disks.living().snapshots).toEqual(snapshotsOf(backup));
  });

  it('keeps its snapshot even where somebody changed the policy of the content', async () => {
    seedDiskClaim(world, 'shop/data');
    const record = await world.restore(await backUp());
    const [content] = snapshotObjects();
    world.target.seed({
      ...content,
      spec: { ...objectAt(content, 'spec'), deletionPolicy: 'Delete' },
    });
    await bindClaim(world.target, 'shop/data');
    const policies: unknown[] = [];
    world.target.intercept = async ({ method, subject }, proceed) => {
      if (method === 'delete' && subject.startsWith('volumesnapshots')) {
        policies.push(objectAt(snapshotObjects()[0], 'spec')?.deletionPolicy);
      }
      return await proceed();
    };
    expect(await world.workOnRelease(record.id)).toBe('ended');
    expect(policies).toEqual(['Retain']);
    expect(snapshotObjects()).toEqual([]);
  });

  it('leaves snapshot objects of others alone', async () => {
    seedDiskClaim(world, 'shop/data');
    const record = await world.restore(await backUp());
    const [content] = snapshotObjects();
    const foreign = {
      name: 'theirs',
      labels: { 'app.kubernetes.io/managed-by': 'ack-backup-centre' },
    };
    world.target.seed({ ...content, metadata: foreign });
    await bindClaim(world.target, 'shop/data');
    await world.workOnRelease(record.id);
    expect(snapshotObjects().map((object) => objectAt(object, 'metadata')?.name)).toEqual([
      'theirs',
    ]);
  });

  it('is reported the same in a dry run, which changes nothing', async () => {
    await moveTarget(world, 'cn-beijing');
    seedDiskClaim(world, 'shop/data', { request: '5Gi', sizeGiB: 5 });
    const backup = await backUp();
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

describe('a claim in another region', () => {
  beforeEach(async () => {
    await moveTarget(world, 'cn-beijing');
  });

  it('gets a copy of its snapshot, made while no function runs, removed once it is bound', async () => {
    seedDiskClaim(world, 'shop/data');
    const backup = await backUp();
    const [snapshot = ''] = snapshotsOf(backup);
    const id = await world.start(backup);
    expect(await world.workUntilWait(id)).toBe('waiting');
    const waiting = await world.record(id);
    expect(waiting.phase).toBe('WaitingForVolumes');
    expect(rows(waiting)).toEqual([
      `data InProgress copying snapshot ${snapshot} from cn-hangzhou to cn-beijing`,
    ]);
    expect(claim('shop/data')).toBeUndefined();
    const record = await world.workToEnd(id);
    expect(record.errors).toEqual([]);
    const copies = world.backups.disks.living().snapshots.filter((each) => each !== snapshot);
    expect(copies).toHaveLength(1);
    expect(objectAt(snapshotObjects()[0], 'spec', 'source')).toEqual({ snapshotHandle: copies[0] });
    await bindClaim(world.target, 'shop/data');
    expect(await world.workOnRelease(id)).toBe('ended');
    expect(world.backups.disks.living().snapshots).toEqual([snapshot]);
    expect(rows(await world.record(id))[0]).toContain('data Completed');
  });

  it('keeps a copy that another claim still needs', async () => {
    seedDiskClaim(world, 'shop/one');
    seedDiskClaim(world, 'shop/two');
    const backup = await backUp();
    const record = await world.restore(backup);
    const copies = () => world.backups.disks.living().snapshots.length - 2;
    expect(copies()).toBe(2);
    await bindClaim(world.target, 'shop/one');
    expect(await world.workOnRelease(record.id)).toBe('waiting');
    expect(copies()).toBe(1);
    expect(rows(await world.record(record.id))[1]).toBe('two InProgress pendingConsumer');
    await bindClaim(world.target, 'shop/two');
    await world.backups.clock.advance(600_000);
    expect(await world.workOnRelease(record.id)).toBe('ended');
    expect(copies()).toBe(0);
  });

  it('waits its turn where a copy of the disk is unfinished', async () => {
    seedDiskClaim(world, 'shop/data');
    const backup = await backUp();
    await Promise.all(
      ['a', 'b'].map((namespace) => world.start(backup, { namespaceMapping: { shop: namespace } })),
    ).then(async ([first = '', second = '']) => {
      await world.workUntilWait(first);
      await world.workUntilWait(second);
      expect(world.backups.disks.living().snapshots).toHaveLength(2);
      for (const id of [first, second]) {
        expect((await world.workToEnd(id)).errors).toEqual([]);
      }
    });
    expect(world.backups.disks.living().snapshots).toHaveLength(3);
  });

  it('is refused where the copy fails, and the others come back', async () => {
    seedDiskClaim(world, 'shop/data');
    seedDiskClaim(world, 'shop/other');
    const backup = await backUp();
    world.backups.disks.failNextSnapshots(1);
    const record = await world.restore(backup);
    expect(record.phase).toBe('PartiallyFailed');
    expect(record.errors.map(({ code }) => code)).toEqual(['snapshot_failed']);
    expect(rows(record)[0]).toMatch(/^data Failed snapshot_failed: copy s-\d+ of snapshot s-\d+/);
    expect(rows(record)[1]).toBe('other InProgress pendingConsumer');
    expect(claim('shop/data')).toBeUndefined();
  });

  it('leaves nothing when the restore is cancelled while it is copied', async () => {
    seedDiskClaim(world, 'shop/data');
    const backup = await backUp();
    const id = await world.start(backup);
    await world.workUntilWait(id);
    expect(world.backups.disks.living().snapshots).toHaveLength(2);
    await cancelRun(world.backups, await world.record(id));
    const record = await world.workToEnd(id);
    expect(record.phase).toBe('Cancelled');
    expect(world.backups.disks.living().snapshots).toEqual(snapshotsOf(backup));
    expect(rows(record)).toEqual(['data Skipped its claim is not there']);
    expect(await world.isReleasing(id)).toBe(false);
  });
});

describe('a claim where no snapshots are served', () => {
  beforeEach(async () => {
    const targetResources = COMMON_RESOURCES.filter((r) => r.group !== 'snapshot.storage.k8s.io');
    world = await diskWorld({ targetResources });
  });

  it('gets a disk in the zone of its pod, and a static volume on it', async () => {
    seedNode(world, 'n1', 'cn-hangzhou-k', [{ key: 'gpu', effect: 'NoSchedule' }]);
    seedNode(world, 'n2', 'cn-hangzhou-b');
    seedDiskClaim(world, 'shop/data', { request: '5Gi', sizeGiB: 5 });
    const backup = await backUp();
    const record = await world.restore(backup);
    expect(record.errors).toEqual([]);
    const [disk = ''] = world.backups.disks.living().disks.filter((id) => id !== 'd-data');
    const [made] = await world.backups.disks.describeDisks(REGION, [disk]);
    expect(made).toMatchObject({ zone: 'cn-hangzhou-b', sizeGiB: 20, category: 'cloud_essd' });
    const name = String(objectAt(claim('shop/data'), 'spec')?.volumeName);
    const volume = world.target.peek('persistentvolumes', undefined, name);
    expect(volume?.spec).toMatchObject({
      persistentVolumeReclaimPolicy: 'Retain',
      csi: { volumeHandle: disk, fsType: 'xfs' },
      claimRef: { namespace: 'shop', name: 'data' },
      nodeAffinity: {
        required: {
          nodeSelectorTerms: [{ matchExpressions: [{ values: ['cn-hangzhou-b'] }] }],
        },
      },
    });
    await bindClaim(world.target, 'shop/data');
    expect(await world.workOnRelease(record.id)).toBe('ended');
    expect(world.backups.disks.living().disks).toEqual(['d-data', disk]);
    expect(world.target.peek('persistentvolumes', undefined, name)).toEqual(volume);
  });

  it('is refused where no node could use its disk', async () => {
    seedDiskClaim(world, 'shop/data');
    const backup = await backUp();
    const record = await world.restore(backup);
    expect(record.errors.map(({ code }) => code)).toEqual(['no_zone']);
    expect(world.backups.disks.living().disks).toEqual(['d-data']);
  });

  it('leaves no disk when the restore is cancelled before the claim is made', async () => {
    seedNode(world, 'n1', 'cn-hangzhou-k');
    seedDiskClaim(world, 'shop/data');
    const id = await world.start(await backUp());
    world.backups.disks.intercept = async ({ method }, proceed) => {
      const reply = await proceed();
      if (method === 'createDisk') await cancelRun(world.backups, await world.record(id));
      return reply;
    };
    const record = await world.workToEnd(id);
    expect(record.phase).toBe('Cancelled');
    expect(world.backups.disks.calls.createDisk).toBe(1);
    expect(claim('shop/data')).toBeUndefined();
    // ECS removes no disk that is being created: the run that follows does it.
    await world.backups.clock.advance(15_000);
    expect(await world.workOnRelease(id)).toBe('ended');
    expect(world.backups.disks.living().disks).toEqual(['d-data']);
  });
});

function classResource() {
  const found = COMMON_RESOURCES.find((r) => r.kind === 'StorageClass');
  if (found === undefined) throw new Error('No StorageClass');
  return found;
}
