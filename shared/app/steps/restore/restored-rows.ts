/** The rows of a restore's volumes in its record: who wants to know looks at these. */
import type { RestoreRecord } from '../../../domain/restore-record.ts';
import type { VolumeBackup } from '../../../domain/volume-backup.ts';
import { isSettled } from '../backup/volume-rows.ts';

/** Reason of a claim that is there and waits for the pod that mounts it. */
export const PENDING_CONSUMER = 'pendingConsumer';

/** The record with these rows, and its progress with them. */
export function withRows(record: RestoreRecord, volumes: readonly VolumeBackup[]): RestoreRecord {
  const volumesDone = volumes.filter(isSettled).length;
  const progress = { ...record.progress, volumesTotal: volumes.length, volumesDone };
  return { ...record, volumes, progress };
}

/** The record with the rows changed for which `change` has something. */
export function withChangedRows(
  record: RestoreRecord,
  change: (row: VolumeBackup) => Partial<VolumeBackup> | undefined,
): RestoreRecord {
  return withRows(
    record,
    record.volumes.map((row) => ({ ...row, ...change(row) })),
  );
}
