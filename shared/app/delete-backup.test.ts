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
import { REGION } from '../../test/support/disk-samples.ts';
import type { BackupRecord } from '../domain/backup-record.ts';
import { BackupCentreError } from '../domain/errors.ts';
import { deleteBackup } from './delete-backup.ts';

const DAY_MS = 86_400_000;

let world: BackupWorld;

async function use(made: BackupWorld, backup: BackupRecord): Promise<void> {
  const row = { restoreId: 'rs-1', since: made.clock.now() };
  await made.records.put('backup_uses', [backup.id, 'rs-1'], row, 'any');
}

beforeEach(async () => {
  world = await worldOfVolumes();
});

describe('deleting a backup', () => {
  it('marks it at once and leaves nothing but its taken name', async () => {
    const backup = await backUpVolumes(world);
    expect(backup).toMatchObject({ phase: 'Completed', progress: { volumesDone: 3 } });
    expect((await leftOf(world, backup)).length).toBe(8 + 2 + 1);
    expect(await deleteBackup(world, backup)).toMatchObject({ phase: 'Deleting' });
    await deleteToEnd(world, backup);
    await expectGone(world, backup);
  });

  it('asked for twice is one deletion, and not found afterwards', async () => {
    const backup = await backUpVolumes(world);
    const replies = await Promise.all([deleteBackup(world, backup), deleteBackup(world, backup)]);
    expect(replies.map((r) => r.phase)).toEqual(['Deleting', 'Deleting']);
    await deleteToEnd(world, backup);
    await expectGone(world, backup);
    await expect(deleteBackup(world, backup)).rejects.toMatchObject({ code: 'not_found' });
  });

  it('takes the marker away before anything else', async () => {
    const backup = await backUpVolumes(world);
    const { marker } = await world.keys(backup);
    await deleteBackup(world, backup);
    world.disks.intercept = async (_call, proceed) => {
      expect(world.bucket.keys()).not.toContain(marker);
      return await proceed();
    };
    await deleteToEnd(world, backup);
    await expectGone(world, backup);
  });

  it('deletes one of which some volume failed', async () => {
    const id = await startVolumes(world);
    world.disks.refuseNext('createSnapshot', new BackupCentreError('cloud_quota', 'no more'));
    const backup = await world.workToEnd(id);
    expect(backup.phase).toBe('PartiallyFailed');
    await deleteBackup(world, backup);
    await deleteToEnd(world, backup);
    await expectGone(world, backup);
  });

  it('deletes a failed one without touching files of somebody else in its place', async () => {
    const theirs = 'team/backups/nightly-1/velero-backup.json';
    await world.bucket.put(theirs, Buffer.from('theirs'));
    const backup = await backUpVolumes(world);
    expect(backup.phase).toBe('Failed');
    await deleteBackup(world, backup);
    await deleteToEnd(world, backup);
    expect(await recordLeft(world, backup)).toBeUndefined();
    expect(world.bucket.keys()).toEqual([theirs]);
  });

  it('counts a bucket and a vault of Cloud Backup that are gone as removed', async () => {
    const backup = await backUpVolumes(world);
    let refused = 0;
    world.cloudBackup.intercept = async () => {
      refused += 1;
      throw new BackupCentreError('hbr_vault_missing', 'VaultNotExist');
    };
    world.bucket.facts.exists = false;
    await deleteBackup(world, backup);
    await deleteToEnd(world, backup);
    expect(await recordLeft(world, backup)).toBeUndefined();
    expect(world.disks.living().snapshots).toEqual([]);
    expect(refused).toBeGreaterThan(0);
  });

  it('takes no slot of its cluster', async () => {
    const backup = await backUpVolumes(world);
    const slots = { active: ['a', 'b', 'c', 'd'], queue: [] };
    await world.records.put('slots', ['c1'], slots, 'any');
    await deleteBackup(world, backup);
    await deleteToEnd(world, backup);
    await expectGone(world, backup);
    expect((await world.records.get('slots', ['c1']))?.value).toEqual(slots);
  });

  it('ends a verification that comes too late', async () => {
    const backup = await backUpVolumes(world);
    await deleteBackup(world, backup);
    const run = await world.records.get('runs', [deletionOf(backup)]);
    if (run === undefined) throw new Error('No run');
    const verify = { ...run.value, id: 'verify-late', kind: 'verify' } as const;
    await world.records.put('runs', ['verify-late'], verify, 'absent');
    await world.records.put('runs', ['verify-later'], { ...verify, id: 'verify-later' }, 'absent');
    expect(await workOnDeletion(world, 'verify-late')).toBe('ended');
    expect((await recordLeft(world, backup))?.verification).toBeUndefined();
    await deleteToEnd(world, backup);
    expect(await workOnDeletion(world, 'verify-later')).toBe('ended');
  });
});

