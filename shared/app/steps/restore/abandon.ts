/**
 * A restore that cannot go on, or was asked to stop: what it created stays and is listed, and what it made
 * beside that, for volumes, goes. May be interrupted and done again: moment and extent of the list are
 * fixed by its checkpoint.
 */
import { BackupCentreError } from '../../../domain/errors.ts';
import type { Finding } from '../../../domain/finding.ts';
import { isJsonObject, type Json, objectAt } from '../../../domain/json.ts';
import { isTerminal } from '../../../domain/phase.ts';
import { remedyOf } from '../../../domain/remedy.ts';
import type { RestoreRecord } from '../../../domain/restore-record.ts';
import { parseExact } from '../../../format/exact-json.ts';
import { formatRestoreItems, type RestoreItemLine } from '../../../format/restore-items.ts';
import type { RestoreServices } from '../../restore-services.ts';
import { RunJournal } from '../../run-journal.ts';
import type { StepContext } from '../../step.ts';
import { withFindings } from '../backup/record-findings.ts';
import { type FilesPosition, writeRestoreFiles } from './finalise.ts';
import { abandonLandings } from './landing-abandon.ts';
import { releaseBackup } from './precheck.ts';
import { asKubeObject } from './prepare-object.ts';
import { PLAN_STEP, type PlanEntry, readPlan } from './restore-plan.ts';
import { RestoreSession, readProgress } from './restore-session.ts';
import { RestoreState } from './restore-state.ts';
import { isManagedBy } from './settle-existing.ts';
import { settleVolumes } from './settle-volumes.ts';

const ABANDON = 'abandon';

/** Look-ups at once. */
const LOOK_UPS_AT_ONCE = 8;

/** Ends the record as Cancelled or Failed. */
export async function abandonRestore(
  services: RestoreServices,
  context: StepContext<RestoreRecord>,
  why: 'cancelled' | BackupCentreError,
): Promise<void> {
  if (isTerminal(context.record().phase)) return;
  const message = why === 'cancelled' ? 'Cancelled' : why.message;
  if (why === 'cancelled') await context.updateRecord((r) => ({ ...r, phase: 'Cancelling' }));
  const notTakenBack = await abandonLandings(services, context);
  const end = readEnd(context.checkpoint) ?? (await fixEnd(services, context, message));
  const isReleased = await settleVolumes(services, context);
  const unwritten = await writeFiles(services, context, end);
  const step = context.run.step === '' ? ABANDON : context.run.step;
  const { errors: known } = context.record();
  const errors =
    why === 'cancelled' || known.some((e) => e.step === step && message.startsWith(e.message))
      ? []
      : [failure(step, why)];
  const state = await RestoreState.replay(context.scratch, end.items);
  if (isReleased) await releaseBackup(services, context.record());
  await context.updateRecord((record) => ({
    ...withFindings(record, ABANDON, { errors, warnings: [...notTakenBack, ...unwritten] }),
    phase: why === 'cancelled' ? 'Cancelled' : 'Failed',
    message,
    counts: state.counts,
    completedAtMs: end.completedAtMs,
  }));
}

function failure(step: string, { code, message }: BackupCentreError): Finding {
  const hint = remedyOf(code);
  return { code, step, message, ...(hint === undefined ? {} : { hint }) };
}

interface End extends FilesPosition {
  readonly completedAtMs: number;
}

function readEnd(saved: Json): End | undefined {
  const end = objectAt(saved, 'abandoned');
  if (end === undefined) return undefined;
  return {
    items: Number(end.items),
    logs: Number(end.logs),
    results: Number(end.results),
    completedAtMs: Number(end.completedAtMs),
  };
}

async function fixEnd(
  services: RestoreServices,
  context: StepContext<RestoreRecord>,
  message: string,
): Promise<End> {
  const { scratch } = context;
  const journal = new RunJournal(scratch, services.clock, {
    logs: await scratch.count('logs'),
    results: await scratch.count('results'),
  });
  let items = await scratch.count('items');
  const found = await findUnwritten(services, context, items, journal);
  if (found.length > 0) {
    await scratch.write('items', items, formatRestoreItems(found));
    items += 1;
  }
  journal.log('error', `Restore ended: ${message}`);
  const abandoned = {
    items,
    ...(await journal.flush()),
    completedAtMs: services.clock.now(),
  };
  const saved = context.checkpoint;
  await context.save({
    ...(isJsonObject(saved) ? (saved as Record<string, Json>) : {}),
    abandoned,
  });
  return abandoned;
}

/**
 * Objects that this run created without writing them down, because its worker was killed. Only those
 * that were announced can be such.
 */
async function findUnwritten(
  services: RestoreServices,
  context: StepContext<RestoreRecord>,
  chunks: number,
  journal: RunJournal,
): Promise<RestoreItemLine[]> {
  const ahead = readProgress(context.checkpoint)?.ahead ?? 0;
  if (context.results[PLAN_STEP] === undefined || ahead === 0 || context.record().spec.dryRun) {
    return [];
  }
  const found: RestoreItemLine[] = [];
  try {
    const session = await RestoreSession.open(services, context);
    const state = await RestoreState.replay(context.scratch, chunks);
    const doubtful = doubtfulEntries(session, state, ahead);
    const worker = async (): Promise<void> => {
      for await (const entry of doubtful) {
        const line = await createdByUs(session, entry);
        if (line !== undefined) found.push(line);
      }
    };
    await Promise.all(Array.from({ length: LOOK_UPS_AT_ONCE }, worker));
  } catch (error) {
    if (!(error instanceof BackupCentreError)) throw error;
    journal.log('warning', `Cannot look for objects created last: ${error.message}`);
  }
  return found;
}

async function* doubtfulEntries(
  session: RestoreSession,
  state: RestoreState,
  ahead: number,
): AsyncGenerator<PlanEntry> {
  for await (const entry of readPlan(session.context.scratch, session.plan)) {
    if (entry.n >= ahead) return;
    if (!state.isDone(entry.n)) yield entry;
  }
}

async function createdByUs(
  session: RestoreSession,
  entry: PlanEntry,
): Promise<RestoreItemLine | undefined> {
  const { line, n } = entry;
  const resource = session.index.find(line.apiVersion, line.resource);
  if (resource === undefined) return undefined;
  const place = session.placeOf(line);
  const bytes = await session.client.get({ resource, ...place });
  const object = bytes === undefined ? undefined : asKubeObject(parseExact(bytes));
  if (object === undefined || !isManagedBy(object, session.fieldManager)) return undefined;
  const { apiVersion, resource: name } = line;
  return { apiVersion, resource: name, ...place, action: 'created', reason: '', changes: [], n };
}

/** Writes the list; where the vault refuses, the record says so. */
async function writeFiles(
  services: RestoreServices,
  context: StepContext<RestoreRecord>,
  end: End,
): Promise<Finding[]> {
  try {
    await writeRestoreFiles(services, context.record(), context.scratch, end);
    return [];
  } catch (error) {
    if (!(error instanceof BackupCentreError) || error.retryable) throw error;
    return [
      {
        code: error.code,
        step: ABANDON,
        message: `Cannot write the list of restored objects into the vault: ${error.message}`,
      },
    ];
  }
}
