import { describe, expect, it } from 'vitest';
import { BackupWorld } from '../../test/support/backup-world.ts';
import type { Intercept } from '../../test/support/interception.ts';
import { samplePlan } from '../../test/support/sample-plan.ts';
import type { BackupRecord } from '../domain/backup-record.ts';
import { UnavailableError } from '../domain/errors.ts';
import { planShard } from '../domain/ids.ts';
import { LEASE_MS } from '../domain/lease.ts';
import type { Plan, PlanSpec } from '../domain/plan.ts';
import { reconcileRuns } from './reconcile-runs.ts';
import { backupWorkflow } from './run-backup.ts';
import { runDuePlans } from './run-due-plans.ts';
import { workOnRun } from './step-runner.ts';

const HOUR = 3_600_000;
const MINUTE = 60_000;

/** The world's clock begins on 2026-01-01 at midnight; a plan runs each full hour from 01:00 on. */
async function worldWith(
  plans: readonly (Partial<Omit<Plan, 'spec'>> & { spec?: Partial<PlanSpec> })[] = [{}],
): Promise<BackupWorld> {
  const world = await BackupWorld.create();
  for (const [i, given] of plans.entries()) {
    const plan = samplePlan({
      id: `pl-${i}`,
      createdAtMs: world.clock.now(),
      dueAtMs: world.clock.now() + HOUR,
      ...given,
      spec: {
        name: `hourly-${i}`,
        namespaces: ['shop'],
        schedule: { cron: '0 * * * *', timeZone: 'UTC' },
        ...given.spec,
      },
    });
    await putPlan(world, plan);
  }
  return world;
}

async function putPlan(world: BackupWorld, plan: Plan): Promise<void> {
  await world.records.put('plans', [planShard(plan.cluster), plan.cluster, plan.id], plan, 'any');
}

async function planOf(world: BackupWorld, id = 'pl-0', cluster = 'c1'): Promise<Plan> {
  const row = await world.records.get('plans', [planShard(cluster), cluster, id]);
  if (row === undefined) throw new Error(`No plan ${id}`);
  return row.value;
}

async function backups(world: BackupWorld, cluster = 'c1'): Promise<readonly BackupRecord[]> {
  const page = await world.records.list('backups', { prefix: [cluster], limit: 1000 });
  return page.rows.map((row) => row.value).reverse();
}

const names = async (world: BackupWorld, cluster = 'c1') =>
  (await backups(world, cluster)).map((record) => record.spec.name).sort();

const tick = async (world: BackupWorld) => await runDuePlans(world, world.clock.now() + 50_000);

const at = (time: string) => Date.parse(`2026-01-01T${time}Z`);

