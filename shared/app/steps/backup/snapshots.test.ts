import { beforeEach, describe, expect, it } from 'vitest';
import type { BackupWorld } from '../../../../test/support/backup-world.ts';
import { REGION, seedDiskVolume, worldOfDisks } from '../../../../test/support/disk-samples.ts';
import type { Intercept } from '../../../../test/support/interception.ts';
import type { BackupRecord } from '../../../domain/backup-record.ts';
import { BackupCentreError, ThrottledError } from '../../../domain/errors.ts';
import { LEASE_MS } from '../../../domain/lease.ts';
import { cancelRun } from '../../cancel-run.ts';

let world: BackupWorld;

const start = (made: BackupWorld) => made.start({ volumeBackup: true, retentionDays: 7 });

function phases(record: BackupRecord): readonly string[] {
  return record.volumes.map(({ pvc, phase }) => `${pvc} ${phase}`);
}

beforeEach(async () => {
  world = await worldOfDisks(2);
});

describe('a backup of disks', () => {
  it('waits without a function for a snapshot of each, kept as long as the backup', async () => {
    const id = await start(world);
    expect(await world.work(id)).toBe('waiting');
    expect(await world.record(id)).toMatchObject({ phase: 'WaitingForVolumes' });
    const record = await world.workToEnd(id);
    expect(record).toMatchObject({
      phase: 'Completed',
      errors: [],
      warnings: [],
      billing: { snapshotGiB: 40 },
      progress: { volumesTotal: 2, volumesDone: 2 },
    });
    const found = await world.disks.describeSnapshots(
      REGION,
      record.volumes.map((v) => v.resourceId ?? ''),
    );
    expect(found.map((s) => [s.sourceDiskId, s.status, s.retentionDays])).toEqual([
      ['d-0', 'accomplished', 7],
      ['d-1', 'accomplished', 7],
    ]);
    expect(found[0]?.tags).toMatchObject({
      'backup-centre.io/run': record.runId,
      'backup-centre.io/claim': 'data-0',
    });
    expect(record.volumes[0]).toMatchObject({
      method: 'ecsSnapshot',
      phase: 'Completed',
      progress: 1,
      sizeBytes: 20 * 2 ** 30,
      source: { kind: 'disk', diskId: 'd-0', region: REGION, zone: `${REGION}-k` },
    });
  });

  it('takes one snapshot of a disk that two claims use', async () => {
    seedDiskVolume(world, 2, 'd-0');
    const record = await world.workToEnd(await start(world));
    expect(phases(record)).toEqual(['data-0 Completed', 'data-1 Completed', 'data-2 Completed']);
    expect(record.volumes[2]?.resourceId).toBe(record.volumes[0]?.resourceId);
    expect(world.disks.living().snapshots).toHaveLength(2);
  });

  it('keeps snapshots no shorter than the backup itself', async () => {
    const record = await world.workToEnd(await start(world));
    const ids = record.volumes.map((v) => v.resourceId ?? '');
    for (const s of await world.disks.describeSnapshots(REGION, ids)) {
      const endsAtMs = s.createdAtMs + (s.retentionDays ?? 0) * 86_400_000;
      expect(endsAtMs).toBeGreaterThanOrEqual(record.expiresAtMs ?? Number.POSITIVE_INFINITY);
    }
  });
});

