/**
 * A claimed run in the hands of one worker: every write of the row is conditional on the version this
 * worker last wrote, so a worker that lost its lease finds out before it does harm. A heartbeat renews
 * the lease while a step is busy; it and the step's own saves take turns.
 */
import {
  BackupCentreError,
  CancelledError,
  ConditionFailedError,
  LeaseLostError,
  NotFoundError,
} from '../domain/errors.ts';
import type { Json } from '../domain/json.ts';
import { isLeased, LEASE_MS, nextLease } from '../domain/lease.ts';
import { isTerminal, mayFollow } from '../domain/phase.ts';
import type { Run } from '../domain/run.ts';
import type { Clock } from '../ports/clock.ts';
import type { Logger } from '../ports/logger.ts';
import type { RecordStore, StoredRow } from '../ports/record-store.ts';
import type { DispatchServices } from './dispatch.ts';
import { changeRun, writeRun } from './run-rows.ts';
import { RunScratch } from './run-scratch.ts';
import type { StepContext, WorkRecord } from './step.ts';

/** How often a record changed by somebody else meanwhile is tried again. */
const RACES_MAX = 20;
/** A run whose record is not ready for it is looked at again after this, ms. */
const EARLY_RETRY_MS = 15_000;

interface HandleServices extends DispatchServices {
  readonly log: Logger;
}

type RecordTable = 'backups' | 'restores';

/** A run this worker holds the lease of. */
export class RunHandle {
  private readonly records: RecordStore;
  private readonly clock: Clock;
  private readonly deadlineMs: number;
  private readonly table: RecordTable;
  private readonly scratch: RunScratch;
  private readonly abort = new AbortController();
  private readonly token: number;
  private log: Logger;
  private row: StoredRow<Run>;
  private recordRow: StoredRow<WorkRecord>;
  private turn: Promise<unknown> = Promise.resolve();
  private lost = false;
  private abandoning = false;

  private constructor(init: {
    services: HandleServices;
    table: RecordTable;
    deadlineMs: number;
    row: StoredRow<Run>;
    recordRow: StoredRow<WorkRecord>;
  }) {
    this.records = init.services.records;
    this.clock = init.services.clock;
    this.table = init.table;
    this.deadlineMs = init.deadlineMs;
    this.row = init.row;
    this.recordRow = init.recordRow;
    this.token = init.row.value.fencingToken;
    this.scratch = new RunScratch(init.services.control, init.row.value.id);
    this.log = init.services.log.child({ runId: init.row.value.id, leaseToken: this.token });
  }

  /**
   * Claims the run by one conditional write and raises the record's fence to the new token. Undefined
   * when another worker holds it, took it first, or the run has ended.
   * @throws NotFoundError what the run works on is deleted: nothing is left to do
   */
  static async claim(
    services: HandleServices,
    table: RecordTable,
    invocation: { readonly runId: string; readonly deadlineMs: number },
  ): Promise<RunHandle | undefined> {
    const found = await services.records.get('runs', [invocation.runId]);
    const now = services.clock.now();
    if (found === undefined || found.value.state === 'ended' || isLeased(found.value, now)) {
      return undefined;
    }
    const key = [found.value.cluster, found.value.recordId];
    const recordRow = await services.records.get(table, key);
    if (recordRow === undefined || isPastIt(found.value, recordRow.value)) {
      throw new NotFoundError(`Run ${found.value.id} has no record ${key.join('/')} to work on`);
    }
    if (await isTooEarly(services, found.value, recordRow.value)) return undefined;
    const lease = nextLease(found.value, now, recordRow.value.fence);
    let row: StoredRow<Run>;
    try {
      row = await writeRun(services.records, found, {
        ...found.value,
        lease,
        fencingToken: lease.token,
        wakeAtMs: lease.expiresAtMs,
      });
    } catch (error) {
      if (error instanceof ConditionFailedError) return undefined;
      throw error;
    }
    const { deadlineMs } = invocation;
    const handle = new RunHandle({ services, table, deadlineMs, row, recordRow });
    await handle.updateRecord((record) => record);
    handle.beat();
    return handle;
  }

  /** The run as this worker last wrote it. */
  get run(): Run {
    return this.row.value;
  }

  /** Whether this worker found out that it no longer owns the run. */
  leaseLost(): boolean {
    return this.lost;
  }