describe('a tick', () => {
  it('starts nothing before its time, and a run at it', async () => {
    const world = await worldWith();
    await world.clock.advance(HOUR - 1);
    expect(await tick(world)).toEqual({ started: 0, skipped: 0, failed: 0 });
    await world.clock.advance(1);
    expect(await tick(world)).toEqual({ started: 1, skipped: 0, failed: 0 });
    const [record] = await backups(world);
    expect(record).toMatchObject({
      phase: 'New',
      plan: 'hourly-0',
      planId: 'pl-0',
      creator: 'acs:ram::1000:root',
      createdAtMs: at('01:00'),
      expiresAtMs: at('01:00') + 30 * 24 * HOUR,
      spec: { name: 'hourly-0-20260101010000', namespaces: ['shop'], vault: 'main' },
    });
    expect(record?.spec).not.toHaveProperty('schedule');
    expect(await planOf(world)).toMatchObject({
      dueAtMs: at('02:00'),
      lastRun: {
        name: 'hourly-0-20260101010000',
        recordId: record?.id,
        runId: record?.runId,
        phase: 'New',
        atMs: at('01:00'),
      },
    });
  });

  it('leaves a run that a worker brings to its end, which tells the plan', async () => {
    const world = await worldWith();
    await world.clock.advance(HOUR);
    await tick(world);
    const [record] = await backups(world);
    expect((await world.workToEnd(record?.id ?? '')).phase).toBe('Completed');
    expect((await planOf(world)).lastRun).toMatchObject({ phase: 'Completed' });
  });

  it('reads one row per plan that is due, and none to start its run', async () => {
    const world = await worldWith(Array.from({ length: 30 }, () => ({})));
    await world.clock.advance(HOUR);
    const reads: string[] = [];
    world.records.intercept = async (call, proceed) => {
      if (!['put', 'remove'].includes(call.method)) reads.push(`${call.method} ${call.subject}`);
      return await proceed();
    };
    expect((await tick(world)).started).toBe(30);
    expect(reads.sort()).toEqual(
      ['00', '01', '02', '03', '04', '05', '06', '07'].map((s) => `listIndex plans_due/${s}`),
    );
  });

  it('that comes twice, or beside another, starts one run', async () => {
    const world = await worldWith([{}, {}, {}]);
    await world.clock.advance(HOUR);
    await Promise.all([tick(world), tick(world), tick(world)]);
    await tick(world);
    expect(await names(world)).toEqual([0, 1, 2].map((i) => `hourly-${i}-20260101010000`));
    expect((await planOf(world)).dueAtMs).toBe(at('02:00'));
  });

  it('that is late makes one run of all that were missed, named by the first', async () => {
    const world = await worldWith();
    await world.clock.advance(5 * HOUR + 30 * MINUTE);
    await tick(world);
    await tick(world);
    expect(await names(world)).toEqual(['hourly-0-20260101010000']);
    expect((await backups(world))[0]?.createdAtMs).toBe(at('05:30'));
    expect((await planOf(world)).dueAtMs).toBe(at('06:00'));
  });

  it('stops at its deadline, and the next goes on', async () => {
    const world = await worldWith(Array.from({ length: 40 }, () => ({})));
    await world.clock.advance(HOUR);
    const instance = skewed(world, 0);
    let puts = 0;
    world.records.intercept = async (call, proceed) => {
      if (call.method === 'put' && call.subject.startsWith('plans/')) {
        puts += 1;
        if (puts === 10) instance.offMs = 50_000;
      }
      return await proceed();
    };
    const first = await runDuePlans(instance, world.clock.now() + 50_000);
    expect(first.started).toBeGreaterThanOrEqual(10);
    expect(first.started).toBeLessThan(20);
    const second = await tick(world);
    expect(first.started + second.started).toBe(40);
    expect(await names(world)).toHaveLength(40);
  });

  it('is not kept by a broken plan from running the others', async () => {
    const broken = { spec: { schedule: { cron: 'never', timeZone: 'UTC' } } };
    const world = await worldWith([broken, {}, broken, {}]);
    await world.clock.advance(HOUR);
    expect(await tick(world)).toEqual({ started: 2, skipped: 0, failed: 2 });
    expect(await names(world)).toEqual(['hourly-1-20260101010000', 'hourly-3-20260101010000']);
    const told = world.log.lines.filter((line) => line.level === 'error');
    expect(told.map((line) => line.fields.planId).sort()).toEqual(['pl-0', 'pl-2']);
  });

  it('deals with the shards that it can read, and fails for the one that it cannot', async () => {
    const world = await worldWith([{ cluster: 'c1' }, { cluster: 'c2' }]);
    await world.clock.advance(HOUR);
    world.records.intercept = async (call, proceed) => {
      const isLost = call.method === 'listIndex' && call.subject.endsWith(planShard('c1'));
      if (isLost) throw new UnavailableError('internal', 'Cannot list plans_due: no reply');
      return await proceed();
    };
    await expect(tick(world)).rejects.toThrow(UnavailableError);
    expect([await names(world), await names(world, 'c2')]).toEqual([
      [],
      ['hourly-1-20260101010000'],
    ]);
  });

  it('starts a run also where cluster and vault are gone, which ends Failed and says so', async () => {
    const world = await worldWith([{ cluster: 'gone', vaultIdentity: 'vault-0' }]);
    await world.clock.advance(HOUR);
    expect((await tick(world)).started).toBe(1);
    const { lastRun } = await planOf(world, 'pl-0', 'gone');
    const runId = lastRun?.runId ?? '';
    const deadlineMs = world.clock.now() + 600_000;
    await workOnRun(world, [backupWorkflow(world)], { runId, deadlineMs });
    const [record] = await backups(world, 'gone');
    expect(record).toMatchObject({
      phase: 'Failed',
      message: 'Cannot find cluster gone: it is not registered',
    });
    expect((await planOf(world, 'pl-0', 'gone')).lastRun?.phase).toBe('Failed');
  });
});