describe('deleting a running backup', () => {
  it.each([0, 1])('cancels it first, after %i invocations of its worker', async (invocations) => {
    const id = await startVolumes(world);
    for (let n = 0; n < invocations; n += 1) await world.work(id);
    const backup = await world.record(id);
    expect(world.disks.living().snapshots).toHaveLength(invocations * 2);
    await deleteBackup(world, backup);
    expect(await workOnDeletion(world, deletionOf(backup))).toBe('left');
    expect(await world.workToEnd(id)).toMatchObject({ phase: 'Cancelled' });
    await deleteToEnd(world, backup);
    await expectGone(world, backup);
  });

  it('deletes it too where the stop came too late', async () => {
    const backup = await backUpVolumes(world);
    const run = await world.records.get('runs', [backup.runId]);
    if (run === undefined) throw new Error('No run');
    const running = { ...backup, phase: 'Finalizing' } as const;
    await world.records.put('backups', ['c1', backup.id], running, 'any');
    await world.records.put('runs', run.key, { ...run.value, state: 'active' }, 'any');
    await deleteBackup(world, running);
    await world.records.put('backups', ['c1', backup.id], backup, 'any');
    expect(await workOnDeletion(world, deletionOf(backup))).toBe('left');
    await world.work(backup.id);
    await deleteToEnd(world, backup);
    await expectGone(world, backup);
  });
});

describe('a restore that uses the backup', () => {
  it('refuses the deletion and loses nothing', async () => {
    const backup = await backUpVolumes(world);
    await use(world, backup);
    const refused = deleteBackup(world, backup);
    await expect(refused).rejects.toMatchObject({ code: 'backup_in_use' });
    await expect(refused).rejects.toThrow('nightly-1: restore rs-1 is using it');
    expect(await recordLeft(world, backup)).toEqual(backup);
    expect(await world.records.get('runs', [deletionOf(backup)])).toBeUndefined();
  });

  it('that came in between gets the mark taken back', async () => {
    const backup = await backUpVolumes(world);
    let marks = 0;
    world.records.intercept = async (call, proceed) => {
      const result = await proceed();
      if (call.method === 'put' && call.subject.startsWith('backups')) {
        marks += 1;
        if (marks === 1) await use(world, backup);
      }
      return result;
    };
    await expect(deleteBackup(world, backup)).rejects.toMatchObject({ code: 'backup_in_use' });
    expect(marks).toBe(2);
    expect(await recordLeft(world, backup)).toEqual(backup);
    expect(await world.records.get('runs', [deletionOf(backup)])).toBeUndefined();
    await world.records.remove('backup_uses', [backup.id, 'rs-1'], 'any');
    await deleteBackup(world, backup);
    await deleteToEnd(world, backup);
    await expectGone(world, backup);
  });

  it('is waited for where it began before the run', async () => {
    const backup = await backUpVolumes(world);
    await deleteBackup(world, backup);
    await use(world, backup);
    const before = await leftOf(world, backup);
    for (let look = 0; look < 5; look += 1) {
      expect(await workOnDeletion(world, deletionOf(backup))).toBe('waiting');
      await world.clock.advance(3_600_000);
    }
    expect(await leftOf(world, backup)).toEqual(before);
    expect((await recordLeft(world, backup))?.message).toContain('restore rs-1 is using it');
    await world.records.remove('backup_uses', [backup.id, 'rs-1'], 'any');
    await deleteToEnd(world, backup);
    await expectGone(world, backup);
  });
});

describe('what stands in the way', () => {
  it('a retention policy keeps it Deleting until its time is over', async () => {
    world.bucket.facts.retentionMs = 7 * DAY_MS;
    const backup = await backUpVolumes(world);
    await deleteBackup(world, backup);
    const keys = await world.keys(backup);
    const marker = await world.bucket.head(keys.marker);
    const until = (marker?.modifiedAtMs ?? 0) + 7 * DAY_MS;
    let looks = 0;
    while (world.clock.now() < until) {
      expect(await workOnDeletion(world, deletionOf(backup))).toBe('waiting');
      const record = await recordLeft(world, backup);
      expect(record).toMatchObject({ phase: 'Deleting', retainedUntilMs: until });
      expect(record?.message).toContain(new Date(until).toISOString());
      looks += 1;
      const run = await world.records.get('runs', [deletionOf(backup)]);
      await world.clock.advance((run?.value.wakeAtMs ?? 0) - world.clock.now());
    }
    expect(looks).toBe(7);
    expect(world.bucket.keys()).toHaveLength(8);
    await deleteToEnd(world, backup);
    await expectGone(world, backup);
  });

  it('a right that is missing is told, and waited for without end', async () => {
    const backup = await backUpVolumes(world);
    await deleteBackup(world, backup);
    for (let look = 0; look < 15; look += 1) {
      const refusal = new BackupCentreError('cloud_access_denied', 'No right to DeleteSnapshot');
      world.disks.refuseNext('findSnapshots', refusal);
      expect(await workOnDeletion(world, deletionOf(backup))).toBe('waiting');
      const record = await recordLeft(world, backup);
      expect(record?.message).toMatch(/^Not deleted yet, next attempt at .*DeleteSnapshot/);
      await world.clock.advance(3_600_000);
    }
    await deleteToEnd(world, backup);
    await expectGone(world, backup);
  });
});

it('leaves a snapshot of another backup of the same disks alone', async () => {
  const backup = await backUpVolumes(world);
  const other = await backUpVolumes(world);
  await deleteBackup(world, backup);
  await deleteToEnd(world, backup);
  const ids = other.volumes.flatMap((v) =>
    v.method === 'ecsSnapshot' ? (v.resourceId ?? []) : [],
  );
  expect(world.disks.living().snapshots.sort()).toEqual([...ids].sort());
  expect(await world.disks.describeSnapshots(REGION, ids)).toHaveLength(2);
  expect((await world.verify(other)).verification).toMatchObject({ ok: true });
});
