import { beforeEach, describe, expect, it } from 'vitest';
import type { BackupWorld } from '../../test/support/backup-world.ts';
import {
  backUpVolumes,
  deleteToEnd,
  deletionOf,
  expectGone,
  leftOf,
  recordLeft,
  startVolumes,
  workOnDeletion,
  worldOfVolumes,
} from '../../test/support/deletion-samples.ts';
import type { Intercept } from '../../test/support/interception.ts';
import type { BackupRecord } from '../domain/backup-record.ts';
import { SHARDS } from '../domain/ids.ts';
import { LEASE_MS } from '../domain/lease.ts';
import { isExpired, notRestorable } from '../domain/restorable.ts';
import { deleteBackup } from './delete-backup.ts';
import { type ExpiryCount, expireDue } from './expire-backups.ts';
import { readBackupLog, readBackupResults } from './read-backup.ts';
import { reconcileRuns } from './reconcile-runs.ts';

const DAY_MS = 86_400_000;

let world: BackupWorld;

beforeEach(async () => {
  world = await worldOfVolumes();
});

async function tick(made: BackupWorld): Promise<ExpiryCount> {
  return await expireDue(made, made.clock.now() + 60_000);
}

/** Until its validity is over, to the millisecond. */
async function outlive(made: BackupWorld, backup: BackupRecord): Promise<void> {
  await made.clock.advance((backup.expiresAtMs ?? 0) - made.clock.now());
}

/** Ticks, and works on what they start, until nothing moves for a while. */
async function passTime(made: BackupWorld, backup: BackupRecord, ms: number): Promise<void> {
  const end = made.clock.now() + ms;
  while (made.clock.now() < end) {
    await tick(made);
    await workOnDeletion(made, deletionOf(backup));
    await made.clock.advance(Math.min(DAY_MS, end - made.clock.now()));
  }
  await tick(made);
}

async function rowsOf(made: BackupWorld): Promise<readonly string[]> {
  const pages = await Promise.all(
    SHARDS.map((shard) => made.records.list('expiries', { prefix: [shard], limit: 1000 })),
  );
  return pages.flatMap((page) => page.rows.map((row) => row.key.join('/')));
}

async function use(made: BackupWorld, backup: BackupRecord): Promise<void> {
  const row = { restoreId: 'rs-1', since: made.clock.now() };
  await made.records.put('backup_uses', [backup.id, 'rs-1'], row, 'any');
}

describe('validity', () => {
  it('ends at its very millisecond', async () => {
    const backup = await backUpVolumes(world);
    expect(backup.expiresAtMs).toBe(backup.createdAtMs + 30 * DAY_MS);
    const end = backup.expiresAtMs ?? 0;
    expect(notRestorable(backup, end - 1)).toBeUndefined();
    expect(notRestorable(backup, end)).toBe('backup_expired');
    await outlive(world, backup);
    await world.clock.advance(-1);
    expect(await tick(world)).toEqual({ expired: 0, forgotten: 0 });
    await world.clock.advance(1);
    expect(await tick(world)).toEqual({ expired: 1, forgotten: 0 });
  });

  it('of 65536 days is beyond 32 bits of anything and still ends on its day', async () => {
    const id = await world.start({ retentionDays: 65_536 });
    const backup = await world.workToEnd(id);
    expect(backup.expiresAtMs).toBe(backup.createdAtMs + 65_536 * DAY_MS);
    await world.clock.advance(65_535 * DAY_MS);
    expect(await tick(world)).toEqual({ expired: 0, forgotten: 0 });
    await outlive(world, backup);
    expect(await tick(world)).toEqual({ expired: 1, forgotten: 0 });
  });
});

