/**
 * Starting a run touches several rows without a transaction. Order: run row -> waiting row -> name
 * claim that names the run -> record -> dispatch. Whatever is interrupted, the reconciler finds the
 * waiting row and calls `completeStart` again; a name that another run holds ends this run before a
 * record exists.
 */
import type { BackupRecord } from '../domain/backup-record.ts';
import { BackupCentreError, ConditionFailedError } from '../domain/errors.ts';
import type { Json } from '../domain/json.ts';
import { DISPATCH_GRACE_MS } from '../domain/lease.ts';
import type { RestoreRecord } from '../domain/restore-record.ts';
import type { NameClaim, Run, RunKind } from '../domain/run.ts';
import type { StoredRow } from '../ports/record-store.ts';
import { type DispatchServices, dispatchKnownRun } from './dispatch.ts';
import { insertExpiry } from './expiry-rows.ts';
import { changeKnownRun, insertRun, insertWaiting, waitingKey } from './run-rows.ts';
import type { WorkRecord } from './step.ts';

/** What a new run is made of. */
export interface NewRun {
  readonly id: string;
  readonly kind: RunKind;
  readonly cluster: string;
  readonly network: string;
  readonly recordId: string;
  readonly vaultIdentity: string;
  readonly requestHash: string;
  /** Both, for a run that brings a record of its own; neither, for one that works on a finished one. */
  readonly claim?: { readonly location: string; readonly name: string };
  readonly record?: WorkRecord;
}

/** The table that the records of a kind of run are in. */
function recordTable(kind: RunKind): 'backups' | 'restores' {
  return kind === 'restore' || kind === 'release' ? 'restores' : 'backups';
}

/**
 * Starts a run. When it returns, the record exists and a worker is on its way.
 * @throws BackupCentreError `name_taken` (details: cluster and kind of the holder); nothing is left
 */
export async function startRun(services: DispatchServices, request: NewRun): Promise<void> {
  await completeStart(services, await insertNew(services, request));
}

/**
 * Starts a run whose id says what it is for, so that starting it again is nothing new: whoever comes
 * second does what is left of the first start. Returns the run as it was found or announced; undefined
 * where it has just been withdrawn.
 * @throws BackupCentreError `name_taken`, once
 */
export async function startRunOnce(
  services: DispatchServices,
  request: NewRun,
): Promise<StoredRow<Run> | undefined> {
  const row = await announceRun(services, request);
  if (row?.value.state === 'starting') await completeStart(services, row);
  return row;
}

/**
 * Writes down that a run is going to start, or finds the run of that id. Unless it is withdrawn, it
 * starts: by `completeStart`, or by the reconciler once the grace is over. Undefined where the run that
 * was there has just been withdrawn.
 */
export async function announceRun(
  services: DispatchServices,
  request: NewRun,
): Promise<StoredRow<Run> | undefined> {
  try {
    return await insertNew(services, request);
  } catch (error) {
    if (!(error instanceof ConditionFailedError)) throw error;
    const row = await services.records.get('runs', [request.id]);
    if (row?.value.state !== 'starting') return row;
    // The first start may have died before the row by which the reconciler finds it.
    await insertWaiting(services.records, row.value);
    return row;
  }
}

/** Takes an announced run back. False where it has started meanwhile: it goes on. */
export async function withdrawRun(
  services: DispatchServices,
  row: StoredRow<Run>,
): Promise<boolean> {
  try {
    await services.records.remove('runs', row.key, { version: row.version });
  } catch (error) {
    if (!(error instanceof ConditionFailedError)) throw error;
    return (await services.records.get('runs', row.key)) === undefined;
  }
  await services.records.remove('waiting', waitingKey(row.value.id, row.value.wakeAtMs), 'any');
  return true;
}

async function insertNew(services: DispatchServices, request: NewRun): Promise<StoredRow<Run>> {
  const now = services.clock.now();
  return await insertRun(services.records, {
    id: request.id,
    kind: request.kind,
    cluster: request.cluster,
    network: request.network,
    recordId: request.recordId,
    vaultIdentity: request.vaultIdentity,
    ...(request.claim === undefined ? {} : { claim: request.claim }),
    ...(request.record === undefined ? {} : { initialRecord: recordJson(request.record) }),
    requestHash: request.requestHash,
    createdAtMs: now,
    state: 'starting',
    seq: 0,
    fencingToken: 0,
    step: '',
    checkpoint: null,
    results: {},
    wakeAtMs: now + DISPATCH_GRACE_MS,
    cancelRequested: false,
    attempts: 0,
  });
}

/** Does what is left of starting a run; safe to call at any time, any number of times. */
export async function completeStart(
  services: DispatchServices,
  row: StoredRow<Run>,
): Promise<void> {
  const run = row.value;
  if (run.claim !== undefined) await claimName(services, row);
  if (run.initialRecord !== undefined) await insertRecord(services, run, run.initialRecord);
  await dispatchKnownRun(services, row, (current) => {
    if (current.state !== 'starting') return current;
    const { initialRecord: _written, ...started } = current;
    return { ...started, state: 'active' };
  });
}

async function claimName(services: DispatchServices, row: StoredRow<Run>): Promise<void> {
  const run = row.value;
  if (run.claim === undefined) return;
  const claim: NameClaim = {
    ...run.claim,
    kind: run.kind === 'restore' ? 'restore' : 'backup',
    cluster: run.cluster,
    runId: run.id,
    recordId: run.recordId,
    claimedAtMs: run.createdAtMs,
  };
  const key = [claim.location, claim.name];
  try {
    await services.records.put('names', key, claim, 'absent');
  } catch (error) {
    if (!(error instanceof ConditionFailedError)) throw error;
    const holder = await services.records.get('names', key);
    if (holder === undefined || holder.value.runId === run.id) return;
    await changeKnownRun(services.records, row, (current) => ({ ...current, state: 'ended' }));
    throw new BackupCentreError(
      'name_taken',
      `Cannot use the name ${claim.name}: a ${holder.value.kind} of cluster ${holder.value.cluster} has it${claim.kind === 'backup' ? ` in ${claim.location}` : ''}`,
      { details: { cluster: holder.value.cluster, kind: holder.value.kind } },
    );
  }
}

async function insertRecord(services: DispatchServices, run: Run, json: Json): Promise<void> {
  const key = [run.cluster, run.recordId];
  try {
    if (recordTable(run.kind) === 'restores') {
      await services.records.put('restores', key, parseRecord<RestoreRecord>(json), 'absent');
    } else {
      const record = parseRecord<BackupRecord>(json);
      await insertExpiry(services.records, record);
      await services.records.put('backups', key, record, 'absent');
    }
  } catch (error) {
    // Already written by an earlier attempt at the same start.
    if (!(error instanceof ConditionFailedError)) throw error;
  }
}

/** A record as text inside the run row, so that it survives a start that is interrupted. */
function recordJson(record: WorkRecord): Json {
  return JSON.stringify(record);
}

function parseRecord<R extends WorkRecord>(json: Json): R {
  return JSON.parse(String(json)) as R;
}
