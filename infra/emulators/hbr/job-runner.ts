/**
 * Moves jobs on by the clock: CREATED, QUEUED, RUNNING, then an end. The source is read, and the
 * target written, at a job's RUNNING moment; the job then lasts as long as its bytes ask for. One
 * step at a time; whatever a kill interrupts is done again, from what is on disk.
 */
import { finishBackup, snapshotIdOf, startBackup } from './backup-steps.ts';
import { addBackupJob, type HbrCore, unfinishedJobOf } from './hbr-core.ts';
import type { BackupJobRecord, JobRun, RestoreJobRecord } from './records.ts';
import { isEnded } from './records.ts';
import { finishRestore, startRestore } from './restore-steps.ts';
import { nextTime } from './schedule.ts';
import type { RecordTable } from './state.ts';

/** What differs between backup and restore jobs. */
interface JobKind<T extends JobRun> {
  readonly table: RecordTable<T>;
  /** The cluster whose client runs the job, if one does. */
  clusterOf(job: T): { readonly id: string; readonly identifier: string } | undefined;
  start(job: T, atMs: number): Promise<void>;
  finish(job: T, atMs: number): void;
  /** The same job with other times and status. */
  change(job: T, change: Partial<Pick<JobRun, keyof JobRun>>): T;
}

export class JobRunner {
  private readonly core: HbrCore;
  private readonly backups: JobKind<BackupJobRecord>;
  private readonly restores: JobKind<RestoreJobRecord>;
  private steps: Promise<void> = Promise.resolve();

  constructor(core: HbrCore) {
    this.core = core;
    this.backups = {
      table: core.state.jobs,
      clusterOf: ({ source }) =>
        source.type === 'CONTAINER'
          ? { id: source.clusterId, identifier: source.clusterIdentifier }
          : undefined,
      start: (job, atMs) => startBackup(core, job, atMs),
      finish: (job, atMs) => finishBackup(core, job, atMs),
      change: (job, change) => ({ ...job, ...change }),
    };
    this.restores = {
      table: core.state.restores,
      clusterOf: ({ target }) =>
        target.type === 'CONTAINER'
          ? { id: target.clusterId, identifier: target.clusterIdentifier }
          : undefined,
      start: (job, atMs) => startRestore(core, job, atMs),
      finish: (job, atMs) => finishRestore(core, job, atMs),
      change: (job, change) => ({ ...job, ...change }),
    };
  }

  /** Counts what is on disk, once, before anything else; what a kill left over goes. */
  async recover(): Promise<void> {
    const { manifests } = this.core.state;
    for (const jobId of manifests.jobIds()) {
      const manifest = manifests.get(jobId);
      if (manifest !== undefined) this.core.blobs.retain(manifest);
    }
    await this.core.blobs.sweep();
  }

  /** Resolves when everything due by now has happened and is on disk. */
  advance(): Promise<void> {
    const step = this.steps.then(() => this.step());
    this.steps = step.catch(() => undefined);
    return step;
  }

  private async step(): Promise<void> {
    this.startDuePlans();
    for (const job of this.core.state.jobs.all()) await this.move(this.backups, job.id);
    for (const job of this.core.state.restores.all()) await this.move(this.restores, job.id);
    this.expireSnapshots();
    await this.collectGarbage();
    await this.core.state.settled();
  }

  /** Missed times are not made up for; a plan whose last job still runs waits for its next time. */
  private startDuePlans(): void {
    const now = this.core.now();
    for (const plan of this.core.state.plans.all()) {
      if (plan.disabled || now < plan.dueAtMs) continue;
      this.core.state.plans.put({ ...plan, dueAtMs: nextTime(plan.schedule, now) });
      if (unfinishedJobOf(this.core, plan.id) !== undefined) continue;
      const { retentionDays } = plan;
      addBackupJob(this.core, {
        accountId: plan.accountId,
        vaultId: plan.vaultId,
        name: plan.name,
        source: plan.source,
        rules: plan.rules,
        planId: plan.id,
        triggerMode: 'SCHEDULE',
        createdAtMs: plan.dueAtMs,
        ...(retentionDays === undefined ? {} : { retentionDays }),
      });
    }
  }

