import { createHash } from 'node:crypto';
import {
  type Capture,
  type CaptureOptions,
  captureBucket,
  captureDirectory,
  pathBelow,
} from './data/capture.ts';
import type { Manifest } from './data/manifest.ts';
import { type HbrCore, newestSnapshot } from './hbr-core.ts';
import { DAY_MS } from './limits.ts';
import { forcedBy } from './planned-outcomes.ts';
import type { BackupJobRecord, JobSource, JobTotals } from './records.ts';

/**
 * The RUNNING moment of a backup job: reads its source. Begun again after a kill, it reads anew;
 * the job is RUNNING on disk only once all of it is kept.
 */
export async function startBackup(
  core: HbrCore,
  job: BackupJobRecord,
  atMs: number,
): Promise<void> {
  const planned = core.planned.take('backup');
  const started = { startedAtMs: atMs, updatedAtMs: atMs };
  const forced = planned === undefined ? {} : { forced: forcedBy(planned) };
  if (planned?.status === 'EXPIRED') {
    const errorMessage = planned.message ?? 'EXPIRED';
    const ended = { ...started, completedAtMs: atMs, errorMessage };
    core.state.jobs.put({ ...job, ...ended, ...forced, status: 'EXPIRED' });
    return;
  }
  const capture = await read(core, job.source, atMs, {
    rules: job.rules,
    isUnreadable: (path) => planned?.paths?.includes(path) ?? false,
    add: (bytes) => core.blobs.add(job.vaultId, bytes),
    addSmall: (bytes) => core.blobs.addSmall(job.vaultId, bytes),
  });
  // Cancelled or deleted while its source was read: what was read is swept away.
  if (core.state.jobs.get(job.id) !== job) return;
  if (capture === undefined) {
    const errorMessage = 'SOURCE_NOT_EXIST';
    core.state.jobs.put({
      ...job,
      ...started,
      completedAtMs: atMs,
      errorMessage,
      status: 'FAILED',
    });
    return;
  }
  const parent = newestSnapshot(core, job.vaultId, job.source);
  const before = parent === undefined ? undefined : core.state.manifests.get(parent.jobId);
  const manifest: Manifest = { vaultId: job.vaultId, entries: capture.entries };
  const totals = totalsOf(core, manifest, capture, before);
  core.blobs.retain(manifest);
  await core.state.manifests.put(job.id, manifest);
  if (core.state.jobs.get(job.id) !== job) return;
  core.state.jobs.put({
    ...job,
    ...started,
    ...forced,
    status: 'RUNNING',
    totals,
    snapshotHash: createHash('sha256')
      .update(JSON.stringify([job.id, manifest]))
      .digest('hex'),
    parentHash: parent?.hash ?? '',
    endsAtMs: atMs + core.times.jobMs(totals.bytesDone),
  });
}

/** The end of a running backup job: its snapshot, unless a test wanted it to fail. */
export function finishBackup(core: HbrCore, job: BackupJobRecord, atMs: number): void {
  const { forced, totals, snapshotHash } = job;
  const ended = { updatedAtMs: atMs, completedAtMs: atMs };
  if (forced?.status === 'FAILED' || totals === undefined || snapshotHash === undefined) {
    const errorMessage = forced?.message ?? 'FAILED';
    core.state.jobs.put({ ...job, ...ended, errorMessage, status: 'FAILED' });
    return;
  }
  const isPartial = forced?.status === 'PARTIAL_COMPLETE' || totals.failed.length > 0;
  const status = isPartial ? 'PARTIAL_COMPLETE' : 'COMPLETE';
  const { retentionDays, planId } = job;
  core.state.snapshots.put({
    id: snapshotIdOf(job.id),
    accountId: job.accountId,
    vaultId: job.vaultId,
    jobId: job.id,
    hash: snapshotHash,
    parentHash: job.parentHash ?? '',
    status,
    source: job.source,
    totals,
    createdAtMs: job.createdAtMs,
    startedAtMs: job.startedAtMs ?? atMs,
    completedAtMs: atMs,
    ...(planId === undefined ? {} : { planId }),
    ...(retentionDays === undefined
      ? {}
      : { retentionDays, expiresAtMs: atMs + retentionDays * DAY_MS }),
  });
  const errorMessage = forced?.message ?? 'PARTIAL_COMPLETE';
  core.state.jobs.put({ ...job, ...ended, status, ...(isPartial ? { errorMessage } : {}) });
}

/** A job makes one snapshot, whose id follows from its own: a job that ends twice makes no second. */
export function snapshotIdOf(jobId: string): string {
  return jobId.replace('job-', 's-');
}

async function read(
  core: HbrCore,
  source: JobSource,
  atMs: number,
  options: CaptureOptions,
): Promise<Capture | undefined> {
  const { places } = core;
  switch (source.type) {
    case 'CONTAINER': {
      const { host, hostPrefix, pvPath } = source.resource;
      const mount = places.containerMount(source.clusterIdentifier, host, hostPrefix);
      return mount === undefined
        ? undefined
        : await captureDirectory(pathBelow(mount, pvPath), options);
    }
    case 'NAS': {
      const root = places.nas(source.fileSystemId, source.createTime);
      return root === undefined ? undefined : await readPaths(root, source.paths, options);
    }
    case 'OSS': {
      const place = { bucket: source.bucket, prefix: source.prefix, atMs };
      return places.bucket === undefined
        ? undefined
        : await captureBucket(places.bucket, place, options);
    }
  }
}

/** One path is read as the root of its snapshot; of several, each keeps its place. */
async function readPaths(
  root: string,
  paths: readonly string[],
  options: CaptureOptions,
): Promise<Capture | undefined> {
  const [first] = paths;
  if (first !== undefined && paths.length === 1) {
    return await captureDirectory(pathBelow(root, first), options);
  }
  return await captureDirectory(root, {
    ...options,
    rules: { ...options.rules, include: [...paths] },
  });
}

function totalsOf(
  core: HbrCore,
  manifest: Manifest,
  capture: Capture,
  before: Manifest | undefined,
): JobTotals {
  const old = new Map(before?.entries.map((e) => [e.path, e.kind === 'file' ? e.hash : '']));
  const counted = new Set<string>();
  let bytesTotal = 0;
  let bytesDone = 0;
  let actualBytes = 0;
  let items = 0;
  for (const entry of manifest.entries) {
    if (entry.kind === 'directory') continue;
    items += 1;
    if (entry.kind === 'link') continue;
    bytesTotal += entry.size;
    if (old.get(entry.path) !== entry.hash) bytesDone += entry.size;
    if (!counted.has(entry.hash) && !core.blobs.isReferenced(manifest.vaultId, entry.hash)) {
      actualBytes += entry.size;
    }
    counted.add(entry.hash);
  }
  const { failed, skipped } = capture;
  const itemsTotal = items + failed.length;
  return { bytesTotal, bytesDone, actualBytes, itemsTotal, itemsDone: items, failed, skipped };
}
