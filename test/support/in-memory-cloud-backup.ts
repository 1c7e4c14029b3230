import { BackupCentreError } from '../../shared/domain/errors.ts';
import type { CloudFiles } from '../../shared/domain/volume-backup.ts';
import type { Clock } from '../../shared/ports/clock.ts';
import type {
  AgentStatus,
  CloudBackup,
  FilesBackup,
  FilesRestore,
  HbrJob,
  HbrPoint,
  HbrVault,
} from '../../shared/ports/cloud-backup.ts';
import {
  CloudBackupJobs,
  type NewJob,
  type PlannedEnd,
  placeKey,
} from './cloud-backup-double-jobs.ts';
import { type Intercept, passThrough } from './interception.ts';

/** How long things take, and what is there from the start. */
interface CloudBackupTraits {
  /** From a vault's creation until jobs may use it; 3 s by default. */
  readonly vaultMs?: number;
  /** How long a job runs; 10 s by default. */
  readonly jobMs?: number;
  /** What every place holds that nobody wrote to; without it a backup of such a place fails. */
  readonly assumedContent?: string;
}

interface Vault {
  readonly id: string;
  readonly region: string;
  readonly name: string;
  readonly readyAtMs: number;
}

type Way = CloudFiles['way'];

/**
 * Cloud Backup with its vaults, clients, jobs and points in memory. The content of a volume is one
 * text, read when its job starts; jobs progress and end by the clock.
 */
export class InMemoryCloudBackup implements CloudBackup {
  intercept: Intercept = passThrough;
  /** Whether the account has opened the service. */
  activated = true;
  private readonly clock: Clock;
  private readonly traits: CloudBackupTraits;
  private readonly jobs = new CloudBackupJobs();
  private readonly vaults = new Map<string, Vault>();
  private readonly agents = new Map<string, AgentStatus>();
  private readonly counts = new Map<string, number>();

  constructor(clock: Clock, traits: CloudBackupTraits = {}) {
    this.clock = clock;
    this.traits = traits;
  }

  /** Says what the client in a cluster is; `UNREGISTERED` until then. */
  setAgent(cluster: string, status: AgentStatus): void {
    this.agents.set(cluster, status);
  }

  /** Writes what a place holds. */
  write(files: CloudFiles, content: string): void {
    this.jobs.places.set(placeKey(files), content);
  }

  /** What a place holds; undefined where nobody wrote. */
  contentOf(files: CloudFiles): string | undefined {
    this.jobs.settle(this.clock.now());
    return this.jobs.places.get(placeKey(files));
  }

  /** Plans how the next jobs end. */
  failJob(end: PlannedEnd): void {
    this.jobs.plan(end);
  }

  /** Planned ends that no job has met yet. */
  unhitEnds(): readonly PlannedEnd[] {
    return this.jobs.unhitEnds();
  }

  /** Takes a vault away with all that it holds, as somebody at the console would. */
  dropVault(id: string): void {
    this.vaults.delete(id);
    this.jobs.dropVault(id);
  }

  /** How often a method was called. */
  count(method: keyof CloudBackup): number {
    return this.counts.get(method) ?? 0;
  }

  /** How many jobs were started. */
  started(kind: NewJob['kind']): number {
    return this.jobs.started(kind);
  }

  async findVault(region: string, name: string): Promise<HbrVault | undefined> {
    return await this.call('findVault', name, (now) => {
      const found = [...this.vaults.values()].find((v) => v.region === region && v.name === name);
      return found && { id: found.id, ready: found.readyAtMs <= now };
    });
  }

  async createVault(region: string, name: string): Promise<string> {
    return await this.call('createVault', name, (now) => {
      const id = `v-${this.vaults.size + 1}`;
      const readyAtMs = now + (this.traits.vaultMs ?? 3_000);
      this.vaults.set(id, { id, region, name, readyAtMs });
      return id;
    });
  }

  async agentStatus(_region: string, cluster: string): Promise<AgentStatus> {
    return await this.call('agentStatus', cluster, () => this.agentOf(cluster));
  }

  async startBackup(request: FilesBackup): Promise<string> {
    const { vaultId, jobName, retentionDays, files } = request;
    return await this.call('startBackup', jobName, (now) => {
      this.checkStart(request, now);
      const place = placeKey(files);
      const running = this.jobs.runningBackup(vaultId, place, now);
      if (files.way === 'nas' && running !== undefined) {
        const message = `Cannot back up ${place} now: its job ${running} is unfinished`;
        throw new BackupCentreError('cloud_refused', message, { retryable: true });
      }
      const content = this.jobs.places.get(place) ?? this.traits.assumedContent;
      const name = jobName;
      const key = backupKey(request);
      const job = { kind: 'backup', key, name, vaultId, files, content, retentionDays } as const;
      return this.add(job, now);
    });
  }

  async findBackup(request: FilesBackup, sinceMs: number): Promise<HbrJob | undefined> {
    return await this.call('findBackup', request.jobName, (now) =>
      this.jobs.find('backup', backupKey(request), { now, sinceMs }),
    );
  }

