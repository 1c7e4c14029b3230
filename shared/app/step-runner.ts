/**
 * Claims a run, does its steps in order, checkpoints each, and leaves. Knows nothing about backups.
 * One invocation works until the run ends, waits, or its time is short; the next goes on from the row.
 */
import {
  BackupCentreError,
  CancelledError,
  LeaseLostError,
  NotFoundError,
} from '../domain/errors.ts';
import { remedyOf } from '../domain/remedy.ts';
import type { Run } from '../domain/run.ts';
import type { Clock } from '../ports/clock.ts';
import type { Entropy } from '../ports/entropy.ts';
import type { Logger } from '../ports/logger.ts';
import type { StoredRow } from '../ports/record-store.ts';
import { releaseSlot, takeSlot } from './cluster-slots.ts';
import { type DispatchServices, dispatchRun } from './dispatch.ts';
import { RunHandle } from './run-handle.ts';
import { changeRun } from './run-rows.ts';
import { completeStart } from './start-run.ts';
import type { Step, StepOutcome, Workflow, WorkRecord } from './step.ts';

/** Retryable failures of one step in a row before the run is given up. */
const ATTEMPTS_MAX = 10;
/** First and longest pause before a failed step is tried again, ms. */
const RETRY_DELAY_MS_MIN = 1_000;
const RETRY_DELAY_MS_MAX = 300_000;
/** A run that found no free slot of its cluster is looked at again after this, ms. */
const SLOT_RETRY_MS = 60_000;
/** A step is not begun with less time than this left, ms. */
const STEP_TIME_MS_MIN = 5_000;

/** What the runner works with. */
export interface RunnerServices extends DispatchServices {
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly log: Logger;
}

/** One invocation's task. */
export interface Invocation {
  readonly runId: string;
  /** When this invocation must have ended, ms since the epoch. */
  readonly deadlineMs: number;
}

/** How an invocation left the run; for logs and tests. */
export type InvocationResult = 'ended' | 'waiting' | 'again' | 'left';

/**
 * Works on a run for one invocation. Leaves at once where another worker holds the lease, the run has
 * ended, or its cluster has no free slot.
 */
export async function workOnRun(
  services: RunnerServices,
  workflows: readonly Workflow<WorkRecord>[],
  invocation: Invocation,
): Promise<InvocationResult> {
  const row = await startedRun(services, invocation.runId);
  if (row === undefined) return 'left';
  const workflow = workflows.find((w) => w.kind === row.value.kind);
  if (workflow === undefined) {
    throw new BackupCentreError('internal', `No workflow for runs of kind ${row.value.kind}`);
  }
  // Who is only to be tidied up waits for no slot: a queued run has touched nothing of the cluster.
  if (!row.value.cancelRequested && !(await hasSlot(services, row.value))) return 'left';
  const handle = await claimOrEnd(services, workflow, row.value, invocation.deadlineMs);
  if (handle === undefined) return 'left';
  if (handle === 'ended') return 'ended';
  try {
    if (handle.recordIsFinal()) return await endRun(services, workflow, handle);
    return await workSteps(services, workflow, handle);
  } catch (error) {
    if (!(error instanceof LeaseLostError)) throw error;
    services.log.info('Run left to another worker', { runId: invocation.runId });
    return 'left';
  } finally {
    handle.stop();
  }
}

/** The run's row once its record exists; undefined when there is nothing to do. */
async function startedRun(
  services: RunnerServices,
  runId: string,
): Promise<StoredRow<Run> | undefined> {
  const row = await services.records.get('runs', [runId]);
  if (row === undefined || row.value.state === 'ended') return undefined;
  if (row.value.state === 'active') return row;
  try {
    await completeStart(services, row);
  } catch (error) {
    if (error instanceof BackupCentreError && error.code === 'name_taken') return undefined;
    throw error;
  }
  return await services.records.get('runs', [runId]);
}

/** The lease, undefined where it is another's. A run whose record is deleted ends. */
async function claimOrEnd(
  services: RunnerServices,
  { table }: Workflow<WorkRecord>,
  run: Run,
  deadlineMs: number,
): Promise<RunHandle | 'ended' | undefined> {
  try {
    return await RunHandle.claim(services, table, { runId: run.id, deadlineMs });
  } catch (error) {
    if (error instanceof LeaseLostError) return undefined;
    if (!(error instanceof NotFoundError)) throw error;
    services.log.info('Run ended: its record is deleted', { runId: run.id });
    const promoted = await releaseSlot(services.records, run.cluster, run.id);
    await changeRun(services.records, run.id, (row) => ({ ...row, state: 'ended' }));
    for (const runId of promoted) await dispatchRun(services, runId);
    return 'ended';
  }
}

/**
 * Slots are for runs that load the cluster. A deletion may wait for days, for a retention policy or for
 * restores, and would keep backups from starting.
 */
async function hasSlot(services: RunnerServices, run: Run): Promise<boolean> {
  if (run.kind === 'verify' || run.kind === 'release' || run.kind === 'delete') return true;
  if (await takeSlot(services.records, run.cluster, run.id)) return true;
  await changeRun(services.records, run.id, (current) =>
    current.state === 'ended' || current.lease !== undefined
      ? undefined
      : { ...current, wakeAtMs: services.clock.now() + SLOT_RETRY_MS },
  );
  return false;
}

