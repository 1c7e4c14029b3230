import { describe, expect, it } from 'vitest';
import type { Intercept } from '../../test/support/interception.ts';
import {
  landingWorld,
  playCluster,
  seedNasClaim,
  seedNodeClaim,
} from '../../test/support/landing-samples.ts';
import { sampleObject } from '../../test/support/restore-samples.ts';
import type { RestoreWorld } from '../../test/support/restore-world.ts';
import type { BackupRecord } from '../domain/backup-record.ts';
import { textAt } from '../domain/json.ts';
import { LEASE_MS } from '../domain/lease.ts';
import type { RestoreRecord } from '../domain/restore-record.ts';
import type { FilesRestore } from '../ports/cloud-backup.ts';
import { cancelRun } from './cancel-run.ts';

/** The process died: whatever it calls afterwards fails too. */
class Killed extends Error {}

interface Stage {
  readonly world: RestoreWorld;
  readonly backup: BackupRecord;
  /** Restore jobs that were asked for, each time. */
  readonly requests: readonly FilesRestore[];
}

/** A NAS claim, and two of one pod whose files are read on a node. */
async function stage(jobMs = 10_000): Promise<Stage> {
  const world = await landingWorld({ jobMs });
  playCluster(world.target);
  seedNasClaim(world, 'shop/pics', 'cats');
  seedNodeClaim(world, 'shop/data', 'rows');
  seedNodeClaim(world, 'shop/wal', 'log');
  const volumes = ['data', 'wal'].map((claimName) => ({
    name: claimName,
    persistentVolumeClaim: { claimName },
  }));
  world.seed(sampleObject('StatefulSet', 'shop/db', { spec: { template: { spec: { volumes } } } }));
  world.backups.cloudBackup.setAgent('c2', 'READY');
  const backup = await world.backups.backUp({ volumeBackup: true });
  const requests: FilesRestore[] = [];
  const { cloudBackup } = world.backups;
  const start = cloudBackup.startRestore.bind(cloudBackup);
  cloudBackup.startRestore = async (request) => {
    requests.push(request);
    return await start(request);
  };
  return { world, backup, requests };
}

/** Lets `calls` calls of all ports through, then kills; `after`: the last one happens, unanswered. */
function killAfter(world: RestoreWorld, calls: number, after: boolean): { hits: number } {
  const seen = { hits: 0 };
  intercept(world, async (_call, proceed) => {
    seen.hits += 1;
    if (seen.hits === calls && after) await proceed();
    if (seen.hits >= calls) throw new Killed();
    await Promise.resolve();
    return await proceed();
  });
  return seen;
}

function intercept(world: RestoreWorld, see: Intercept): void {
  const { records, bucket, control, disks, cloudBackup } = world.backups;
  for (const port of [records, bucket, control, disks, cloudBackup, world.target]) {
    port.intercept = see;
  }
}

function revive(world: RestoreWorld): void {
  killAfter(world, Number.POSITIVE_INFINITY, false);
}

/** Works until the run has ended, with a new worker where one was killed. */
async function survive(world: RestoreWorld, id: string): Promise<RestoreRecord> {
  try {
    const record = await world.workToEnd(id);
    // The very last call may be one whose answer nobody needs.
    revive(world);
    return record;
  } catch (error) {
    if (!(error instanceof Killed)) throw error;
    revive(world);
    await world.backups.clock.advance(LEASE_MS + 1);
    const record = await world.record(id);
    const run = await world.backups.records.get('runs', [record.runId]);
    return run?.value.state === 'ended' ? record : await world.workToEnd(id);
  }
}

/** Kinds, names and specs of all that is in the target, as a text per object. */
function remains(world: RestoreWorld): readonly string[] {
  return Object.entries(world.target.dump())
    .map(([key, object]) => `${key} ${JSON.stringify(object.spec)}`)
    .sort();
}

/** What jobs wrote, by the volume. */
function landed({ world, requests }: Stage): Record<string, string | undefined> {
  return Object.fromEntries(
    requests.map(({ files }) => [
      files.way === 'nas' ? files.path : files.pv,
      world.backups.cloudBackup.contentOf(files),
    ]),
  );
}

/** Longer than a worker's lease. */
const HOURS_MS = 7_200_000;

const WANTED = { '/new-shop-pics': 'cats', 'new-shop-data': 'rows', 'new-shop-wal': 'log' };

