/** The jobs and points of the Cloud Backup double, and the places that jobs read and write. */
import type { CloudFiles } from '../../shared/domain/volume-backup.ts';
import type { HbrJob, HbrPoint } from '../../shared/ports/cloud-backup.ts';

const DAY_MS = 86_400_000;

/** How the next jobs of a kind end. */
export interface PlannedEnd {
  readonly kind: 'backup' | 'restore';
  readonly state: 'failed' | 'partial';
  readonly message: string;
  /** 1 by default. */
  readonly times?: number;
}

/** A job to add. */
export interface NewJob {
  readonly kind: 'backup' | 'restore';
  /** The request, so that it is known again. */
  readonly key: string;
  readonly name: string;
  readonly vaultId: string;
  readonly files: CloudFiles;
  /** What is read or written; undefined where the source is not there. */
  readonly content: string | undefined;
  readonly retentionDays: number;
}

interface Job extends NewJob {
  readonly id: string;
  readonly createdAtMs: number;
  readonly endsAtMs: number;
  readonly planned: PlannedEnd | undefined;
  cancelled: boolean;
  settled: boolean;
}

/** A point with what it holds. */
export interface DoublePoint extends HbrPoint {
  readonly vaultId: string;
  readonly way: CloudFiles['way'];
  readonly content: string;
  readonly expiresAtMs: number;
}

/** What jobs are asked for by. */
export interface JobQuery {
  readonly kind: NewJob['kind'];
  readonly vaultId: string;
  readonly way: CloudFiles['way'];
  readonly ids: readonly string[];
}

/** Jobs that progress and end by the time that is passed in. */
export class CloudBackupJobs {
  /** What places hold, by `placeKey`. */
  readonly places = new Map<string, string>();
  readonly points = new Map<string, DoublePoint>();
  private readonly jobs = new Map<string, Job>();
  private readonly made = { backup: 0, restore: 0 };
  private readonly ends: { readonly end: PlannedEnd; left: number }[] = [];

  plan(end: PlannedEnd): void {
    this.ends.push({ end, left: end.times ?? 1 });
  }

  unhitEnds(): readonly PlannedEnd[] {
    return this.ends.filter(({ left }) => left > 0).map(({ end }) => end);
  }

  started(kind: NewJob['kind']): number {
    return this.made[kind];
  }

  add(job: NewJob, time: { readonly now: number; readonly jobMs: number }): string {
    this.made[job.kind] += 1;
    const id = `${job.kind === 'backup' ? 'job' : 'r'}-${this.made[job.kind]}`;
    const planned = this.ends.find(({ end, left }) => left > 0 && end.kind === job.kind);
    if (planned !== undefined) planned.left -= 1;
    this.jobs.set(id, {
      ...job,
      id,
      createdAtMs: time.now,
      endsAtMs: time.now + time.jobMs,
      planned: planned?.end,
      cancelled: false,
      settled: false,
    });
    return id;
  }

  /** The newest job of a request. */
  find(kind: NewJob['kind'], key: string, time: { now: number; sinceMs: number }) {
    const found = [...this.jobs.values()]
      .filter((job) => job.kind === kind && job.key === key && job.createdAtMs >= time.sinceMs)
      .at(-1);
    return found && shown(found, time.now);
  }

  describe({ kind, vaultId, way, ids }: JobQuery, now: number): readonly HbrJob[] {
    return [...this.jobs.values()]
      .filter((job) => job.kind === kind && ids.includes(job.id))
      .filter((job) => job.vaultId === vaultId && job.files.way === way)
      .map((job) => shown(job, now));
  }

  /** The backup of a place that runs into a vault. */
  runningBackup(vaultId: string, place: string, now: number): string | undefined {
    return [...this.jobs.values()].find(
      (job) =>
        job.kind === 'backup' &&
        job.vaultId === vaultId &&
        placeKey(job.files) === place &&
        stateOf(job, now) === 'running',
    )?.id;
  }

  cancel(id: string, now: number): void {
    const job = this.jobs.get(id);
    if (job !== undefined && stateOf(job, now) === 'running') job.cancelled = true;
  }

  dropVault(vaultId: string): void {
    for (const rows of [this.points, this.jobs]) {
      for (const [id, row] of [...rows]) if (row.vaultId === vaultId) rows.delete(id);
    }
  }

  /** Ends the jobs that are due: points come to be, targets are written, old points expire. */
  settle(now: number): void {
    for (const job of this.jobs.values()) {
      const state = stateOf(job, now);
      if (job.settled || state === 'running') continue;
      job.settled = true;
      const isTaken = state === 'complete' || state === 'partial';
      if (!isTaken || job.content === undefined) continue;
      if (job.kind === 'restore') this.places.set(placeKey(job.files), job.content);
      else this.addPoint(job, job.content);
    }
    for (const point of [...this.points.values()]) {
      if (point.expiresAtMs <= now) this.points.delete(point.id);
    }
  }

  private addPoint(job: Job, content: string): void {
    const id = job.id.replace('job-', 's-');
    this.points.set(id, {
      id,
      hash: `hash-of-${id}`,
      jobId: job.id,
      bytes: Buffer.byteLength(content),
      completedAtMs: job.endsAtMs,
      vaultId: job.vaultId,
      way: job.files.way,
      content,
      expiresAtMs: job.endsAtMs + job.retentionDays * DAY_MS,
    });
  }
}

/** Where files are, as one text. */
export function placeKey(files: CloudFiles): string {
  if (files.way === 'nas') return `NAS ${files.fileSystemId}:${files.path}`;
  const { cluster, node, podUid, folder } = files;
  return `${cluster} ${node} ${podUid}/volumes/${folder}`;
}

function stateOf(job: Job, now: number): HbrJob['state'] {
  if (job.cancelled) return 'cancelled';
  if (now < job.endsAtMs) return 'running';
  return job.content === undefined ? 'failed' : (job.planned?.state ?? 'complete');
}

function shown(job: Job, now: number): HbrJob {
  const state = stateOf(job, now);
  const share = (now - job.createdAtMs) / Math.max(1, job.endsAtMs - job.createdAtMs);
  const lost = job.content === undefined ? 'SOURCE_NOT_EXIST' : '';
  return {
    id: job.id,
    name: job.name,
    state,
    progress: state === 'complete' || state === 'partial' ? 1 : Math.min(0.9999, share),
    bytes: Buffer.byteLength(job.content ?? ''),
    message: state === 'failed' || state === 'partial' ? lost || (job.planned?.message ?? '') : '',
  };
}
