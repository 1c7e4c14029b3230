/**
 * Runs of kind `delete`: the commit marker first, so that it ends being a backup, then its volumes' data,
 * its other files and its record; the name stays taken. A backup that expired keeps its record for a
 * while. A deletion is never given up: what stands in its
 * way is told by the record, and tried again. Every step is safe to repeat: what is gone counts as removed.
 */
import { type BackupRecord, NO_BILLING } from '../domain/backup-record.ts';
import { BackupCentreError, LeaseLostError } from '../domain/errors.ts';
import { isJsonObject } from '../domain/json.ts';
import { remedyOf } from '../domain/remedy.ts';
import { isExpired } from '../domain/restorable.ts';
import type { ObjectStore } from '../ports/object-store.ts';
import { type BackupPlace, type BackupServices, openBackup } from './backup-services.ts';
import { usesOf } from './delete-backup.ts';
import { removeBackupFiles } from './remove-backup-files.ts';
import { removeBackupVolumes } from './remove-backup-volumes.ts';
import { RunScratch } from './run-scratch.ts';
import type { Step, StepContext, StepOutcome, Workflow } from './step.ts';
import { CLAIM_STEP } from './steps/backup/claim.ts';

/** First and longest pause before something is tried again, ms. */
const PAUSE_MS_MIN = 15_000;
const PAUSE_MS_MAX = 3_600_000;
/**
 * Longest pause under a retention policy, ms: one that is not locked lapses within a day.
 * @see https://help.aliyun.com/en/oss/developer-reference/initiatebucketworm
 */
const RETAINED_PAUSE_MS_MAX = 86_400_000;
/** Objects looked at to know how long a policy keeps them: a backup has eight. */
const RETAINED_LOOKED_AT = 100;

/** What deleting works with. */
type DeleteServices = BackupServices & {
  /** The control bucket, which may have chunks of the backup's run. */
  readonly control: ObjectStore;
};

type Context = StepContext<BackupRecord>;

/** The workflow. */
export function deleteWorkflow(services: DeleteServices): Workflow<BackupRecord> {
  return {
    kind: 'delete',
    table: 'backups',
    steps: [
      patient(services, 'mark', async (context) => {
        await context.updateRecord((record) => marked(record, services.clock.now()));
        await refuseUsed(services, context.record());
      }),
      patient(services, 'marker', async (context) => {
        await onFiles(services, context, async ({ store, keys }) => {
          await store.remove([keys.marker]);
        });
      }),
      patient(services, 'volumes', async (context) => {
        await removeBackupVolumes(services, context.record());
      }),
      patient(services, 'files', async (context) => {
        await onFiles(services, context, removeBackupFiles);
        await new RunScratch(services.control, context.record().runId).clear();
      }),
      recordStep(services),
    ],
    abandon: async (context, why) => {
      // Reached after many failures in a row of a kind that should not happen; the runner tries again.
      const message = why === 'cancelled' ? 'A deletion cannot be cancelled' : why.message;
      await context.updateRecord((record) => ({ ...record, message }));
      throw new BackupCentreError('internal', message, { retryable: true });
    },
  };
}

/** Never restorable again: as one that expired, which keeps its phase, or as one that nobody wants. */
function marked(record: BackupRecord, nowMs: number): BackupRecord {
  if (record.phase === 'Deleting' || !isExpired(record, nowMs)) {
    return { ...record, phase: 'Deleting' };
  }
  return { ...record, expiry: record.expiry ?? { sinceMs: nowMs } };
}

/** The record of an expired backup stays for a while, unless somebody asked for its deletion meanwhile. */
function removed(record: BackupRecord, nowMs: number): BackupRecord {
  if (record.phase === 'Deleting') return record;
  const { sinceMs } = record.expiry ?? { sinceMs: nowMs };
  return { ...record, expiry: { sinceMs, removedAtMs: nowMs }, billing: NO_BILLING };
}

