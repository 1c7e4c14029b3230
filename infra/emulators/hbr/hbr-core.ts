import type { BlobStore } from './data/blob-store.ts';
import type { BucketAccess } from './data/capture.ts';
import { newId } from './ids.ts';
import type { PlannedOutcomes } from './planned-outcomes.ts';
import {
  type BackupJobRecord,
  isEnded,
  type JobSource,
  type PathRules,
  type SnapshotRecord,
  sourceKey,
  type VaultRecord,
  type VaultStatus,
} from './records.ts';
import type { HbrState } from './state.ts';

/** Where the emulator finds the directories and objects that it copies. */
export interface HbrPlaces {
  /** The root of a NAS file system; `createTime` (seconds) where the caller gave one. */
  readonly nas: (fileSystemId: string, createTime?: number) => string | undefined;
  /** What a running pod's mount on a node holds. */
  readonly containerMount: (
    clusterIdentifier: string,
    host: string,
    hostPrefix: string,
  ) => string | undefined;
  readonly bucket?: BucketAccess;
}

/** How long things take, on the emulator's clock. */
export interface HbrTimes {
  /** Initialisation of a vault. */
  readonly vaultMs: number;
  /** From a job's creation to its RUNNING moment. */
  readonly queueMs: number;
  /** How long a running job lasts, by the bytes that it moves. */
  readonly jobMs: (bytes: number) => number;
  /** From CANCELING to CANCELED. */
  readonly cancelMs: number;
  /** A job that could not start for so long (its client is away) is EXPIRED. */
  readonly expireMs: number;
}

/** What actions and the job runner share. */
export interface HbrCore {
  readonly state: HbrState;
  readonly blobs: BlobStore;
  readonly now: () => number;
  readonly region: string;
  readonly places: HbrPlaces;
  readonly times: HbrTimes;
  readonly planned: PlannedOutcomes;
}

/** A vault's status by the clock, unless a test forced one. */
export function vaultStatus(core: HbrCore, vault: VaultRecord): VaultStatus {
  return vault.forcedStatus ?? (core.now() < vault.readyAtMs ? 'INITIALIZING' : 'CREATED');
}

/** What a new backup job is made of. */
export interface NewBackupJob {
  readonly accountId: string;
  readonly vaultId: string;
  readonly name: string;
  readonly source: JobSource;
  readonly rules: PathRules;
  readonly retentionDays?: number;
  readonly planId?: string;
  readonly triggerMode: BackupJobRecord['triggerMode'];
  readonly createdAtMs: number;
}

/** Adds a backup job; the clock does the rest. */
export function addBackupJob(core: HbrCore, job: NewBackupJob): BackupJobRecord {
  const record: BackupJobRecord = {
    ...job,
    id: newId('job'),
    status: 'CREATED',
    updatedAtMs: job.createdAtMs,
  };
  core.state.jobs.put(record);
  return record;
}

/** The job of a plan that has not ended, if there is one. */
export function unfinishedJobOf(core: HbrCore, planId: string): BackupJobRecord | undefined {
  return core.state.jobs.all().find((job) => job.planId === planId && !isEnded(job.status));
}

/** The newest snapshot of a source in a vault. */
export function newestSnapshot(
  core: HbrCore,
  vaultId: string,
  source: JobSource,
): SnapshotRecord | undefined {
  const key = sourceKey(source);
  return core.state.snapshots
    .all()
    .filter((snapshot) => snapshot.vaultId === vaultId && sourceKey(snapshot.source) === key)
    .at(-1);
}
