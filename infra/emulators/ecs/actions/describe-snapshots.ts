import type { EcsCall, EcsReply } from '../ecs-call.ts';
import { refuse } from '../errors.ts';
import { IDS_MAX, TAG_FILTER_MATCHES_MAX } from '../limits.ts';
import { takePage } from '../paging.ts';
import { idArray, optional, optionalBoolean } from '../parameters.ts';
import type { SnapshotRecord } from '../records.ts';
import { describeSnapshot, snapshotStatus } from '../snapshot-state.ts';
import { carriesTags, readTagPairs } from '../tags.ts';
import { withinCreationFilter } from '../time-filter.ts';

/** Lists snapshots that pass every filter given, newest first; unknown ids are left out silently. */
export function describeSnapshots(call: EcsCall): EcsReply {
  const regionId = call.region().regionId;
  const malformed = () =>
    refuse.denied(
      'InvalidSnapshotIds.Malformed',
      'The amount of specified specified snapshot Ids exceeds the limit.',
    );
  const ids = idArray(call.parameters, 'SnapshotIds', malformed);
  if (ids !== undefined && ids.length > IDS_MAX) throw malformed();
  const tags = readTagPairs(call.parameters);
  const made = new Set(call.store.allDisks().map((disk) => disk.sourceSnapshotId));
  const matches = call
    .snapshotsOf(regionId)
    .filter((s) => ids === undefined || ids.includes(s.snapshotId))
    .filter(snapshotFilter(call, made))
    .filter((s) => carriesTags(s.tags, tags));
  const shown = tags.length === 0 ? matches : matches.slice(0, TAG_FILTER_MATCHES_MAX);
  const page = takePage(call.parameters, shown, {
    clamps: false,
    maxResults: { min: 1, max: 100 },
  });
  const described = page.items.map((s) => describeSnapshot(s, call.nowMs, made.has(s.snapshotId)));
  return { ...page.fields, Snapshots: { Snapshot: described } };
}

function snapshotFilter(
  call: EcsCall,
  made: ReadonlySet<string>,
): (snapshot: SnapshotRecord) => boolean {
  const { parameters, nowMs } = call;
  const status = optional(parameters, 'Status') ?? 'all';
  if (!['progressing', 'accomplished', 'failed', 'all'].includes(status)) {
    throw refuse.notFound('InvalidStatus.NotFound', 'The specified Status is not found.');
  }
  const type = optional(parameters, 'SnapshotType') ?? 'all';
  if (!['auto', 'user', 'all'].includes(type)) {
    throw refuse.notFound(
      'InvalidSnapshotType.NotFound',
      'The specfied SnapshotType is not found.',
    );
  }
  const usage = optional(parameters, 'Usage');
  if (usage !== undefined && !['image', 'disk', 'image_disk', 'none'].includes(usage)) {
    throw refuse.notFound('InvalidUsage', 'The specifed Usage is not valid.');
  }
  const sourceDiskType = optional(parameters, 'SourceDiskType')?.toLowerCase() ?? 'data';
  if (sourceDiskType !== 'data' && sourceDiskType !== 'system') {
    throw refuse.notFound('InvalidSourceDiskType', 'The specifed SourceDiskType is not valid.');
  }
  const diskId = optional(parameters, 'DiskId');
  const name = optional(parameters, 'SnapshotName');
  const encrypted = optionalBoolean(parameters, 'Encrypted');
  const ofInstance = disksOfInstance(call, optional(parameters, 'InstanceId'));
  const inTime = withinCreationFilter(parameters);
  return (snapshot) =>
    (status === 'all' || snapshotStatus(snapshot, nowMs) === status) &&
    type !== 'auto' &&
    sourceDiskType === 'data' &&
    (usage === undefined || usage === (made.has(snapshot.snapshotId) ? 'disk' : 'none')) &&
    (diskId === undefined || snapshot.sourceDiskId === diskId) &&
    (name === undefined || snapshot.name === name) &&
    (encrypted !== true || snapshot.encrypted) &&
    (ofInstance === undefined || ofInstance.has(snapshot.sourceDiskId)) &&
    inTime(snapshot.createdAtMs);
}

function disksOfInstance(call: EcsCall, instanceId: string | undefined): Set<string> | undefined {
  if (instanceId === undefined) return undefined;
  const disks = call.store.allDisks();
  const attached = disks.filter((d) => d.attachments.some((a) => a.instanceId === instanceId));
  return new Set(attached.map((d) => d.diskId));
}
