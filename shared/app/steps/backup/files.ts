/**
 * Sixth step: the files of volumes that Cloud Backup takes. No function runs while jobs do. Running it
 * twice is safe: a job is looked for by its name before it is started, since it has no token.
 */
import type { BackupRecord } from '../../../domain/backup-record.ts';
import { BackupCentreError } from '../../../domain/errors.ts';
import type { Finding } from '../../../domain/finding.ts';
import { isJsonObject } from '../../../domain/json.ts';
import type { VolumeBackup } from '../../../domain/volume-backup.ts';
import type { HbrJob } from '../../../ports/cloud-backup.ts';
import type { BackupServices } from '../../backup-services.ts';
import { RunJournal } from '../../run-journal.ts';
import type { Step, StepContext, StepOutcome } from '../../step.ts';
import { backupRequest, type FilesTask, filesTasks, withFiles } from './files-rows.ts';
import { readyVault } from './hbr-vault.ts';
import { withFindings } from './record-findings.ts';
import { claimReference } from './volume-rows.ts';

const FILES_STEP = 'files';

/** Jobs on file systems in progress at once; on a node there is one at a time (ACK §4.6). */
const JOBS_AT_ONCE = 20;
/** A job that cannot be started is tried again for this long, ms. */
const START_MS_MAX = 3_600_000;
/** A job that takes longer counts as failed, ms. */
const FINISH_MS_MAX = 259_200_000;
/** The file system or the agent may need this long to list a job, ms. */
const LISTED_MS_MAX = 300_000;
/** Looks in place, for jobs that end at once: so many after the start, so long apart, ms. */
const LOOKS_IN_PLACE = 5;
const IN_PLACE_MS_MAX = 15_000;
const LOOK_PAUSE_MS = 1_000;
const TIME_LEFT_MS_MIN = 20_000;
const WAKE_MS = 30_000;

/** The step. */
export function filesStep(services: BackupServices): Step<BackupRecord> {
  return { name: FILES_STEP, run: async (context) => await new FilesRun(services, context).run() };
}

type Change = Partial<VolumeBackup>;

