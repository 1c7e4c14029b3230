/** One backup: what was asked (spec, never changed) and what happened (status). */
import type { CoverageGap, Finding } from './finding.ts';
import type { LabelSelector } from './label-selector.ts';
import type { Phase } from './phase.ts';
import type { VolumeBackup } from './volume-backup.ts';

/** Which cluster-scoped objects enter: those related to what is selected, all, or none. */
export type ClusterScope = 'related' | 'all' | 'none';

/** What a backup takes, after validation: names resolved, defaults filled in. */
export interface BackupSpec {
  readonly name: string;
  readonly vault: string;
  /** `['*']` alone means all but the protected ones. */
  readonly namespaces: readonly string[];
  /** With `exclude`, every namespace but these and the protected ones; `include` where absent. */
  readonly namespaceSelection?: 'include' | 'exclude';
  readonly volumeBackup: boolean;
  readonly labelSelector?: LabelSelector;
  /** Group resources such as `deployments.apps`; absent means all kinds. */
  readonly resources?: readonly string[];
  readonly excludedResources?: readonly string[];
  readonly clusterScope: ClusterScope;
  /** 1 to 65536. */
  readonly retentionDays: number;
}

/** How far a run is. */
export interface Progress {
  readonly objectsTotal: number;
  readonly objectsDone: number;
  readonly bytesDone: number;
  readonly volumesTotal: number;
  readonly volumesDone: number;
}

/** Result of reading a backup back. */
interface BackupVerification {
  readonly at: string;
  readonly ok: boolean;
  readonly filesChecked: number;
  readonly objectsChecked: number;
  readonly failures: readonly Finding[];
}

/** A backup as stored; times in milliseconds since the epoch. */
export interface BackupRecord {
  /** Sorts newest first under its cluster. */
  readonly id: string;
  readonly runId: string;
  readonly cluster: string;
  readonly vaultIdentity: string;
  /** Name of the plan that it is a run of; plans of two vaults may share it, so the id stands beside. */
  readonly plan?: string;
  readonly planId?: string;
  readonly spec: BackupSpec;
  readonly creator: string;
  readonly namespacesResolved: readonly string[];
  readonly phase: Phase;
  readonly message?: string;
  readonly progress: Progress;
  readonly errors: readonly Finding[];
  readonly warnings: readonly Finding[];
  /** Errors and warnings beyond those kept here; all are in the results file. */
  readonly findingsDropped: number;
  readonly volumes: readonly VolumeBackup[];
  readonly coverageGaps: readonly CoverageGap[];
  readonly billing: {
    readonly ossBytes: number;
    readonly snapshotGiB: number;
    readonly cloudBackupBytes: number;
  };
  readonly verification?: BackupVerification;
  /** Highest fencing token that has written this record; a lower one is refused. */
  readonly fence: number;
  readonly createdAtMs: number;
  readonly startedAtMs?: number;
  readonly completedAtMs?: number;
  readonly expiresAtMs?: number;
  /** Its validity is over and its data is being removed, or is removed; never restorable again. */
  readonly expiry?: { readonly sinceMs: number; readonly removedAtMs?: number };
  /** While Deleting: until when a retention policy of the bucket keeps the files. */
  readonly retainedUntilMs?: number;
}

/** No progress yet. */
export const NO_PROGRESS: Progress = {
  objectsTotal: 0,
  objectsDone: 0,
  bytesDone: 0,
  volumesTotal: 0,
  volumesDone: 0,
};

/** Nothing that costs anything. */
export const NO_BILLING: BackupRecord['billing'] = {
  ossBytes: 0,
  snapshotGiB: 0,
  cloudBackupBytes: 0,
};

/** Milliseconds of a day; retention is counted in these, beyond 32 bits (ACK §10-39). */
export const DAY_MS = 86_400_000;

/** How long the record of an expired backup stays after its data, ms (design §8: 30 days). */
const EXPIRED_RECORD_MS = 30 * DAY_MS;

/** When somebody has to look at a backup because of its age; undefined where it never ends. */
export function dueOfExpiry({ expiresAtMs, expiry }: BackupRecord): number | undefined {
  const removedAtMs = expiry?.removedAtMs;
  return removedAtMs === undefined ? expiresAtMs : removedAtMs + EXPIRED_RECORD_MS;
}
