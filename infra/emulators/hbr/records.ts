/** What the emulator keeps: plain records, replaced whole, never changed in place. */

/** Where the data of a job comes from. */
export type JobSource =
  | {
      readonly type: 'CONTAINER';
      readonly clusterId: string;
      readonly clusterIdentifier: string;
      readonly resource: ContainerResource;
    }
  | {
      readonly type: 'NAS';
      readonly fileSystemId: string;
      /** Seconds, as the caller gave it. */
      readonly createTime?: number;
      readonly paths: readonly string[];
    }
  | { readonly type: 'OSS'; readonly bucket: string; readonly prefix: string };

type SourceType = JobSource['type'];

/** One item of ContainerResources: a volume as a running pod mounts it on a node. */
export interface ContainerResource {
  readonly resourceType: string;
  readonly backupMethod: string;
  readonly resourceId: string;
  /** JSON text */
  readonly resourceInfo: string;
  readonly host: string;
  readonly hostPrefix: string;
  readonly pvPath: string;
}

/** Where a restore job writes. */
export type RestoreTarget =
  | {
      readonly type: 'CONTAINER';
      readonly clusterId: string;
      readonly clusterIdentifier: string;
      readonly host: string;
      readonly hostPrefix: string;
      readonly pvPath: string;
    }
  | {
      readonly type: 'NAS';
      readonly fileSystemId: string;
      readonly createTime?: number;
      readonly path: string;
    }
  | { readonly type: 'OSS'; readonly bucket: string; readonly prefix: string };

/** What a restore does to a file that is there. */
export type ConflictPolicy = 'OVERWRITE_EXISTING' | 'SKIP_THE_FILE' | 'OVERWRITE_OLDER';

/** What a job takes of its source; nothing included means everything. */
export interface PathRules {
  readonly include: readonly string[];
  readonly exclude: readonly string[];
}

export type VaultStatus = 'INITIALIZING' | 'CREATED' | 'ERROR' | 'UNKNOWN';

export interface VaultRecord {
  readonly id: string;
  readonly taskId: string;
  readonly accountId: string;
  readonly name: string;
  readonly description: string;
  readonly vaultType: string;
  readonly storageClass: string;
  readonly encryptType: string;
  readonly kmsKeyId?: string;
  readonly wormEnabled: boolean;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
  /** End of its initialisation. */
  readonly readyAtMs: number;
  /** Said instead of what the clock says. */
  readonly forcedStatus?: VaultStatus;
}

export interface ClusterRecord {
  readonly id: string;
  readonly accountId: string;
  readonly identifier: string;
  readonly name: string;
  readonly description: string;
  readonly networkType: string;
  readonly token: string;
  readonly createdAtMs: number;
}

export type AgentStatus = 'MISS' | 'UNKNOWN' | 'READY';

/** What the client in a cluster last was, by the cluster's identifier. */
export interface AgentRecord {
  readonly id: string;
  readonly status: AgentStatus;
  readonly sinceMs: number;
}

export interface PlanRecord {
  readonly id: string;
  readonly ruleId: string;
  readonly accountId: string;
  readonly vaultId: string;
  readonly name: string;
  readonly schedule: string;
  readonly retentionDays?: number;
  readonly keepLatest: boolean;
  readonly disabled: boolean;
  readonly source: JobSource;
  readonly rules: PathRules;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
  /** The next time of its schedule. */
  readonly dueAtMs: number;
}

export type JobStatus =
  | 'CREATED'
  | 'QUEUED'
  | 'RUNNING'
  | 'COMPLETE'
  | 'PARTIAL_COMPLETE'
  | 'FAILED'
  | 'CANCELING'
  | 'CANCELED'
  | 'EXPIRED';

/** What a job found and did, known from its RUNNING moment on. */
export interface JobTotals {
  readonly bytesTotal: number;
  /** Backup: new against the snapshot before. Restore: written. */
  readonly bytesDone: number;
  /** After deduplication in the vault. */
  readonly actualBytes: number;
  readonly itemsTotal: number;
  readonly itemsDone: number;
  readonly failed: readonly FailedItem[];
  readonly skipped: number;
}

/** A file that a job could not take or write. */
export interface FailedItem {
  readonly path: string;
  readonly message: string;
}

/** An outcome that a test asked for instead of the real one. */
export interface ForcedOutcome {
  readonly status: 'FAILED' | 'EXPIRED' | 'PARTIAL_COMPLETE';
  readonly message: string;
}

/** What backup and restore jobs have in common. */
export interface JobRun {
  readonly id: string;
  readonly accountId: string;
  readonly vaultId: string;
  readonly status: JobStatus;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
  readonly startedAtMs?: number;
  /** When a running job ends. */
  readonly endsAtMs?: number;
  readonly completedAtMs?: number;
  readonly errorMessage?: string;
  readonly totals?: JobTotals;
  readonly forced?: ForcedOutcome;
}

export interface BackupJobRecord extends JobRun {
  readonly name: string;
  readonly source: JobSource;
  readonly rules: PathRules;
  readonly retentionDays?: number;
  readonly planId?: string;
  readonly triggerMode: 'MANUAL' | 'SCHEDULE';
  readonly snapshotHash?: string;
  readonly parentHash?: string;
}

export interface RestoreJobRecord extends JobRun {
  readonly sourceType: SourceType;
  readonly snapshotId: string;
  readonly snapshotHash: string;
  readonly target: RestoreTarget;
  readonly policy: ConflictPolicy;
  readonly rules: PathRules;
  /** As the caller wrote it. */
  readonly options?: string;
}

export interface SnapshotRecord {
  readonly id: string;
  readonly accountId: string;
  readonly vaultId: string;
  readonly jobId: string;
  readonly planId?: string;
  readonly hash: string;
  readonly parentHash: string;
  readonly status: 'COMPLETE' | 'PARTIAL_COMPLETE';
  readonly source: JobSource;
  readonly totals: JobTotals;
  readonly retentionDays?: number;
  readonly createdAtMs: number;
  readonly startedAtMs: number;
  readonly completedAtMs: number;
  readonly expiresAtMs?: number;
}

/** Whether a job will not change any more. */
export function isEnded(status: JobStatus): boolean {
  switch (status) {
    case 'COMPLETE':
    case 'PARTIAL_COMPLETE':
    case 'FAILED':
    case 'CANCELED':
    case 'EXPIRED':
      return true;
    case 'CREATED':
    case 'QUEUED':
    case 'RUNNING':
    case 'CANCELING':
      return false;
  }
}

/** Two jobs with the same key read the same place: the later is incremental to the earlier. */
export function sourceKey(source: JobSource): string {
  switch (source.type) {
    case 'CONTAINER':
      return JSON.stringify([source.type, source.clusterIdentifier, source.resource.resourceId]);
    case 'NAS':
      return JSON.stringify([source.type, source.fileSystemId, source.paths]);
    case 'OSS':
      return JSON.stringify([source.type, source.bucket, source.prefix]);
  }
}
