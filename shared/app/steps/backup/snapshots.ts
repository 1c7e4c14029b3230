/**
 * Fifth step: a snapshot of each disk. No function runs while snapshots are made. Running it twice is
 * safe: a snapshot that was started without being written down is found by its tag, or given again under
 * its token.
 */
import type { BackupRecord } from '../../../domain/backup-record.ts';
import { BackupCentreError } from '../../../domain/errors.ts';
import type { Finding } from '../../../domain/finding.ts';
import { isJsonObject } from '../../../domain/json.ts';
import type { VolumeBackup } from '../../../domain/volume-backup.ts';
import {
  clientToken,
  RUN_TAG,
  snapshotName,
  snapshotTags,
} from '../../../domain/volumes/snapshot-tags.ts';
import type { DiskSnapshot } from '../../../ports/disk-cloud.ts';
import type { BackupServices } from '../../backup-services.ts';
import { RunJournal } from '../../run-journal.ts';
import type { Step, StepContext, StepOutcome } from '../../step.ts';
import { type DiskTask, diskTasks, withDisks } from './disk-rows.ts';
import { withFindings } from './record-findings.ts';
import { claimReference, isSettled } from './volume-rows.ts';

const SNAPSHOTS_STEP = 'snapshots';

/** Snapshots started at once; the product's own batch (ACK §4.5). */
const STARTED_AT_ONCE = 20;
/** A disk that is busy, or an ECS that is, is tried again for this long, ms. */
const START_MS_MAX = 3_600_000;
/** A snapshot that takes longer counts as failed, ms: a full disk of 64 TiB takes hours. */
const FINISH_MS_MAX = 172_800_000;
/** A snapshot that is not listed yet is waited for this long, ms. */
const LISTED_MS_MAX = 300_000;
/** Looks in place, for snapshots that are ready at once: so many after the start, so long apart, ms. */
const LOOKS_IN_PLACE = 3;
const IN_PLACE_MS_MAX = 10_000;
const LOOK_PAUSE_MS = 1_000;
const TIME_LEFT_MS_MIN = 20_000;
/** Pause while no function runs, ms: short at first, for small disks. */
const WAKES_MS = [
  { until: 60_000, every: 10_000 },
  { until: 180_000, every: 30_000 },
  { until: Number.POSITIVE_INFINITY, every: 60_000 },
] as const;

/** The step. */
export function snapshotsStep(services: BackupServices): Step<BackupRecord> {
  return {
    name: SNAPSHOTS_STEP,
    run: async (context) => await new SnapshotRun(services, context).run(),
  };
}

type Change = Partial<VolumeBackup>;

/** One invocation's work on the snapshots of a backup. */
class SnapshotRun {
  private readonly services: BackupServices;
  private readonly context: StepContext<BackupRecord>;
  private readonly journal: RunJournal;
  private readonly sinceMs: number;

  constructor(services: BackupServices, context: StepContext<BackupRecord>) {
    this.services = services;
    this.context = context;
    this.journal = RunJournal.resume(context, services.clock);
    const saved = isJsonObject(context.checkpoint) ? context.checkpoint.sinceMs : undefined;
    this.sinceMs = typeof saved === 'number' ? saved : services.clock.now();
  }

  async run(): Promise<StepOutcome> {
    if (diskTasks(this.context.record()).length === 0) return { kind: 'done' };
    if (this.unstarted().length > 0) {
      await this.save();
      await this.adopt();
      if (!(await this.start())) return { kind: 'again' };
    }
    for (let look = 0; ; look += 1) {
      await this.look();
      const unsettled = this.context
        .record()
        .volumes.some((v) => v.method === 'ecsSnapshot' && !isSettled(v));
      if (!unsettled) return await this.end();
      const late = this.services.clock.now() - this.sinceMs > IN_PLACE_MS_MAX;
      if (late || look >= LOOKS_IN_PLACE || this.context.timeLeftMs() < TIME_LEFT_MS_MIN) break;
      await this.services.clock.sleep(LOOK_PAUSE_MS, this.context.signal);
    }
    return await this.wait();
  }

  private unstarted(): readonly DiskTask[] {
    return diskTasks(this.context.record()).filter((task) => task.first.phase === 'Pending');
  }

  /** Takes over what an earlier worker started without living to write it down. */
  private async adopt(): Promise<void> {
    const changes = new Map<string, Change>();
    for (const [region, tasks] of byRegion(this.unstarted())) {
      const tag = { key: RUN_TAG, value: this.context.run.id };
      const found = await this.services.disks.findSnapshots(region, tag);
      for (const { disk } of tasks) {
        const mine = found.find((s) => s.sourceDiskId === disk.diskId && s.status !== 'failed');
        if (mine !== undefined) changes.set(disk.diskId, started(mine.id, mine.createdAtMs));
      }
    }
    await this.change(changes);
  }

  /** Starts what is not started; false when time is short. */
  private async start(): Promise<boolean> {
    const tasks = this.unstarted();
    for (let from = 0; from < tasks.length; from += STARTED_AT_ONCE) {
      this.context.signal.throwIfAborted();
      if (this.context.timeLeftMs() < TIME_LEFT_MS_MIN) return false;
      const batch = tasks.slice(from, from + STARTED_AT_ONCE);
      const changes = await Promise.all(
        batch.map(async (task) => [task.disk.diskId, await this.startOne(task)] as const),
      );
      await this.change(new Map(changes.filter(([, change]) => Object.keys(change).length > 0)));
    }
    return true;
  }

