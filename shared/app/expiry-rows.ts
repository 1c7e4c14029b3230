/**
 * Rows by which the scheduler finds backups whose time is over. Invariant: a backup's record has such a
 * row, written before it; only the scheduler moves one, the new row first. A row whose record is gone is
 * removed by whoever meets it.
 */
import { type BackupRecord, dueOfExpiry } from '../domain/backup-record.ts';
import { ConditionFailedError } from '../domain/errors.ts';
import { expiryShard, timeKey } from '../domain/ids.ts';
import type { RecordStore, StoredRow } from '../ports/record-store.ts';

/** A row, as the scheduler reads it. */
export type ExpiryRow = StoredRow<{ readonly runId: string }>;

/** Writes the row of a backup that is about to get its record. */
export async function insertExpiry(records: RecordStore, backup: BackupRecord): Promise<void> {
  const atMs = dueOfExpiry(backup);
  if (atMs === undefined) return;
  try {
    await records.put('expiries', rowKey(backup, atMs), { runId: backup.runId }, 'absent');
  } catch (error) {
    // One that is there says the same: it is not even read.
    if (!(error instanceof ConditionFailedError)) throw error;
  }
}

/** Has the backup looked at again at that time. */
export async function moveExpiry(
  records: RecordStore,
  row: ExpiryRow,
  backup: BackupRecord,
  atMs: number,
): Promise<void> {
  const key = rowKey(backup, atMs);
  if (key.join() === row.key.join()) return;
  await records.put('expiries', key, row.value, 'any');
  await records.remove('expiries', row.key, 'any');
}

function rowKey({ id, cluster }: BackupRecord, atMs: number): readonly string[] {
  return [expiryShard(id), timeKey(atMs), cluster, id];
}
