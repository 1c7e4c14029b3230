/**
 * Wakes runs whose time has come: a wait that is over, a lease that lapsed, a dispatch whose event was
 * lost, a start that was interrupted. Reads only waiting rows that are due. Two reconcilers at once do
 * no harm: a run gets one lease however often it is dispatched.
 */
import { BackupCentreError } from '../domain/errors.ts';
import { SHARDS, timeKey } from '../domain/ids.ts';
import { isLeased } from '../domain/lease.ts';
import type { Run } from '../domain/run.ts';
import type { Logger } from '../ports/logger.ts';
import type { StoredRow } from '../ports/record-store.ts';
import { type DispatchServices, dispatchRun } from './dispatch.ts';
import { changeRun, waitingKey } from './run-rows.ts';
import { completeStart } from './start-run.ts';

/** Rows looked at per shard in one tick; the rest are due again in the next. */
const ROWS_PER_SHARD_MAX = 200;

interface ReconcileServices extends DispatchServices {
  readonly log: Logger;
}

/** Looks after every run that is due now. Returns how many were woken. */
export async function reconcileRuns(services: ReconcileServices): Promise<number> {
  let woken = 0;
  for (const shard of SHARDS) {
    const page = await services.records.list('waiting', {
      prefix: [shard],
      before: timeKey(services.clock.now() + 1),
      limit: ROWS_PER_SHARD_MAX,
    });
    for (const row of page.rows) {
      try {
        if (await reconcileRow(services, row)) woken += 1;
      } catch (error) {
        // One run's trouble must not keep the others asleep; its row is still due in the next tick.
        services.log.error('Cannot reconcile run', {
          runId: row.value.runId,
          error: error instanceof Error ? error.message : String(error),
        });
      }
    }
  }
  return woken;
}

async function reconcileRow(
  services: ReconcileServices,
  waiting: StoredRow<{ readonly runId: string }>,
): Promise<boolean> {
  const row = await services.records.get('runs', [waiting.value.runId]);
  if (row === undefined || row.value.state === 'ended' || isStale(row.value, waiting)) {
    await services.records.remove('waiting', waiting.key, 'any');
    return false;
  }
  if (row.value.state === 'starting') return await finishStart(services, row);
  if (isLeased(row.value, services.clock.now())) {
    await changeRun(services.records, row.value.id, (run) =>
      run.lease === undefined ? undefined : { ...run, wakeAtMs: run.lease.expiresAtMs },
    );
    return false;
  }
  await dispatchRun(services, row.value.id);
  return true;
}

function isStale(run: Run, waiting: StoredRow<unknown>): boolean {
  return waitingKey(run.id, run.wakeAtMs).join() !== waiting.key.join();
}

async function finishStart(services: ReconcileServices, row: StoredRow<Run>): Promise<boolean> {
  try {
    await completeStart(services, row);
    return true;
  } catch (error) {
    // The name went to another run: this one has ended, and its caller never got a reply.
    if (error instanceof BackupCentreError && error.code === 'name_taken') return false;
    throw error;
  }
}
