/** What a plan's run is made of: everything is in the plan's row, so starting one reads nothing else. */
import type { BackupRecord } from '../domain/backup-record.ts';
import type { Plan } from '../domain/plan.ts';
import { newBackupRun } from './new-backup-run.ts';
import type { NewRun } from './start-run.ts';

/** `<plan>-<yyyymmddhhmmss>` in UTC: of a scheduled run, the time at which it came due. */
export function planRunName(plan: Plan, atMs: number): string {
  const digits = new Date(atMs).toISOString().replaceAll(/\D/g, '').slice(0, 14);
  return `${plan.spec.name}-${digits}`;
}

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
  const { schedule: _planned, ...spec } = plan.spec;
  return newBackupRun({
    runId: run.id,
    recordId: run.recordId,
    cluster: plan.cluster,
    network: plan.network,
    vaultIdentity: plan.vaultIdentity,
    location: plan.location,
    spec: { ...spec, name: run.name },
    creator: plan.creator.arn,
    createdAtMs: run.createdAtMs,
    plan: { id: plan.id, name: plan.spec.name },
  });
}