describe('what stands in the way of a snapshot', () => {
  it.each([
    ['a quota', new BackupCentreError('cloud_quota', 'no more snapshots'), 'cloud_quota'],
    ['a right', new BackupCentreError('cloud_access_denied', 'no right'), 'cloud_access_denied'],
    ['a state', new BackupCentreError('disk_state', 'IncorrectDiskStatus'), 'disk_state'],
  ])('%s fails that volume, the rest is usable', async (_name, error, code) => {
    const id = await start(world);
    world.disks.refuseNext('createSnapshot', error);
    const record = await world.workToEnd(id);
    expect(record.phase).toBe('PartiallyFailed');
    expect(phases(record).filter((p) => p.endsWith('Completed'))).toHaveLength(1);
    expect(record.errors).toMatchObject([{ code, step: 'snapshots', object: { name: 'data-0' } }]);
    expect(record.errors[0]?.message).toContain(error.message);
  });

  it.each([
    ['throttling', new ThrottledError('Throttling.User', 1000)],
    ['a snapshot in work', new BackupCentreError('disk_busy', 'busy', { retryable: true })],
  ])('%s is waited for', async (_name, error) => {
    const id = await start(world);
    world.disks.refuseNext('createSnapshot', error);
    expect(await world.workToEnd(id)).toMatchObject({ phase: 'Completed', errors: [] });
  });

  it('a snapshot that fails at ECS is told', async () => {
    const id = await start(world);
    world.disks.failNextSnapshots(1);
    const record = await world.workToEnd(id);
    expect(record.phase).toBe('PartiallyFailed');
    expect(record.errors).toMatchObject([{ code: 'snapshot_failed' }]);
  });

  it('a disk that is deleted meanwhile takes its snapshot along', async () => {
    const id = await start(world);
    await world.work(id);
    // ECS removes the snapshot of a disk that is released while it is being made.
    for (const snapshot of await world.disks.findSnapshots(REGION, {
      key: 'backup-centre.io/claim',
      value: 'data-1',
    })) {
      await world.disks.deleteSnapshot(REGION, snapshot.id);
    }
    const record = await world.workToEnd(id);
    expect(phases(record)).toEqual(['data-0 Completed', 'data-1 Failed']);
    expect(record.errors[0]?.message).toContain('is gone');
  });
});

describe('a worker that dies', () => {
  class Killed extends Error {}

  function killAfter(made: BackupWorld, calls: number, after: boolean): { hits: number } {
    const seen = { hits: 0 };
    const intercept: Intercept = async (_call, proceed) => {
      seen.hits += 1;
      if (seen.hits === calls && after) await proceed();
      if (seen.hits >= calls) throw new Killed();
      await Promise.resolve();
      return await proceed();
    };
    for (const port of [made.records, made.control, made.disks]) port.intercept = intercept;
    return seen;
  }

  async function die(calls: number, after: boolean): Promise<boolean> {
    const made = await worldOfDisks(2);
    const id = await start(made);
    const seen = killAfter(made, calls, after);
    await made.work(id).catch(() => undefined);
    if (seen.hits < calls) return false;
    killAfter(made, Number.POSITIVE_INFINITY, false);
    await made.clock.advance(LEASE_MS + 1);
    const record = await made.workToEnd(id);
    const at = `killed ${after ? 'after' : 'before'} call ${calls}`;
    expect(record, at).toMatchObject({ phase: 'Completed', errors: [] });
    const taken = record.volumes.map((v) => v.resourceId).sort();
    expect(made.disks.living().snapshots.sort(), at).toEqual(taken);
    return true;
  }

  it.each([false, true])(
    'leaves one snapshot per disk, wherever it died (after: %s)',
    async (after) => {
      let calls = 1;
      while (await die(calls, after)) calls += 1;
      expect(calls).toBeGreaterThan(20);
    },
  );
});

it('leaves no snapshot of a backup that is cancelled', async () => {
  const id = await start(world);
  await world.work(id);
  expect(world.disks.living().snapshots).toHaveLength(2);
  await cancelRun(world, await world.record(id));
  await world.workToEnd(id);
  expect(await world.record(id)).toMatchObject({ phase: 'Cancelled' });
  expect(world.disks.living().snapshots).toEqual([]);
});

it('needs few calls for 200 disks, in proportion', async () => {
  const counts: number[] = [];
  for (const volumes of [100, 200]) {
    const made = await worldOfDisks(volumes);
    const record = await made.workToEnd(await start(made));
    expect(record.volumes.filter((v) => v.phase === 'Completed')).toHaveLength(volumes);
    counts.push(Object.values(made.disks.calls).reduce((sum, n) => sum + n, 0));
  }
  const [hundred = 0, twoHundred = 0] = counts;
  expect(twoHundred).toBeLessThanOrEqual(260);
  expect(twoHundred).toBeLessThanOrEqual(2 * hundred + 10);
});
