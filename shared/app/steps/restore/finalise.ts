/**
 * Last step but one: the outcome list, log and findings into the vault, then the backup is let go, then
 * the record ends. Running it twice is safe: time and log are fixed by its first checkpoint, so the same
 * bytes are written again, which counts as done.
 */
import { BackupCentreError } from '../../../domain/errors.ts';
import type { Finding } from '../../../domain/finding.ts';
import { isJsonObject, type Json } from '../../../domain/json.ts';
import type { Phase } from '../../../domain/phase.ts';
import type { RestoreRecord } from '../../../domain/restore-record.ts';
import { packMember } from '../../../format/gzip-member.ts';
import { formatResults } from '../../../format/velero-files.ts';
import { type RestoreServices, restorePlace } from '../../restore-services.ts';
import { type JournalPosition, parseFindings, RunJournal } from '../../run-journal.ts';
import type { RunScratch } from '../../run-scratch.ts';
import type { Step, StepContext } from '../../step.ts';
import { writeOnce } from '../../write-once.ts';
import { formatItemsIndex, type ItemsMember, itemsFile } from './items-file.ts';
import { releaseBackup } from './precheck.ts';
import { CREATE_STEP, readProgress } from './restore-session.ts';
import { leavesClaimsWaiting } from './settle-volumes.ts';

const FINALISE_STEP = 'finalise';
const GZIP = 'application/gzip';

/** The step. */
export function finaliseStep(services: RestoreServices): Step<RestoreRecord> {
  return {
    name: FINALISE_STEP,
    run: async (context) => {
      const fixed = await fixMoment(services, context);
      const progress = readProgress(context.results[CREATE_STEP]);
      if (progress === undefined) throw new BackupCentreError('internal', 'Nothing was created');
      const position = { items: progress.chunks, ...fixed.journal };
      await writeRestoreFiles(services, context.record(), context.scratch, position);
      // Claims that wait for their pod need the backup's snapshots: the run that follows lets go of it.
      if (!leavesClaimsWaiting(context)) await releaseBackup(services, context.record());
      await context.updateRecord((record) => ({
        ...record,
        phase: endPhase(record),
        completedAtMs: fixed.completedAtMs,
      }));
      return { kind: 'done' };
    },
  };
}

function endPhase(record: RestoreRecord): Phase {
  return record.errors.length > 0 || record.counts.failed > 0 ? 'PartiallyFailed' : 'Completed';
}

/** How much of each stream belongs to the restore. */
export interface FilesPosition extends JournalPosition {
  readonly items: number;
}

/** Writes the files of a restore; the same bytes again count as written. */
export async function writeRestoreFiles(
  services: RestoreServices,
  record: RestoreRecord,
  scratch: RunScratch,
  position: FilesPosition,
): Promise<void> {
  const { store, keys, encrypt } = await restorePlace(services, record);
  const write = async (key: string, content: AsyncIterable<Uint8Array>, contentType = GZIP) => {
    await writeOnce(store, key, content, { encrypt, contentType });
  };
  const members: ItemsMember[] = [];
  await write(keys.items, itemsFile(scratch.read('items', position.items), members));
  await write(keys.itemsIndex, one(formatItemsIndex(members)), 'application/json');
  await write(keys.logs, logMembers(scratch, position.logs));
  const results = formatResults(await readFindings(scratch, position.results));
  await write(keys.results, one(await packMember(results)));
}

async function* one(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(bytes);
}

async function* logMembers(scratch: RunScratch, count: number): AsyncGenerator<Uint8Array> {
  if (count === 0) yield await packMember(new Uint8Array(0));
  for await (const chunk of scratch.read('logs', count)) yield await packMember(chunk);
}

async function readFindings(
  scratch: RunScratch,
  count: number,
): Promise<{ errors: Finding[]; warnings: Finding[] }> {
  const errors: Finding[] = [];
  const warnings: Finding[] = [];
  for await (const chunk of scratch.read('results', count)) {
    for (const { level, finding } of parseFindings(chunk)) {
      (level === 'error' ? errors : warnings).push(finding);
    }
  }
  return { errors, warnings };
}

interface Fixed {
  readonly completedAtMs: number;
  readonly journal: JournalPosition;
}

/** The moment of completion and the end of the log, the same in every attempt. */
async function fixMoment(
  services: RestoreServices,
  context: StepContext<RestoreRecord>,
): Promise<Fixed> {
  const known = readFixed(context.checkpoint);
  if (known !== undefined) return known;
  await context.updateRecord((record) => ({ ...record, phase: 'Finalizing' }));
  const record = context.record();
  const { created, skipped, failed, omitted } = record.counts;
  const journal = RunJournal.resume(context, services.clock);
  journal.log(
    'info',
    `Restore ${endPhase(record)}: ${created} created, ${skipped} skipped, ${failed} failed, ` +
      `${omitted} omitted, ${record.warnings.length} warnings`,
  );
  const fixed = { completedAtMs: services.clock.now(), journal: await journal.flush() };
  await context.save({ completedAtMs: fixed.completedAtMs, journal: { ...fixed.journal } });
  return fixed;
}

function readFixed(saved: Json): Fixed | undefined {
  if (!isJsonObject(saved) || !isJsonObject(saved.journal)) return undefined;
  const { logs, results } = saved.journal;
  return {
    completedAtMs: Number(saved.completedAtMs),
    journal: { logs: Number(logs), results: Number(results) },
  };
}