  /** Moves one job as far as the clock lets it. */
  private async move<T extends JobRun>(kind: JobKind<T>, id: string): Promise<void> {
    for (;;) {
      const before = kind.table.get(id);
      if (before === undefined || isEnded(before.status)) return;
      await this.moveOnce(kind, before);
      if (kind.table.get(id) === before) return;
    }
  }

  private async moveOnce<T extends JobRun>(kind: JobKind<T>, job: T): Promise<void> {
    const { times } = this.core;
    const now = this.core.now();
    if (job.status === 'CANCELING') {
      const atMs = job.updatedAtMs + times.cancelMs;
      if (now < atMs) return;
      const ended = { status: 'CANCELED', completedAtMs: atMs, updatedAtMs: atMs } as const;
      kind.table.put(kind.change(job, ended));
    } else if (job.status === 'RUNNING') {
      const endsAtMs = job.endsAtMs ?? now;
      if (now >= endsAtMs) kind.finish(job, endsAtMs);
    } else {
      await this.moveWaiting(kind, job, now);
    }
  }

  private async moveWaiting<T extends JobRun>(
    kind: JobKind<T>,
    job: T,
    now: number,
  ): Promise<void> {
    const { queueMs, expireMs } = this.core.times;
    const startsAtMs = this.startTime(kind, job);
    const expiresAtMs = job.createdAtMs + expireMs;
    if (startsAtMs !== undefined && startsAtMs <= now && startsAtMs < expiresAtMs) {
      await this.start(kind, job, startsAtMs);
    } else if (now >= expiresAtMs) {
      const ended = { completedAtMs: expiresAtMs, updatedAtMs: expiresAtMs };
      kind.table.put(kind.change(job, { ...ended, status: 'EXPIRED', errorMessage: 'EXPIRED' }));
    } else if (job.status === 'CREATED' && now >= job.createdAtMs + queueMs / 2) {
      kind.table.put(kind.change(job, { status: 'QUEUED', updatedAtMs: now }));
    }
  }

  /** A place that answers with an error fails the job, not the emulator. */
  private async start<T extends JobRun>(kind: JobKind<T>, job: T, atMs: number): Promise<void> {
    try {
      await kind.start(job, atMs);
    } catch (error) {
      const errorMessage = error instanceof Error ? error.message : String(error);
      const ended = { startedAtMs: atMs, completedAtMs: atMs, updatedAtMs: atMs, errorMessage };
      if (kind.table.get(job.id) === job) {
        kind.table.put(kind.change(job, { ...ended, status: 'FAILED' }));
      }
    }
  }

  /** When a waiting job starts; undefined while the client that must run it is not ready. */
  private startTime<T extends JobRun>(kind: JobKind<T>, job: T): number | undefined {
    const queuedUntilMs = job.createdAtMs + this.core.times.queueMs;
    const cluster = kind.clusterOf(job);
    if (cluster === undefined) return queuedUntilMs;
    const agent = this.core.state.agents.get(cluster.identifier);
    const isRegistered = this.core.state.clusters.get(cluster.id) !== undefined;
    if (!isRegistered || agent?.status !== 'READY') return undefined;
    return Math.max(queuedUntilMs, agent.sinceMs);
  }

  private expireSnapshots(): void {
    const now = this.core.now();
    const all = this.core.state.snapshots.all();
    const newestOfPlan = new Map(all.map((s) => [s.planId, s.id]));
    for (const snapshot of all) {
      if (snapshot.expiresAtMs === undefined || now < snapshot.expiresAtMs) continue;
      const { planId } = snapshot;
      const plan = planId === undefined ? undefined : this.core.state.plans.get(planId);
      if (plan?.keepLatest === true && newestOfPlan.get(planId) === snapshot.id) continue;
      this.core.state.snapshots.remove(snapshot.id);
    }
  }

  /** Bytes that belong to no snapshot and no running job go. */
  private async collectGarbage(): Promise<void> {
    const { state, blobs } = this.core;
    let found = false;
    for (const jobId of state.manifests.jobIds()) {
      const isRunning = state.jobs.get(jobId)?.status === 'RUNNING';
      if (isRunning || state.snapshots.get(snapshotIdOf(jobId)) !== undefined) continue;
      const manifest = state.manifests.get(jobId);
      if (manifest !== undefined) blobs.release(manifest);
      await state.manifests.remove(jobId);
      found = true;
    }
    if (found) await blobs.sweep();
  }
}
