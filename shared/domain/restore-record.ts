/** One restore: what was asked and what happened to each object. */
import type { ClusterScope, Progress } from './backup-record.ts';
import type { Finding } from './finding.ts';
import type { LabelSelector } from './label-selector.ts';
import type { ModifierRule } from './modifiers/modifier-rule.ts';
import type { Phase } from './phase.ts';
import type { VolumeBackup } from './volume-backup.ts';

/** Converts the class of matching claims; the most specific entry wins. */
interface StorageClassConversion {
  readonly namespace?: string;
  readonly pvc?: string;
  readonly from?: string;
  readonly to: string;
  readonly accessModes?: readonly string[];
}

/** What a restore does, after validation. `{cluster}` of the request is the target. */
export interface RestoreSpec {
  readonly name: string;
  readonly vault: string;
  /** Name of the backup, resolved from the plan where that was asked. */
  readonly backup: string;
  readonly plan?: string;
  /** Source names; empty means everything. */
  readonly namespaces: readonly string[];
  readonly resources?: readonly string[];
  readonly excludedResources?: readonly string[];
  readonly labelSelector?: LabelSelector;
  readonly namespaceMapping: Readonly<Record<string, string>>;
  readonly imageRegistryMapping: Readonly<Record<string, string>>;
  readonly storageClassConversion: readonly StorageClassConversion[];
  readonly resourceModifiers: readonly ModifierRule[];
  readonly preserveNodePorts?: boolean;
  readonly clusterScope: ClusterScope;
  readonly volumes: 'restore' | 'none';
  readonly verify: boolean;
  readonly dryRun: boolean;
}

/** What happened (or, in a dry run, would happen) to one object of the backup. */
export type RestoreAction =
  | 'created'
  | 'skipped'
  | 'failed'
  | 'omitted'
  | 'create'
  | 'skip'
  | 'refuse'
  | 'omit';

/** One line of a restore's outcome list. */
export interface RestoreItem {
  readonly apiVersion: string;
  /** Plural with group. */
  readonly resource: string;
  /** Name in the target. */
  readonly namespace?: string;
  readonly name: string;
  readonly action: RestoreAction;
  /**
   * `exists_equal, exists_different, owned_by:<owner>, filtered, cluster_scoped, system_namespace,
   * unsupported_version, invalid`, or the API server's own words; '' for a plain creation.
   */
  readonly reason: string;
  /** Human-readable list of what was rewritten. */
  readonly changes: readonly string[];
  readonly proof?: 'server' | 'schema' | 'none';
}

/** One look at the living application after a restore. */
export interface RestoreCheck {
  readonly object: string;
  readonly check: string;
  readonly ok: boolean;
  readonly found: string;
}

/** A restore as stored; times in milliseconds since the epoch. */
export interface RestoreRecord {
  readonly id: string;
  readonly runId: string;
  /** The target cluster. */
  readonly cluster: string;
  readonly vaultIdentity: string;
  readonly backupId: string;
  /** Cluster the backup was taken from. */
  readonly sourceCluster: string;
  readonly spec: RestoreSpec;
  readonly creator: string;
  readonly namespacesResolved: readonly string[];
  readonly phase: Phase;
  readonly message?: string;
  readonly progress: Progress;
  readonly errors: readonly Finding[];
  readonly warnings: readonly Finding[];
  readonly findingsDropped: number;
  readonly volumes: readonly VolumeBackup[];
  readonly counts: Readonly<Record<'created' | 'skipped' | 'failed' | 'omitted', number>>;
  readonly verification?: { readonly ok: boolean; readonly checks: readonly RestoreCheck[] };
  readonly fence: number;
  readonly createdAtMs: number;
  readonly startedAtMs?: number;
  readonly completedAtMs?: number;
}
