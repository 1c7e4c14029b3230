import type { EcsCall, EcsReply } from '../ecs-call.ts';
import { refuse } from '../errors.ts';
import { required } from '../parameters.ts';

/** Deletes a group with its snapshots, unless disks were made of one of them. */
export async function deleteSnapshotGroup(call: EcsCall): Promise<EcsReply> {
  const regionId = call.region().regionId;
  const group = call.group(required(call.parameters, 'SnapshotGroupId'));
  if (group === undefined) {
    throw refuse.notFound(
      'InvalidSnapshotGroupId.NotFound',
      'The specified SnapshotGroupId does not exist.',
    );
  }
  const members = call
    .snapshotsOf(regionId)
    .filter((s) => s.groupId === group.groupId)
    .map((s) => s.snapshotId);
  if (call.store.allDisks().some((disk) => members.includes(disk.sourceSnapshotId))) {
    throw refuse.denied('SnapshotCreatedDisk', 'The snapshot has been used to create disk(s).');
  }
  await call.store.removeSnapshots(members, group.groupId);
  return {};
}
