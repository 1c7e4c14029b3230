/**
 * Starting a worker: an object in the control bucket, whose creation event invokes it. The run row
 * counts the dispatches, so an event that comes late or twice is recognised; an event that never comes
 * is made up for by the reconciler when the run's grace is over.
 */
import { AlreadyExistsError } from '../domain/errors.ts';
import { DISPATCH_GRACE_MS, isLeased } from '../domain/lease.ts';
import type { Run } from '../domain/run.ts';
import { dispatchKey } from '../format/control-keys.ts';
import type { Clock } from '../ports/clock.ts';
import type { ObjectStore } from '../ports/object-store.ts';
import type { RecordStore, StoredRow } from '../ports/record-store.ts';
import { changeKnownRun } from './run-rows.ts';

/** What dispatching needs. */
export interface DispatchServices {
  readonly records: RecordStore;
  /** The control bucket. */
  readonly control: ObjectStore;
  readonly clock: Clock;
}

/**
 * Asks for a worker for the run, unless it has ended or one is at work. Safe to repeat: each call is a
 * new sequence number, and only one worker gets the lease.
 */
export async function dispatchRun(services: DispatchServices, runId: string): Promise<void> {
  const row = await services.records.get('runs', [runId]);
  if (row !== undefined) await dispatchKnownRun(services, row, (run) => run);
}

/**
 * As `dispatchRun`, of a row that has just been read or written; what else is to change of it changes in
 * the same write.
 */
export async function dispatchKnownRun(
  services: DispatchServices,
  row: StoredRow<Run>,
  change: (run: Run) => Run,
): Promise<void> {
  const now = services.clock.now();
  let wanted = false;
  const written = await changeKnownRun(services.records, row, (run) => {
    wanted = run.state !== 'ended' && !isLeased(run, now);
    const next = change(run);
    if (wanted) return { ...next, seq: run.seq + 1, wakeAtMs: graceOf(run, now) };
    return next === run ? undefined : next;
  });
  if (written !== undefined && wanted) await writeDispatch(services.control, written.value);
}

/** A run that somebody looks at soon enough anyway keeps its waiting row: two writes less. */
function graceOf(run: Run, nowMs: number): number {
  const isSoon = run.wakeAtMs > nowMs + DISPATCH_GRACE_MS / 2;
  return isSoon && run.wakeAtMs <= nowMs + DISPATCH_GRACE_MS
    ? run.wakeAtMs
    : nowMs + DISPATCH_GRACE_MS;
}

async function writeDispatch(control: ObjectStore, run: Run): Promise<void> {
  const key = dispatchKey({ kind: run.kind, network: run.network, runId: run.id, seq: run.seq });
  try {
    await control.put(key, new Uint8Array(0), { ifAbsent: true });
  } catch (error) {
    // Another caller wrote the same sequence number's object: the event is on its way.
    if (!(error instanceof AlreadyExistsError)) throw error;
  }
}
