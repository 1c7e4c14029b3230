import { beforeEach, describe, expect, it } from 'vitest';
import { FakeClock } from '../../test/support/fake-clock.ts';
import { InMemoryObjectStore } from '../../test/support/in-memory-object-store.ts';
import { InMemoryRecordStore } from '../../test/support/in-memory-record-store.ts';
import { MemoryLogger } from '../../test/support/memory-logger.ts';
import { sampleBackup } from '../../test/support/sample-records.ts';
import { SeededEntropy } from '../../test/support/seeded-entropy.ts';
import type { BackupRecord } from '../domain/backup-record.ts';
import { UnavailableError } from '../domain/errors.ts';
import { SHARDS } from '../domain/ids.ts';
import { LEASE_MS } from '../domain/lease.ts';
import { RUNS_PER_CLUSTER_MAX } from '../domain/run.ts';
import { parseDispatchKey } from '../format/control-keys.ts';
import { cancelRun } from './cancel-run.ts';
import { reconcileRuns } from './reconcile-runs.ts';
import { startRun } from './start-run.ts';
import type { StepContext, StepOutcome, Workflow } from './step.ts';
import { type RunnerServices, workOnRun } from './step-runner.ts';

/** A process that was killed: every later call of it fails too. */
class Killed extends Error {}

interface World extends RunnerServices {
  readonly records: InMemoryRecordStore;
  readonly control: InMemoryObjectStore;
  readonly clock: FakeClock;
}

let world: World;

beforeEach(() => {
  const clock = new FakeClock();
  world = {
    records: new InMemoryRecordStore(),
    control: new InMemoryObjectStore('control', { now: () => clock.now() }),
    clock,
    entropy: new SeededEntropy(),
    log: new MemoryLogger(),
  };
});

type Work = (context: StepContext<BackupRecord>) => Promise<StepOutcome>;

/** A workflow of steps that is Completed by its last one. */
function workflow(steps: Readonly<Record<string, Work>>): Workflow<BackupRecord> {
  return {
    kind: 'backup',
    table: 'backups',
    steps: [
      ...Object.entries(steps).map(([name, run]) => ({ name, run })),
      {
        name: 'finish',
        run: async (context) => {
          await context.updateRecord((r) => ({ ...r, phase: 'InProgress' }));
          await context.updateRecord((r) => ({ ...r, phase: 'Completed' }));
          return { kind: 'done' };
        },
      },
    ],
    abandon: async (context, why) => {
      await context.updateRecord((r) =>
        why === 'cancelled'
          ? { ...r, phase: r.phase === 'Cancelled' ? 'Cancelled' : 'Cancelling' }
          : { ...r, phase: 'Failed', message: why.message },
      );
      if (why === 'cancelled') await context.updateRecord((r) => ({ ...r, phase: 'Cancelled' }));
    },
  };
}

async function start(n = 1): Promise<string> {
  const runId = `run-${n}`;
  const id = `bk-${String(8_000_000_000_000 + n)}-00`;
  await startRun(world, {
    id: runId,
    kind: 'backup',
    cluster: 'c1',
    network: 'public',
    recordId: id,
    vaultIdentity: 'vault-1',
    requestHash: '',
    claim: { location: 'bucket/', name: `nightly-${n}` },
    record: sampleBackup({ id, runId }),
  });
  return runId;
}

function work(
  runId: string,
  flow: Workflow<BackupRecord>,
  minutes = 10,
): ReturnType<typeof workOnRun> {
  const deadlineMs = world.clock.now() + minutes * 60_000;
  return workOnRun(world, [flow], { runId, deadlineMs });
}

async function recordOf(n = 1): Promise<BackupRecord | undefined> {
  return (await world.records.get('backups', ['c1', `bk-${8_000_000_000_000 + n}-00`]))?.value;
}

/** Every call a process may die at: before it happens, or after, with the reply lost. */
function* deaths(callsMax: number): Iterable<{ n: number; lost: boolean }> {
  for (let n = 1; n <= callsMax; n += 1) {
    yield { n, lost: false };
    yield { n, lost: true };
  }
}

async function waitingRows(): Promise<unknown[]> {
  const rows = [];
  for (const shard of SHARDS) {
    rows.push(...(await world.records.list('waiting', { prefix: [shard], limit: 10 })).rows);
  }
  return rows;
}

async function dispatched(): Promise<string[]> {
  const page = await world.control.list('dispatch/');
  return page.objects.map((o) => parseDispatchKey(o.key)?.runId ?? '');
}

