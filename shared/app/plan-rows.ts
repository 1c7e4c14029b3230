/** Plan rows: each change is one conditional write, whoever else writes the plan meanwhile. */
import type { BackupRecord } from '../domain/backup-record.ts';
import { ConditionFailedError } from '../domain/errors.ts';
import { planShard } from '../domain/ids.ts';
import type { Plan } from '../domain/plan.ts';
import type { RecordStore, StoredRow } from '../ports/record-store.ts';

/** How often a lost race over one row is tried again. */
const RACES_MAX = 20;

/**
 * Changes a plan that has just been read; it is read again only after a lost race. `change` returns
 * undefined to leave it as it is. A plan that is deleted meanwhile stays so.
 */
export async function writePlan(
  records: RecordStore,
  known: StoredRow<Plan>,
  change: (plan: Plan) => Plan | undefined,
): Promise<void> {
  let row: StoredRow<Plan> | undefined = known;
  for (let race = 0; race < RACES_MAX && row !== undefined; race += 1) {
    const next = change(row.value);
    if (next === undefined) return;
    try {
      await records.put('plans', row.key, next, { version: row.version });
      return;
    } catch (error) {
      if (!(error instanceof ConditionFailedError)) throw error;
    }
    row = await records.get('plans', known.key);
  }
  if (row === undefined) return;
  const { id } = known.value;
  throw new ConditionFailedError(`Cannot change plan ${id}: lost ${RACES_MAX} races`, undefined);
}

/** The plan with a run as its newest one; the same where it knows that or a newer one. */
export function withNewestRun(plan: Plan, run: NonNullable<Plan['lastRun']>): Plan {
  return plan.lastRun !== undefined && plan.lastRun.atMs >= run.atMs
    ? plan
    : { ...plan, lastRun: run };
}

/**
 * Tells a plan how a run has ended, also where the run was over before the plan knew of it; nothing
 * where it has a newer one, or is deleted.
 */
export async function tellPlan(records: RecordStore, record: BackupRecord): Promise<void> {
  const { cluster, planId } = record;
  if (planId === undefined) return;
  const row = await records.get('plans', [planShard(cluster), cluster, planId]);
  if (row === undefined) return;
  await writePlan(records, row, (plan) => {
    const told = withSuccess(withEnd(plan, record), record);
    return told === plan ? undefined : told;
  });
}

function withEnd(plan: Plan, record: BackupRecord): Plan {
  const { runId, phase, spec, id: recordId, createdAtMs: atMs } = record;
  const { lastRun } = plan;
  if (lastRun?.runId === runId) {
    return lastRun.phase === phase ? plan : { ...plan, lastRun: { ...lastRun, phase } };
  }
  return withNewestRun(plan, { name: spec.name, runId, recordId, phase, atMs });
}

/** Runs may end in another order than they began; the newest good backup counts. */
function withSuccess(plan: Plan, { phase, spec, createdAtMs: atMs }: BackupRecord): Plan {
  if (phase !== 'Completed' || (plan.lastSuccess?.atMs ?? -1) >= atMs) return plan;
  return { ...plan, lastSuccess: { name: spec.name, atMs } };
}