describe('a restore of files', () => {
  it.each([
    ['before a call happens', false],
    ['after a call happened', true],
  ])(
    'ends the same wherever its worker is killed: %s',
    { timeout: 240_000 },
    async (_when, after) => {
      const clean = await stage();
      const seen = killAfter(clean.world, Number.POSITIVE_INFINITY, false);
      const record = await survive(clean.world, await clean.world.start(clean.backup));
      const calls = seen.hits;
      expect(record.phase).toBe('Completed');
      const outcome = await clean.world.outcome(record);
      const wanted = remains(clean.world);
      expect(landed(clean)).toEqual(WANTED);
      expect(wanted.filter((each) => each.includes('bc-landing'))).toEqual([]);
      for (let n = 1; n <= calls; n += 1) {
        const made = await stage();
        const { world } = made;
        const id = await world.start(made.backup);
        killAfter(world, n, after);
        const ended = await survive(world, id);
        const when = `Killed at call ${n} of ${calls}`;
        expect(ended, when).toMatchObject({ phase: 'Completed', errors: [] });
        expect(ended.counts, when).toEqual(record.counts);
        expect(
          ended.volumes.map(({ phase }) => phase),
          when,
        ).toEqual(Array(3).fill('Completed'));
        expect(await world.outcome(ended), when).toEqual(outcome);
        expect(remains(world), when).toEqual(wanted);
        expect(landed(made), when).toEqual(WANTED);
        expect(world.backups.cloudBackup.started('restore'), when).toBe(3);
      }
    },
  );

  it('whose jobs fail ends the same wherever its worker is killed', {
    timeout: 240_000,
  }, async () => {
    const failing = async () => {
      const made = await stage();
      const end = { kind: 'restore', state: 'failed', message: 'DiskFull', times: 3 } as const;
      made.world.backups.cloudBackup.failJob(end);
      return { ...made, id: await made.world.start(made.backup) };
    };
    const clean = await failing();
    const seen = killAfter(clean.world, Number.POSITIVE_INFINITY, false);
    const record = await survive(clean.world, clean.id);
    const calls = seen.hits;
    expect(record.phase).toBe('PartiallyFailed');
    expect(record.counts.failed).toBe(3);
    for (let n = 1; n <= calls; n += 1) {
      const { world, id } = await failing();
      killAfter(world, n, n % 2 === 0);
      const ended = await survive(world, id);
      const when = `Killed at call ${n} of ${calls}`;
      expect(ended.phase, when).toBe('PartiallyFailed');
      expect(ended.counts, when).toEqual(record.counts);
      expect(
        ended.volumes.map(({ phase }) => phase),
        when,
      ).toEqual(Array(3).fill('Failed'));
      expect(
        ended.errors.map(({ code }) => code),
        when,
      ).toEqual(Array(3).fill('cloud_refused'));
      const left = Object.keys(world.target.dump());
      expect(
        left.filter((key) => key.startsWith('persistentvolumeclaims/')),
        when,
      ).toEqual([]);
      expect(
        left.filter((key) => key.includes('bc-landing')),
        when,
      ).toEqual([]);
    }
  });

  it('that is cancelled takes back what has not landed, wherever it is killed', async () => {
    const waiting = async () => {
      const made = await stage(HOURS_MS);
      const { world } = made;
      const id = await world.start(made.backup);
      expect(await workOnce(world, id)).toBe('waiting');
      await cancelRun(world.backups, await world.record(id));
      return { ...made, id };
    };
    const clean = await waiting();
    const seen = killAfter(clean.world, Number.POSITIVE_INFINITY, false);
    await survive(clean.world, clean.id);
    const calls = seen.hits;
    for (let n = 1; n <= calls; n += 1) {
      const { world, id, requests } = await waiting();
      killAfter(world, n, n % 2 === 0);
      const ended = await survive(world, id);
      const when = `Killed at call ${n} of ${calls}`;
      expect(ended.phase, when).toBe('Cancelled');
      expect(ended.warnings, when).toEqual([]);
      const left = Object.keys(world.target.dump());
      expect(
        left.filter((key) => key.startsWith('persistentvolumeclaims/')),
        when,
      ).toEqual([]);
      expect(
        left.filter((key) => key.startsWith('pods/')),
        when,
      ).toEqual([]);
      expect(await jobStates(world, requests), when).toEqual(['cancelled', 'cancelled']);
      expect(
        ended.volumes.map(({ phase }) => phase),
        when,
      ).toEqual(Array(3).fill('Failed'));
    }
  });

  it('that is cancelled stops a job that its killed worker could not write down', async () => {
    const { world, backup, requests } = await stage(HOURS_MS);
    const id = await world.start(backup);
    let dead = false;
    intercept(world, async (call, proceed) => {
      if (dead) throw new Killed();
      const reply = await proceed();
      dead = call.method === 'startRestore';
      if (dead) throw new Killed();
      return reply;
    });
    await expect(workOnce(world, id)).rejects.toThrow(Killed);
    revive(world);
    await cancelRun(world.backups, await world.record(id));
    await world.backups.clock.advance(LEASE_MS + 1);
    expect((await world.workToEnd(id)).phase).toBe('Cancelled');
    expect(requests).toHaveLength(1);
    expect(await jobStates(world, requests)).toEqual(['cancelled']);
    expect(textAt(world.target.dump(), 'persistentvolumeclaims/shop/pics')).toBeUndefined();
  });
});

/** One invocation, with the time that it waits for in place. */
async function workOnce(world: RestoreWorld, id: string): Promise<string> {
  const { clock } = world.backups;
  let isOver = false;
  const working = world.work(id).finally(() => {
    isOver = true;
  });
  working.catch(() => undefined);
  while (!isOver) {
    await new Promise((resolve) => setImmediate(resolve));
    if (!isOver && clock.sleeping() > 1) await clock.advance(100);
  }
  return await working;
}

/** States of the jobs into these places. */
async function jobStates(
  world: RestoreWorld,
  requests: readonly FilesRestore[],
): Promise<readonly (string | undefined)[]> {
  const { cloudBackup } = world.backups;
  const found = requests.map(async (request) => await cloudBackup.findRestore(request, 0));
  return (await Promise.all(found)).map((job) => job?.state);
}
