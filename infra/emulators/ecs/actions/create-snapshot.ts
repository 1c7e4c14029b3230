import type { Creation } from '../client-tokens.ts';
import type { EcsCall } from '../ecs-call.ts';
import { refuse } from '../errors.ts';
import { isDescription, isResourceName, optional, required } from '../parameters.ts';
import { readRetentionDays } from '../retention.ts';
import { checkSnapshotRoom, takeSnapshot } from '../snapshot-taking.ts';
import { readNewTags } from '../tags.ts';

/** Takes the bytes of a disk as they are at this moment; the snapshot is `progressing` for a while. */
export async function createSnapshot(call: EcsCall): Promise<Creation> {
  const disk = call.disk(required(call.parameters, 'DiskId'));
  const name = optional(call.parameters, 'SnapshotName') ?? '';
  if (name !== '' && (!isResourceName(name) || name.startsWith('auto'))) {
    throw refuse.badRequest(
      'InvalidSnapshotName.Malformed',
      'The specified SnapshotName is wrongly formed.',
    );
  }
  const description = optional(call.parameters, 'Description') ?? '';
  if (description !== '' && !isDescription(description)) {
    throw refuse.notFound(
      'InvalidDescription.Malformed',
      'The specified description is wrongly formed.',
    );
  }
  const retentionDays = readRetentionDays(call.parameters, 400);
  const tags = readNewTags(call.parameters);
  if (disk === undefined) {
    throw refuse.notFound('InvalidDiskId.NotFound', 'The specified DiskId does not exist.');
  }
  checkSnapshotRoom(call, disk);
  const snapshot = await takeSnapshot(call, disk, {
    name,
    description,
    tags,
    ...(retentionDays === undefined ? {} : { retentionDays }),
    resourceGroupId: optional(call.parameters, 'ResourceGroupId') ?? '',
  });
  return {
    reply: { SnapshotId: snapshot.snapshotId },
    write: () => call.store.snapshots.putSync(snapshot.snapshotId, snapshot),
  };
}
