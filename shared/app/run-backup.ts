/** The workflow of a backup run, and what happens to a backup that cannot be finished. */
import type { BackupRecord } from '../domain/backup-record.ts';
import { BackupCentreError } from '../domain/errors.ts';
import type { Finding } from '../domain/finding.ts';
import { isTerminal } from '../domain/phase.ts';
import { remedyOf } from '../domain/remedy.ts';
import { type BackupServices, openBackup } from './backup-services.ts';
import { tellPlan } from './plan-rows.ts';
import { removeBackupFiles } from './remove-backup-files.ts';
import { removeBackupVolumes } from './remove-backup-volumes.ts';
import { RunJournal } from './run-journal.ts';
import type { StepContext, Workflow } from './step.ts';
import { captureStep } from './steps/backup/capture.ts';
import { CLAIM_STEP, claimStep } from './steps/backup/claim.ts';
import { filesStep } from './steps/backup/files.ts';
import { finaliseStep, tidyStep } from './steps/backup/finalise.ts';
import { withFindings } from './steps/backup/record-findings.ts';
import { resolveStep } from './steps/backup/resolve.ts';
import { snapshotsStep } from './steps/backup/snapshots.ts';
import { volumesStep } from './steps/backup/volumes.ts';

const ABANDON = 'abandon';

/** Runs of kind `backup`. `partBytesMin`: bytes of an upload's part, where the default is too much. */
export function backupWorkflow(
  services: BackupServices,
  partBytesMin?: number,
): Workflow<BackupRecord> {
  return {
    kind: 'backup',
    table: 'backups',
    steps: [
      resolveStep(services),
      claimStep(services),
      captureStep(services, partBytesMin),
      volumesStep(services),
      snapshotsStep(services),
      filesStep(services),
      finaliseStep(services),
      tidyStep(),
    ],
    abandon: (context, why) => abandonBackup(services, context, why),
    tellEnd: (record) => tellPlan(services.records, record),
  };
}

/** Files go first and the record's end last, so that an interrupted abandon is done again. */
async function abandonBackup(
  services: BackupServices,
  context: StepContext<BackupRecord>,
  why: 'cancelled' | BackupCentreError,
): Promise<void> {
  // A backup whose record is final is done; only its tidying up was left.
  if (isTerminal(context.record().phase)) return;
  const journal = new RunJournal(context.scratch, services.clock, {
    logs: await context.scratch.count('logs'),
    results: await context.scratch.count('results'),
  });
  if (why === 'cancelled') await context.updateRecord((r) => ({ ...r, phase: 'Cancelling' }));
  const warnings = [
    ...(await removeVolumes(services, context)),
    ...(await removeFiles(services, context)),
  ];
  const message = why === 'cancelled' ? 'Cancelled' : why.message;
  const errors = why === 'cancelled' ? [] : [failure(context.run.step, why)];
  for (const warning of warnings) journal.find('warning', warning);
  journal.log(why === 'cancelled' ? 'info' : 'error', `Backup ended: ${message}`);
  await journal.flush();
  await context.updateRecord((record) => ({
    ...withFindings(record, ABANDON, { warnings, errors }),
    phase: why === 'cancelled' ? 'Cancelled' : 'Failed',
    message,
    completedAtMs: services.clock.now(),
    billing: { ...record.billing, ossBytes: 0 },
  }));
}

/** Removes snapshots and restore points, also those that nobody lived to write down. */
async function removeVolumes(
  services: BackupServices,
  context: StepContext<BackupRecord>,
): Promise<readonly Finding[]> {
  try {
    await removeBackupVolumes(services, context.record());
    return [];
  } catch (error) {
    if (!(error instanceof BackupCentreError) || error.retryable) throw error;
    const { name } = context.record().spec;
    const message = `Cannot remove the volumes' data of the unfinished backup ${name}: ${error.message}`;
    return [{ code: error.code, step: ABANDON, message }];
  }
}

/** Removes what this run wrote; nothing where the folder never became this run's. */
async function removeFiles(
  services: BackupServices,
  context: StepContext<BackupRecord>,
): Promise<readonly Finding[]> {
  if (context.run.results[CLAIM_STEP] === undefined) return [];
  const { name } = context.record().spec;
  try {
    await removeBackupFiles(await openBackup(services, context.record()));
    return [];
  } catch (error) {
    if (!(error instanceof BackupCentreError) || error.retryable) throw error;
    return [
      {
        code: error.code,
        step: ABANDON,
        message: `Cannot remove the files of the unfinished backup ${name}: ${error.message}`,
      },
    ];
  }
}

function failure(step: string, why: BackupCentreError): Finding {
  const hint = remedyOf(why.code);
  return {
    code: why.code,
    step: step === '' ? ABANDON : step,
    message: why.message,
    ...(hint === undefined ? {} : { hint }),
  };
}
