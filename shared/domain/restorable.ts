/** Whether a backup may be restored, and if not, why. */
import type { BackupRecord } from './backup-record.ts';
import type { ErrorCode } from './errors.ts';
import { isTerminal } from './phase.ts';

/** The code a restore would be refused with, undefined where it may start. */
export function notRestorable(
  backup: BackupRecord,
  nowMs: number,
): Extract<ErrorCode, 'backup_expired' | 'backup_unfinished' | 'backup_failed'> | undefined {
  if (backup.expiry !== undefined && backup.phase !== 'Deleting') return 'backup_expired';
  if (backup.phase === 'Failed' || backup.phase === 'Cancelled' || backup.phase === 'Deleting') {
    return 'backup_failed';
  }
  if (!isTerminal(backup.phase)) return 'backup_unfinished';
  return isExpired(backup, nowMs) ? 'backup_expired' : undefined;
}

/** Whether its validity is over. */
export function isExpired(backup: BackupRecord, nowMs: number): boolean {
  if (backup.expiry !== undefined) return true;
  return backup.expiresAtMs !== undefined && backup.expiresAtMs <= nowMs;
}