/** Last of all; a worker that dies after it leaves a run whose record is gone, and that ends it. */
function recordStep({ records, clock }: DeleteServices): Step<BackupRecord> {
  return {
    name: 'record',
    run: async (context) => {
      const { expiry } = context.record();
      const nowMs = clock.now();
      if (expiry !== undefined && expiry.removedAtMs === undefined) {
        await context.updateRecord((record) => removed(record, nowMs));
      }
      const { cluster, id, phase } = context.record();
      if (phase === 'Deleting') await records.remove('backups', [cluster, id], 'any');
      return { kind: 'done' };
    },
  };
}

/** A step that waits and tries again, with the reason in the record, instead of failing its run. */
function patient(
  services: DeleteServices,
  name: string,
  work: (context: Context) => Promise<void>,
): Step<BackupRecord> {
  return {
    name,
    run: async (context) => {
      try {
        await work(context);
      } catch (error) {
        const isExpected = error instanceof BackupCentreError && error.code !== 'internal';
        if (!isExpected || error instanceof LeaseLostError) throw error;
        return await tryLater(services, context, error);
      }
      if (context.checkpoint !== null) await context.updateRecord(withoutTrouble);
      return { kind: 'done' };
    },
  };
}

async function tryLater(
  services: DeleteServices,
  context: Context,
  error: BackupCentreError,
): Promise<StepOutcome> {
  const now = services.clock.now();
  const { checkpoint } = context;
  const tries = isJsonObject(checkpoint) ? Number(checkpoint.tries) : 0;
  const until =
    error.code === 'file_immutable' ? await retainedUntil(services, context) : undefined;
  const pause = Math.min(PAUSE_MS_MAX, PAUSE_MS_MIN * 2 ** tries);
  const wakeAtMs =
    until === undefined ? now + pause : Math.max(now, Math.min(until, now + RETAINED_PAUSE_MS_MAX));
  const next =
    until === undefined
      ? `next attempt at ${new Date(wakeAtMs).toISOString()}`
      : `a retention policy of its bucket keeps it until ${new Date(until).toISOString()}`;
  const remedy = remedyOf(error.code);
  const hint = remedy === undefined ? '' : `. ${remedy}`;
  const message = `Not deleted yet, ${next}: ${error.message}${hint}`;
  await context.updateRecord((record) => ({
    ...withoutTrouble(record),
    message,
    ...(until === undefined ? {} : { retainedUntilMs: until }),
  }));
  await context.save({ tries: tries + 1 });
  return { kind: 'wait', wakeAtMs };
}

function withoutTrouble(record: BackupRecord): BackupRecord {
  const { message: _message, retainedUntilMs: _until, ...rest } = record;
  return rest;
}

/** A restore may have begun before the backup was marked: the data stays until it is done with it. */
async function refuseUsed({ records }: DeleteServices, { id, spec }: BackupRecord): Promise<void> {
  const uses = await usesOf(records, id);
  if (uses.length === 0) return;
  throw new BackupCentreError(
    'backup_in_use',
    `Cannot delete backup ${spec.name}: restore ${uses.join(', ')} is using it`,
  );
}

/** Does something to the backup's files; where its bucket is gone, they are too. */
async function onFiles(
  services: DeleteServices,
  context: Context,
  work: (place: BackupPlace) => Promise<void>,
): Promise<void> {
  if (!(await ownsFolder(services, context.record()))) return;
  try {
    await work(await openBackup(services, context.record()));
  } catch (error) {
    const isGone = error instanceof BackupCentreError && error.details.bucketGone === true;
    if (!isGone) throw error;
  }
}

/** A backup that found its folder taken has nothing there: the files are somebody else's. */
async function ownsFolder({ records }: DeleteServices, { runId }: BackupRecord): Promise<boolean> {
  const run = (await records.get('runs', [runId]))?.value;
  return run?.kind !== 'backup' || run.results[CLAIM_STEP] !== undefined;
}

/** When the last of its files may be removed; undefined where the bucket does not tell. */
async function retainedUntil(
  services: DeleteServices,
  context: Context,
): Promise<number | undefined> {
  const { store, keys } = await openBackup(services, context.record());
  const { objects } = await store.list(keys.prefix, { limit: RETAINED_LOOKED_AT });
  const [newest] = [...objects].sort((a, b) => b.modifiedAtMs - a.modifiedAtMs);
  return newest === undefined ? undefined : await store.retainedUntil(newest.key);
}
