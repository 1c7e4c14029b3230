import { DISK_CATEGORIES } from '../disk-categories.ts';
import { type DiskStatus, describeDisk, diskStatus } from '../disk-state.ts';
import type { EcsCall, EcsReply } from '../ecs-call.ts';
import { refuse } from '../errors.ts';
import { IDS_MAX, TAG_FILTER_MATCHES_MAX } from '../limits.ts';
import { takePage } from '../paging.ts';
import { idArray, optional, optionalBoolean } from '../parameters.ts';
import type { DiskRecord } from '../records.ts';
import { carriesTags, readTagPairs } from '../tags.ts';
import { withinCreationFilter } from '../time-filter.ts';

const STATUSES: readonly (DiskStatus | 'All')[] = [
  'In_use',
  'Available',
  'Attaching',
  'Detaching',
  'Creating',
  'ReIniting',
  'All',
];

/** Lists disks that pass every filter given, newest first. */
export function describeDisks(call: EcsCall): EcsReply {
  const regionId = call.region().regionId;
  const ids = idArray(call.parameters, 'DiskIds', () =>
    refuse.badRequest('InvalidParameter.DiskIds', 'The specified parameter diskIds is not valid.'),
  );
  if (ids !== undefined && ids.length > IDS_MAX) {
    throw refuse.denied(
      'InvalidDiskIds.Malformed',
      'The amount of specified disk Ids exceeds the limit.',
    );
  }
  const tags = readTagPairs(call.parameters);
  const matches = call
    .disksOf(regionId)
    .filter((disk) => ids === undefined || ids.includes(disk.diskId))
    .filter(diskFilter(call))
    .filter((disk) => carriesTags(disk.tags, tags));
  const shown = tags.length === 0 ? matches : matches.slice(0, TAG_FILTER_MATCHES_MAX);
  const page = takePage(call.parameters, shown, {
    clamps: true,
    maxResults: { min: 10, max: 500 },
  });
  return {
    ...page.fields,
    Disks: { Disk: page.items.map((disk) => describeDisk(disk, call.nowMs)) },
  };
}

function diskFilter(call: EcsCall): (disk: DiskRecord) => boolean {
  const { parameters, nowMs } = call;
  const status = optional(parameters, 'Status') ?? 'All';
  if (!STATUSES.some((known) => known === status)) {
    throw refuse.badRequest(
      'InvalidStatus.ValueNotSupported',
      'The specified disk status is not supported.',
    );
  }
  const category = optional(parameters, 'Category') ?? 'all';
  if (category !== 'all' && !DISK_CATEGORIES.includes(category)) {
    throw refuse.badRequest(
      'InvalidCategory.ValueNotSupported',
      'The specified disk category is not supported.',
    );
  }
  const zoneId = optional(parameters, 'ZoneId');
  const instanceId = optional(parameters, 'InstanceId');
  const name = optional(parameters, 'DiskName');
  const snapshotId = optional(parameters, 'SnapshotId');
  const type = optional(parameters, 'DiskType') ?? 'all';
  const encrypted = optionalBoolean(parameters, 'Encrypted');
  const multiAttach = optional(parameters, 'MultiAttach');
  const inTime = withinCreationFilter(parameters);
  return (disk) =>
    (status === 'All' || diskStatus(disk, nowMs) === status) &&
    (category === 'all' || disk.category === category) &&
    (zoneId === undefined || disk.zoneId === zoneId) &&
    (instanceId === undefined || disk.attachments.some((a) => a.instanceId === instanceId)) &&
    (name === undefined || matchesName(disk.name, name)) &&
    (snapshotId === undefined || disk.sourceSnapshotId === snapshotId) &&
    type !== 'system' &&
    (encrypted !== true || disk.encrypted) &&
    (multiAttach === undefined || (multiAttach === 'Enabled') === disk.multiAttach) &&
    inTime(disk.createdAtMs);
}

/** Names are compared whole; `*` stands for any text, as in the console's fuzzy search. */
function matchesName(name: string, pattern: string): boolean {
  const parts = pattern.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`).test(name);
}
