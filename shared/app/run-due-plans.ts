/**
 * The scheduler's tick: starts what is due. It reads one row per due plan, from the index that carries
 * the plans; the run comes first and its id says what it is for, the plan's next due time after, so a
 * tick that dies, comes twice or late, or runs beside another makes one run per due time. Times that
 * were missed collapse into one run, named by the first.
 */
import { BackupCentreError } from '../domain/errors.ts';
import { recordId, SHARDS, timeKey } from '../domain/ids.ts';
import { isTerminal, type Phase } from '../domain/phase.ts';
import { type Plan, planRunName } from '../domain/plan.ts';
import type { Run } from '../domain/run.ts';
import { nextDue } from '../domain/schedule.ts';
import type { Entropy } from '../ports/entropy.ts';
import type { Logger } from '../ports/logger.ts';
import type { RecordStore, StoredRow } from '../ports/record-store.ts';
import type { DispatchServices } from './dispatch.ts';
import { withNewestRun, writePlan } from './plan-rows.ts';
import { planRun } from './plan-run.ts';
import { startRunOnce } from './start-run.ts';

/** Plans read at once. */
const PAGE_ROWS = 100;
/** Plans of a shard under way at once; all shards are worked on side by side. */
const PLANS_AT_ONCE = 4;

interface ScheduleServices extends DispatchServices {
  readonly entropy: Entropy;
  readonly log: Logger;
}

/** What a tick did. */
export interface TickCount {
  readonly started: number;
  readonly skipped: number;
  /** Plans that could not be dealt with; they are due again in the next tick. */
  readonly failed: number;
}

type Outcome = keyof TickCount;

/**
 * Starts runs of plans that are due, until `deadlineMs`; the next tick goes on from there.
 * @throws BackupCentreError plans could not be read; what could be is dealt with
 */
export async function runDuePlans(
  services: ScheduleServices,
  deadlineMs: number,
): Promise<TickCount> {
  const count = { started: 0, skipped: 0, failed: 0 };
  const tell = (outcome: Outcome): void => {
    count[outcome] += 1;
  };
  // What is due is fixed at the beginning: a tick ends even where plans come due faster than it works.
  const before = timeKey(services.clock.now() + 1);
  await allEnded(
    SHARDS.map(async (shard) => {
      const due = duePlans(services.records, shard, before);
      const work = async (): Promise<void> => {
        while (services.clock.now() < deadlineMs) {
          const next = await due.next();
          if (next.done === true) return;
          tell(await settle(services, next.value));
        }
      };
      await allEnded(Array.from({ length: PLANS_AT_ONCE }, work));
    }),
  );
  return count;
}

/** No work goes on once the function has answered. @throws what the first of them threw */
async function allEnded(work: readonly Promise<void>[]): Promise<void> {
  const ends = await Promise.allSettled(work);
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
}

/** Rows in the order in which they are due; asked by several at once, each row goes to one of them. */
async function* duePlans(
  records: RecordStore,
  shard: string,
  before: string,
): AsyncGenerator<StoredRow<Plan>, undefined> {
  let after: string | undefined;
  do {
    const page = await records.listIndex('plans_due', {
      prefix: [shard],
      before,
      limit: PAGE_ROWS,
      ...(after === undefined ? {} : { after }),
    });
    yield* page.rows;
    after = page.next;
  } while (after !== undefined);
}

/** One plan's trouble must not keep the others from running. */
async function settle(services: ScheduleServices, row: StoredRow<Plan>): Promise<Outcome> {
  try {
    return await runPlan(services, row);
  } catch (error) {
    services.log.error('Cannot run plan', {
      planId: row.value.id,
      plan: row.value.spec.name,
      cluster: row.value.cluster,
      error: error instanceof Error ? error.message : String(error),
    });
    return 'failed';
  }
}

async function runPlan(services: ScheduleServices, row: StoredRow<Plan>): Promise<Outcome> {
  const plan = row.value;
  const { dueAtMs } = plan;
  if (dueAtMs === undefined) return 'skipped';
  // A schedule that cannot be read starts no run either.
  const now = services.clock.now();
  const advanced = (current: Plan): Plan => ({
    ...current,
    dueAtMs: dueAfter(current, dueAtMs, now),
  });
  advanced(plan);
  const skip = async (reason: string): Promise<Outcome> => {
    await writePlan(services.records, row, (current) => {
      // Whoever changed it meanwhile has the next tick decide anew.
      if (current.dueAtMs !== dueAtMs || current.skipNextRun !== plan.skipNextRun) return undefined;
      const lastSkipped = { atMs: dueAtMs, reason };
      return { ...advanced(current), skipNextRun: false, lastSkipped };
    });
    return 'skipped';
  };
  if (plan.skipNextRun) return await skip('skip_next_run');
  if (await isPreviousActive(services.records, plan)) return await skip('previous_run_active');
  const run = await startPlanned(services, plan, dueAtMs);
  if (run === undefined) return await skip('name_taken');
  await writePlan(services.records, row, (current) => {
    const told = withNewestRun(current, lastRunOf(plan, run, dueAtMs));
    if (current.dueAtMs === dueAtMs) return advanced(told);
    // Paused or given another schedule meanwhile: what is due is as its user says.
    return told === current ? undefined : told;
  });
  return 'started';
}

/** When a plan runs next, after a time that has come; what was missed between then and now is not made up. */
function dueAfter({ spec, createdAtMs }: Plan, dueAtMs: number, nowMs: number): number {
  return nextDue(spec.schedule, createdAtMs, Math.max(nowMs, dueAtMs));
}

/** The plan is told how its run ended, but may not have been: only a run that seems active is read. */
async function isPreviousActive(
  records: RecordStore,
  { cluster, lastRun }: Plan,
): Promise<boolean> {
  if (lastRun === undefined || isOver(lastRun.phase)) return false;
  const run = await records.get('runs', [lastRun.runId]);
  if (run === undefined || run.value.state === 'ended') return false;
  const record = await records.get('backups', [cluster, lastRun.recordId]);
  return record === undefined || !isOver(record.value.phase);
}

function isOver(phase: Phase): boolean {
  return isTerminal(phase) || phase === 'Deleting';
}

/** The run of that due time, started now or before; undefined where somebody else has its name. */
async function startPlanned(
  services: ScheduleServices,
  plan: Plan,
  dueAtMs: number,
): Promise<Run | undefined> {
  const now = services.clock.now();
  const request = planRun(plan, {
    id: `run-${plan.id}-${dueAtMs}`,
    recordId: recordId('bk', now, services.entropy.hex(4)),
    name: planRunName(plan.spec.name, dueAtMs),
    createdAtMs: now,
  });
  try {
    const run = (await startRunOnce(services, request))?.value;
    // A start that found the name taken left the record in the run.
    return run?.state === 'ended' && run.initialRecord !== undefined ? undefined : run;
  } catch (error) {
    if (error instanceof BackupCentreError && error.code === 'name_taken') return undefined;
    throw error;
  }
}

function lastRunOf(plan: Plan, run: Run, dueAtMs: number): NonNullable<Plan['lastRun']> {
  return {
    name: planRunName(plan.spec.name, dueAtMs),
    runId: run.id,
    recordId: run.recordId,
    phase: 'New',
    atMs: run.createdAtMs,
  };
}
