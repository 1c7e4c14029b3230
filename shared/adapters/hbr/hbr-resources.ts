/** Vaults, jobs and snapshots as HBR spells them. */
import { type JsonObject, textAt } from '../../domain/json.ts';
import type { CloudFiles } from '../../domain/volume-backup.ts';
import type { AgentStatus, HbrJob, HbrPoint } from '../../ports/cloud-backup.ts';

/** HBR's word for where files are: SourceType and RestoreType. */
export const TYPES: Readonly<Record<CloudFiles['way'], string>> = {
  container: 'CONTAINER',
  nas: 'NAS',
};

/** Progress of what is complete. */
const PROGRESS_MAX = 10_000;

/** States that are ends; whatever else a job says, it still runs (API §B3). */
const ENDS: Readonly<Record<string, HbrJob['state']>> = {
  COMPLETE: 'complete',
  PARTIAL_COMPLETE: 'partial',
  FAILED: 'failed',
  EXPIRED: 'failed',
  CANCELED: 'cancelled',
  CANCELLED: 'cancelled',
};

/** A job of DescribeBackupJobs2. */
export function backupJobFrom(fields: JsonObject): HbrJob {
  return { ...jobFrom(fields), id: textOf(fields, 'JobId'), name: textOf(fields, 'JobName') };
}

/** A job of DescribeRestoreJobs2; it has no name. */
export function restoreJobFrom(fields: JsonObject): HbrJob {
  return { ...jobFrom(fields), id: textOf(fields, 'RestoreId'), name: '' };
}

function jobFrom(fields: JsonObject): Omit<HbrJob, 'id' | 'name'> {
  const status = textOf(fields, 'Status');
  const state = ENDS[status] ?? 'running';
  const isWhole = state === 'complete' || state === 'partial';
  const progress = numberOf(fields, 'Progress') / PROGRESS_MAX;
  return {
    state,
    progress: isWhole ? 1 : Math.min(1, Math.max(0, progress)),
    bytes: numberOf(fields, 'BytesTotal'),
    message: textOf(fields, 'ErrorMessage') || (status === 'EXPIRED' ? status : ''),
  };
}

/** A snapshot of SearchHistoricalSnapshots. */
export function pointFrom(fields: JsonObject): HbrPoint {
  return {
    id: textOf(fields, 'SnapshotId'),
    hash: textOf(fields, 'SnapshotHash'),
    jobId: textOf(fields, 'JobId'),
    bytes: numberOf(fields, 'BytesTotal'),
    completedAtMs: numberOf(fields, 'CompleteTime') * 1000,
  };
}

/** The state of a registered cluster's client. */
export function agentStatusFrom(fields: JsonObject): AgentStatus {
  const status = textOf(fields, 'AgentStatus');
  return status === 'READY' || status === 'MISS' ? status : 'UNKNOWN';
}

/** A text; '' where there is none. */
export function textOf(fields: JsonObject, field: string): string {
  return textAt(fields, field) ?? '';
}

/** A number, or the text of one; 0 where there is none. */
export function numberOf(fields: JsonObject, field: string): number {
  const value = Number(fields[field] ?? 0);
  return Number.isNaN(value) ? 0 : value;
}

/** HBR's times are whole seconds. */
export function seconds(ms: number): number {
  return Math.floor(ms / 1000);
}