describe('a backup that expired', () => {
  it('loses its data, keeps its record for 30 days and its name for ever', async () => {
    const backup = await backUpVolumes(world);
    await outlive(world, backup);
    expect(await tick(world)).toEqual({ expired: 1, forgotten: 0 });
    expect(await tick(world)).toEqual({ expired: 0, forgotten: 0 });
    await deleteToEnd(world, backup);
    expect(await leftOf(world, backup)).toEqual([]);
    const removedAtMs = world.clock.now();
    const left = await recordLeft(world, backup);
    expect(left).toMatchObject({ phase: 'Completed', expiry: { removedAtMs } });
    expect(left?.billing).toEqual({ ossBytes: 0, snapshotGiB: 0, cloudBackupBytes: 0 });
    await passTime(world, backup, 30 * DAY_MS - 1);
    expect(await recordLeft(world, backup)).toEqual(left);
    await passTime(world, backup, 1);
    await expectGone(world, backup);
    expect(await rowsOf(world)).toEqual([]);
    expect(await world.records.get('runs', [backup.runId])).toBeUndefined();
    expect(await world.records.get('runs', [deletionOf(backup)])).toBeUndefined();
  });

  it('is not readable any more, and says why', async () => {
    const backup = await backUpVolumes(world);
    await outlive(world, backup);
    await tick(world);
    await deleteToEnd(world, backup);
    const left = (await recordLeft(world, backup)) ?? backup;
    await expect(readBackupLog(world, left).next()).rejects.toMatchObject({
      code: 'backup_expired',
    });
    expect(await readBackupResults(world, left)).toEqual({ errors: [], warnings: [] });
  });

  it('is not verified any more by a run that comes too late', async () => {
    const backup = await backUpVolumes(world);
    await outlive(world, backup);
    await tick(world);
    await deleteToEnd(world, backup);
    const left = (await recordLeft(world, backup)) ?? backup;
    expect((await world.verify(left)).verification).toBeUndefined();
  });

  it('is deleted for good by a request at the very moment of the tick', async () => {
    for (let turns = 0; turns < 12; turns += 1) {
      const made = await worldOfVolumes();
      const backup = await backUpVolumes(made);
      await outlive(made, backup);
      const request = async (): Promise<void> => {
        for (let turn = 0; turn < turns; turn += 1) await Promise.resolve();
        await deleteBackup(made, backup);
      };
      await Promise.all([tick(made), request()]);
      await deleteToEnd(made, backup);
      await expectGone(made, backup);
    }
  });

  it('stays expired where another clock is behind', async () => {
    const backup = await backUpVolumes(world);
    await outlive(world, backup);
    await tick(world);
    await workOnDeletion(world, deletionOf(backup));
    const left = (await recordLeft(world, backup)) ?? backup;
    expect(isExpired(left, 0)).toBe(true);
    expect(notRestorable(left, 0)).toBe('backup_expired');
  });

  it('is held by a restore that uses it, and goes when that is done', async () => {
    const backup = await backUpVolumes(world);
    await use(world, backup);
    await outlive(world, backup);
    expect(await tick(world)).toEqual({ expired: 0, forgotten: 0 });
    await passTime(world, backup, 3 * DAY_MS);
    expect((await leftOf(world, backup)).length).toBeGreaterThanOrEqual(8);
    await world.records.remove('backup_uses', [backup.id, 'rs-1'], 'any');
    await world.clock.advance(60_000);
    expect(await tick(world)).toEqual({ expired: 1, forgotten: 0 });
    await deleteToEnd(world, backup);
    expect(await leftOf(world, backup)).toEqual([]);
  });

  it('is held by a restore that came between the look and the mark', async () => {
    const backup = await backUpVolumes(world);
    await outlive(world, backup);
    await tick(world);
    await use(world, backup);
    await workOnDeletion(world, deletionOf(backup));
    expect((await leftOf(world, backup)).length).toBeGreaterThanOrEqual(8);
    await world.records.remove('backup_uses', [backup.id, 'rs-1'], 'any');
    await world.clock.advance(60_000);
    await deleteToEnd(world, backup);
    expect(await leftOf(world, backup)).toEqual([]);
  });

  it('is not removed while it still runs', async () => {
    const id = await startVolumes(world);
    await world.clock.advance(31 * DAY_MS);
    expect(await tick(world)).toEqual({ expired: 0, forgotten: 0 });
    const backup = await world.workToEnd(id);
    await world.clock.advance(60_000);
    expect(await tick(world)).toEqual({ expired: 1, forgotten: 0 });
    await deleteToEnd(world, backup);
    expect(await leftOf(world, backup)).toEqual([]);
    expect((await recordLeft(world, backup))?.expiry?.removedAtMs).toBeDefined();
  });

  it.each(['before the worker came', 'before its last step', 'after all'])(
    'is deleted for good by request %s',
    async (when) => {
      const backup = await backUpVolumes(world);
      await outlive(world, backup);
      await tick(world);
      if (when === 'before its last step') {
        world.bucket.intercept = async (call, proceed) => {
          if (call.method === 'remove') throw new Error('not now');
          return await proceed();
        };
        await workOnDeletion(world, deletionOf(backup)).catch(() => undefined);
        expect((await recordLeft(world, backup))?.expiry).toBeDefined();
        world.bucket.intercept = async (_call, proceed) => await proceed();
        await world.clock.advance(LEASE_MS + 1);
      }
      if (when === 'after all') await deleteToEnd(world, backup);
      const reply = await deleteBackup(world, (await recordLeft(world, backup)) ?? backup);
      expect(reply.phase).toBe('Deleting');
      if (when !== 'after all') await deleteToEnd(world, backup);
      await expectGone(world, backup);
      await passTime(world, backup, 2 * DAY_MS);
      expect(await rowsOf(world)).toEqual([]);
    },
  );

  it('that was deleted before leaves no row behind', async () => {
    const backup = await backUpVolumes(world);
    await deleteBackup(world, backup);
    await deleteToEnd(world, backup);
    expect((await rowsOf(world)).length).toBe(1);
    await outlive(world, backup);
    expect(await tick(world)).toEqual({ expired: 0, forgotten: 0 });
    expect(await rowsOf(world)).toEqual([]);
  });

  it('is removed once by two ticks at a time', async () => {
    const backup = await backUpVolumes(world);
    await outlive(world, backup);
    await Promise.all([tick(world), tick(world)]);
    await deleteToEnd(world, backup);
    expect(await leftOf(world, backup)).toEqual([]);
    expect((await rowsOf(world)).length).toBe(1);
  });

  it('does not keep the others, where it cannot be looked at', async () => {
    const bad = await backUpVolumes(world);
    const good = await world.workToEnd(await world.start());
    await outlive(world, good);
    world.records.intercept = async (call, proceed) => {
      if (call.method === 'get' && call.subject.includes(bad.id)) {
        throw new Error('broken row');
      }
      return await proceed();
    };
    expect(await tick(world)).toEqual({ expired: 1, forgotten: 0 });
    expect(await world.records.get('runs', [deletionOf(good)])).toBeDefined();
  });

  it('costs a tick nothing before its time', async () => {
    await backUpVolumes(world);
    const reads: string[] = [];
    world.records.intercept = async (call, proceed) => {
      reads.push(call.method);
      return await proceed();
    };
    await tick(world);
    expect(reads).toEqual(SHARDS.map(() => 'list'));
  });
});

