/** Removing the data of a backup's volumes: snapshots at ECS, restore points and jobs at Cloud Backup. */
import type { BackupRecord } from '../domain/backup-record.ts';
import { BackupCentreError } from '../domain/errors.ts';
import { RUN_TAG } from '../domain/volumes/snapshot-tags.ts';
import type { BackupServices } from './backup-services.ts';
import { backupRequest, type FilesTask, filesTasks } from './steps/backup/files-rows.ts';
import { HBR_VAULT_NAME } from './steps/backup/hbr-vault.ts';
import { isSettled } from './steps/backup/volume-rows.ts';

/** Calls at once. */
const REMOVED_AT_ONCE = 10;

/**
 * Removes all of it; what is gone already counts as removed. What was started without being written down
 * is found by its tag. Safe to repeat after an interruption.
 */
export async function removeBackupVolumes(
  services: Pick<BackupServices, 'disks' | 'cloudBackup'>,
  record: BackupRecord,
): Promise<void> {
  await removeSnapshots(services, record);
  await removePoints(services, record);
}

async function removeSnapshots(
  { disks }: Pick<BackupServices, 'disks'>,
  record: BackupRecord,
): Promise<void> {
  const rows = record.volumes.filter((v) => v.method === 'ecsSnapshot');
  const regions = new Set(rows.flatMap(({ source }) => source?.region ?? []));
  for (const region of regions) {
    const tagged = await disks.findSnapshots(region, { key: RUN_TAG, value: record.runId });
    const known = rows.flatMap((v) => (v.source?.region === region ? (v.resourceId ?? []) : []));
    const ids = new Set([...known, ...tagged.map(({ id }) => id)]);
    await inParallel([...ids], async (id) => await disks.deleteSnapshot(region, id));
  }
}

async function removePoints(
  services: Pick<BackupServices, 'cloudBackup'>,
  record: BackupRecord,
): Promise<void> {
  await inParallel(filesTasks(record), async (task) => {
    try {
      await removePointsOf(services, record, task);
    } catch (error) {
      // A vault that somebody deleted took its points along.
      const isGone = error instanceof BackupCentreError && error.code === 'hbr_vault_missing';
      if (!isGone) throw error;
    }
  });
}

async function removePointsOf(
  services: Pick<BackupServices, 'cloudBackup'>,
  record: BackupRecord,
  task: FilesTask,
): Promise<void> {
  const { files, region, hbrVaultId, jobId } = task.source;
  const vaultId = hbrVaultId ?? (await services.cloudBackup.findVault(region, HBR_VAULT_NAME))?.id;
  if (vaultId === undefined) return;
  const known = jobId ?? (await unwrittenJob(services, record, task, vaultId));
  if (known === undefined) return;
  await stopJob(services, task, { vaultId, jobId: known });
  const { cloudBackup } = services;
  const points = await cloudBackup.findPoints(region, vaultId, files.way, [known]);
  const ids = [...points.map(({ id }) => id), task.row.resourceId ?? []].flat();
  for (const id of new Set(ids)) await cloudBackup.deletePoint(region, vaultId, files.way, id);
}

/** A job that was started by a worker that did not live to write it down. */
async function unwrittenJob(
  { cloudBackup }: Pick<BackupServices, 'cloudBackup'>,
  record: BackupRecord,
  task: FilesTask,
  vaultId: string,
): Promise<string | undefined> {
  const request = backupRequest(record, task, vaultId);
  return (await cloudBackup.findBackup(request, record.createdAtMs))?.id;
}

/** @throws BackupCentreError (retryable) the job has not stopped yet: it may still make a point */
async function stopJob(
  { cloudBackup }: Pick<BackupServices, 'cloudBackup'>,
  { row, source }: FilesTask,
  { vaultId, jobId }: { readonly vaultId: string; readonly jobId: string },
): Promise<void> {
  if (isSettled(row)) return;
  const { region, files } = source;
  const isRunning = async (): Promise<boolean> => {
    const [job] = await cloudBackup.describeBackups(region, vaultId, files.way, [jobId]);
    return job?.state === 'running';
  };
  if (!(await isRunning())) return;
  await cloudBackup.cancelBackup(region, vaultId, jobId);
  if (!(await isRunning())) return;
  throw new BackupCentreError('cloud_refused', `Cloud Backup job ${jobId} has not stopped yet`, {
    retryable: true,
  });
}

async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const rest = items.values();
  const worker = async (): Promise<void> => {
    for (const item of rest) await work(item);
  };
  await Promise.all(Array.from({ length: REMOVED_AT_ONCE }, worker));
}
