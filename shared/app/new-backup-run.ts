/** The run of a backup and the record that it begins with; by request or by plan, they look the same. */
import {
  type BackupRecord,
  type BackupSpec,
  DAY_MS,
  NO_BILLING,
  NO_PROGRESS,
} from '../domain/backup-record.ts';
import type { NewRun } from './start-run.ts';

/** What a new backup is made of. */
export interface BackupParts {
  readonly runId: string;
  /** Of kind `bk`. */
  readonly recordId: string;
  readonly cluster: string;
  readonly network: string;
  readonly vaultIdentity: string;
  /** Where the backup's name is claimed: the vault's. */
  readonly location: string;
  readonly spec: BackupSpec;
  /** ARN. */
  readonly creator: string;
  readonly createdAtMs: number;
  /** The plan that it is a run of. */
  readonly plan?: { readonly id: string; readonly name: string };
}

/** Nothing is written; start it with `startRun`, or `startRunOnce` where the id says what it is for. */
export function newBackupRun(parts: BackupParts): NewRun & { readonly record: BackupRecord } {
  const { plan, spec, cluster, vaultIdentity } = parts;
  const record: BackupRecord = {
    id: parts.recordId,
    runId: parts.runId,
    cluster,
    vaultIdentity,
    ...(plan === undefined ? {} : { plan: plan.name, planId: plan.id }),
    spec,
    creator: parts.creator,
    namespacesResolved: [],
    phase: 'New',
    progress: NO_PROGRESS,
    errors: [],
    warnings: [],
    findingsDropped: 0,
    volumes: [],
    coverageGaps: [],
    billing: NO_BILLING,
    fence: 0,
    createdAtMs: parts.createdAtMs,
    expiresAtMs: parts.createdAtMs + spec.retentionDays * DAY_MS,
  };
  return {
    id: parts.runId,
    kind: 'backup',
    cluster,
    network: parts.network,
    recordId: record.id,
    vaultIdentity,
    requestHash: '',
    claim: { location: parts.location, name: spec.name },
    record,
  };
}
