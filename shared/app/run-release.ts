/**
 * Runs of kind `release`: after a restore, wait until its claims are bound, however long their pods let
 * them wait, and then let go of what was made for them. Nothing in between but wakes; no run slot.
 */
import { BackupCentreError } from '../domain/errors.ts';
import type { Finding } from '../domain/finding.ts';
import type { RestoreRecord } from '../domain/restore-record.ts';
import type { VolumeBackup } from '../domain/volume-backup.ts';
import type { RestoreServices } from './restore-services.ts';
import type { Step, StepContext, StepOutcome, Workflow } from './step.ts';
import { withFindings } from './steps/backup/record-findings.ts';
import { claimReference } from './steps/backup/volume-rows.ts';
import { releaseBackup } from './steps/restore/precheck.ts';
import { type Release, releaseVolumes } from './steps/restore/release-volumes.ts';
import { withChangedRows } from './steps/restore/restored-rows.ts';

const RELEASE_STEP = 'release';

/** Claims are waited for this long (design §6), ms. */
const WAIT_MS_MAX = 7 * 86_400_000;
/** First and longest pause between two looks, ms. */
const PAUSE_MS_MIN = 15_000;
const PAUSE_MS_MAX = 600_000;
/** The pause grows with the time that has passed: a fourth of it. */
const PAUSE_SHARE = 4;

/** The workflow. */
export function releaseWorkflow(services: RestoreServices): Workflow<RestoreRecord> {
  return {
    kind: 'release',
    table: 'restores',
    steps: [releaseStep(services)],
    abandon: (context, why) => giveUp(services, context, why),
  };
}

/** The one step. Running it twice is safe: it removes what is there and sets rows as a whole. */
function releaseStep(services: RestoreServices): Step<RestoreRecord> {
  return {
    name: RELEASE_STEP,
    run: async (context) => {
      const outcome = await release(services, context);
      if (outcome.kind === 'done') await releaseBackup(services, context.record());
      return outcome;
    },
  };
}

async function release(
  services: RestoreServices,
  context: StepContext<RestoreRecord>,
): Promise<StepOutcome> {
  const { createdAtMs } = context.run;
  const isLate = services.clock.now() >= createdAtMs + WAIT_MS_MAX;
  const before = context.record().volumes;
  try {
    const found = await releaseVolumes(services, context.record(), { giveUp: isLate });
    await show(context, found, isLate ? lateWarnings(before, found) : []);
    if (found.waiting.length === 0) return { kind: 'done' };
  } catch (error) {
    if (!(error instanceof BackupCentreError) || isLate) throw error;
    context.log.warn('Cannot let go of volumes yet', { code: error.code, message: error.message });
  }
  const now = services.clock.now();
  const pause = Math.max(PAUSE_MS_MIN, Math.min(PAUSE_MS_MAX, (now - createdAtMs) / PAUSE_SHARE));
  const wakeAtMs = Math.min(now + Math.ceil(pause), createdAtMs + WAIT_MS_MAX);
  return { kind: 'wait', wakeAtMs };
}

async function show(
  context: StepContext<RestoreRecord>,
  { changes }: Release,
  warnings: readonly Finding[],
): Promise<void> {
  if (changes.size === 0) return;
  await context.updateRecord((record) => {
    const rows = withChangedRows(record, ({ namespace, pvc }) =>
      changes.get(`${namespace}/${pvc}`),
    );
    return warnings.length === 0 ? rows : withFindings(rows, RELEASE_STEP, { warnings });
  });
}

function lateWarnings(rows: readonly VolumeBackup[], { changes }: Release): readonly Finding[] {
  const failed = rows.filter(
    ({ namespace, pvc }) => changes.get(`${namespace}/${pvc}`)?.phase === 'Failed',
  );
  return failed.map((row) => ({
    code: 'pending_consumer',
    object: claimReference(row),
    step: RELEASE_STEP,
    message: `Claim ${row.namespace}/${row.pvc} waited for a pod for 7 days: what its data would have come from is removed`,
    hint: 'Delete the claim and restore it again when a pod is going to mount it; the backup still has its data',
  }));
}

/** What could not be removed in all that time is named; the record's end stays as it is. */
async function giveUp(
  services: RestoreServices,
  context: StepContext<RestoreRecord>,
  why: 'cancelled' | BackupCentreError,
): Promise<void> {
  await releaseBackup(services, context.record());
  if (why === 'cancelled') return;
  const message = `Cannot remove what the restore made for its volumes (tagged backup-centre.io/run=${context.record().runId} at ECS): ${why.message}`;
  const warnings = [{ code: why.code, step: RELEASE_STEP, message }];
  await context.updateRecord((record) => withFindings(record, RELEASE_STEP, { warnings }));
}
