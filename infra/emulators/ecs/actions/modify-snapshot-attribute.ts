import type { EcsCall, EcsReply } from '../ecs-call.ts';
import { refuse } from '../errors.ts';
import { isDescription, isResourceName, optional, required } from '../parameters.ts';
import type { SnapshotRecord } from '../records.ts';
import { readRetentionDays } from '../retention.ts';
import { snapshotStatus } from '../snapshot-state.ts';

/** Changes name, description or retention; retention counts from creation and only grows. */
export async function modifySnapshotAttribute(call: EcsCall): Promise<EcsReply> {
  const snapshot = call.snapshot(required(call.parameters, 'SnapshotId'));
  if (snapshot === undefined) throw refuse.snapshotNotFound();
  const changes = readChanges(call, snapshot);
  if (Object.keys(changes).length === 0) {
    throw refuse.badRequest('NoAttributeToModify', 'No attribute to be modified in this request.');
  }
  const changed = { ...snapshot, ...changes, modifiedAtMs: call.nowMs };
  await call.store.commit(() => call.store.snapshots.putSync(snapshot.snapshotId, changed));
  return {};
}

function readChanges(
  call: EcsCall,
  snapshot: SnapshotRecord,
): Partial<Pick<SnapshotRecord, 'name' | 'description' | 'retentionDays'>> {
  const name = optional(call.parameters, 'SnapshotName');
  if (name !== undefined && (!isResourceName(name) || name.startsWith('auto'))) {
    throw refuse.badRequest(
      'InvalidSnapshotName.Malformed',
      'The specified SnapshotName is wrongly formed.',
    );
  }
  const description = optional(call.parameters, 'Description');
  if (description !== undefined && !isDescription(description)) {
    throw refuse.notFound(
      'InvalidDescription.Malformed',
      'The specified description is wrongly formed.',
    );
  }
  const retentionDays = readRetentionDays(call.parameters, 400);
  if (retentionDays !== undefined) checkRetention(call, snapshot, retentionDays);
  return {
    ...(name === undefined ? {} : { name }),
    ...(description === undefined ? {} : { description }),
    ...(retentionDays === undefined ? {} : { retentionDays }),
  };
}

function checkRetention(call: EcsCall, snapshot: SnapshotRecord, days: number): void {
  if (snapshotStatus(snapshot, call.nowMs) !== 'accomplished') {
    throw refuse.badRequest(
      'InvalidSnapshotId.NotReady',
      'The specified snapshot has not completed yet.',
    );
  }
  // Kept for ever is longer than any number of days.
  if (snapshot.retentionDays === undefined || days < snapshot.retentionDays) {
    throw refuse.badRequest(
      'InvalidOperation.DecreaseRetentionDaysUnsupported',
      'The requested operation to decrease retention days for the snapshot is not supported.',
    );
  }
}
