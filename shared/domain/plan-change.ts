/** Changing a plan, and what it is going to do. */
import type { Plan, Schedule } from './plan.ts';
import { nextDue, nextRuns } from './schedule.ts';

/** What may be changed of a plan; what is left out stays. */
export interface PlanChange {
  readonly namespaces?: readonly string[];
  readonly schedule?: Schedule;
  readonly paused?: boolean;
  readonly skipNextRun?: boolean;
}

/**
 * The plan after a change, the very same where that changes nothing. A new schedule, and one that goes on
 * after a pause, is due from `nowMs` on: what a pause left out is not made up for. Its revision counts
 * changes of what it is; skipping a run is no such.
 */
export function changedPlan(plan: Plan, change: PlanChange, nowMs: number): Plan {
  const { dueAtMs: dueBefore, ...rest } = plan;
  const schedule = change.schedule ?? plan.spec.schedule;
  const paused = change.paused ?? plan.paused;
  const spec = { ...plan.spec, namespaces: change.namespaces ?? plan.spec.namespaces, schedule };
  const isNewSchedule = JSON.stringify(schedule) !== JSON.stringify(plan.spec.schedule);
  const isOther =
    paused !== plan.paused ||
    isNewSchedule ||
    JSON.stringify(spec.namespaces) !== JSON.stringify(plan.spec.namespaces);
  const skipNextRun = change.skipNextRun ?? plan.skipNextRun;
  if (!isOther && skipNextRun === plan.skipNextRun) return plan;
  const due =
    isNewSchedule || dueBefore === undefined
      ? nextDue(schedule, plan.createdAtMs, nowMs)
      : dueBefore;
  return {
    ...rest,
    spec,
    paused,
    skipNextRun,
    revision: plan.revision + (isOther ? 1 : 0),
    ...(paused ? {} : { dueAtMs: due }),
  };
}

/**
 * When the plan is going to run: none while it is paused, not the one that is to be skipped, and one that
 * is overdue first.
 */
export function upcomingRuns(plan: Plan, nowMs: number, count: number): readonly number[] {
  const { dueAtMs, createdAtMs, spec, skipNextRun } = plan;
  if (plan.paused || dueAtMs === undefined) return [];
  const after = Math.max(dueAtMs, nowMs);
  if (skipNextRun) return nextRuns(spec.schedule, createdAtMs, after, count);
  return [dueAtMs, ...nextRuns(spec.schedule, createdAtMs, after, count - 1)];
}
