/**
 * What the runner asks of a piece of resumable work. A step has a stable name and says in its doc
 * comment why running it twice is safe; finished steps are skipped by the run's row, never by looking
 * at side effects. The process may end at any await: whatever a step did since its last `save` is done
 * again by the next worker.
 */
import type { BackupRecord } from '../domain/backup-record.ts';
import type { BackupCentreError } from '../domain/errors.ts';
import type { Json } from '../domain/json.ts';
import type { RestoreRecord } from '../domain/restore-record.ts';
import type { Run, RunKind } from '../domain/run.ts';
import type { Logger } from '../ports/logger.ts';
import type { RunScratch } from './run-scratch.ts';

/** A record a run works for. */
export type WorkRecord = BackupRecord | RestoreRecord;

/** How a step left off. */
export type StepOutcome =
  /** Finished; `result` is handed to later steps. */
  | { readonly kind: 'done'; readonly result?: Json }
  /** A cloud job or the cluster needs time: no function runs until then. The checkpoint is kept. */
  | { readonly kind: 'wait'; readonly wakeAtMs: number }
  /** Out of time in this invocation; the checkpoint is kept, another invocation goes on at once. */
  | { readonly kind: 'again' };

/** What a step works with. */
export interface StepContext<R extends WorkRecord> {
  readonly run: Run;
  /** What this step saved last, null at its first start. */
  readonly checkpoint: Json;
  /** Results of finished steps, by name. */
  readonly results: Readonly<Record<string, Json>>;
  readonly log: Logger;
  /** Log lines and long lists of this run, readable while it runs. */
  readonly scratch: RunScratch;
  /** Aborted when the lease is lost or the function's time is nearly over. */
  readonly signal: AbortSignal;
  /** Milliseconds until this invocation must have ended; below 0 means stop now. */
  timeLeftMs(): number;
  /**
   * Saves the checkpoint and renews the lease by one conditional write.
   * @throws LeaseLostError another worker owns the run; CancelledError a stop was asked for
   */
  save(checkpoint: Json): Promise<void>;
  /** The record as last read or written by this worker. */
  record(): R;
  /**
   * Changes the record by one conditional write, fenced by this worker's token.
   * @throws LeaseLostError a worker with a higher token has written the record
   */
  updateRecord(change: (record: R) => R): Promise<R>;
}

/** One unit of resumable work. */
export interface Step<R extends WorkRecord> {
  readonly name: string;
  run(context: StepContext<R>): Promise<StepOutcome>;
}

/** The steps of one kind of run and what happens when it cannot go on. */
export interface Workflow<R extends WorkRecord> {
  readonly kind: RunKind;
  readonly table: 'backups' | 'restores';
  readonly steps: readonly Step<R>[];
  /**
   * Ends the record as Cancelled or Failed and removes what must not stay. May be interrupted and
   * called again; must then finish the rest.
   */
  abandon(context: StepContext<R>, why: 'cancelled' | BackupCentreError): Promise<void>;
  /** Tells others how the record has ended, before its run does; may be called again. */
  tellEnd?(record: R): Promise<void>;
}