describe('a due time is skipped', () => {
  it('once, where its user asked for it', async () => {
    const world = await worldWith([{ skipNextRun: true }]);
    await world.clock.advance(HOUR);
    expect(await tick(world)).toEqual({ started: 0, skipped: 1, failed: 0 });
    expect(await planOf(world)).toMatchObject({
      skipNextRun: false,
      dueAtMs: at('02:00'),
      lastSkipped: { atMs: at('01:00'), reason: 'skip_next_run' },
    });
    await world.clock.advance(HOUR);
    expect((await tick(world)).started).toBe(1);
    expect(await names(world)).toEqual(['hourly-0-20260101020000']);
  });

  it('while the run before is active, and not any more when it has ended', async () => {
    const world = await worldWith();
    await world.clock.advance(HOUR);
    await tick(world);
    await world.clock.advance(HOUR);
    expect(await tick(world)).toEqual({ started: 0, skipped: 1, failed: 0 });
    expect(await planOf(world)).toMatchObject({
      dueAtMs: at('03:00'),
      lastRun: { name: 'hourly-0-20260101010000' },
      lastSkipped: { atMs: at('02:00'), reason: 'previous_run_active' },
    });
    await world.workToEnd((await backups(world))[0]?.id ?? '');
    await world.clock.advance(at('03:00') - world.clock.now());
    expect((await tick(world)).started).toBe(1);
  });

  it('not for a run that has ended but died before it told the plan', async () => {
    const world = await worldWith();
    await world.clock.advance(HOUR);
    await tick(world);
    world.records.intercept = async (call, proceed) => {
      if (call.method === 'put' && call.subject.startsWith('plans/')) throw new Killed();
      return await proceed();
    };
    const [record] = await backups(world);
    await world.work(record?.id ?? '').catch(() => undefined);
    revive(world);
    expect((await planOf(world)).lastRun?.phase).toBe('New');
    expect((await world.record(record?.id ?? '')).phase).toBe('Completed');
    await world.clock.advance(HOUR);
    expect((await tick(world)).started).toBe(1);
  });

  it('not for a run that was over before the plan knew of it, whose end it is told', async () => {
    const world = await worldWith();
    await world.clock.advance(HOUR);
    world.records.intercept = async (call, proceed) => {
      if (call.method === 'put' && call.subject.startsWith('plans/')) throw new Killed();
      return await proceed();
    };
    expect((await tick(world)).failed).toBe(1);
    revive(world);
    const [record] = await backups(world);
    await world.workToEnd(record?.id ?? '');
    await tick(world);
    const { lastRun, dueAtMs } = await planOf(world);
    expect(lastRun).toMatchObject({ recordId: record?.id, phase: 'Completed' });
    expect(dueAtMs).toBeGreaterThan(world.clock.now());
    expect(await names(world)).toHaveLength(1);
  });

  it('where somebody else has the name of its run', async () => {
    const world = await worldWith();
    const claim = { location: 'cnfs-oss-vault/team/', name: 'hourly-0-20260101010000' };
    const holder = { cluster: 'c2', runId: 'run-x', recordId: 'bk-x', claimedAtMs: 1 };
    await world.records.put(
      'names',
      [claim.location, claim.name],
      { ...claim, ...holder, kind: 'backup' },
      'absent',
    );
    await world.clock.advance(HOUR);
    expect(await tick(world)).toEqual({ started: 0, skipped: 1, failed: 0 });
    expect(await backups(world)).toEqual([]);
    expect(await planOf(world)).toMatchObject({
      dueAtMs: at('02:00'),
      lastSkipped: { atMs: at('01:00'), reason: 'name_taken' },
    });
    expect(await planOf(world)).not.toHaveProperty('lastRun');
  });
});

describe('a plan that its user changes between the read and the write of a tick', () => {
  /** Lets `change` happen right before the tick writes the plan. */
  async function during(world: BackupWorld, change: (plan: Plan) => Plan): Promise<void> {
    let done = false;
    world.records.intercept = async (call, proceed) => {
      if (!done && call.method === 'put' && call.subject.startsWith('plans/')) {
        done = true;
        await putPlan(world, change(await planOf(world)));
      }
      return await proceed();
    };
    await tick(world);
    expect(done).toBe(true);
    revive(world);
  }

  it('stays paused, and knows the run that had begun', async () => {
    const world = await worldWith();
    await world.clock.advance(HOUR);
    await during(world, ({ dueAtMs: _none, ...plan }) => ({ ...plan, paused: true }));
    const plan = await planOf(world);
    expect(plan).toMatchObject({ paused: true, lastRun: { name: 'hourly-0-20260101010000' } });
    expect(plan).not.toHaveProperty('dueAtMs');
    await world.clock.advance(HOUR);
    expect(await tick(world)).toEqual({ started: 0, skipped: 0, failed: 0 });
  });

  it('keeps its new schedule', async () => {
    const world = await worldWith();
    await world.clock.advance(HOUR);
    await during(world, (plan) => ({ ...plan, dueAtMs: at('09:30') }));
    expect(await planOf(world)).toMatchObject({
      dueAtMs: at('09:30'),
      lastRun: { name: 'hourly-0-20260101010000' },
    });
  });

  it('keeps its new namespaces, and runs next by the schedule that it has then', async () => {
    const world = await worldWith();
    await world.clock.advance(HOUR);
    await during(world, (plan) => ({
      ...plan,
      spec: { ...plan.spec, namespaces: ['x'], schedule: { cron: '5 * * * *', timeZone: 'UTC' } },
    }));
    expect(await planOf(world)).toMatchObject({
      dueAtMs: at('01:05'),
      spec: { namespaces: ['x'] },
      lastRun: { name: 'hourly-0-20260101010000' },
    });
  });

  it('decides anew where it was to be skipped', async () => {
    const world = await worldWith([{ skipNextRun: true }]);
    await world.clock.advance(HOUR);
    await during(world, (plan) => ({ ...plan, skipNextRun: false }));
    expect((await planOf(world)).dueAtMs).toBe(at('01:00'));
    expect((await tick(world)).started).toBe(1);
  });

  it('stays deleted', async () => {
    const world = await worldWith();
    await world.clock.advance(HOUR);
    const key = [planShard('c1'), 'c1', 'pl-0'];
    world.records.intercept = async (call, proceed) => {
      if (call.method === 'put' && call.subject.startsWith('plans/')) {
        world.records.intercept = (_call, next) => next();
        await world.records.remove('plans', key, 'any');
      }
      return await proceed();
    };
    expect((await tick(world)).started).toBe(1);
    expect(await world.records.get('plans', key)).toBeUndefined();
    expect(await names(world)).toHaveLength(1);
  });
});

