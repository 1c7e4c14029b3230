/** Phases of a record and the one table of transitions between them. */

/**
 * - `New`: accepted, no worker has begun
 * - `InProgress`: objects are being captured, deleted or created
 * - `WaitingForVolumes`: objects are done, cloud jobs of volumes are not; no function is running
 * - `Finalizing`: results are being written; a restore may not use the backup yet
 * - `Completed`: everything asked for is there; no errors
 * - `PartiallyFailed`: usable for what succeeded; some object or volume failed, or a kind was unreadable
 * - `Failed`: not usable
 * - `Cancelling`: a stop was asked for and is being carried out
 * - `Cancelled`: stopped; a backup leaves nothing, a restore lists what it created
 * - `Deleting`: data is being removed; never usable again
 */
export type Phase =
  | 'New'
  | 'InProgress'
  | 'WaitingForVolumes'
  | 'Finalizing'
  | 'Completed'
  | 'PartiallyFailed'
  | 'Failed'
  | 'Cancelling'
  | 'Cancelled'
  | 'Deleting';

const active: readonly Phase[] = ['Cancelling', 'Failed'];
const next: Readonly<Record<Phase, readonly Phase[]>> = {
  New: ['InProgress', ...active],
  InProgress: ['WaitingForVolumes', 'Finalizing', 'Completed', 'PartiallyFailed', ...active],
  WaitingForVolumes: ['InProgress', 'Finalizing', ...active],
  Finalizing: ['Completed', 'PartiallyFailed', ...active],
  Cancelling: ['Cancelled', 'Failed'],
  Completed: ['Deleting'],
  PartiallyFailed: ['Deleting'],
  Failed: ['Deleting'],
  Cancelled: ['Deleting'],
  Deleting: [],
};

/** Whether a record may go from one phase to the other; staying is always allowed. */
export function mayFollow(from: Phase, to: Phase): boolean {
  return from === to || next[from].includes(to);
}

/** Whether no worker will change this phase by itself any more. */
export function isTerminal(phase: Phase): boolean {
  return (
    phase === 'Completed' ||
    phase === 'PartiallyFailed' ||
    phase === 'Failed' ||
    phase === 'Cancelled'
  );
}
