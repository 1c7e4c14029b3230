import { isEssdFamily } from './disk-categories.ts';
import { diskStatus } from './disk-state.ts';
import type { EcsCall } from './ecs-call.ts';
import { newId } from './ecs-store.ts';
import { instanceStatusRefusal, refuse } from './errors.ts';
import type { DiskRecord, SnapshotRecord } from './records.ts';
import { isExpired } from './snapshot-state.ts';

/** @throws why no snapshot of the disk can be taken now, if so */
export function checkSnapshotRoom(call: EcsCall, disk: DiskRecord): void {
  const status = diskStatus(disk, call.nowMs);
  if (status !== 'In_use' && status !== 'Available') throw refuse.diskStatus();
  if (disk.attachedAtMs === undefined) {
    throw refuse.denied(
      'IncorrectDiskStatus.NeverAttached',
      'The specified disk has never been attached to any instance.',
    );
  }
  for (const { instanceId } of disk.attachments) {
    const instance = call.store.instances.get(instanceId);
    const state = instance?.status ?? 'Running';
    if (state !== 'Running' && state !== 'Stopped') throw instanceStatusRefusal(400);
    if (instance?.lockedForSecurity === true) throw refuse.instanceLocked();
  }
  checkCounts(call, disk);
}

function checkCounts(call: EcsCall, disk: DiskRecord): void {
  const { quotas } = call.world;
  const ofDisk = call.store.snapshotsTakenOf(disk.diskId).filter((s) => !isExpired(s, call.nowMs));
  if (ofDisk.length >= quotas.snapshotsPerDisk) {
    throw refuse.denied('QuotaExceed.Snapshot', 'The snapshot quota exceeds.');
  }
  const inWork = call.store.snapshotsInCreation(disk.diskId, call.nowMs).length;
  if (!isEssdFamily(disk.category) && inWork >= quotas.concurrentSnapshots.other) {
    throw refuse.denied(
      'IncorrectDiskStatus.CreatingSnapshot',
      'A previous snapshot creation is in process.',
    );
  }
  const { essd } = quotas.concurrentSnapshots;
  if (isEssdFamily(disk.category) && inWork >= essd) {
    throw refuse.denied(
      'QuotaExceed.ConcurrentSnapshotQuota',
      `The number of snapshots being created for the disk ${disk.diskId} has exceeded the ` +
        `concurrent quota (${essd}). Please wait for the previous snapshots to complete ` +
        'before trying again.',
    );
  }
}

/** Copies the disk's bytes into a new snapshot, whose record the caller must write. */
export async function takeSnapshot(
  call: EcsCall,
  disk: DiskRecord,
  spec: Pick<
    SnapshotRecord,
    'name' | 'description' | 'tags' | 'retentionDays' | 'groupId' | 'resourceGroupId'
  >,
): Promise<SnapshotRecord> {
  const { nowMs, store } = call;
  const { durations } = call.world;
  const snapshotId = newId('s');
  const readyAtMs = nowMs + durations.snapshotMs(disk);
  const instantMs = isEssdFamily(disk.category) ? nowMs + durations.availableMs(disk) : readyAtMs;
  const fullSizeBytes = await store.snapshotBytes.create(
    snapshotId,
    store.diskBytes.path(disk.diskId),
  );
  return {
    ...spec,
    snapshotId,
    accountId: disk.accountId,
    regionId: disk.regionId,
    seq: store.nextSeq(),
    sourceDiskId: disk.diskId,
    sourceDiskSizeGib: disk.sizeGib,
    sourceDiskCategory: disk.category,
    sourceSnapshotId: '',
    sourceRegionId: '',
    encrypted: disk.encrypted,
    kmsKeyId: disk.kmsKeyId,
    fullSizeBytes,
    createdAtMs: nowMs,
    modifiedAtMs: nowMs,
    availableAtMs: Math.min(instantMs, readyAtMs),
    readyAtMs,
    ...(call.world.takePlannedFailure() ? { failsAtMs: readyAtMs } : {}),
  };
}
