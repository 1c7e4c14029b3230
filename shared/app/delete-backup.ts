/**
 * Deleting a backup. What a restore is using is refused, in either order of arrival: a restore writes down
 * that it uses the backup before it looks at its phase, and a deletion marks the phase before it looks for
 * such rows; so one of the two sees the other. The run is announced before the mark, so that a request
 * that dies half-way leaves a deletion that goes on, never a mark without one.
 */
import type { BackupRecord } from '../domain/backup-record.ts';
import { PUBLIC_NETWORK } from '../domain/cluster.ts';
import { BackupCentreError, ConditionFailedError, NotFoundError } from '../domain/errors.ts';
import { isTerminal, type Phase } from '../domain/phase.ts';
import type { RecordStore, StoredRow } from '../ports/record-store.ts';
import { cancelRun } from './cancel-run.ts';
import type { DispatchServices } from './dispatch.ts';
import { announceRun, completeStart, type NewRun, startRunOnce, withdrawRun } from './start-run.ts';

/** How often a request that lost a race begins again. */
const RACES_MAX = 20;
/** Restores named in a refusal. */
const USES_NAMED_MAX = 10;

/**
 * Starts the deletion of a backup and returns its record; one that is running is cancelled first. Asking
 * again is asking once.
 * @throws NotFoundError it is gone; BackupCentreError `backup_in_use` while a restore uses it
 */
export async function deleteBackup(
  services: DispatchServices,
  backup: BackupRecord,
): Promise<BackupRecord> {
  for (let race = 0; race < RACES_MAX; race += 1) {
    const row = await mustRead(services.records, backup);
    if (row.value.expiry?.removedAtMs !== undefined) {
      // Expired: its data is gone already, only the record was left.
      await services.records.remove('backups', row.key, 'any');
      return { ...row.value, phase: 'Deleting' };
    }
    const done = await tryToDelete(services, row);
    if (done) return (await mustRead(services.records, backup)).value;
  }
  throw new ConditionFailedError(
    `Cannot delete backup ${backup.spec.name}: lost ${RACES_MAX} races`,
    undefined,
  );
}

/** Ids of restores that use a backup. */
export async function usesOf(records: RecordStore, backupId: string): Promise<readonly string[]> {
  const page = await records.list('backup_uses', { prefix: [backupId], limit: USES_NAMED_MAX });
  return page.rows.map((row) => row.value.restoreId);
}

/** False where somebody else changed what this was about. */
async function tryToDelete(
  services: DispatchServices,
  row: StoredRow<BackupRecord>,
): Promise<boolean> {
  const backup = row.value;
  const run = deletionOf(backup);
  const isMarked = backup.phase === 'Deleting';
  if (isMarked && (await isUnderWay(services, run))) return true;
  await refuseUsed(services.records, backup);
  if (isMarked) {
    await startRunOnce(services, run);
    return await isUnderWay(services, run);
  }
  const announced = await announceRun(services, run);
  if (announced === undefined) return false;
  if (!isTerminal(backup.phase)) {
    if (!(await cancelled(services, backup))) return false;
  } else {
    const mark = await marked(services.records, row, 'Deleting');
    if (mark === undefined) return false;
    // A run that has started looks for uses by itself, as one does that removes what expired.
    const isMine = announced.value.state === 'starting';
    const uses = isMine ? await usesOf(services.records, backup.id) : [];
    if (uses.length > 0) {
      await unmark(services.records, mark, backup.phase);
      if (await withdrawRun(services, announced)) throw inUse(backup, uses);
      return false;
    }
  }
  await completeStart(services, announced);
  return await isUnderWay(services, run);
}

/**
 * The run that removes a backup, by request or because it expired. One per backup: two starts are one.
 * Nothing of it needs the cluster, so any worker can do it.
 */
export function deletionOf(backup: BackupRecord): NewRun {
  return {
    id: `delete-${backup.id}`,
    kind: 'delete',
    cluster: backup.cluster,
    network: PUBLIC_NETWORK,
    recordId: backup.id,
    vaultIdentity: backup.vaultIdentity,
    requestHash: '',
  };
}

async function mustRead(
  records: RecordStore,
  { cluster, id, spec }: BackupRecord,
): Promise<StoredRow<BackupRecord>> {
  const row = await records.get('backups', [cluster, id]);
  if (row !== undefined) return row;
  throw new NotFoundError(`Cannot find backup ${spec.name} of cluster ${cluster}: it is deleted`);
}

async function isUnderWay({ records }: DispatchServices, { id }: NewRun): Promise<boolean> {
  const row = await records.get('runs', [id]);
  return row !== undefined && row.value.state !== 'starting';
}

/** False where the backup ended by itself meanwhile. */
async function cancelled(services: DispatchServices, backup: BackupRecord): Promise<boolean> {
  try {
    await cancelRun(services, backup);
    return true;
  } catch (error) {
    if (error instanceof BackupCentreError && error.code === 'not_cancellable') return false;
    throw error;
  }
}

async function refuseUsed(records: RecordStore, backup: BackupRecord): Promise<void> {
  const uses = await usesOf(records, backup.id);
  if (uses.length > 0) throw inUse(backup, uses);
}

function inUse({ spec }: BackupRecord, restores: readonly string[]): BackupCentreError {
  return new BackupCentreError(
    'backup_in_use',
    `Cannot delete backup ${spec.name}: restore ${restores.join(', ')} is using it`,
    { details: { restores } },
  );
}

/** The row with another phase, undefined where somebody else wrote it first. */
async function marked(
  records: RecordStore,
  row: StoredRow<BackupRecord>,
  phase: Phase,
): Promise<StoredRow<BackupRecord> | undefined> {
  const value = { ...row.value, phase };
  try {
    const version = await records.put('backups', row.key, value, { version: row.version });
    return { ...row, version, value };
  } catch (error) {
    if (error instanceof ConditionFailedError) return undefined;
    throw error;
  }
}

/** Takes the mark back, whatever a verification has written beside it. */
async function unmark(
  records: RecordStore,
  mark: StoredRow<BackupRecord>,
  phase: Phase,
): Promise<void> {
  let row: StoredRow<BackupRecord> | undefined = mark;
  while (row?.value.phase === 'Deleting' && (await marked(records, row, phase)) === undefined) {
    row = await records.get('backups', mark.key);
  }
}
