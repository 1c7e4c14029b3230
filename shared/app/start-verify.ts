/** Verifying a backup: a run that reads it back and checks every hash. */
import type { BackupRecord } from '../domain/backup-record.ts';
import { PUBLIC_NETWORK } from '../domain/cluster.ts';
import { BackupCentreError } from '../domain/errors.ts';
import { notRestorable } from '../domain/restorable.ts';
import type { AppServices } from './app-services.ts';
import { startRun } from './start-run.ts';

/**
 * Starts a verification; its result lands in the backup's record.
 * @throws BackupCentreError `backup_unfinished`, `backup_failed`, `backup_expired`
 */
export async function startVerify(services: AppServices, backup: BackupRecord): Promise<void> {
  const code = notRestorable(backup, services.clock.now());
  if (code !== undefined) {
    const found = code === 'backup_expired' ? 'its validity is over' : `it is ${backup.phase}`;
    throw new BackupCentreError(code, `Cannot verify backup ${backup.spec.name}: ${found}`, {
      details: { phase: backup.phase },
    });
  }
  await startRun(services, {
    id: `run-${services.entropy.hex(8)}`,
    kind: 'verify',
    cluster: backup.cluster,
    // Verification reads only OSS, so any worker can do it.
    network: PUBLIC_NETWORK,
    recordId: backup.id,
    vaultIdentity: backup.vaultIdentity,
    requestHash: '',
  });
}
