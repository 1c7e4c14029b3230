/**
 * Versions of keys. A bucket that never had versioning keeps one version per key, named `null`;
 * one that has it keeps all; a suspended one replaces only the `null` version
 * (help.aliyun.com/en/oss/user-guide/overview-78, "Versioning").
 */
import { randomBytes } from 'node:crypto';
import type { Segment } from './object-files.ts';
import { refuseRetained } from './retention.ts';
import {
  type BucketRecord,
  type DeleteMarker,
  type ObjectVersion,
  type OssState,
  rangeOfKey,
  type StoredObject,
  versionRow,
} from './state.ts';

/** The version id of what was written while versioning was not enabled. */
const NULL_VERSION = 'null';

/** A version before it has an id. */
export type NewVersion = Omit<StoredObject, 'versionId'> | Omit<DeleteMarker, 'versionId'>;

/** A version and the row it stands in. */
export interface FoundVersion {
  readonly row: Buffer;
  readonly version: ObjectVersion;
}

/** What a write did. */
export interface WrittenVersion {
  readonly versionId: string;
  /** Files that nothing names any more, to be discarded after the commit. */
  readonly displaced: readonly Segment[];
  /** Bytes that the key's current object had before. */
  readonly previousBytes: number;
}

/** All versions of a key, newest first. */
export function versionsOf(state: OssState, bucket: string, key: string): FoundVersion[] {
  return [...state.versions.getRange(rangeOfKey(bucket, key))].map(({ key: row, value }) => ({
    row,
    version: value,
  }));
}

/** The newest version of a key, delete markers included. */
export function currentVersion(
  state: OssState,
  bucket: string,
  key: string,
): FoundVersion | undefined {
  for (const { key: row, value } of state.versions.getRange({
    ...rangeOfKey(bucket, key),
    limit: 1,
  })) {
    return { row, version: value };
  }
  return undefined;
}

/** The version of that id. */
export function versionById(
  state: OssState,
  bucket: string,
  key: string,
  versionId: string,
): FoundVersion | undefined {
  return versionsOf(state, bucket, key).find(({ version }) => version.versionId === versionId);
}

/**
 * Writes a new current version; only inside a transaction, before any other write in it.
 * @throws {OssError} FileImmutable when it would replace a retained version
 */
export function writeVersion(
  state: OssState,
  bucket: BucketRecord,
  key: string,
  version: NewVersion,
  nowMs: number,
): WrittenVersion {
  const existing = versionsOf(state, bucket.name, key);
  const previousBytes = sizeOf(existing[0]?.version);
  const replaced =
    bucket.versioning === 'Enabled'
      ? undefined
      : existing.find((found) => found.version.versionId === NULL_VERSION);
  if (replaced !== undefined) refuseRetained(bucket, key, replaced.version, nowMs);
  const versionId = bucket.versioning === 'Enabled' ? newVersionId() : NULL_VERSION;
  if (replaced !== undefined) state.versions.removeSync(replaced.row);
  const row = versionRow(bucket.name, key, state.next('version'));
  state.versions.putSync(row, { ...version, versionId });
  return { versionId, displaced: segmentsOf(replaced?.version), previousBytes };
}

/** Bytes of a version; a delete marker and a missing version have none. */
export function sizeOf(version: ObjectVersion | undefined): number {
  return version?.kind === 'object' ? version.sizeBytes : 0;
}

/** Files of a version. */
export function segmentsOf(version: ObjectVersion | undefined): readonly Segment[] {
  return version?.kind === 'object' ? version.segments : [];
}

/** `x-oss-version-id` where the bucket has or had versioning. */
export function versionHeaders(
  bucket: BucketRecord,
  versionId: string,
): Readonly<Record<string, string>> {
  return bucket.versioning === undefined ? {} : { 'x-oss-version-id': versionId };
}

function newVersionId(): string {
  return `CAEQ${randomBytes(24).toString('hex')}`;
}
