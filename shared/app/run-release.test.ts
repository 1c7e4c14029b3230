import { beforeEach, describe, expect, it } from 'vitest';
import {
  backUpDisks,
  bindClaim,
  claimOf,
  diskWorld,
  moveTarget,
  resourceOf,
  rowsOf,
  seedDiskClaim,
  snapshotObjects,
  snapshotsOf,
} from '../../test/support/disk-samples.ts';
import type { RestoreWorld } from '../../test/support/restore-world.ts';
import { UnavailableError } from '../domain/errors.ts';
import { objectAt } from '../domain/json.ts';
import { startRunOnce } from './start-run.ts';

let world: RestoreWorld;

beforeEach(async () => {
  world = await diskWorld();
});

describe('a claim that waits for its pod', () => {
  it('needs no release where it is bound before the restore ends', async () => {
    seedDiskClaim(world, 'shop/data');
    const backup = await backUpDisks(world);
    const id = await world.start(backup, { verify: true });
    world.onCreated('persistentvolumeclaims shop/data', () => bindClaim(world.target, 'shop/data'));
    const record = await world.workToEnd(id);
    expect(rowsOf(record)[0]).toMatch(/^data Completed new volume pvc-shop-data, of snapshot s-/);
    expect(record.progress).toMatchObject({ volumesTotal: 1, volumesDone: 1 });
    expect(await world.isReleasing(id)).toBe(false);
    expect(snapshotObjects(world)).toEqual([]);
  });

  it('does not keep the verification of its restore waiting', async () => {
    seedDiskClaim(world, 'shop/data');
    await world.backups.cluster.remove({
      resource: resourceOf('Pod'),
      namespace: 'shop',
      name: 'pod-data',
    });
    world.onCreated('namespaces shop', async () => {
      const shop = world.target.peek('namespaces', undefined, 'shop');
      world.target.seed({ ...shop, status: { phase: 'Active' } });
      await Promise.resolve();
    });
    const backup = await backUpDisks(world);
    const beginMs = world.backups.clock.now();
    const id = await world.start(backup, { verify: true });
    const record = await world.workToEnd(id);
    expect(record.verification?.checks).toContainEqual({
      object: 'persistentvolumeclaims shop/data',
      check: 'Bound',
      ok: true,
      found: 'Pending, until a pod mounts it',
    });
    expect(record).toMatchObject({ warnings: [], verification: { ok: true } });
    expect(record.completedAtMs).toBeLessThan(beginMs + 600_000);
  });

  it('holds its backup until it is bound', async () => {
    seedDiskClaim(world, 'shop/data');
    const backup = await backUpDisks(world);
    const record = await world.restore(backup);
    const uses = () => world.backups.records.get('backup_uses', [backup.id, record.id]);
    expect(await uses()).toBeDefined();
    await bindClaim(world.target, 'shop/data');
    expect(await world.workOnRelease(record.id)).toBe('ended');
    expect(await uses()).toBeUndefined();
  });

  it('removed by its user while it waits leaves nothing', async () => {
    seedDiskClaim(world, 'shop/data');
    const record = await world.restore(await backUpDisks(world));
    await world.target.remove({
      resource: resourceOf('PersistentVolumeClaim'),
      namespace: 'shop',
      name: 'data',
    });
    expect(await world.workOnRelease(record.id)).toBe('ended');
    expect(snapshotObjects(world)).toEqual([]);
    expect(rowsOf(await world.record(record.id))).toEqual(['data Skipped its claim is not there']);
  });

  it('waits on while the target cannot be reached', async () => {
    seedDiskClaim(world, 'shop/data');
    const record = await world.restore(await backUpDisks(world));
    await bindClaim(world.target, 'shop/data');
    const { intercept } = world.target;
    world.target.intercept = async () => {
      throw new UnavailableError('cluster_unreachable', 'Cannot reach cluster c2');
    };
    for (let look = 0; look < 30; look += 1) {
      expect(await world.workOnRelease(record.id)).toBe('waiting');
      await world.backups.clock.advance(600_000);
    }
    world.target.intercept = intercept;
    expect(await world.workOnRelease(record.id)).toBe('ended');
    expect(snapshotObjects(world)).toEqual([]);
  });

  it('is given up after seven days without a pod, and the record says so', async () => {
    seedDiskClaim(world, 'shop/data');
    const backup = await backUpDisks(world);
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
    expect(snapshotObjects(world)).toEqual([]);
    const after = await world.record(record.id);
    expect(after.phase).toBe('Completed');
    expect(rowsOf(after)).toEqual([
      'data Failed pendingConsumer: no pod mounted the claim in time',
    ]);
    expect(after.warnings.map(({ code }) => code)).toContain('pending_consumer');
    expect(claimOf(world, 'shop/data')).toBeDefined();
    expect(world.backups.disks.living().snapshots).toEqual(snapshotsOf(backup));
  });

  it('keeps its snapshot even where somebody changed the policy of the content', async () => {
    seedDiskClaim(world, 'shop/data');
    const record = await world.restore(await backUpDisks(world));
    const [content] = snapshotObjects(world);
    world.target.seed({
      ...content,
      spec: { ...objectAt(content, 'spec'), deletionPolicy: 'Delete' },
    });
    await bindClaim(world.target, 'shop/data');
    const policies: unknown[] = [];
    world.target.intercept = async ({ method, subject }, proceed) => {
      if (method === 'delete' && subject.startsWith('volumesnapshots')) {
        policies.push(objectAt(snapshotObjects(world)[0], 'spec')?.deletionPolicy);
      }
      return await proceed();
    };
    expect(await world.workOnRelease(record.id)).toBe('ended');
    expect(policies).toEqual(['Retain']);
    expect(snapshotObjects(world)).toEqual([]);
  });

  it('leaves snapshot objects of others alone', async () => {
    seedDiskClaim(world, 'shop/data');
    const record = await world.restore(await backUpDisks(world));
    const [content] = snapshotObjects(world);
    const foreign = {
      name: 'theirs',
      labels: { 'app.kubernetes.io/managed-by': 'ack-backup-centre' },
    };
    world.target.seed({ ...content, metadata: foreign });
    await bindClaim(world.target, 'shop/data');
    await world.workOnRelease(record.id);
    expect(snapshotObjects(world).map((object) => objectAt(object, 'metadata')?.name)).toEqual([
      'theirs',
    ]);
  });

  it('is not looked after before its restore has ended, which keeps the record', async () => {
    await moveTarget(world, 'cn-beijing');
    seedDiskClaim(world, 'shop/data');
    const id = await world.start(await backUpDisks(world));
    expect(await world.workUntilWait(id)).toBe('waiting');
    const { runId, fence } = await world.record(id);
    const request = {
      id: `${runId}-release`,
      kind: 'release',
      cluster: 'c2',
      network: 'public',
      recordId: id,
      vaultIdentity: '',
      requestHash: '',
    } as const;
    for (let time = 0; time < 2; time += 1) await startRunOnce(world.backups, request);
    expect(await world.workOnRelease(id)).toBe('left');
    expect((await world.record(id)).fence).toBe(fence);
    expect((await world.workToEnd(id)).phase).toBe('Completed');
    await bindClaim(world.target, 'shop/data');
    expect(await world.workOnRelease(id)).toBe('ended');
  });
});
