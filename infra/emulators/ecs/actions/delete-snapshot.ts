import type { EcsCall, EcsReply } from '../ecs-call.ts';
import { refuse } from '../errors.ts';
import { optionalBoolean, required } from '../parameters.ts';

/**
 * Deletes a snapshot, also one in creation. An unknown id is ignored. One that disks were made of
 * needs Force; the disks stay.
 */
export async function deleteSnapshot(call: EcsCall): Promise<EcsReply> {
  const snapshotId = required(call.parameters, 'SnapshotId');
  const force = optionalBoolean(call.parameters, 'Force') ?? false;
  if (call.snapshot(snapshotId) === undefined) return {};
  const madeDisks = call.store.allDisks().some((d) => d.sourceSnapshotId === snapshotId);
  if (madeDisks && !force) {
    throw refuse.denied('SnapshotCreatedDisk', 'The snapshot has been used to create disk(s).');
  }
  await call.store.removeSnapshots([snapshotId]);
  return {};
}