  /**
   * Whether the record this run brought is already final: its worker died between ending the record
   * and ending the run. Runs that work on a finished record are never final by it.
   */
  recordIsFinal(): boolean {
    return this.ownsRecord() && isOver(this.recordRow.value);
  }

  private ownsRecord(): boolean {
    const { kind } = this.run;
    return kind !== 'verify' && kind !== 'delete' && kind !== 'release';
  }

  timeLeftMs(): number {
    return this.deadlineMs - this.clock.now();
  }

  /** Ends the heartbeat. */
  stop(): void {
    this.abort.abort(new LeaseLostError(`Worker left run ${this.run.id}`));
  }

  /** Binds the log to the step that begins. */
  enter(step: string): void {
    this.log = this.log.child({ step });
    this.row = { ...this.row, value: { ...this.row.value, step } };
  }

  /** The run is being given up: saves no longer throw CancelledError. */
  enterAbandon(): void {
    this.abandoning = true;
  }

  /** What a step works with. */
  context(): StepContext<WorkRecord> {
    return {
      run: this.row.value,
      checkpoint: this.row.value.checkpoint,
      results: this.row.value.results,
      log: this.log,
      scratch: this.scratch,
      signal: this.abort.signal,
      timeLeftMs: () => this.timeLeftMs(),
      save: (checkpoint) => this.save(checkpoint),
      record: () => this.recordRow.value,
      updateRecord: (change) => this.updateRecord(change),
    };
  }

  /**
   * Tells readers of the record why the run does not go on at present and what to do; taken back by the
   * next progress. Runs that work on a finished record leave its message alone.
   */
  async showTrouble(message: string): Promise<void> {
    if (!this.ownsRecord()) return;
    await this.updateRecord((record) =>
      isTerminal(record.phase) ? record : { ...record, message },
    );
  }

  async finishStep(next: string, result: Json): Promise<void> {
    await this.endTrouble();
    const done = this.row.value.step;
    await this.write((run) => ({
      ...run,
      step: next,
      checkpoint: null,
      attempts: 0,
      results: result === null ? run.results : { ...run.results, [done]: result },
    }));
  }

  /** Gives the lease back; the run is looked at again at that time. */
  async sleepUntil(wakeAtMs: number): Promise<void> {
    await this.endTrouble();
    await this.write((run) => withoutLease({ ...run, attempts: 0, wakeAtMs }));
  }

  async retryAfter(attempts: number, wakeAtMs: number): Promise<void> {
    await this.write((run) => withoutLease({ ...run, attempts, wakeAtMs }));
  }

  async end(): Promise<void> {
    await this.write((run) => withoutLease({ ...run, state: 'ended' }));
  }

  private async save(checkpoint: Json): Promise<void> {
    await this.endTrouble();
    await this.write((run) => ({
      ...run,
      checkpoint,
      attempts: 0,
      lease: { token: this.token, expiresAtMs: this.clock.now() + LEASE_MS },
    }));
    if (this.run.cancelRequested && !this.abandoning) {
      throw new CancelledError(`Run ${this.run.id} was asked to stop`);
    }
  }

  /** The step that failed before has got on: what `showTrouble` said is over. */
  private async endTrouble(): Promise<void> {
    if (this.run.attempts === 0 || this.abandoning || !this.ownsRecord()) return;
    if (this.recordRow.value.message === undefined) return;
    await this.updateRecord((record) =>
      isTerminal(record.phase) ? record : withoutMessage(record),
    );
  }

  /** One conditional write of the row, in turn with the heartbeat. */
  private write(change: (run: Run) => Run): Promise<void> {
    const mine = this.turn.then(() => this.writeNow(change));
    this.turn = mine.catch(() => undefined);
    return mine;
  }

  private async writeNow(change: (run: Run) => Run): Promise<void> {
    for (let race = 0; race < RACES_MAX; race += 1) {
      if (this.lost) throw this.leaseLostError();
      try {
        this.row = await writeRun(this.records, this.row, change(this.row.value));
        return;
      } catch (error) {
        if (!(error instanceof ConditionFailedError)) throw error;
        await this.reread();
      }
    }
    throw this.leaseLostError();
  }