/** One invocation's work on the Cloud Backup jobs of a backup. */
class FilesRun {
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
    const [task] = this.open();
    if (task === undefined) return await this.end();
    await this.save();
    for (let look = 0; ; look += 1) {
      const vaultId = await this.vault(task.source.region);
      if (vaultId !== undefined) {
        await this.start(vaultId);
        await this.look(vaultId);
      }
      if (this.open().length === 0) return await this.end();
      const late = this.services.clock.now() - this.sinceMs > IN_PLACE_MS_MAX;
      if (late || look >= LOOKS_IN_PLACE || this.context.timeLeftMs() < TIME_LEFT_MS_MIN) break;
      await this.services.clock.sleep(LOOK_PAUSE_MS, this.context.signal);
    }
    return await this.wait();
  }

  private open(): readonly FilesTask[] {
    return filesTasks(this.context.record()).filter(
      ({ row }) => row.phase === 'Pending' || row.phase === 'InProgress',
    );
  }

  /** The region's vault once it can be used; where it cannot be had every volume says so. */
  private async vault(region: string): Promise<string | undefined> {
    try {
      return await readyVault(this.services, region, this.context.run.id);
    } catch (error) {
      if (!(error instanceof BackupCentreError) || error.retryable) throw error;
      await this.change(this.open().map((task) => [task, failed(error.code, error.message)]));
      return undefined;
    }
  }

  /** Starts what may be started now: one job per node, and so many on file systems. */
  private async start(vaultId: string): Promise<void> {
    const open = this.open();
    const busy = new Set(open.filter((t) => t.row.phase === 'InProgress').map(({ lane }) => lane));
    let free = JOBS_AT_ONCE - open.filter((t) => t.row.phase === 'InProgress').length;
    const chosen: FilesTask[] = [];
    for (const task of open) {
      if (task.row.phase !== 'Pending' || free <= 0 || busy.has(task.lane)) continue;
      chosen.push(task);
      if (task.lane !== '') busy.add(task.lane);
      free -= 1;
    }
    const changes = await Promise.all(
      chosen.map(
        async (task): Promise<[FilesTask, Change]> => [task, await this.startOne(task, vaultId)],
      ),
    );
    await this.change(changes);
  }

  private async startOne(task: FilesTask, vaultId: string): Promise<Change> {
    const { services, context } = this;
    const request = backupRequest(context.record(), task, vaultId);
    try {
      const known = await services.cloudBackup.findBackup(request, this.sinceMs);
      const jobId = known?.id ?? (await services.cloudBackup.startBackup(request));
      return {
        phase: 'InProgress',
        takenAt: new Date(services.clock.now()).toISOString(),
        source: { ...task.source, hbrVaultId: vaultId, jobId },
      };
    } catch (error) {
      if (!(error instanceof BackupCentreError)) throw error;
      const tooLate = services.clock.now() - this.sinceMs > START_MS_MAX;
      return error.retryable && !tooLate ? {} : failed(error.code, error.message);
    }
  }

  private async look(vaultId: string): Promise<void> {
    for (const way of ['container', 'nas'] as const) {
      const tasks = this.open().filter(
        (t) => t.row.phase === 'InProgress' && t.source.files.way === way,
      );
      const [first] = tasks;
      if (first === undefined) continue;
      const { region } = first.source;
      const ids = tasks.flatMap(({ source }) => source.jobId ?? []);
      const jobs = await this.services.cloudBackup.describeBackups(region, vaultId, way, ids);
      const byId = new Map(jobs.map((job) => [job.id, job]));
      const ended = jobs.filter((j) => j.state === 'complete' || j.state === 'partial');
      const points = await this.services.cloudBackup.findPoints(
        region,
        vaultId,
        way,
        ended.map(({ id }) => id),
      );
      const pointOf = new Map(points.map((point) => [point.jobId, point]));
      const changes = tasks.map((task): [FilesTask, Change] => {
        const jobId = task.source.jobId ?? '';
        return [task, this.judge(task, byId.get(jobId), pointOf.get(jobId))];
      });
      await this.change(changes);
    }
  }

  private judge(
    task: FilesTask,
    job: HbrJob | undefined,
    point: { readonly id: string; readonly hash: string; readonly bytes: number } | undefined,
  ): Change {
    const age = this.services.clock.now() - Date.parse(task.row.takenAt ?? '');
    const name = `Cloud Backup job ${task.source.jobId}`;
    if (job === undefined) {
      return age < LISTED_MS_MAX ? {} : failed('cloud_refused', `${name} is gone`);
    }
    const said = job.message === '' ? '' : `: ${job.message}`;
    switch (job.state) {
      case 'running':
        if (age > FINISH_MS_MAX)
          return failed('cloud_refused', `${name} is not finished after 72 hours`);
        return job.progress === task.row.progress ? {} : { progress: job.progress };
      case 'failed':
      case 'cancelled':
        return failed('cloud_refused', `${name} ended ${job.state}${said}`);
      case 'complete':
      case 'partial': {
        if (point === undefined) {
          const late = age > LISTED_MS_MAX && job.state === 'partial';
          return late ? failed('cloud_refused', `${name} left no restore point${said}`) : {};
        }
        const whole = job.state === 'complete';
        return {
          phase: whole ? 'Completed' : 'PartiallyFailed',
          ...(whole ? {} : { reason: `cloud_refused: ${name} could not read every file${said}` }),
          progress: 1,
          resourceId: point.id,
          sizeBytes: point.bytes,
          source: { ...task.source, snapshotHash: point.hash },
        };
      }
    }
  }

  private async change(changes: readonly (readonly [FilesTask, Change])[]): Promise<void> {
    const real = changes.filter(([, change]) => Object.keys(change).length > 0);
    if (real.length === 0) return;
    await this.context.updateRecord((record) => withFiles(record, real));
  }

  private async save(): Promise<void> {
    const journal = { ...(await this.journal.flush()) };
    await this.context.save({ sinceMs: this.sinceMs, journal });
  }

  private async wait(): Promise<StepOutcome> {
    await this.save();
    await this.context.updateRecord((record) => ({ ...record, phase: 'WaitingForVolumes' }));
    return { kind: 'wait', wakeAtMs: this.services.clock.now() + WAKE_MS };
  }

  private async end(): Promise<StepOutcome> {
    const rows = filesTasks(this.context.record()).map(({ row }) => row);
    if (rows.length === 0) return { kind: 'done' };
    const errors = rows.flatMap(finding);
    for (const error of errors) this.journal.find('error', error);
    const taken = rows.filter((row) => row.resourceId !== undefined);
    this.journal.log('info', `Cloud Backup: ${taken.length} of ${rows.length} volumes`);
    const journal = { ...(await this.journal.flush()) };
    const cloudBackupBytes = taken.reduce((sum, row) => sum + (row.sizeBytes ?? 0), 0);
    await this.context.updateRecord((record) => ({
      ...withFindings(record, FILES_STEP, { errors }),
      phase: 'InProgress',
      billing: { ...record.billing, cloudBackupBytes },
    }));
    return { kind: 'done', result: { journal } };
  }
}

function failed(code: string, message: string): Change {
  return { phase: 'Failed', reason: `${code}: ${message}` };
}

/** The product's own text is kept recognisable (ACK §5.3). */
function finding(volume: VolumeBackup): readonly Finding[] {
  if (volume.phase !== 'Failed' && volume.phase !== 'PartiallyFailed') return [];
  const [code = 'cloud_refused', ...words] = volume.reason.split(': ');
  const what =
    volume.phase === 'Failed' ? 'HBR backup request failed' : 'PROCESS hbr partially completed';
  return [
    {
      code,
      object: claimReference(volume),
      step: FILES_STEP,
      message: `Cannot back up volume ${volume.namespace}/${volume.pvc}: ${what}: ${words.join(': ')}`,
      hint: 'The rest of the backup is usable; see the job in the Cloud Backup console, then take another backup',
    },
  ];
}
