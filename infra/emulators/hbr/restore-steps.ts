import { pathBelow } from './data/capture.ts';
import {
  type Restored,
  type RestoreOptions,
  restoreBucket,
  restoreDirectory,
} from './data/restore.ts';
import type { HbrCore } from './hbr-core.ts';
import { forcedBy } from './planned-outcomes.ts';
import type { RestoreJobRecord, RestoreTarget } from './records.ts';

/**
 * The RUNNING moment of a restore job: writes its target. Begun again after a kill, it writes the
 * same files again (or skips them, as the conflict policy says).
 */
export async function startRestore(
  core: HbrCore,
  job: RestoreJobRecord,
  atMs: number,
): Promise<void> {
  const planned = core.planned.take('restore');
  const started = { startedAtMs: atMs, updatedAtMs: atMs };
  const forced = planned === undefined ? {} : { forced: forcedBy(planned) };
  const end = (status: 'FAILED' | 'EXPIRED', errorMessage: string) => {
    core.state.restores.put({ ...job, ...started, completedAtMs: atMs, status, errorMessage });
  };
  if (planned?.status === 'EXPIRED') {
    end('EXPIRED', planned.message ?? 'EXPIRED');
    return;
  }
  const snapshot = core.state.snapshots.get(job.snapshotId);
  const manifest = snapshot === undefined ? undefined : core.state.manifests.get(snapshot.jobId);
  if (manifest === undefined) {
    end('FAILED', 'SNAPSHOT_NOT_EXIST');
    return;
  }
  const restored = await write(core, job.target, {
    manifest,
    blobs: core.blobs,
    policy: job.policy,
    rules: job.rules,
    isUnwritable: (path) => planned?.paths?.includes(path) ?? false,
    jobId: job.id,
  });
  if (core.state.restores.get(job.id) !== job) return;
  if (restored === undefined) {
    end('FAILED', 'TARGET_NOT_EXIST');
    return;
  }
  const { bytesTotal, bytesDone, itemsTotal, itemsDone, failed, skipped } = restored;
  core.state.restores.put({
    ...job,
    ...started,
    ...forced,
    status: 'RUNNING',
    endsAtMs: atMs + core.times.jobMs(bytesDone),
    totals: {
      bytesTotal,
      bytesDone,
      actualBytes: bytesDone,
      itemsTotal,
      itemsDone,
      failed,
      skipped,
    },
  });
}

/** The end of a running restore job. */
export function finishRestore(core: HbrCore, job: RestoreJobRecord, atMs: number): void {
  const { forced } = job;
  const ended = { updatedAtMs: atMs, completedAtMs: atMs };
  const failed = job.totals?.failed.length ?? 0;
  if (forced === undefined && failed === 0) {
    core.state.restores.put({ ...job, ...ended, status: 'COMPLETE' });
    return;
  }
  const status = forced?.status ?? 'PARTIAL_COMPLETE';
  core.state.restores.put({ ...job, ...ended, status, errorMessage: forced?.message ?? status });
}

async function write(
  core: HbrCore,
  target: RestoreTarget,
  options: RestoreOptions,
): Promise<Restored | undefined> {
  const { places } = core;
  switch (target.type) {
    case 'CONTAINER': {
      const { clusterIdentifier, host, hostPrefix, pvPath } = target;
      const mount = places.containerMount(clusterIdentifier, host, hostPrefix);
      return mount === undefined
        ? undefined
        : await restoreDirectory(pathBelow(mount, pvPath), options);
    }
    case 'NAS': {
      const root = places.nas(target.fileSystemId, target.createTime);
      if (root === undefined) return undefined;
      return await restoreDirectory(pathBelow(root, target.path), options);
    }
    case 'OSS':
      return places.bucket === undefined
        ? undefined
        : await restoreBucket(places.bucket, target, options);
  }
}
