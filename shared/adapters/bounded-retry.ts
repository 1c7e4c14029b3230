/** Repeating a call that may work later: bounded, with growing pauses and jitter. */
import { BackupCentreError, ThrottledError } from '../domain/errors.ts';
import type { Clock } from '../ports/clock.ts';
import type { Entropy } from '../ports/entropy.ts';

/** What pauses between attempts are made of. */
export interface Pacing {
  readonly clock: Clock;
  readonly entropy: Entropy;
}

/** How often and how long. */
export interface RetryLimits {
  readonly attemptsMax: number;
  readonly delayMsMin: number;
  readonly delayMsMax: number;
  /** No further attempt begins when this much time has passed, ms. */
  readonly totalMsMax: number;
  /** Which retryable errors are repeated here; all, unless given. */
  readonly isRepeatable?: (error: BackupCentreError) => boolean;
}

/** Six attempts, at most about 6 s of pauses: longer outages are the caller's to wait for. */
export const STORE_RETRIES: RetryLimits = {
  attemptsMax: 6,
  delayMsMin: 100,
  delayMsMax: 3_000,
  totalMsMax: 20_000,
};

/**
 * Runs `attempt` until it succeeds, throws an error that is not retryable, or the attempts are used
 * up; then its last error is thrown.
 */
export async function withRetries<T>(
  pacing: Pacing,
  limits: RetryLimits,
  attempt: (number: number) => Promise<T>,
): Promise<T> {
  const startMs = pacing.clock.now();
  for (let number = 1; ; number += 1) {
    try {
      return await attempt(number);
    } catch (error) {
      const isRetryable =
        error instanceof BackupCentreError &&
        error.retryable &&
        (limits.isRepeatable?.(error) ?? true);
      const isLast =
        number >= limits.attemptsMax || pacing.clock.now() - startMs >= limits.totalMsMax;
      if (!isRetryable || isLast) throw error;
      await pacing.clock.sleep(pauseMs(pacing.entropy, limits, number, error));
    }
  }
}

/** Half fixed, half random, doubling with each attempt; a service's own wish is honoured if larger. */
function pauseMs(
  entropy: Entropy,
  limits: RetryLimits,
  number: number,
  error: BackupCentreError,
): number {
  const ceiling = Math.min(limits.delayMsMax, limits.delayMsMin * 2 ** (number - 1));
  const random = Number.parseInt(entropy.hex(4), 16) / 0xffff_ffff;
  const wish = error instanceof ThrottledError ? error.retryAfterMs : 0;
  return Math.min(limits.delayMsMax, Math.max(wish, Math.round(ceiling * (0.5 + 0.5 * random))));
}
