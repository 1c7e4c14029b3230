/** Executes lifecycle rules against the emulated time; OSS does so once a day. */

import { uploadsOf } from './actions/list-uploads.ts';
import { removeUpload } from './actions/multipart-upload.ts';
import { DAY_MS } from './limits.ts';
import type { ObjectFiles, Segment } from './object-files.ts';
import { isRetained } from './retention.ts';
import {
  type BucketRecord,
  keyOfVersionRow,
  type LifecycleRule,
  type LifecycleTerm,
  type OssState,
  rangeOfPrefix,
  type StoredObject,
} from './state.ts';
import { type FoundVersion, segmentsOf, versionsOf, writeVersion } from './versions.ts';

/** What one execution of the rules did. */
export interface LifecycleOutcome {
  /** Current objects that were removed or hidden by a delete marker. */
  readonly expiredObjects: number;
  /** Noncurrent versions and lone delete markers that were removed. */
  readonly removedVersions: number;
  readonly abortedUploads: number;
  readonly changedClasses: number;
}

type Tally = { -readonly [Name in keyof LifecycleOutcome]: number };

/** Executes the enabled rules of every bucket; what a retention policy protects stays. */
export async function applyLifecycleRules(
  state: OssState,
  files: ObjectFiles,
  nowMs: number,
): Promise<LifecycleOutcome> {
  const tally: Tally = {
    expiredObjects: 0,
    removedVersions: 0,
    abortedUploads: 0,
    changedClasses: 0,
  };
  const displaced = await state.transaction(() => {
    const removed: Segment[] = [];
    for (const { value: bucket } of [...state.buckets.getRange()]) {
      for (const rule of bucket.lifecycle ?? []) {
        if (rule.enabled) removed.push(...applyRule({ state, bucket, rule, nowMs, tally }));
      }
    }
    return removed;
  });
  await files.discard(displaced);
  return tally;
}

interface Execution {
  readonly state: OssState;
  readonly bucket: BucketRecord;
  readonly rule: LifecycleRule;
  readonly nowMs: number;
  readonly tally: Tally;
}

function applyRule(execution: Execution): Segment[] {
  const { state, bucket, rule, nowMs, tally } = execution;
  const removed: Segment[] = [];
  for (const key of keysUnder(state, bucket.name, rule.prefix)) {
    removed.push(...removeNoncurrent(execution, key));
    const [current, ...older] = versionsOf(state, bucket.name, key);
    if (current === undefined) continue;
    const { version } = current;
    if (version.kind === 'object') removed.push(...ageCurrent(execution, key, current, version));
    else if (rule.expiredObjectDeleteMarker === true && older.length === 0) {
      state.versions.removeSync(current.row);
      tally.removedVersions += 1;
    }
  }
  for (const { key, upload } of uploadsOf(state, bucket.name, rule.prefix)) {
    if (!isDue(rule.abortMultipartUpload, upload.initiatedAtMs, nowMs)) continue;
    removed.push(...removeUpload(state, bucket.name, key, upload.uploadId));
    tally.abortedUploads += 1;
  }
  return removed;
}

function keysUnder(state: OssState, bucket: string, prefix: string): Set<string> {
  const rows = state.versions.getKeys(rangeOfPrefix(bucket, prefix));
  return new Set([...rows].map((row) => keyOfVersionRow(bucket, row)));
}

/** A version's noncurrent time begins when its successor was written. */
function removeNoncurrent({ state, bucket, rule, nowMs, tally }: Execution, key: string) {
  const removed: Segment[] = [];
  const { noncurrentDays } = rule;
  if (noncurrentDays === undefined) return removed;
  const versions = versionsOf(state, bucket.name, key);
  versions.forEach(({ row, version }, index) => {
    const successor = versions[index - 1]?.version;
    if (successor === undefined || isRetained(bucket, version, nowMs)) return;
    if (nowMs < successor.lastModifiedMs + noncurrentDays * DAY_MS) return;
    state.versions.removeSync(row);
    removed.push(...segmentsOf(version));
    tally.removedVersions += 1;
  });
  return removed;
}

function ageCurrent(
  { state, bucket, rule, nowMs, tally }: Execution,
  key: string,
  { row }: FoundVersion,
  object: StoredObject,
): readonly Segment[] {
  const hasTags = Object.entries(rule.tags).every(([name, value]) => object.tags[name] === value);
  if (!hasTags || isRetained(bucket, object, nowMs)) return [];
  if (isDue(rule.expiration, object.lastModifiedMs, nowMs)) {
    tally.expiredObjects += 1;
    if (bucket.versioning === undefined) {
      state.versions.removeSync(row);
      return object.segments;
    }
    const marker = { kind: 'deleteMarker' as const, lastModifiedMs: nowMs };
    return writeVersion(state, bucket, key, marker, nowMs).displaced;
  }
  const due = rule.transitions.filter((term) => isDue(term, object.lastModifiedMs, nowMs)).at(-1);
  if (due !== undefined && due.storageClass !== object.storageClass) {
    state.versions.putSync(row, { ...object, storageClass: due.storageClass });
    tally.changedClasses += 1;
  }
  return [];
}

function isDue(term: LifecycleTerm | undefined, changedAtMs: number, nowMs: number): boolean {
  if (term === undefined) return false;
  if (term.days !== undefined) return nowMs >= changedAtMs + term.days * DAY_MS;
  const { createdBeforeMs } = term;
  return createdBeforeMs !== undefined && nowMs >= createdBeforeMs && changedAtMs < createdBeforeMs;
}
