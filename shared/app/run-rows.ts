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
  await insertWaiting(records, run);
  return { key: [run.id], version, value: run };
}

/** Writes the waiting row of a run as it is. One that is there says the same: it is not even read. */
export async function insertWaiting(records: RecordStore, run: Run): Promise<void> {
  try {
    const key = waitingKey(run.id, run.wakeAtMs);
    await records.put('waiting', key, { runId: run.id }, 'absent');
  } catch (error) {
    if (!(error instanceof ConditionFailedError)) throw error;
  }
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
    await insertWaiting(records, next);
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
  const row = await records.get('runs', [runId]);
  return row === undefined ? undefined : await changeKnownRun(records, row, change);
}

/** As `changeRun`, of a row that has just been read or written: it is read again only after a lost race. */
export async function changeKnownRun(
  records: RecordStore,
  known: StoredRow<Run>,
  change: (run: Run) => Run | undefined,
): Promise<StoredRow<Run> | undefined> {
  let row: StoredRow<Run> | undefined = known;
  for (let race = 0; race < RACES_MAX && row !== undefined; race += 1) {
    const next = change(row.value);
    if (next === undefined) return row;
    try {
      return await writeRun(records, row, next);
    } catch (error) {
      if (!(error instanceof ConditionFailedError)) throw error;
    }
    row = await records.get('runs', known.key);
  }
  if (row === undefined) return undefined;
  const runId = known.value.id;
  throw new ConditionFailedError(`Cannot change run ${runId}: lost ${RACES_MAX} races`, undefined);
}
