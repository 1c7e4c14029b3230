/** Waiting for the target: a little in place, then by giving the invocation back. */
import type { RestoreServices } from '../../restore-services.ts';
import type { StepContext, StepOutcome, WorkRecord } from '../../step.ts';

/** Longest wait inside an invocation (design §2), and the pause between two looks; ms. */
const IN_PLACE_MS = 20_000;
const PAUSE_MS = 1_000;
/** Time that must be left after a wait in place, ms. */
const TIME_LEFT_MS_MIN = 15_000;
/** Pause while no function runs, ms. */
const WAKE_AFTER_MS = 15_000;

/** What a look at the cluster needs. */
export interface WaitFor {
  /** Whether what is waited for has come. */
  readonly isThere: () => Promise<boolean>;
  /** From then on it is no longer waited for, ms since the epoch. */
  readonly deadlineMs: number;
}

/** `there`, `late` at the deadline, or the outcome with which the step gives the invocation back. */
export async function waitInPlace(
  services: Pick<RestoreServices, 'clock'>,
  context: StepContext<WorkRecord> | Pick<StepContext<WorkRecord>, 'timeLeftMs' | 'signal'>,
  wanted: WaitFor,
): Promise<'there' | 'late' | StepOutcome> {
  const { clock } = services;
  const until = clock.now() + IN_PLACE_MS;
  for (;;) {
    if (await wanted.isThere()) return 'there';
    const now = clock.now();
    if (now >= wanted.deadlineMs) return 'late';
    if (now >= until || context.timeLeftMs() < TIME_LEFT_MS_MIN + PAUSE_MS) {
      return { kind: 'wait', wakeAtMs: Math.min(now + WAKE_AFTER_MS, wanted.deadlineMs) };
    }
    await clock.sleep(PAUSE_MS, context.signal);
  }
}
