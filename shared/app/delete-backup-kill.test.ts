import { describe, expect, it } from 'vitest';
import type { BackupWorld } from '../../test/support/backup-world.ts';
import {
  backUpVolumes,
  deleteToEnd,
  deletionOf,
  expectGone,
  leftOf,
  recordLeft,
  workOnDeletion,
  worldOfVolumes,
} from '../../test/support/deletion-samples.ts';
import type { Intercept } from '../../test/support/interception.ts';
import { LEASE_MS } from '../domain/lease.ts';
import { deleteBackup } from './delete-backup.ts';
import { expireDue } from './expire-backups.ts';
import { reconcileRuns } from './reconcile-runs.ts';

/** The process died: whatever it calls afterwards fails too. */
class Killed extends Error {}

describe('a process that dies', () => {
  function killAfter(made: BackupWorld, calls: number, after: boolean): { hits: number } {
    const seen = { hits: 0 };
    const intercept: Intercept = async (_call, proceed) => {
      seen.hits += 1;
      if (seen.hits === calls && after) await proceed();
      if (seen.hits >= calls) throw new Killed();
      await Promise.resolve();
      return await proceed();
    };
    for (const port of [made.records, made.control, made.bucket, made.disks, made.cloudBackup]) {
      port.intercept = intercept;
    }
    return seen;
  }

  const revive = (made: BackupWorld) => killAfter(made, Number.POSITIVE_INFINITY, false);

  it.each([false, true])(
    'while deleting leaves nothing, wherever it died (after the call: %s)',
    async (after) => {
      let calls = 1;
      for (let wasHit = true; wasHit; calls += 1) {
        const made = await worldOfVolumes();
        const backup = await backUpVolumes(made);
        await deleteBackup(made, backup);
        const seen = killAfter(made, calls, after);
        await workOnDeletion(made, deletionOf(backup)).catch(() => undefined);
        wasHit = seen.hits >= calls;
        revive(made);
        await made.clock.advance(LEASE_MS + 1);
        const at = `killed ${after ? 'after' : 'before'} call ${calls}`;
        await deleteToEnd(made, backup).catch((error: unknown) => {
          throw new Error(`${at}: ${String(error)}`);
        });
        expect(await leftOf(made, backup), at).toEqual([]);
        expect(await recordLeft(made, backup), at).toBeUndefined();
      }
      expect(calls).toBeGreaterThan(30);
    },
  );

  it('while removing what expired leaves the record and nothing else, wherever it died', async () => {
    let calls = 1;
    for (let wasHit = true; wasHit; calls += 1) {
      const made = await worldOfVolumes();
      const backup = await backUpVolumes(made);
      await made.clock.advance((backup.expiresAtMs ?? 0) - made.clock.now());
      await expireDue(made, made.clock.now() + 1);
      const seen = killAfter(made, calls, true);
      await workOnDeletion(made, deletionOf(backup)).catch(() => undefined);
      wasHit = seen.hits >= calls;
      revive(made);
      await made.clock.advance(LEASE_MS + 1);
      const at = `killed after call ${calls}`;
      await deleteToEnd(made, backup).catch((error: unknown) => {
        throw new Error(`${at}: ${String(error)}`);
      });
      expect(await leftOf(made, backup), at).toEqual([]);
      const left = await recordLeft(made, backup);
      expect(left?.phase, at).toBe('Completed');
      expect(left?.expiry?.removedAtMs, at).toBeDefined();
    }
    expect(calls).toBeGreaterThan(30);
  });

  it.each([false, true])(
    'while asking leaves the backup whole or a deletion that goes on (after the call: %s)',
    async (after) => {
      const ends = new Set<string>();
      let calls = 1;
      for (let wasHit = true; wasHit; calls += 1) {
        const made = await worldOfVolumes();
        const backup = await backUpVolumes(made);
        const seen = killAfter(made, calls, after);
        await deleteBackup(made, backup).catch(() => undefined);
        wasHit = seen.hits >= calls;
        revive(made);
        await made.clock.advance(LEASE_MS + 1);
        await reconcileRuns(made);
        const at = `killed ${after ? 'after' : 'before'} call ${calls}`;
        const isStarted = (await made.records.get('runs', [deletionOf(backup)])) !== undefined;
        const phase = (await recordLeft(made, backup))?.phase;
        ends.add(`${isStarted} ${phase}`);
        if (!isStarted) expect(phase, at).toBe('Completed');
        // Asking again is asking once.
        await deleteBackup(made, backup);
        await deleteToEnd(made, backup);
        expect(await leftOf(made, backup), at).toEqual([]);
      }
      expect([...ends].sort()).toEqual(['false Completed', 'true Completed', 'true Deleting']);
    },
  );

  it('before the mark is finished by the reconciler, as the request asked', async () => {
    const world = await worldOfVolumes();
    const backup = await backUpVolumes(world);
    world.records.intercept = async (call, proceed) => {
      if (call.method === 'put' && call.subject.startsWith('backups')) throw new Killed();
      return await proceed();
    };
    await expect(deleteBackup(world, backup)).rejects.toThrow(Killed);
    revive(world);
    expect((await recordLeft(world, backup))?.phase).toBe('Completed');
    await world.clock.advance(LEASE_MS + 1);
    expect(await reconcileRuns(world)).toBe(1);
    await deleteToEnd(world, backup);
    await expectGone(world, backup);
  });
});