describe('a tick that dies', () => {
  it.each([false, true])('is made up for by the next (after the call: %s)', async (after) => {
    let calls = 1;
    for (let wasHit = true; wasHit; calls += 1) {
      const made = await worldOfVolumes();
      const backup = await backUpVolumes(made);
      await outlive(made, backup);
      let hits = 0;
      const intercept: Intercept = async (_call, proceed) => {
        hits += 1;
        if (hits === calls && after) await proceed();
        if (hits >= calls) throw new Error('killed');
        return await proceed();
      };
      made.records.intercept = intercept;
      made.control.intercept = intercept;
      await tick(made).catch(() => undefined);
      wasHit = hits >= calls;
      made.records.intercept = made.control.intercept = async (_c, proceed) => await proceed();
      await made.clock.advance(LEASE_MS + 1);
      await tick(made);
      await reconcileRuns(made);
      await deleteToEnd(made, backup);
      const at = `killed at call ${calls}`;
      expect(await leftOf(made, backup), at).toEqual([]);
      expect((await recordLeft(made, backup))?.expiry?.removedAtMs, at).toBeDefined();
      await passTime(made, backup, 31 * DAY_MS);
      await expectGone(made, backup);
      expect(await rowsOf(made), at).toEqual([]);
    }
    expect(calls).toBeGreaterThan(15);
  });

  it('on forgetting leaves a record that the next forgets', async () => {
    let calls = 1;
    for (let wasHit = true; wasHit; calls += 1) {
      const made = await worldOfVolumes();
      const backup = await backUpVolumes(made);
      await outlive(made, backup);
      await tick(made);
      await deleteToEnd(made, backup);
      await made.clock.advance(30 * DAY_MS);
      await tick(made);
      await made.clock.advance(DAY_MS);
      let hits = 0;
      made.records.intercept = async (_call, proceed) => {
        hits += 1;
        if (hits >= calls) throw new Error('killed');
        return await proceed();
      };
      await tick(made).catch(() => undefined);
      wasHit = hits >= calls;
      made.records.intercept = async (_c, proceed) => await proceed();
      await passTime(made, backup, DAY_MS);
      await expectGone(made, backup);
      expect(await rowsOf(made)).toEqual([]);
      expect(await made.records.get('runs', [backup.runId])).toBeUndefined();
    }
    expect(calls).toBeGreaterThan(3);
  });
});
