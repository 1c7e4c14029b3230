import { OssError } from './errors.ts';
import { DAY_MS, WORM_LOCK_WITHIN_MS } from './limits.ts';
import type { BucketRecord, ObjectVersion, WormPolicy } from './state.ts';

/** The retention policy in force; one that was not locked in time counts as none. */
export function activeWorm(bucket: BucketRecord, nowMs: number): WormPolicy | undefined {
  const { worm } = bucket;
  if (worm === undefined || worm.state === 'Locked') return worm;
  return nowMs < worm.createdAtMs + WORM_LOCK_WITHIN_MS ? worm : undefined;
}

/**
 * Whether a version may neither be replaced nor removed now. A policy in progress protects too
 * (developer-reference/extendbucketworm, "Usage notes"); delete markers are never protected.
 */
export function isRetained(bucket: BucketRecord, version: ObjectVersion, nowMs: number): boolean {
  const worm = activeWorm(bucket, nowMs);
  if (worm === undefined || version.kind === 'deleteMarker') return false;
  return nowMs < version.lastModifiedMs + worm.days * DAY_MS;
}

/** @throws {OssError} FileImmutable */
export function refuseRetained(
  bucket: BucketRecord,
  key: string,
  version: ObjectVersion,
  nowMs: number,
): void {
  if (!isRetained(bucket, version, nowMs)) return;
  throw new OssError('FileImmutable', { elements: { BucketName: bucket.name, ObjectName: key } });
}
