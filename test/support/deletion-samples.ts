/** Backups of disks and files, their deletion, and what is left of them. */
import { expect } from 'vitest';
import { deleteWorkflow } from '../../shared/app/run-delete.ts';
import { type InvocationResult, workOnRun } from '../../shared/app/step-runner.ts';
import { verifyWorkflow } from '../../shared/app/verify-backup.ts';
import type { BackupRecord } from '../../shared/domain/backup-record.ts';
import type { CloudFiles } from '../../shared/domain/volume-backup.ts';
import type { BackupWorld } from './backup-world.ts';
import { seedDiskVolume, worldOfDisks } from './disk-samples.ts';

const PICTURES: CloudFiles = { way: 'nas', fileSystemId: '0123abc', path: '/pictures' };

/** Two disks and a NAS export, each mounted by a pod. */
export async function worldOfVolumes(): Promise<BackupWorld> {
  const made = await worldOfDisks(2);
  made.cloudBackup.write(PICTURES, 'three cats');
  seedDiskVolume(made, 9);
  made.cluster.seed({
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: { name: 'pv-9' },
    spec: {
      capacity: { storage: '5Gi' },
      accessModes: ['ReadWriteMany'],
      csi: {
        driver: 'nasplugin.csi.alibabacloud.com',
        volumeHandle: 'handle',
        volumeAttributes: { server: '0123abc-xy1.cn-hangzhou.nas.aliyuncs.com', path: '/pictures' },
      },
    },
  });
  return made;
}

/** Starts a backup of all of it. */
export async function startVolumes(made: BackupWorld): Promise<string> {
  return await made.start({ volumeBackup: true });
}

/** Backs all of it up. */
export async function backUpVolumes(made: BackupWorld): Promise<BackupRecord> {
  return await made.workToEnd(await startVolumes(made));
}

/** Id of the run that deletes a backup. */
export function deletionOf(backup: BackupRecord): string {
  return `delete-${backup.id}`;
}

/** One invocation for a run that deletes or verifies. */
export async function workOnDeletion(made: BackupWorld, runId: string): Promise<InvocationResult> {
  const deadlineMs = made.clock.now() + 600_000;
  return await workOnRun(made, [deleteWorkflow(made), verifyWorkflow(made)], { runId, deadlineMs });
}

/** Works on the deletion until its run has ended, or so many invocations have passed. */
export async function deleteToEnd(made: BackupWorld, backup: BackupRecord): Promise<void> {
  for (let invocation = 0; invocation < 30; invocation += 1) {
    await workOnDeletion(made, deletionOf(backup));
    const run = await made.records.get('runs', [deletionOf(backup)]);
    if (run?.value.state === 'ended') return;
    await made.clock.advance(60_000);
  }
  throw new Error(`Deletion of ${backup.id} did not end`);
}

/** The backup's record, undefined once it is deleted. */
export async function recordLeft(
  made: BackupWorld,
  backup: BackupRecord,
): Promise<BackupRecord | undefined> {
  return (await made.records.get('backups', ['c1', backup.id]))?.value;
}

/** Whatever a backup may leave: objects, uploads, snapshots, points. */
export async function leftOf(made: BackupWorld, backup: BackupRecord): Promise<readonly string[]> {
  const points = await Promise.all(
    backup.volumes.map(async ({ source }) => {
      if (source?.kind !== 'files' || source.jobId === undefined) return [];
      const { region, hbrVaultId = '', jobId } = source;
      return await made.cloudBackup.findPoints(region, hbrVaultId, 'nas', [jobId]);
    }),
  );
  const uploads = await made.bucket.listUploads('');
  const scratch = await made.control.list(`runs/${backup.runId}/`);
  return [
    ...made.bucket.keys(),
    ...uploads.map(({ key }) => `upload of ${key}`),
    ...made.disks.living().snapshots,
    ...points.flat().map(({ id }) => id),
    ...scratch.objects.map(({ key }) => key),
  ];
}

/** Nothing is left of the backup but its name. */
export async function expectGone(made: BackupWorld, backup: BackupRecord): Promise<void> {
  expect(await leftOf(made, backup)).toEqual([]);
  expect(await recordLeft(made, backup)).toBeUndefined();
  const name = await made.records.get('names', ['cnfs-oss-vault/team/', backup.spec.name]);
  expect(name?.value.recordId).toBe(backup.id);
}
