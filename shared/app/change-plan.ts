/** Editing, deleting and running a plan by hand. Each change of the row is one conditional write. */
import type { BackupRecord } from '../domain/backup-record.ts';
import { BackupCentreError, ConditionFailedError, NotFoundError } from '../domain/errors.ts';
import { recordId } from '../domain/ids.ts';
import { type Plan, planRunName, planRunSpec } from '../domain/plan.ts';
import { changedPlan, type PlanChange } from '../domain/plan-change.ts';
import type { Principal } from '../domain/principal.ts';
import type { AppServices } from './app-services.ts';
import { refuseProtected, usableVault } from './create-backup.ts';
import { refuseNothing, settleClaim } from './create-plan.ts';
import { keepPlanIfPossible } from './keep-plan.ts';
import { newBackupRun } from './new-backup-run.ts';
import {
  lostRaces,
  mustReadPlan,
  PLAN_RACES_MAX,
  planRowKey,
  rewritePlan,
} from './rewrite-plan.ts';
import { startRun } from './start-run.ts';
import { leaveVault } from './vault-plans.ts';

/** How often another name is drawn for a run by hand. */
const NAMES_TRIED_MAX = 3;

/**
 * Changes a plan and returns it as it then is. Its document is in the vault before it takes effect.
 * @throws NotFoundError; ValidationError `system_namespace`, `invalid` where nothing would be left
 */
export async function changePlan(
  services: AppServices,
  plan: Plan,
  change: PlanChange,
): Promise<Plan> {
  refuseProtected(change.namespaces ?? []);
  const row = await rewritePlan(services.records, plan, async (current) => {
    const next = changedPlan(current, change, services.clock.now());
    refuseNothing(next.spec);
    return next.revision === current.revision ? next : await keepPlanIfPossible(services, next);
  });
  return row.value;
}

/**
 * Deletes a plan and returns it as it was. Its backups stay; its name stays taken. A run that is under
 * way goes on.
 * @throws NotFoundError
 */
export async function deletePlan(services: AppServices, plan: Plan): Promise<Plan> {
  const { records } = services;
  const key = planRowKey(plan.cluster, plan.id);
  // Asking for the plan again must not bring it back.
  await settleClaim(records, plan);
  for (let race = 0; race < PLAN_RACES_MAX; race += 1) {
    const row = await mustReadPlan(services.records, plan);
    const last = { ...row.value, revision: row.value.revision + 1 };
    await keepPlanIfPossible(services, last, true);
    try {
      await records.remove('plans', key, { version: row.version });
    } catch (error) {
      if (error instanceof ConditionFailedError) continue;
      throw error;
    }
    await leaveVault(records, plan);
    return row.value;
  }
  throw lostRaces(plan);
}

/**
 * Backs up now what the plan backs up, with the caller's rights.
 * @throws NotFoundError; BackupCentreError `vault_unavailable`
 */
export async function runPlanNow(
  services: AppServices,
  principal: Principal,
  plan: Plan,
): Promise<BackupRecord> {
  await usableVault(services, principal, plan.spec.vault);
  const now = services.clock.now();
  const start = async (): Promise<BackupRecord> => {
    const name = planRunName(plan.spec.name, now, services.entropy.hex(2));
    const run = newBackupRun({
      runId: `run-${services.entropy.hex(8)}`,
      recordId: recordId('bk', now, services.entropy.hex(4)),
      cluster: plan.cluster,
      network: plan.network,
      vaultIdentity: plan.vaultIdentity,
      location: plan.location,
      spec: planRunSpec(plan, name),
      creator: principal.arn,
      createdAtMs: now,
      plan: { id: plan.id, name: plan.spec.name },
    });
    await startRun(services, run);
    return run.record;
  };
  const record = await withFreshName(start);
  await rewritePlan(services.records, plan, (current) => ({
    ...current,
    lastRun: {
      name: record.spec.name,
      runId: record.runId,
      recordId: record.id,
      phase: record.phase,
      atMs: now,
    },
  })).catch((error: unknown) => {
    // The run has started, and the plan was deleted meanwhile.
    if (!(error instanceof NotFoundError)) throw error;
  });
  return record;
}

async function withFreshName(start: () => Promise<BackupRecord>): Promise<BackupRecord> {
  for (let tried = 1; ; tried += 1) {
    try {
      return await start();
    } catch (error) {
      const isTaken = error instanceof BackupCentreError && error.code === 'name_taken';
      if (!isTaken || tried >= NAMES_TRIED_MAX) throw error;
    }
  }
}
