import { diskStatus } from '../disk-state.ts';
import type { EcsCall, EcsReply } from '../ecs-call.ts';
import { refuse } from '../errors.ts';
import { required } from '../parameters.ts';

/**
 * Releases a disk that is Available and of which no snapshot is in creation; its finished
 * snapshots stay. An unknown id is ignored.
 */
export async function deleteDisk(call: EcsCall): Promise<EcsReply> {
  const disk = call.disk(required(call.parameters, 'DiskId'));
  if (disk === undefined) return {};
  const status = diskStatus(disk, call.nowMs);
  if (status === 'Creating') {
    throw refuse.denied(
      'IncorrectDiskStatus.Initializing',
      'The current disk status does not support this operation.',
    );
  }
  if (status !== 'Available') throw refuse.diskStatus();
  if (call.store.snapshotsInCreation(disk.diskId, call.nowMs).length > 0) {
    throw refuse.denied(
      'DiskCreatingSnapshot',
      'The operation is denied due to a snapshot of the specified disk is not completed yet.',
    );
  }
  await call.store.removeDisk(disk.diskId, []);
  return {};
}
