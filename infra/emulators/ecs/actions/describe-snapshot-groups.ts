import { isoSeconds } from '../disk-state.ts';
import type { EcsCall, EcsReply } from '../ecs-call.ts';
import { refuse } from '../errors.ts';
import { takePage } from '../paging.ts';
import { numbered, optional } from '../parameters.ts';
import type { SnapshotGroupRecord, SnapshotRecord, Tag } from '../records.ts';
import {
  isAvailable,
  isInstantAccess,
  progress,
  type SnapshotStatus,
  snapshotStatus,
} from '../snapshot-state.ts';
import { carriesTags, readTagPairs } from '../tags.ts';

/** Lists snapshot groups with the progress of each member, newest first. */
export function describeSnapshotGroups(call: EcsCall): EcsReply {
  const regionId = call.region().regionId;
  const ids = numbered(call.parameters, 'SnapshotGroupId');
  const statuses = numbered(call.parameters, 'Status');
  if (statuses.some((s) => !['progressing', 'accomplished', 'failed'].includes(s))) {
    throw refuse.denied(
      'InvalidStatus.ValueNotSupported',
      'The specified parameter status is not valid. ' +
        'The expected status is progressing, accomplished or failed.',
    );
  }
  const instanceId = optional(call.parameters, 'InstanceId');
  const name = optional(call.parameters, 'Name');
  const tags = readTagPairs(call.parameters);
  const snapshots = call.snapshotsOf(regionId);
  const membersOf = (group: SnapshotGroupRecord) =>
    snapshots.filter((s) => s.groupId === group.groupId);
  const matches = call
    .groupsOf(regionId)
    .filter((group) => ids.length === 0 || ids.includes(group.groupId))
    .filter((group) => instanceId === undefined || group.instanceId === instanceId)
    .filter((group) => name === undefined || group.name === name)
    .filter((group) => carriesTags(group.tags, tags))
    .filter(
      (group) => statuses.length === 0 || statuses.includes(groupStatus(call, membersOf(group))),
    );
  const page = takePage(call.parameters, matches, {
    clamps: false,
    maxResults: { min: 1, max: 100 },
  });
  return {
    NextToken: page.fields.NextToken,
    SnapshotGroups: {
      SnapshotGroup: page.items.map((group) => describeGroup(call, group, membersOf(group))),
    },
  };
}

function groupStatus(call: EcsCall, members: readonly SnapshotRecord[]): SnapshotStatus {
  const statuses = members.map((member) => snapshotStatus(member, call.nowMs));
  if (statuses.includes('failed')) return 'failed';
  return statuses.includes('progressing') ? 'progressing' : 'accomplished';
}

function describeGroup(
  call: EcsCall,
  group: SnapshotGroupRecord,
  members: readonly SnapshotRecord[],
): Record<string, unknown> {
  return {
    SnapshotGroupId: group.groupId,
    Name: group.name,
    Description: group.description,
    InstanceId: group.instanceId,
    ResourceGroupId: group.resourceGroupId,
    Status: groupStatus(call, members),
    CreationTime: isoSeconds(group.createdAtMs),
    Tags: keyedTags(group.tags),
    Snapshots: {
      Snapshot: members.map((member) => ({
        SnapshotId: member.snapshotId,
        SourceDiskId: member.sourceDiskId,
        SourceDiskType: 'data',
        Progress: progress(member, call.nowMs),
        Available: isAvailable(member, call.nowMs),
        InstantAccess: isInstantAccess(member),
        Tags: keyedTags(member.tags),
      })),
    },
  };
}

/** Tags as this action alone shows them: `Key`, not `TagKey`. */
function keyedTags(tags: readonly Tag[]): { Tag: { Key: string; Value: string }[] } {
  return { Tag: tags.map(({ key, value }) => ({ Key: key, Value: value })) };
}
