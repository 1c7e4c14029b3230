import { describe, expect, it } from 'vitest';
import { COMMON_RESOURCES } from '../../test/support/api-resources.ts';
import {
  bindClaim,
  diskWorld,
  moveTarget,
  seedDiskClaim,
  seedNode,
} from '../../test/support/disk-samples.ts';
import type { Intercept } from '../../test/support/interception.ts';
import type { RestoreWorld } from '../../test/support/restore-world.ts';
import type { BackupRecord } from '../domain/backup-record.ts';
import { objectAt } from '../domain/json.ts';
import { LEASE_MS } from '../domain/lease.ts';
import { cancelRun } from './cancel-run.ts';

/** The process died: whatever it calls afterwards fails too. */
class Killed extends Error {}

const AWAY = 'cn-beijing';

/** A target and what differs about it. */
interface Scene {
  readonly away: boolean;
  readonly served: boolean;
}

interface Stage {
  readonly world: RestoreWorld;
  readonly backup: BackupRecord;
}

async function stage({ away, served }: Scene): Promise<Stage> {
  const bare = COMMON_RESOURCES.filter((r) => r.group !== 'snapshot.storage.k8s.io');
  const world = await diskWorld(served ? {} : { targetResources: bare });
  if (away) await moveTarget(world, AWAY);
  seedNode(world, 'n1', `${away ? AWAY : 'cn-hangzhou'}-b`);
  seedDiskClaim(world, 'shop/data');
  const backup = await world.backups.backUp({ volumeBackup: true });
  return { world, backup };
}

/** Lets `calls` calls of all ports through, then kills; `after`: the last one happens, unanswered. */
function killAfter(world: RestoreWorld, calls: number, after: boolean): { hits: number } {
  const seen = { hits: 0 };
  const intercept: Intercept = async (_call, proceed) => {
    seen.hits += 1;
    if (seen.hits === calls && after) await proceed();
    if (seen.hits >= calls) throw new Killed();
    await Promise.resolve();
    return await proceed();
  };
  const { records, bucket, control, disks } = world.backups;
  for (const port of [records, bucket, control, disks, world.target]) port.intercept = intercept;
  return seen;
}

function revive(world: RestoreWorld): void {
  killAfter(world, Number.POSITIVE_INFINITY, false);
}

/** A restore, the driver's part, and the run that follows, from wherever they are. */
async function play(world: RestoreWorld, id: string): Promise<void> {
  const record = await world.record(id);
  const run = await world.backups.records.get('runs', [record.runId]);
  if (run?.value.state !== 'ended') await world.workToEnd(id);
  if (world.target.peek('persistentvolumeclaims', 'shop', 'data') !== undefined) {
    await bindClaim(world.target, 'shop/data');
  }
  for (let look = 0; await world.isReleasing(id); look += 1) {
    if (look > 20) throw new Error('The release does not end');
    await world.backups.clock.advance(LEASE_MS + 1);
    await world.workOnRelease(id);
  }
}

/** Plays on with new workers until everything has ended. */
async function survive(
  world: RestoreWorld,
  act: () => Promise<void>,
  before: () => Promise<void> = async () => {},
): Promise<void> {
  try {
    await act();
    revive(world);
  } catch (error) {
    if (!(error instanceof Killed)) throw error;
    revive(world);
    await world.backups.clock.advance(LEASE_MS + 1);
    await before();
    await act();
  }
}

/** What is there at the end, by names that are the same in each run. */
function remains({ world }: Stage): unknown {
  const { disks, snapshots } = world.backups.disks.living();
  const objects = Object.entries(world.target.dump())
    .map(([key, object]) => [key, object.spec])
    .sort(([a], [b]) => (String(a) < String(b) ? -1 : 1));
  return { disks, snapshots, objects };
}

const SCENES: readonly (readonly [string, Scene, readonly boolean[]])[] = [
  ['in its region', { away: false, served: true }, [false, true]],
  ['in another region', { away: true, served: true }, [true]],
  ['without snapshots in the target', { away: true, served: false }, [true]],
];

describe('a restore of a snapshot', () => {
  it.each(SCENES)(
    'ends the same wherever its worker is killed: %s',
    async (_name, scene, whens) => {
      const clean = await stage(scene);
      const seen = killAfter(clean.world, Number.POSITIVE_INFINITY, false);
      await play(clean.world, await clean.world.start(clean.backup));
      const calls = seen.hits;
      const wanted = remains(clean);
      expect(clean.world.backups.disks.living().snapshots).toHaveLength(1);
      expect(clean.world.backups.disks.living().disks).toHaveLength(scene.served ? 1 : 2);
      for (const after of whens) {
        for (let n = 1; n <= calls; n += 1) {
          const made = await stage(scene);
          const { world, backup } = made;
          const id = await world.start(backup);
          killAfter(world, n, after);
          await survive(world, () => play(world, id));
          const record = await world.record(id);
          const when = `Killed ${after ? 'after' : 'before'} call ${n} of ${calls}`;
          expect(record.volumes, when).toMatchObject([{ phase: 'Completed' }]);
          expect(record, when).toMatchObject({ phase: 'Completed', errors: [] });
          expect(record.counts, when).toEqual({ created: 3, skipped: 0, failed: 0, omitted: 1 });
          expect(remains(made), when).toEqual(wanted);
        }
      }
    },
  );

  it.each(SCENES)(
    'that is cancelled leaves nothing wherever it is killed: %s',
    async (_name, scene) => {
      const cancelling = async ({ world, backup }: Stage) => {
        const id = await world.start(backup);
        world.onCreated('namespaces shop', async () => {
          await cancelRun(world.backups, await world.record(id));
        });
        return id;
      };
      const clean = await stage(scene);
      const seen = killAfter(clean.world, Number.POSITIVE_INFINITY, false);
      await play(clean.world, await cancelling(clean));
      const calls = seen.hits;
      for (let n = 1; n <= calls; n += 1) {
        const made = await stage(scene);
        const { world } = made;
        const id = await cancelling(made);
        killAfter(world, n, n % 2 === 0);
        // Whoever asked for the stop got no reply where the kill came first, and asks again.
        const again = async () => {
          const record = await world.record(id);
          if (record.phase !== 'Cancelled') await cancelRun(world.backups, record);
        };
        await survive(world, () => play(world, id), again);
        const when = `Killed at call ${n} of ${calls}`;
        const record = await world.record(id);
        expect(record.phase, when).toBe('Cancelled');
        const { disks, snapshots } = world.backups.disks.living();
        const claim = world.target.peek('persistentvolumeclaims', 'shop', 'data');
        const volume = String(objectAt(claim, 'spec')?.volumeName);
        const used = objectAt(
          world.target.peek('persistentvolumes', undefined, volume),
          'spec',
          'csi',
        );
        // The backup's own stay; a disk stays only behind the claim that was made.
        expect(snapshots, when).toEqual(made.backup.volumes.map(({ resourceId }) => resourceId));
        const kept = used === undefined ? [] : [used.volumeHandle];
        expect(disks, when).toEqual(['d-data', ...kept]);
        const left = Object.keys(world.target.dump()).filter((key) => key.startsWith('volumesnap'));
        expect(left, when).toEqual([]);
      }
    },
  );
});
