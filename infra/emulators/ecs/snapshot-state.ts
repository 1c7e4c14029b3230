import { isEssdFamily } from './disk-categories.ts';
import { isoSeconds } from './disk-state.ts';
import type { SnapshotRecord } from './records.ts';

const DAY_MS = 24 * 3_600_000;

/** The states of a snapshot. */
export type SnapshotStatus = 'progressing' | 'accomplished' | 'failed';

/** The state of a snapshot at a time. */
export function snapshotStatus(snapshot: SnapshotRecord, nowMs: number): SnapshotStatus {
  if (snapshot.failsAtMs !== undefined && nowMs >= snapshot.failsAtMs) return 'failed';
  return nowMs < snapshot.readyAtMs ? 'progressing' : 'accomplished';
}

/** Whether disks can be made of it: at the end of its creation, with instant access before. */
export function isAvailable(snapshot: SnapshotRecord, nowMs: number): boolean {
  return snapshotStatus(snapshot, nowMs) !== 'failed' && nowMs >= snapshot.availableAtMs;
}

/** Whether its retention is over, counted from its creation; it is gone then. */
export function isExpired(snapshot: SnapshotRecord, nowMs: number): boolean {
  const { retentionDays, createdAtMs } = snapshot;
  return retentionDays !== undefined && nowMs >= createdAtMs + retentionDays * DAY_MS;
}

/** `37%`; it stops where it failed. */
export function progress(snapshot: SnapshotRecord, nowMs: number): string {
  if (snapshotStatus(snapshot, nowMs) === 'accomplished') return '100%';
  const { createdAtMs, readyAtMs } = snapshot;
  const untilMs = Math.min(nowMs, snapshot.failsAtMs ?? nowMs);
  const done = (100 * (untilMs - createdAtMs)) / Math.max(readyAtMs - createdAtMs, 1);
  return `${Math.min(99, Math.max(0, Math.floor(done)))}%`;
}

/** A snapshot as DescribeSnapshots shows it. */
export function describeSnapshot(
  snapshot: SnapshotRecord,
  nowMs: number,
  madeDisks: boolean,
): Record<string, unknown> {
  const status = snapshotStatus(snapshot, nowMs);
  const leftMs = status === 'progressing' ? snapshot.readyAtMs - nowMs : 0;
  return {
    SnapshotId: snapshot.snapshotId,
    SnapshotName: snapshot.name,
    Description: snapshot.description,
    RegionId: snapshot.regionId,
    Status: status,
    Progress: progress(snapshot, nowMs),
    RemainTime: Math.ceil(leftMs / 1000),
    Available: isAvailable(snapshot, nowMs),
    InstantAccess: isInstantAccess(snapshot),
    SourceDiskId: snapshot.sourceDiskId,
    SourceDiskSize: String(snapshot.sourceDiskSizeGib),
    SourceDiskType: 'data',
    SourceStorageType: 'disk',
    SourceRegionId: snapshot.sourceRegionId,
    SourceSnapshotId: snapshot.sourceSnapshotId,
    SnapshotType: 'user',
    SnapshotLinkId: snapshot.sourceDiskId.replace(/^d-/, 'sl-'),
    Category: 'standard',
    Usage: madeDisks ? 'disk' : 'none',
    Encrypted: snapshot.encrypted,
    KMSKeyId: snapshot.kmsKeyId,
    FullSnapshotSizeInBytes: snapshot.fullSizeBytes,
    ProductCode: '',
    ResourceGroupId: snapshot.resourceGroupId,
    ...(snapshot.retentionDays === undefined ? {} : { RetentionDays: snapshot.retentionDays }),
    CreationTime: isoSeconds(snapshot.createdAtMs),
    LastModifiedTime: isoSeconds(snapshot.modifiedAtMs),
    Tags: { Tag: snapshot.tags.map(({ key, value }) => ({ TagKey: key, TagValue: value })) },
  };
}

/** A copy has no instant access, whatever its source disk was. */
export function isInstantAccess(snapshot: SnapshotRecord): boolean {
  return snapshot.sourceSnapshotId === '' && isEssdFamily(snapshot.sourceDiskCategory);
}
