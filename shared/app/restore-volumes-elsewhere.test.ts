import { beforeEach, describe, expect, it } from 'vitest';
import { COMMON_RESOURCES } from '../../test/support/api-resources.ts';
import {
  backUpDisks,
  bindClaim,
  claimOf,
  diskWorld,
  moveTarget,
  REGION,
  rowsOf,
  seedDiskClaim,
  seedNode,
  snapshotObjects,
  snapshotsOf,
} from '../../test/support/disk-samples.ts';
import type { RestoreWorld } from '../../test/support/restore-world.ts';
import { objectAt } from '../domain/json.ts';
import { cancelRun } from './cancel-run.ts';

let world: RestoreWorld;

beforeEach(async () => {
  world = await diskWorld();
});

describe('a claim in another region', () => {
  beforeEach(async () => {
    await moveTarget(world, 'cn-beijing');
  });

  it('gets a copy of its snapshot, made while no function runs, removed once it is bound', async () => {
    seedDiskClaim(world, 'shop/data');
    const backup = await backUpDisks(world);
    const [snapshot = ''] = snapshotsOf(backup);
    const id = await world.start(backup);
    expect(await world.workUntilWait(id)).toBe('waiting');
    const waiting = await world.record(id);
    expect(waiting.phase).toBe('WaitingForVolumes');
    expect(rowsOf(waiting)).toEqual([
      `data InProgress copying snapshot ${snapshot} from cn-hangzhou to cn-beijing`,
    ]);
    expect(claimOf(world, 'shop/data')).toBeUndefined();
    const record = await world.workToEnd(id);
    expect(record.errors).toEqual([]);
    const copies = world.backups.disks.living().snapshots.filter((each) => each !== snapshot);
    expect(copies).toHaveLength(1);
    expect(objectAt(snapshotObjects(world)[0], 'spec', 'source')).toEqual({
      snapshotHandle: copies[0],
    });
    await bindClaim(world.target, 'shop/data');
    expect(await world.workOnRelease(id)).toBe('ended');
    expect(world.backups.disks.living().snapshots).toEqual([snapshot]);
    expect(rowsOf(await world.record(id))[0]).toContain('data Completed');
  });

  it('keeps a copy that another claim still needs', async () => {
    seedDiskClaim(world, 'shop/one');
    seedDiskClaim(world, 'shop/two');
    const backup = await backUpDisks(world);
    const record = await world.restore(backup);
    const copies = () => world.backups.disks.living().snapshots.length - 2;
    expect(copies()).toBe(2);
    await bindClaim(world.target, 'shop/one');
    expect(await world.workOnRelease(record.id)).toBe('waiting');
    expect(copies()).toBe(1);
    expect(rowsOf(await world.record(record.id))[1]).toBe('two InProgress pendingConsumer');
    await bindClaim(world.target, 'shop/two');
    await world.backups.clock.advance(600_000);
    expect(await world.workOnRelease(record.id)).toBe('ended');
    expect(copies()).toBe(0);
  });

  it('waits its turn where a copy of the disk is unfinished', async () => {
    seedDiskClaim(world, 'shop/data');
    const backup = await backUpDisks(world);
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
    const backup = await backUpDisks(world);
    world.backups.disks.failNextSnapshots(1);
    const record = await world.restore(backup);
    expect(record.phase).toBe('PartiallyFailed');
    expect(record.errors.map(({ code }) => code)).toEqual(['snapshot_failed']);
    expect(rowsOf(record)[0]).toMatch(/^data Failed snapshot_failed: copy s-\d+ of snapshot s-\d+/);
    expect(rowsOf(record)[1]).toBe('other InProgress pendingConsumer');
    expect(claimOf(world, 'shop/data')).toBeUndefined();
  });

  it('leaves nothing when the restore is cancelled while it is copied', async () => {
    seedDiskClaim(world, 'shop/data');
    const backup = await backUpDisks(world);
    const id = await world.start(backup);
    await world.workUntilWait(id);
    expect(world.backups.disks.living().snapshots).toHaveLength(2);
    await cancelRun(world.backups, await world.record(id));
    const record = await world.workToEnd(id);
    expect(record.phase).toBe('Cancelled');
    expect(world.backups.disks.living().snapshots).toEqual(snapshotsOf(backup));
    expect(rowsOf(record)).toEqual(['data Skipped its claim is not there']);
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
    const backup = await backUpDisks(world);
    const record = await world.restore(backup);
    expect(record.errors).toEqual([]);
    const [disk = ''] = world.backups.disks.living().disks.filter((id) => id !== 'd-data');
    const [made] = await world.backups.disks.describeDisks(REGION, [disk]);
    expect(made).toMatchObject({ zone: 'cn-hangzhou-b', sizeGiB: 20, category: 'cloud_essd' });
    const name = String(objectAt(claimOf(world, 'shop/data'), 'spec')?.volumeName);
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
    const backup = await backUpDisks(world);
    const record = await world.restore(backup);
    expect(record.errors.map(({ code }) => code)).toEqual(['no_zone']);
    expect(world.backups.disks.living().disks).toEqual(['d-data']);
  });

  it('leaves no disk when the restore is cancelled before the claim is made', async () => {
    seedNode(world, 'n1', 'cn-hangzhou-k');
    seedDiskClaim(world, 'shop/data');
    const id = await world.start(await backUpDisks(world));
    world.backups.disks.intercept = async ({ method }, proceed) => {
      const reply = await proceed();
      if (method === 'createDisk') await cancelRun(world.backups, await world.record(id));
      return reply;
    };
    const record = await world.workToEnd(id);
    expect(record.phase).toBe('Cancelled');
    expect(world.backups.disks.calls.createDisk).toBe(1);
    expect(claimOf(world, 'shop/data')).toBeUndefined();
    // ECS removes no disk that is being created: the run that follows does it.
    await world.backups.clock.advance(15_000);
    expect(await world.workOnRelease(id)).toBe('ended');
    expect(world.backups.disks.living().disks).toEqual(['d-data']);
  });
});