  async describeBackups(
    _region: string,
    vaultId: string,
    way: Way,
    ids: readonly string[],
  ): Promise<readonly HbrJob[]> {
    return await this.call('describeBackups', ids.join(), (now) =>
      this.jobs.describe({ kind: 'backup', vaultId, way, ids }, now),
    );
  }

  async cancelBackup(_region: string, _vaultId: string, jobId: string): Promise<void> {
    await this.call('cancelBackup', jobId, (now) => this.jobs.cancel(jobId, now));
  }

  async findPoints(
    _region: string,
    vaultId: string,
    way: Way,
    jobIds: readonly string[],
  ): Promise<readonly HbrPoint[]> {
    return await this.call('findPoints', jobIds.join(), () =>
      [...this.jobs.points.values()]
        .filter((point) => point.vaultId === vaultId && point.way === way)
        .filter((point) => jobIds.includes(point.jobId))
        .map(({ id, hash, jobId, bytes, completedAtMs }) => {
          return { id, hash, jobId, bytes, completedAtMs };
        }),
    );
  }

  async deletePoint(_region: string, _vaultId: string, _way: Way, id: string): Promise<void> {
    await this.call('deletePoint', id, () => {
      this.jobs.points.delete(id);
    });
  }

  async startRestore(request: FilesRestore): Promise<string> {
    const { vaultId, files, point: asked } = request;
    return await this.call('startRestore', asked.id, (now) => {
      this.checkStart(request, now);
      const point = this.jobs.points.get(asked.id);
      const isMeant = point?.vaultId === vaultId && point.hash === asked.hash;
      if (point === undefined || !isMeant || point.way !== files.way) {
        throw refused(`restore Cloud Backup point ${asked.id}: it does not exist`);
      }
      const { content } = point;
      const key = restoreKey(request);
      const job = { kind: 'restore', key, name: '', vaultId, files, content } as const;
      return this.add({ ...job, retentionDays: 0 }, now);
    });
  }

  async findRestore(request: FilesRestore, sinceMs: number): Promise<HbrJob | undefined> {
    return await this.call('findRestore', request.point.id, (now) =>
      this.jobs.find('restore', restoreKey(request), { now, sinceMs }),
    );
  }

  async describeRestores(
    _region: string,
    vaultId: string,
    way: Way,
    ids: readonly string[],
  ): Promise<readonly HbrJob[]> {
    return await this.call('describeRestores', ids.join(), (now) =>
      this.jobs.describe({ kind: 'restore', vaultId, way, ids }, now),
    );
  }

  async cancelRestore(_region: string, _vaultId: string, jobId: string): Promise<void> {
    await this.call('cancelRestore', jobId, (now) => this.jobs.cancel(jobId, now));
  }

  private async call<T>(
    method: keyof CloudBackup,
    subject: string,
    answer: (now: number) => T,
  ): Promise<T> {
    this.counts.set(method, this.count(method) + 1);
    return await this.intercept({ method, subject }, async () => {
      await Promise.resolve();
      const now = this.clock.now();
      if (!this.activated) {
        const message = `Cannot call Cloud Backup's ${method}: ServiceNotActivated`;
        throw new BackupCentreError('cloud_backup_unavailable', message);
      }
      this.jobs.settle(now);
      return answer(now);
    });
  }

  private add(job: NewJob, now: number): string {
    return this.jobs.add(job, { now, jobMs: this.traits.jobMs ?? 10_000 });
  }

  private agentOf(cluster: string): AgentStatus {
    return this.agents.get(cluster) ?? 'UNREGISTERED';
  }

  /** The vault must be there and usable, and the client of the files' cluster ready. */
  private checkStart({ region, vaultId, files }: FilesBackup | FilesRestore, now: number): void {
    const vault = this.vaults.get(vaultId);
    if (vault?.region !== region) {
      const message = `Cannot use Cloud Backup vault ${vaultId}: it does not exist`;
      throw new BackupCentreError('hbr_vault_missing', message);
    }
    if (vault.readyAtMs > now) throw refused(`use Cloud Backup vault ${vaultId}: it is not ready`);
    if (files.way === 'nas' || this.agentOf(files.cluster) === 'READY') return;
    const status = this.agentOf(files.cluster);
    const message = `Cannot use Cloud Backup in cluster ${files.cluster}: its client is ${status}`;
    const retryable = status !== 'UNREGISTERED';
    throw new BackupCentreError('cloud_backup_unavailable', message, { retryable });
  }
}

function backupKey({ region, vaultId, jobName, files }: FilesBackup): string {
  return JSON.stringify([region, vaultId, jobName, placeKey(files)]);
}

function restoreKey({ region, vaultId, point, files }: FilesRestore): string {
  return JSON.stringify([region, vaultId, point.id, placeKey(files)]);
}

function refused(attempt: string): BackupCentreError {
  return new BackupCentreError('cloud_refused', `Cannot ${attempt}`);
}
