/** Rows of a backup's volumes, seen by the disk that they are taken from. */
import type { BackupRecord } from '../../../domain/backup-record.ts';
import type { DiskSource, VolumeBackup } from '../../../domain/volume-backup.ts';
import { isSettled } from './volume-rows.ts';

/** A disk to snapshot, with the rows of all claims that use it: one snapshot serves them all. */
export interface DiskTask {
  readonly disk: DiskSource;
  /** The first of its claims, which findings and names speak of. */
  readonly first: VolumeBackup;
}

/** Disks of the record's volumes in the rows' order, each once. */
export function diskTasks(record: BackupRecord): readonly DiskTask[] {
  const tasks = new Map<string, DiskTask>();
  for (const row of record.volumes) {
    const disk = diskOfRow(row);
    if (disk !== undefined && !tasks.has(disk.diskId)) {
      tasks.set(disk.diskId, { disk, first: row });
    }
  }
  return [...tasks.values()];
}

/** The disk that a row's data is taken from by snapshot. */
function diskOfRow(row: VolumeBackup): DiskSource | undefined {
  const { method, source } = row;
  return method === 'ecsSnapshot' && source?.kind === 'disk' ? source : undefined;
}

/** The record with the rows of these disks changed. */
export function withDisks(
  record: BackupRecord,
  changes: ReadonlyMap<string, Partial<VolumeBackup>>,
): BackupRecord {
  const volumes = record.volumes.map((row) => {
    const change = changes.get(diskOfRow(row)?.diskId ?? '');
    return change === undefined ? row : { ...row, ...change };
  });
  const volumesDone = volumes.filter(isSettled).length;
  return { ...record, volumes, progress: { ...record.progress, volumesDone } };
}