async function workSteps(
  services: RunnerServices,
  workflow: Workflow<WorkRecord>,
  handle: RunHandle,
): Promise<InvocationResult> {
  for (const step of remainingSteps(workflow, handle.run.step)) {
    if (handle.run.cancelRequested) return await abandon(services, workflow, handle, 'cancelled');
    if (handle.timeLeftMs() < STEP_TIME_MS_MIN) return await goOnLater(services, handle);
    handle.enter(step.name);
    const outcome = await attempt(step, handle);
    switch (outcome.kind) {
      case 'done':
        await handle.finishStep(nextStepName(workflow, step), outcome.result ?? null);
        break;
      case 'wait':
        await handle.sleepUntil(outcome.wakeAtMs);
        return 'waiting';
      case 'again':
        return await goOnLater(services, handle);
      case 'failed':
        return await afterFailure(services, workflow, handle, outcome.error);
    }
  }
  return await endRun(services, workflow, handle);
}

type Attempt = StepOutcome | { readonly kind: 'failed'; readonly error: BackupCentreError };

async function attempt(step: Step<WorkRecord>, handle: RunHandle): Promise<Attempt> {
  try {
    return await step.run(handle.context());
  } catch (error) {
    if (error instanceof LeaseLostError) throw error;
    // An abort because of a lost lease may surface as any error; the row tells.
    if (handle.leaseLost()) throw new LeaseLostError(`Lease of run ${handle.run.id} was lost`);
    if (error instanceof BackupCentreError) return { kind: 'failed', error };
    if (handle.timeLeftMs() < STEP_TIME_MS_MIN) return { kind: 'again' };
    const message = error instanceof Error ? error.message : String(error);
    handle.context().log.error('Unexpected error in step', {
      step: step.name,
      error: error instanceof Error ? (error.stack ?? message) : message,
    });
    return {
      kind: 'failed',
      error: new BackupCentreError('internal', `Internal error in step ${step.name}: ${message}`, {
        retryable: true,
        cause: error,
      }),
    };
  }
}

async function afterFailure(
  services: RunnerServices,
  workflow: Workflow<WorkRecord>,
  handle: RunHandle,
  error: BackupCentreError,
): Promise<InvocationResult> {
  if (error instanceof CancelledError)
    return await abandon(services, workflow, handle, 'cancelled');
  if (handle.timeLeftMs() < STEP_TIME_MS_MIN && error.retryable) {
    return await goOnLater(services, handle);
  }
  const attempts = handle.run.attempts + 1;
  if (error.retryable && attempts < ATTEMPTS_MAX) {
    const pause = Math.min(RETRY_DELAY_MS_MAX, RETRY_DELAY_MS_MIN * 2 ** (attempts - 1));
    services.log.warn('Step failed, will be tried again', {
      runId: handle.run.id,
      step: handle.run.step,
      code: error.code,
      message: error.message,
      attempt: attempts,
      pauseMs: pause,
    });
    const nextAtMs = services.clock.now() + pause;
    const next = `attempt ${attempts + 1} of ${ATTEMPTS_MAX} at ${new Date(nextAtMs).toISOString()}`;
    await handle.showTrouble(troubleText(`${handle.run.step} failed, ${next}`, error));
    await handle.retryAfter(attempts, nextAtMs);
    return 'waiting';
  }
  return await abandon(services, workflow, handle, error);
}

/** Ends the record as Failed or Cancelled; a failure of that itself is tried again later. */
async function abandon(
  services: RunnerServices,
  workflow: Workflow<WorkRecord>,
  handle: RunHandle,
  why: 'cancelled' | BackupCentreError,
): Promise<InvocationResult> {
  handle.enterAbandon();
  try {
    await workflow.abandon(handle.context(), why);
  } catch (error) {
    if (error instanceof LeaseLostError || handle.leaseLost()) {
      throw new LeaseLostError(`Lease of run ${handle.run.id} was lost`);
    }
    if (!(error instanceof BackupCentreError && error.retryable)) throw error;
    const nextAtMs = services.clock.now() + RETRY_DELAY_MS_MAX / 10;
    const next = `tidying up failed too, next attempt at ${new Date(nextAtMs).toISOString()}`;
    const state = why === 'cancelled' ? 'cancelled' : `${handle.run.step} failed (${why.message})`;
    await handle.showTrouble(troubleText(`${state}, ${next}`, error));
    await handle.retryAfter(handle.run.attempts, nextAtMs);
    return 'waiting';
  }
  return await endRun(services, workflow, handle);
}

/** `capture failed, attempt 3 of 10 at 2026-..: Cannot ..: refused. Check that ..` */
function troubleText(state: string, error: BackupCentreError): string {
  const remedy = remedyOf(error.code);
  return `${state}: ${error.message}${remedy === undefined ? '' : `. ${remedy}`}`;
}

async function goOnLater(services: RunnerServices, handle: RunHandle): Promise<InvocationResult> {
  await handle.sleepUntil(services.clock.now());
  await dispatchRun(services, handle.run.id);
  return 'again';
}

/** The slot goes first: a worker that dies in between leaves a run that ends again, harmlessly. */
async function endRun(
  services: RunnerServices,
  workflow: Workflow<WorkRecord>,
  handle: RunHandle,
): Promise<InvocationResult> {
  await workflow.tellEnd?.(handle.context().record());
  const promoted = await releaseSlot(services.records, handle.run.cluster, handle.run.id);
  await handle.end();
  for (const runId of promoted) await dispatchRun(services, runId);
  return 'ended';
}

function remainingSteps(workflow: Workflow<WorkRecord>, from: string): readonly Step<WorkRecord>[] {
  if (from === '') return workflow.steps;
  if (from === END_STEP) return [];
  const index = workflow.steps.findIndex((s) => s.name === from);
  if (index < 0)
    throw new BackupCentreError('internal', `Unknown step ${from} of ${workflow.kind}`);
  return workflow.steps.slice(index);
}

const END_STEP = '(end)';

function nextStepName(workflow: Workflow<WorkRecord>, step: Step<WorkRecord>): string {
  const next = workflow.steps[workflow.steps.indexOf(step) + 1];
  return next?.name ?? END_STEP;
}