  /** Somebody else wrote the row: a cancel or a dispatch is merged, a new owner means we leave. */
  private async reread(): Promise<void> {
    const current = await this.records.get('runs', [this.run.id]);
    if (current === undefined || current.value.fencingToken !== this.token) {
      this.lost = true;
      this.abort.abort(this.leaseLostError());
      throw this.leaseLostError();
    }
    const { step, checkpoint, results, attempts, lease } = this.row.value;
    const kept = lease === undefined ? {} : { lease };
    this.row = {
      ...current,
      value: { ...current.value, step, checkpoint, results, attempts, ...kept },
    };
  }

  private leaseLostError(): LeaseLostError {
    return new LeaseLostError(`Lease ${this.token} of run ${this.run.id} is no longer the newest`);
  }

  private beat(): void {
    const renew = async (): Promise<void> => {
      while (!this.abort.signal.aborted) {
        await this.clock.sleep(LEASE_MS / 3, this.abort.signal);
        await this.write((run) => ({
          ...run,
          lease: { token: this.token, expiresAtMs: this.clock.now() + LEASE_MS },
        }));
      }
    };
    renew().catch((error: unknown) => {
      if (this.abort.signal.aborted) return;
      // A renewal that failed is not fatal: the next save finds out whether the lease is still ours.
      this.log.warn('Lease renewal failed', { error: String(error) });
      this.beat();
    });
  }

  private async updateRecord<R extends WorkRecord>(change: (record: R) => R): Promise<R> {
    for (let race = 0; race < RACES_MAX; race += 1) {
      const before = this.recordRow.value as R;
      if (before.fence > this.token) {
        this.lost = true;
        throw this.leaseLostError();
      }
      const changed = change(before);
      // A record that ends well does not keep the words of a trouble that is over.
      const ends = isTerminal(changed.phase) && changed.message === before.message;
      const ended = ends && !isTerminal(before.phase) ? withoutMessage(changed) : changed;
      const after: R = { ...ended, fence: this.token };
      if (!mayFollow(before.phase, after.phase)) {
        throw new BackupCentreError(
          'internal',
          `Cannot move ${this.table} ${after.id} from phase ${before.phase} to ${after.phase}`,
        );
      }
      try {
        const version = await this.putRecord(after);
        this.recordRow = { ...this.recordRow, version, value: after };
        return after;
      } catch (error) {
        if (!(error instanceof ConditionFailedError)) throw error;
        const current = await this.records.get(this.table, this.recordRow.key);
        if (current === undefined) throw this.leaseLostError();
        this.recordRow = current;
      }
    }
    throw new ConditionFailedError(
      `Cannot change ${this.table} ${this.run.recordId}: lost ${RACES_MAX} races`,
      undefined,
    );
  }

  private putRecord(record: WorkRecord): Promise<number> {
    const { key, version } = this.recordRow;
    return 'backupId' in record
      ? this.records.put('restores', key, record, { version })
      : this.records.put('backups', key, record, { version });
  }
}

/** A verification of a backup whose data is being removed would only find its files gone. */
function isPastIt(run: Run, record: WorkRecord): boolean {
  if (run.kind !== 'verify') return false;
  return record.phase === 'Deleting' || ('expiry' in record && record.expiry !== undefined);
}

/**
 * A release goes on from what a restore left, and a deletion from what a backup left: neither may take
 * the record from a run that is not done with it.
 */
async function isTooEarly(
  services: HandleServices,
  run: Run,
  record: WorkRecord,
): Promise<boolean> {
  if (await isReady(services, run, record)) return false;
  const wakeAtMs = services.clock.now() + EARLY_RETRY_MS;
  await changeRun(services.records, run.id, (current) =>
    current.state === 'ended' || current.lease !== undefined ? undefined : { ...current, wakeAtMs },
  );
  return true;
}

async function isReady(services: HandleServices, run: Run, record: WorkRecord): Promise<boolean> {
  if (run.kind === 'release') return isOver(record);
  if (run.kind !== 'delete') return true;
  const first = await services.records.get('runs', [record.runId]);
  return first === undefined || first.value.state === 'ended';
}

/** Whether the run that brought the record has nothing more to write into it. */
function isOver({ phase }: WorkRecord): boolean {
  return isTerminal(phase) || phase === 'Deleting';
}

function withoutMessage<R extends WorkRecord>(record: R): R {
  if (record.message === undefined) return record;
  const { message: _over, ...rest } = record;
  return rest as R;
}

function withoutLease(run: Run): Run {
  const { lease: _given, ...rest } = run;
  return rest;
}
