/**
 * Run rows and their waiting rows. Invariant: every run that has not ended has a waiting row at its
 * `wakeAtMs`, so that the reconciler looks at it even when every event was lost. The new waiting row
 * is written before the run row names it, the old one is removed after; a waiting row that its run
 * does not name is stale and is removed by whoever meets it.
 */
import { ConditionFailedError } from '../domain/errors.ts';
import { timeKey, waitingShard } from '../domain/ids.ts';
import type { Run } from '../domain/run.ts';
import type { RecordStore, StoredRow } from '../ports/record-store.ts';

/** How often a lost race over one row is tried again. */
const RACES_MAX = 20;

/** Key of the waiting row of a run at a time. */
export function waitingKey(runId: string, wakeAtMs: number): readonly string[] {
  return [waitingShard(runId), timeKey(wakeAtMs), runId];
}

/** Writes a run's first row and its waiting row. */
export async function insertRun(records: RecordStore, run: Run): Promise<StoredRow<Run>> {
  const version = await records.put('runs', [run.id], run, 'absent');
  await records.put('waiting', waitingKey(run.id, run.wakeAtMs), { runId: run.id }, 'any');
  return { key: [run.id], version, value: run };
}

/**
 * Replaces a run row on the condition that it is the one given, moving its waiting row along.
 * @throws ConditionFailedError with the row found
 */
export async function writeRun(
  records: RecordStore,
  row: StoredRow<Run>,
  next: Run,
): Promise<StoredRow<Run>> {
  const moved = next.wakeAtMs !== row.value.wakeAtMs;
  if (moved && next.state !== 'ended') {
    await records.put('waiting', waitingKey(next.id, next.wakeAtMs), { runId: next.id }, 'any');
  }
  const version = await records.put('runs', [next.id], next, { version: row.version });
  if (moved || next.state === 'ended') {
    await records.remove('waiting', waitingKey(next.id, row.value.wakeAtMs), 'any');
  }
  return { key: row.key, version, value: next };
}

/**
 * Changes a run, whoever else writes it meanwhile. `change` returns undefined to leave it as it is.
 * Returns the row as it then is, undefined where there is no such run.
 */
export async function changeRun(
  records: RecordStore,
  runId: string,
  change: (run: Run) => Run | undefined,
): Promise<StoredRow<Run> | undefined> {
  for (let race = 0; race < RACES_MAX; race += 1) {
    const row = await records.get('runs', [runId]);
    if (row === undefined) return undefined;
    const next = change(row.value);
    if (next === undefined) return row;
    try {
      return await writeRun(records, row, next);
    } catch (error) {
      if (!(error instanceof ConditionFailedError)) throw error;
    }
  }
  throw new ConditionFailedError(`Cannot change run ${runId}: lost ${RACES_MAX} races`, undefined);
}