describe('step runner', () => {
  it('does the steps in order and hands results on', async () => {
    const seen: unknown[] = [];
    const flow = workflow({
      one: async () => ({ kind: 'done', result: 7 }),
      two: async (context) => {
        seen.push(context.results.one);
        return { kind: 'done' };
      },
    });
    const runId = await start();
    expect(await dispatched()).toEqual([runId]);
    expect(await work(runId, flow)).toBe('ended');
    expect(seen).toEqual([7]);
    expect((await recordOf())?.phase).toBe('Completed');
    expect(await waitingRows()).toEqual([]);
  });

  it('lets one of two workers work and the other leave', async () => {
    let running = 0;
    let most = 0;
    const flow = workflow({
      one: async () => {
        running += 1;
        most = Math.max(most, running);
        await world.clock.sleep(1000);
        running -= 1;
        return { kind: 'done' };
      },
    });
    const runId = await start();
    const both = [work(runId, flow), work(runId, flow)];
    for (let i = 0; i < 20; i += 1) await world.clock.advance(500);
    expect((await Promise.all(both)).sort()).toEqual(['ended', 'left']);
    expect(most).toBe(1);
  });

  it('refuses the late write of a worker whose lease lapsed', async () => {
    const late: unknown[] = [];
    let release: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    const runId = await start();
    const sleepy = workflow({
      one: async (context) => {
        await gate;
        await context
          .updateRecord((r) => ({ ...r, message: 'written too late' }))
          .catch((error: unknown) => {
            late.push(error);
            throw error;
          });
        return { kind: 'done' };
      },
    });
    const first = work(runId, sleepy);
    // The first worker stalls: its heartbeat no longer reaches the store.
    const stalled = world.records.intercept;
    let stall = false;
    world.records.intercept = async (call, proceed) => {
      if (stall && call.subject.startsWith('runs')) throw new Killed('stalled');
      return await stalled(call, proceed);
    };
    await world.clock.advance(1);
    stall = true;
    await world.clock.advance(LEASE_MS + 1000);
    stall = false;
    const second = await work(runId, workflow({ one: async () => ({ kind: 'done' }) }));
    expect(second).toBe('ended');
    release();
    expect(await first).toBe('left');
    expect(late).toHaveLength(1);
    expect(String(late[0])).toContain('no longer the newest');
    const record = await recordOf();
    expect(record?.phase).toBe('Completed');
    expect(record?.message).toBeUndefined();
  });

  it('keeps the lease of a long step alive', async () => {
    const runId = await start();
    const flow = workflow({
      one: async () => {
        await world.clock.sleep(LEASE_MS * 3);
        return { kind: 'done' };
      },
    });
    const first = work(runId, flow);
    await world.clock.advance(LEASE_MS * 2);
    expect(await work(runId, flow)).toBe('left');
    await world.clock.advance(LEASE_MS * 2);
    expect(await first).toBe('ended');
  });

  it('waits without a worker and is woken by the reconciler', async () => {
    let asked = 0;
    const flow = workflow({
      one: async (context) => {
        asked += 1;
        if (context.checkpoint === 'asked') return { kind: 'done' };
        await context.save('asked');
        return { kind: 'wait', wakeAtMs: world.clock.now() + 120_000 };
      },
    });
    const runId = await start();
    expect(await work(runId, flow)).toBe('waiting');
    expect(await reconcileRuns(world)).toBe(0);
    await world.clock.advance(120_000);
    expect(await reconcileRuns(world)).toBe(1);
    expect(await work(runId, flow)).toBe('ended');
    expect(asked).toBe(2);
  });

  it('goes on in another invocation when its time is short', async () => {
    const flow = workflow({ one: async () => ({ kind: 'again' }) });
    const runId = await start();
    expect(await work(runId, flow)).toBe('again');
    expect(await dispatched()).toHaveLength(2);
  });

  it('tries a retryable failure again and gives up in the end', async () => {
    const flow = workflow({
      one: async () => {
        throw new UnavailableError('cluster_unreachable', 'Cannot reach cluster c1');
      },
    });
    const runId = await start();
    let invocations = 0;
    while ((await work(runId, flow)) === 'waiting') {
      invocations += 1;
      await world.clock.advance(400_000);
    }
    expect(invocations).toBe(9);
    expect(await recordOf()).toMatchObject({ phase: 'Failed', message: 'Cannot reach cluster c1' });
  });

  it('cancels a waiting run at once and a working one at its next checkpoint', async () => {
    const flow = workflow({
      one: async (context) => {
        const record = await recordOf();
        if (record !== undefined) await cancelRun(world, record);
        await context.save('more');
        return { kind: 'done' };
      },
    });
    const runId = await start();
    expect(await work(runId, flow)).toBe('ended');
    expect((await recordOf())?.phase).toBe('Cancelled');
    const record = await recordOf();
    await expect(cancelRun(world, record ?? sampleBackup())).rejects.toMatchObject({
      code: 'not_cancellable',
    });
  });

  it('runs at most four at once on a cluster and the rest in order', async () => {
    const flow = workflow({
      one: async (context) =>
        context.checkpoint === null
          ? context
              .save('begun')
              .then(() => ({ kind: 'wait', wakeAtMs: world.clock.now() + 3_600_000 }) as const)
          : { kind: 'done' },
    });
    const runs = [];
    for (let n = 1; n <= RUNS_PER_CLUSTER_MAX + 2; n += 1) runs.push(await start(n));
    const results = [];
    for (const runId of runs) results.push(await work(runId, flow));
    expect(results).toEqual(['waiting', 'waiting', 'waiting', 'waiting', 'left', 'left']);
    await world.clock.advance(1000);
    const before = (await dispatched()).filter((id) => id === 'run-5').length;
    expect(await work('run-1', flow)).toBe('ended');
    expect((await dispatched()).filter((id) => id === 'run-5')).toHaveLength(before + 1);
    expect(await work('run-6', flow)).toBe('left');
    expect(await work('run-5', flow)).toBe('waiting');
  });

  it('cancels a run that waits for a slot at once, and the queue goes on without it', async () => {
    const flow = workflow({
      one: async () => ({ kind: 'wait', wakeAtMs: world.clock.now() + 3_600_000 }),
    });
    for (let n = 1; n <= RUNS_PER_CLUSTER_MAX + 2; n += 1) await work(await start(n), flow);
    await cancelRun(world, (await recordOf(5)) ?? sampleBackup());
    expect(await work('run-5', flow)).toBe('ended');
    expect((await recordOf(5))?.phase).toBe('Cancelled');
    expect((await world.records.get('slots', ['c1']))?.value.queue).toEqual(['run-6']);
  });

  it('ends a run whose name another one has, before a record exists', async () => {
    await start(1);
    await expect(
      startRun(world, {
        id: 'run-x',
        kind: 'backup',
        cluster: 'c1',
        network: 'public',
        recordId: 'bk-9000000000000-00',
        vaultIdentity: 'vault-1',
        requestHash: '',
        claim: { location: 'bucket/', name: 'nightly-1' },
        record: sampleBackup({ id: 'bk-9000000000000-00' }),
      }),
    ).rejects.toMatchObject({ code: 'name_taken' });
    expect(await world.records.get('backups', ['c1', 'bk-9000000000000-00'])).toBeUndefined();
    expect((await world.records.get('runs', ['run-x']))?.value.state).toBe('ended');
  });

  it('ends with the same result when the process dies at any call', async () => {
    const flow = (effects: string[]): Workflow<BackupRecord> =>
      workflow({
        one: async (context) => {
          await context.save('half');
          effects.push('one');
          return { kind: 'done', result: 1 };
        },
        two: async (context) => {
          await context.updateRecord((r) => ({ ...r, phase: 'InProgress' }));
          await context.scratch.write('logs', 0, Buffer.from('line\n'));
          return { kind: 'done' };
        },
      });
    const plain = world.records.intercept;
    let died = 0;
    for (const { n, lost } of deaths(200)) {
      const clock = new FakeClock();
      const records = new InMemoryRecordStore();
      const control = new InMemoryObjectStore('control', { now: () => clock.now() });
      world = { ...world, clock, records, control };
      let calls = 0;
      const mortal: typeof plain = async (call, proceed) => {
        calls += 1;
        if (calls === n && lost) await proceed();
        if (calls >= n) throw new Killed(`killed at call ${n}`);
        return await plain(call, proceed);
      };
      records.intercept = mortal;
      control.intercept = mortal;
      let started = false;
      const effects: string[] = [];
      try {
        const runId = await start();
        started = true;
        await work(runId, flow(effects));
      } catch (error) {
        died += 1;
        expect(String(error)).toContain('killed');
      }
      if (calls < n) break;
      records.intercept = plain;
      control.intercept = plain;
      for (let minute = 0; minute < 5; minute += 1) {
        await clock.advance(LEASE_MS + 1000);
        await reconcileRuns(world);
        for (const runId of new Set(await dispatched())) await work(runId, flow(effects));
      }
      const record = await recordOf();
      // A caller that got no reply may find no record, but never a half-made one.
      if (started || record !== undefined)
        expect(record?.phase, `killed at ${n}, reply lost: ${lost}`).toBe('Completed');
      expect(await waitingRows()).toEqual([]);
    }
    expect(died).toBeGreaterThan(30);
  });
});
