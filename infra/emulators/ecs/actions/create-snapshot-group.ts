import type { Creation } from '../client-tokens.ts';
import { isEssdFamily } from '../disk-categories.ts';
import type { EcsCall } from '../ecs-call.ts';
import { newId } from '../ecs-store.ts';
import { refuse } from '../errors.ts';
import { DISKS_PER_GROUP_MAX, GIB_PER_GROUP_MAX } from '../limits.ts';
import { isDescription, isResourceName, numbered, optional } from '../parameters.ts';
import type { DiskRecord, SnapshotGroupRecord, SnapshotRecord } from '../records.ts';
import { checkSnapshotRoom, takeSnapshot } from '../snapshot-taking.ts';
import { readNewTags } from '../tags.ts';

/** Takes snapshots of several disks at one moment. */
export async function createSnapshotGroup(call: EcsCall): Promise<Creation> {
  const regionId = call.region().regionId;
  const group = readGroup(call, regionId);
  const disks = readDisks(call, regionId, group.instanceId);
  checkDisks(call, disks);
  const members: SnapshotRecord[] = [];
  for (const disk of disks) {
    const from = disk.attachments[0]?.instanceId;
    members.push(
      await takeSnapshot(call, disk, {
        name: group.name,
        description: group.description,
        groupId: group.groupId,
        resourceGroupId: group.resourceGroupId,
        tags: from === undefined ? [] : [{ key: 'acs:ecs:createFrom', value: from }],
      }),
    );
  }
  return {
    reply: { SnapshotGroupId: group.groupId },
    write: () => {
      call.store.groups.putSync(group.groupId, group);
      for (const member of members) call.store.snapshots.putSync(member.snapshotId, member);
    },
  };
}

function readGroup(call: EcsCall, regionId: string): SnapshotGroupRecord {
  const { parameters } = call;
  const name = optional(parameters, 'Name') ?? '';
  if (name !== '' && !isResourceName(name)) {
    throw refuse.badRequest('InvalidParameter.Name', 'The specified Name is invalid.');
  }
  const description = optional(parameters, 'Description') ?? '';
  if (description !== '' && !isDescription(description)) {
    throw refuse.badRequest(
      'InvalidParameter.Description',
      'The specified Description is invalid.',
    );
  }
  return {
    groupId: newId('ssg'),
    accountId: call.accountId,
    regionId,
    seq: call.store.nextSeq(),
    name,
    description,
    instanceId: optional(parameters, 'InstanceId') ?? '',
    resourceGroupId: optional(parameters, 'ResourceGroupId') ?? '',
    createdAtMs: call.nowMs,
    tags: readNewTags(parameters),
  };
}

/** The disks asked for: those named, else those of the instance that are not excluded. */
function readDisks(call: EcsCall, regionId: string, instanceId: string): DiskRecord[] {
  const ids = numbered(call.parameters, 'DiskId');
  const excluded = numbered(call.parameters, 'ExcludeDiskId');
  if (ids.length > 0 && excluded.length > 0) {
    throw refuse.badRequest(
      'InvalidParam.ExcludeDiskIdsAndDiskIds.Conflict',
      "The use of parameter 'ExcludeDiskIds' and 'DiskIds' at the same time is not supported.",
    );
  }
  if (ids.length === 0 && instanceId === '') {
    throw refuse.badRequest(
      'MissingParamter.InstanceId',
      'The specified InstanceId should not be null.',
    );
  }
  if (instanceId !== '' && call.instance(instanceId) === undefined) {
    throw refuse.instanceNotFound();
  }
  const isOnInstance = (disk: DiskRecord) =>
    instanceId === '' || disk.attachments.some((a) => a.instanceId === instanceId);
  if (ids.length === 0) {
    const all = call.disksOf(regionId).filter(isOnInstance);
    const kept = all.filter((disk) => !excluded.includes(disk.diskId));
    if (kept.length > 0) return kept;
    throw refuse.denied('InvalidInstance.NoDisk', 'There is no disk mounted on the instance.');
  }
  return ids.map((id) => {
    const disk = call.disk(id);
    if (disk === undefined || !isOnInstance(disk)) {
      throw refuse.notFound('InvalidDiskId.NotFound', 'The specified DiskId does not exist.');
    }
    return disk;
  });
}

function checkDisks(call: EcsCall, disks: readonly DiskRecord[]): void {
  if (disks.length > DISKS_PER_GROUP_MAX) {
    throw refuse.denied(
      'NumberExceed.TooManyDisks',
      'The number of all disks in the request exceeds.',
    );
  }
  if (disks.reduce((sum, disk) => sum + disk.sizeGib, 0) > GIB_PER_GROUP_MAX) {
    throw refuse.denied(
      'CapacityExceed.TooManyDisks',
      'The capacity of all disks in the request exceeds.',
    );
  }
  if (new Set(disks.map((disk) => disk.zoneId)).size > 1) {
    throw refuse.badRequest(
      'InvalidDiskIds.NotInSameZone',
      'The specified disks are not in the same availability zone.',
    );
  }
  for (const disk of disks) {
    if (!isEssdFamily(disk.category)) {
      throw refuse.badRequest(
        'DiskCategory.OperationNotSupported',
        'The operation is not supported to the specified disk due to its disk category.',
      );
    }
    if (disk.multiAttach) {
      throw refuse.denied(
        'InvalidOperation.MultiAttachDisk',
        'Multi attach disk does not support this operation.',
      );
    }
    checkSnapshotRoom(call, disk);
  }
}
