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
import type { RecordStore } from '../ports/record-store.ts';
import { changeRun } from './run-rows.ts';

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
  const now = services.clock.now();
  let wanted = false;
  const row = await changeRun(services.records, runId, (run) => {
    wanted = run.state !== 'ended' && !isLeased(run, now);
    return wanted ? { ...run, seq: run.seq + 1, wakeAtMs: now + DISPATCH_GRACE_MS } : undefined;
  });
  if (row !== undefined && wanted) await writeDispatch(services.control, row.value);
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
