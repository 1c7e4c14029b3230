/** Asks a run to stop: a flag that the worker reads before each step and at each checkpoint. */
import { BackupCentreError } from '../domain/errors.ts';
import { isTerminal } from '../domain/phase.ts';
import { type DispatchServices, dispatchRun } from './dispatch.ts';
import { changeRun } from './run-rows.ts';
import type { WorkRecord } from './step.ts';

/**
 * Cancels the run of a record; a waiting run is woken to end. Safe to repeat.
 * @throws BackupCentreError `not_cancellable` when the record is already final
 */
export async function cancelRun(services: DispatchServices, record: WorkRecord): Promise<void> {
  if (isTerminal(record.phase) || record.phase === 'Deleting') {
    throw new BackupCentreError(
      'not_cancellable',
      `Cannot cancel ${record.spec.name}: it is already ${record.phase}`,
      { details: { phase: record.phase } },
    );
  }
  await changeRun(services.records, record.runId, (run) =>
    run.state === 'ended' || run.cancelRequested ? undefined : { ...run, cancelRequested: true },
  );
  await dispatchRun(services, record.runId);
}
