/** Rows of a backup's volumes whose files Cloud Backup takes. */
import type { BackupRecord } from '../../../domain/backup-record.ts';
import type { FileSource, VolumeBackup } from '../../../domain/volume-backup.ts';
import { stableHash } from '../../../domain/volumes/stable-hash.ts';
import type { FilesBackup } from '../../../ports/cloud-backup.ts';
import { isSettled } from './volume-rows.ts';

/** A volume to take by Cloud Backup. */
export interface FilesTask {
  readonly row: VolumeBackup;
  readonly source: FileSource;
  /** Node whose agent works: one job at a time there; '' where no node is needed. */
  readonly lane: string;
}

/** The tasks in the rows' order. */
export function filesTasks(record: BackupRecord): readonly FilesTask[] {
  return record.volumes.flatMap((row) => {
    const { method, source } = row;
    if (method !== 'cloudBackup' || source?.kind !== 'files') return [];
    return [{ row, source, lane: source.files.way === 'container' ? source.files.node : '' }];
  });
}

/** The record with these tasks' rows changed. */
export function withFiles(
  record: BackupRecord,
  changes: readonly (readonly [FilesTask, Partial<VolumeBackup>])[],
): BackupRecord {
  const byClaim = new Map(changes.map(([task, change]) => [claimKey(task.row), change]));
  const volumes = record.volumes.map((row) => ({ ...row, ...byClaim.get(claimKey(row)) }));
  const volumesDone = volumes.filter(isSettled).length;
  return { ...record, volumes, progress: { ...record.progress, volumesDone } };
}

/** The request for a task's job; its name is the same whoever asks. */
export function backupRequest(
  record: BackupRecord,
  { row, source }: FilesTask,
  vaultId: string,
): FilesBackup {
  const { name, retentionDays } = record.spec;
  return {
    region: source.region,
    vaultId,
    // At most 3 + 40 + 1 + 16 characters of the 64 that a name may have.
    jobName: `bc-${name}-${stableHash(`${record.runId}/${claimKey(row)}`)}`,
    retentionDays,
    files: source.files,
  };
}

function claimKey({ namespace, pvc }: VolumeBackup): string {
  return `${namespace}/${pvc}`;
}