describe('instances whose clocks differ', () => {
  it('never run a due time twice, nor go back', async () => {
    const world = await worldWith();
    const ahead = skewed(world, 3 * MINUTE);
    const behind = skewed(world, -3 * MINUTE);
    for (let minute = 0; minute < 4 * 60 + 30; minute += 1) {
      await world.clock.advance(MINUTE);
      for (const instance of minute % 2 === 0 ? [ahead, behind] : [behind, ahead]) {
        await runDuePlans(instance, instance.clock.now() + 50_000);
      }
      for (const record of await backups(world)) {
        if (record.phase === 'New') await world.workToEnd(record.id);
      }
    }
    const hours = ['01', '02', '03', '04'].map((hour) => `hourly-0-20260101${hour}0000`);
    expect(await names(world)).toEqual(hours);
    expect((await planOf(world)).dueAtMs).toBe(at('05:00'));
  });
});

describe('a scheduler that dies', () => {
  it.each([false, true])(
    'leaves each due time to run exactly once, wherever it died (after the call: %s)',
    async (after) => {
      let calls = 1;
      for (let wasHit = true; wasHit; calls += 1) {
        const world = await worldWith([{}, { skipNextRun: true }]);
        await world.clock.advance(HOUR);
        const seen = killAt(world, calls, after);
        await tick(world).catch(() => undefined);
        wasHit = seen.hits >= calls;
        revive(world);
        const where = `killed ${after ? 'after' : 'before'} call ${calls}`;
        await world.clock.advance(LEASE_MS + 1);
        await reconcileRuns(world);
        await tick(world);
        await world.clock.advance(LEASE_MS + 1);
        await reconcileRuns(world);
        expect(await names(world), where).toEqual(['hourly-0-20260101010000']);
        const [record] = await backups(world);
        expect(await planOf(world), where).toMatchObject({
          dueAtMs: at('02:00'),
          lastRun: { recordId: record?.id, runId: record?.runId },
        });
        expect((await planOf(world, 'pl-1')).dueAtMs, where).toBe(at('02:00'));
        expect((await world.workToEnd(record?.id ?? '')).phase, where).toBe('Completed');
        expect((await planOf(world)).lastRun?.phase, where).toBe('Completed');
      }
      expect(calls).toBeGreaterThan(12);
    },
  );
});

/** The process died: whatever it calls afterwards fails too. */
class Killed extends Error {}

function killAt(world: BackupWorld, calls: number, after: boolean): { hits: number } {
  const seen = { hits: 0 };
  const intercept: Intercept = async (_call, proceed) => {
    seen.hits += 1;
    if (seen.hits === calls && after) await proceed();
    if (seen.hits >= calls) throw new Killed();
    await Promise.resolve();
    return await proceed();
  };
  for (const port of [world.records, world.control]) port.intercept = intercept;
  return seen;
}

function revive(world: BackupWorld): void {
  killAt(world, Number.POSITIVE_INFINITY, false);
}

/** The same world as an instance sees it whose clock is off by so much. */
function skewed(world: BackupWorld, offMs: number) {
  const { records, control, entropy, log } = world;
  const instance = {
    ...{ records, control, entropy, log, offMs },
    clock: {
      now: () => world.clock.now() + instance.offMs,
      sleep: (ms: number, signal?: AbortSignal) => world.clock.sleep(ms, signal),
    },
  };
  return instance;
}
