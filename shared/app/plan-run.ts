/** What a plan's run is made of: everything is in the plan's row, so starting one reads nothing else. */
import type { BackupRecord } from '../domain/backup-record.ts';
import { type Plan, planRunSpec } from '../domain/plan.ts';
import { newBackupRun } from './new-backup-run.ts';
import type { NewRun } from './start-run.ts';

/** A run of the plan under a name; nothing is written. */
export function planRun(
  plan: Plan,
  run: {
    readonly id: string;
    readonly recordId: string;
    readonly name: string;
    readonly createdAtMs: number;
  },
): NewRun & { readonly record: BackupRecord } {
  return newBackupRun({
    runId: run.id,
    recordId: run.recordId,
    cluster: plan.cluster,
    network: plan.network,
    vaultIdentity: plan.vaultIdentity,
    location: plan.location,
    spec: planRunSpec(plan, run.name),
    creator: plan.creator.arn,
    createdAtMs: run.createdAtMs,
    plan: { id: plan.id, name: plan.spec.name },
  });
}
