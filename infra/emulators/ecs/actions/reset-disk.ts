import { diskStatus } from '../disk-state.ts';
import type { EcsCall, EcsReply } from '../ecs-call.ts';
import { instanceStatusRefusal, refuse } from '../errors.ts';
import { optionalBoolean, required } from '../parameters.ts';
import type { DiskRecord, SnapshotRecord } from '../records.ts';
import { isAvailable } from '../snapshot-state.ts';

/** Rolls a disk back to one of its own snapshots; it is ReIniting, then as before. */
export async function resetDisk(call: EcsCall): Promise<EcsReply> {
  const disk = call.disk(required(call.parameters, 'DiskId'));
  const snapshot = call.snapshot(required(call.parameters, 'SnapshotId'));
  if (disk === undefined) throw refuse.diskNotFound();
  if (snapshot === undefined) throw refuse.snapshotNotFound();
  checkDisk(call, disk);
  checkSnapshot(call, disk, snapshot);
  if (optionalBoolean(call.parameters, 'DryRun') === true) throw refuse.dryRun();
  const endsAtMs = call.nowMs + call.world.durations.diskMs(disk);
  await call.store.resetBytes(
    { ...disk, change: { kind: 'ReIniting', endsAtMs } },
    snapshot.snapshotId,
  );
  return {};
}

function checkDisk(call: EcsCall, disk: DiskRecord): void {
  const status = diskStatus(disk, call.nowMs);
  if (status === 'ReIniting') {
    throw refuse.denied(
      'InvalidOperation.DiskResetInProgress',
      'The operation cannot be performed because the disk has an ongoing reset task, ' +
        'please try again later.',
    );
  }
  if (status !== 'In_use' && status !== 'Available') throw refuse.diskStatus();
  for (const { instanceId } of disk.attachments) {
    if (call.store.instances.get(instanceId)?.status !== 'Stopped') {
      throw instanceStatusRefusal(403);
    }
  }
}

function checkSnapshot(call: EcsCall, disk: DiskRecord, snapshot: SnapshotRecord): void {
  // A copy names the disk of its source, but cannot roll it back.
  if (snapshot.sourceDiskId !== disk.diskId || snapshot.sourceSnapshotId !== '') {
    throw refuse.denied(
      'InvalidParameter.Mismatch',
      'The specified snapshot is not created from the specified disk.',
    );
  }
  if (!isAvailable(snapshot, call.nowMs)) throw refuse.snapshotNotReady();
  if (call.store.snapshotsInCreation(disk.diskId, call.nowMs).length > 0) {
    throw refuse.denied(
      'IncorrectDiskStatus.HasUnfinishedSnapshot',
      'The current disk has unfinished snapshot.',
    );
  }
}
