/** The row of a plan: read for sure, and rewritten whoever else writes it meanwhile. */
import { ConditionFailedError, NotFoundError } from '../domain/errors.ts';
import { planShard } from '../domain/ids.ts';
import type { Plan } from '../domain/plan.ts';
import type { RecordStore, StoredRow } from '../ports/record-store.ts';

/** How often a change that lost a race, to the scheduler or another caller, begins again. */
export const PLAN_RACES_MAX = 20;

/** Key of a plan's row. */
export function planRowKey(cluster: string, id: string): readonly string[] {
  return [planShard(cluster), cluster, id];
}

/** Changes the row, whoever else writes it meanwhile; the same plan given back is no write. */
export async function rewritePlan(
  records: RecordStore,
  plan: Plan,
  change: (current: Plan) => Plan | Promise<Plan>,
): Promise<StoredRow<Plan>> {
  for (let race = 0; race < PLAN_RACES_MAX; race += 1) {
    const row = await mustReadPlan(records, plan);
    const value = await change(row.value);
    if (value === row.value) return row;
    try {
      const version = await records.put('plans', row.key, value, {
        version: row.version,
      });
      return { key: row.key, version, value };
    } catch (error) {
      if (!(error instanceof ConditionFailedError)) throw error;
    }
  }
  throw lostRaces(plan);
}

/** @throws NotFoundError it is deleted */
export async function mustReadPlan(records: RecordStore, plan: Plan): Promise<StoredRow<Plan>> {
  const row = await records.get('plans', planRowKey(plan.cluster, plan.id));
  if (row !== undefined) return row;
  throw new NotFoundError(
    `Cannot find plan ${plan.spec.name} of cluster ${plan.cluster}: it is deleted`,
  );
}

/** Too many others wrote the plan at once. */
export function lostRaces({ spec }: Plan): ConditionFailedError {
  return new ConditionFailedError(
    `Cannot change plan ${spec.name}: lost ${PLAN_RACES_MAX} races`,
    undefined,
  );
}
