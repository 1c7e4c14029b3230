import type { DiskRecord } from './records.ts';

/** The states of a disk. @see https://www.alibabacloud.com/help/en/ecs/developer-reference/disk-states */
export type DiskStatus =
  | 'Creating'
  | 'Available'
  | 'Attaching'
  | 'In_use'
  | 'Detaching'
  | 'ReIniting';

/** The state of a disk at a time. */
export function diskStatus(disk: DiskRecord, nowMs: number): DiskStatus {
  if (nowMs < disk.readyAtMs) return 'Creating';
  if (disk.change !== undefined && nowMs < disk.change.endsAtMs) return disk.change.kind;
  return disk.attachments.length > 0 ? 'In_use' : 'Available';
}

/** A disk as DescribeDisks shows it. */
export function describeDisk(disk: DiskRecord, nowMs: number): Record<string, unknown> {
  const status = diskStatus(disk, nowMs);
  const shown = disk.multiAttach ? undefined : disk.attachments[0];
  const detaching = status === 'Detaching' ? (disk.change?.instanceId ?? '') : '';
  return {
    DiskId: disk.diskId,
    SerialNumber: disk.diskId.replace(/^d-/, ''),
    DiskName: disk.name,
    Description: disk.description,
    RegionId: disk.regionId,
    ZoneId: disk.zoneId,
    Status: status,
    Type: 'data',
    Category: disk.category,
    ...(disk.performanceLevel === undefined ? {} : { PerformanceLevel: disk.performanceLevel }),
    Size: disk.sizeGib,
    Encrypted: disk.encrypted,
    KMSKeyId: disk.kmsKeyId,
    Portable: true,
    MultiAttach: disk.multiAttach ? 'Enabled' : 'Disabled',
    InstanceId: status === 'Attaching' ? '' : (shown?.instanceId ?? detaching),
    Device: status === 'Attaching' ? '' : (shown?.device ?? ''),
    DeleteWithInstance: disk.attachments.some((a) => a.deleteWithInstance),
    DeleteAutoSnapshot: true,
    EnableAutoSnapshot: true,
    EnableAutomatedSnapshotPolicy: false,
    AutoSnapshotPolicyId: '',
    SourceSnapshotId: disk.sourceSnapshotId,
    ImageId: '',
    ProductCode: '',
    DiskChargeType: 'PostPaid',
    ExpiredTime: '2999-09-08T16:00Z',
    ResourceGroupId: disk.resourceGroupId,
    CreationTime: isoSeconds(disk.createdAtMs),
    AttachedTime: disk.attachedAtMs === undefined ? '' : isoSeconds(disk.attachedAtMs),
    DetachedTime: disk.detachedAtMs === undefined ? '' : isoSeconds(disk.detachedAtMs),
    Attachments: {
      Attachment: disk.attachments.map((a) => ({
        InstanceId: a.instanceId,
        Device: a.device,
        AttachedTime: isoSeconds(a.attachedAtMs),
      })),
    },
    MountInstances: { MountInstance: [] },
    OperationLocks: { OperationLock: [] },
    Tags: { Tag: disk.tags.map(({ key, value }) => ({ TagKey: key, TagValue: value })) },
  };
}

/** `2026-01-02T03:04:05Z` */
export function isoSeconds(timeMs: number): string {
  return `${new Date(timeMs).toISOString().slice(0, 19)}Z`;
}