  private async startOne(task: DiskTask): Promise<Change> {
    const { services, context } = this;
    const { disk, first } = task;
    const record = context.record();
    const subject = { record, runId: context.run.id, zone: disk.zone, volume: first };
    try {
      const id = await services.disks.createSnapshot({
        region: disk.region,
        diskId: disk.diskId,
        name: snapshotName(record.spec.name, disk.diskId),
        description: `Backup ${record.spec.name} of cluster ${record.cluster}`,
        retentionDays: record.spec.retentionDays,
        tags: snapshotTags(subject),
        clientToken: clientToken({ runId: context.run.id, subject: disk.diskId, attempt: 1 }),
      });
      return started(id, services.clock.now());
    } catch (error) {
      if (!(error instanceof BackupCentreError)) throw error;
      const tooLate = services.clock.now() - this.sinceMs > START_MS_MAX;
      return error.retryable && !tooLate ? {} : failed(error.code, error.message);
    }
  }

  /** Looks at what is in progress and writes down what changed. */
  private async look(): Promise<void> {
    const open = diskTasks(this.context.record()).filter((t) => t.first.phase === 'InProgress');
    const changes = new Map<string, Change>();
    for (const [region, tasks] of byRegion(open)) {
      const ids = tasks.flatMap(({ first }) => first.resourceId ?? []);
      const found = new Map(
        (await this.services.disks.describeSnapshots(region, ids)).map((s) => [s.id, s]),
      );
      for (const task of tasks) {
        const change = this.judge(task, found.get(task.first.resourceId ?? ''));
        if (change !== undefined) changes.set(task.disk.diskId, change);
      }
    }
    await this.change(changes);
  }

  private judge(task: DiskTask, snapshot: DiskSnapshot | undefined): Change | undefined {
    const { first } = task;
    const age = this.services.clock.now() - Date.parse(first.takenAt ?? '');
    const name = `Snapshot ${first.resourceId} of disk ${task.disk.diskId}`;
    if (snapshot === undefined) {
      if (age < LISTED_MS_MAX) return undefined;
      return failed('snapshot_failed', `${name} is gone; was the disk deleted?`);
    }
    if (snapshot.status === 'failed') {
      return failed('snapshot_failed', `${name} failed at ECS`);
    }
    if (snapshot.status === 'accomplished') {
      return {
        phase: 'Completed',
        progress: 1,
        sizeBytes: snapshot.sizeGiB * 2 ** 30,
        takenAt: new Date(snapshot.createdAtMs).toISOString(),
      };
    }
    if (age > FINISH_MS_MAX) {
      return failed('snapshot_failed', `${name} is not finished after 48 hours`);
    }
    const { progress, available } = snapshot;
    const usableEarly = available && task.disk.instantAccess !== true;
    if (progress === first.progress && !usableEarly) return undefined;
    return { progress, ...(available ? { source: { ...task.disk, instantAccess: true } } : {}) };
  }

  private async change(changes: ReadonlyMap<string, Change>): Promise<void> {
    if (changes.size === 0) return;
    await this.context.updateRecord((record) => withDisks(record, changes));
  }

  private async save(): Promise<void> {
    const journal = { ...(await this.journal.flush()) };
    await this.context.save({ sinceMs: this.sinceMs, journal });
  }

  private async wait(): Promise<StepOutcome> {
    await this.save();
    await this.context.updateRecord((record) => ({ ...record, phase: 'WaitingForVolumes' }));
    const now = this.services.clock.now();
    const every = WAKES_MS.find(({ until }) => now - this.sinceMs < until)?.every ?? 60_000;
    return { kind: 'wait', wakeAtMs: now + every };
  }

  private async end(): Promise<StepOutcome> {
    const { record, errors } = { record: this.context.record(), errors: this.errors() };
    for (const error of errors) this.journal.find('error', error);
    const taken = diskTasks(record).filter(({ first }) => first.phase === 'Completed');
    const snapshotGiB = taken.reduce((sum, { disk }) => sum + disk.sizeGiB, 0);
    this.journal.log('info', `Snapshots: ${taken.length} of ${diskTasks(record).length} disks`);
    const journal = { ...(await this.journal.flush()) };
    await this.context.updateRecord((r) => ({
      ...withFindings(r, SNAPSHOTS_STEP, { errors }),
      phase: 'InProgress',
      billing: { ...r.billing, snapshotGiB },
    }));
    return { kind: 'done', result: { journal } };
  }

  /** A finding per claim whose disk has no snapshot. */
  private errors(): readonly Finding[] {
    return this.context
      .record()
      .volumes.filter((v) => v.method === 'ecsSnapshot' && v.phase === 'Failed')
      .map((volume) => {
        const [code = 'snapshot_failed', ...words] = volume.reason.split(': ');
        return {
          code,
          object: claimReference(volume),
          step: SNAPSHOTS_STEP,
          message: `Cannot snapshot volume ${volume.namespace}/${volume.pvc}: ${words.join(': ')}`,
          hint: 'The rest of the backup is usable; take another backup once the disk can be snapshotted',
        };
      });
  }
}

function started(resourceId: string, atMs: number): Change {
  return { phase: 'InProgress', resourceId, takenAt: new Date(atMs).toISOString() };
}

function failed(code: string, message: string): Change {
  return { phase: 'Failed', reason: `${code}: ${message}` };
}

function byRegion(tasks: readonly DiskTask[]): ReadonlyMap<string, readonly DiskTask[]> {
  const groups = new Map<string, DiskTask[]>();
  for (const task of tasks) {
    const group = groups.get(task.disk.region);
    if (group === undefined) groups.set(task.disk.region, [task]);
    else group.push(task);
  }
  return groups;
}
