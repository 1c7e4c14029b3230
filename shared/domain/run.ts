/**
 * A run: the resumable work behind a record. Its row holds the lease, the step and the checkpoint;
 * every change of it is one conditional write, so two workers can never both believe they own it.
 */
import type { Json } from './json.ts';
import type { Plan } from './plan.ts';

/** Kinds of runs; the first three belong to backup-worker, the others to restore-worker. */
export type RunKind = 'backup' | 'delete' | 'verify' | 'restore' | 'import' | 'release';

/** The right to work on a run until `expiresAtMs`. */
export interface Lease {
  /** Fencing token: grows by one with each claim; writes of a lower one are refused. */
  readonly token: number;
  readonly expiresAtMs: number;
}

/** A run as stored. */
export interface Run {
  readonly id: string;
  readonly kind: RunKind;
  readonly cluster: string;
  readonly network: string;
  /** Id of the backup or restore record it works for. */
  readonly recordId: string;
  /** Vault it reads or writes; a vault with active runs is not deleted. */
  readonly vaultIdentity: string;
  /** Name claim that must be held before the record may exist; none for runs of an existing record. */
  readonly claim?: { readonly location: string; readonly name: string };
  /** The record to create once the name is claimed; the reconciler completes a claim without record. */
  readonly initialRecord?: Json;
  readonly requestHash: string;
  readonly createdAtMs: number;
  readonly state: 'starting' | 'active' | 'ended';
  /** Sequence of the last dispatch; each wake is a new one. */
  readonly seq: number;
  /** Highest token handed out. */
  readonly fencingToken: number;
  readonly lease?: Lease;
  /** Step that comes next, '' before the first. */
  readonly step: string;
  /** Progress inside that step. */
  readonly checkpoint: Json;
  /** Results that finished steps hand on, by step name. */
  readonly results: Readonly<Record<string, Json>>;
  /** When someone must look at this run next; the waiting row carries the same time. */
  readonly wakeAtMs: number;
  readonly cancelRequested: boolean;
  /** Attempts of the present step that ended in a retryable error, for back-off. */
  readonly attempts: number;
}

/** A name is claimed for ever, by one conditional put, before the record exists. */
export interface NameClaim {
  readonly location: string;
  readonly name: string;
  readonly kind: 'backup' | 'restore' | 'plan' | 'hbr-vault';
  readonly cluster: string;
  readonly runId: string;
  readonly recordId: string;
  readonly claimedAtMs: number;
  /** The plan that the name is for, as long as it may not be there: asking for it again completes it. */
  readonly unfinishedPlan?: Plan;
}

/** At most this many runs work on one cluster at once; the rest wait in order (design §2). */
export const RUNS_PER_CLUSTER_MAX = 4;

/** Who works on a cluster and who is next. */
export interface ClusterSlots {
  readonly active: readonly string[];
  readonly queue: readonly string[];
}
