/** File-level backup by Cloud Backup (HBR), in every region that the account uses. */
import type { CloudFiles } from '../domain/volume-backup.ts';

/** A vault of Cloud Backup. */
export interface HbrVault {
  readonly id: string;
  readonly ready: boolean;
}

/** Whether Cloud Backup's client runs in a cluster; `UNREGISTERED`: HBR does not know the cluster. */
export type AgentStatus = 'READY' | 'MISS' | 'UNKNOWN' | 'UNREGISTERED';

/** A job as HBR describes it. `running` for every state that is not an end (API §B3). */
export interface HbrJob {
  readonly id: string;
  readonly name: string;
  readonly state: 'running' | 'complete' | 'partial' | 'failed' | 'cancelled';
  /** 0 to 1. */
  readonly progress: number;
  readonly bytes: number;
  /** HBR's own words; '' where it has none. */
  readonly message: string;
}

/** A restore point. */
export interface HbrPoint {
  readonly id: string;
  readonly hash: string;
  readonly jobId: string;
  readonly bytes: number;
  readonly completedAtMs: number;
}

/** A backup job to start. */
export interface FilesBackup {
  readonly region: string;
  readonly vaultId: string;
  /** Unique: the job is looked for by it before it is started again (there is no token). */
  readonly jobName: string;
  readonly retentionDays: number;
  readonly files: CloudFiles;
}

/** A restore job to start. */
export interface FilesRestore {
  readonly region: string;
  readonly vaultId: string;
  readonly point: Pick<HbrPoint, 'id' | 'hash'>;
  readonly files: CloudFiles;
}

/**
 * Contract: `start…` does not repeat a call whose reply was lost; the caller looks for the job first. Codes:
 * `cloud_backup_unavailable` (service not activated, agent missing), `hbr_vault_missing`,
 * `cloud_access_denied`, `cloud_refused`; ThrottledError and UnavailableError after bounded retries.
 */
export interface CloudBackup {
  /** The vault of that name in the region. */
  findVault(region: string, name: string): Promise<HbrVault | undefined>;
  createVault(region: string, name: string): Promise<string>;
  agentStatus(region: string, cluster: string): Promise<AgentStatus>;
  /** Starts the job and returns its id. */
  startBackup(request: FilesBackup): Promise<string>;
  /** The job that an earlier `startBackup` of the same request began, if there is one. */
  findBackup(request: FilesBackup, sinceMs: number): Promise<HbrJob | undefined>;
  /** Unknown ids are left out. */
  describeBackups(
    region: string,
    vaultId: string,
    way: CloudFiles['way'],
    ids: readonly string[],
  ): Promise<readonly HbrJob[]>;
  cancelBackup(region: string, vaultId: string, jobId: string): Promise<void>;
  /** Points that the jobs made. */
  findPoints(
    region: string,
    vaultId: string,
    way: CloudFiles['way'],
    jobIds: readonly string[],
  ): Promise<readonly HbrPoint[]>;
  /** One that is gone is fine. */
  deletePoint(region: string, vaultId: string, way: CloudFiles['way'], id: string): Promise<void>;
  /** Starts the job and returns its id. */
  startRestore(request: FilesRestore): Promise<string>;
  /** The job that an earlier `startRestore` of the same request began, if there is one. */
  findRestore(request: FilesRestore, sinceMs: number): Promise<HbrJob | undefined>;
  /** Unknown ids are left out. */
  describeRestores(
    region: string,
    vaultId: string,
    way: CloudFiles['way'],
    ids: readonly string[],
  ): Promise<readonly HbrJob[]>;
  cancelRestore(region: string, vaultId: string, jobId: string): Promise<void>;
}
