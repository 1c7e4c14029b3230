import { describe, expect, test } from 'vitest';
import { FakeClock } from '../../test/support/fake-clock.ts';
import { SeededEntropy } from '../../test/support/seeded-entropy.ts';
import { BackupCentreError, ThrottledError, UnavailableError } from '../domain/errors.ts';
import { withRetries } from './bounded-retry.ts';

const limits = { attemptsMax: 4, delayMsMin: 100, delayMsMax: 1_000, totalMsMax: 60_000 };

function failing(times: number, error: Error, clock?: FakeClock, tookMs = 0) {
  let calls = 0;
  const attempt = async () => {
    calls += 1;
    if (clock !== undefined) await clock.sleep(tookMs);
    if (calls <= times) throw error;
    return 'done';
  };
  return { attempt, calls: () => calls };
}

describe('bounded retry', () => {
  const unavailable = new UnavailableError('internal', 'down');

  test('a call that recovers succeeds after pauses that grow and vary', async () => {
    const clock = new FakeClock({ impatient: true });
    const { attempt } = failing(3, unavailable);
    const pacing = { clock, entropy: new SeededEntropy() };
    expect(await withRetries(pacing, limits, attempt)).toBe('done');
    const [first = 0, second = 0, third = 0] = clock.sleeps;
    expect(clock.sleeps).toHaveLength(3);
    expect(first).toBeGreaterThanOrEqual(50);
    expect(first).toBeLessThanOrEqual(100);
    expect(second).toBeGreaterThanOrEqual(100);
    expect(third).toBeGreaterThanOrEqual(200);
    expect(third).toBeLessThanOrEqual(400);
  });

  test('the last error is thrown when the attempts are used up', async () => {
    const clock = new FakeClock({ impatient: true });
    const { attempt, calls } = failing(99, unavailable);
    const run = withRetries({ clock, entropy: new SeededEntropy() }, limits, attempt);
    await expect(run).rejects.toBe(unavailable);
    expect(calls()).toBe(4);
  });

  test('an error that is not retryable, or no error of ours, ends it at once', async () => {
    const clock = new FakeClock({ impatient: true });
    for (const error of [new BackupCentreError('internal', 'no'), new Error('bug')]) {
      const { attempt, calls } = failing(99, error);
      const run = withRetries({ clock, entropy: new SeededEntropy() }, limits, attempt);
      await expect(run).rejects.toBe(error);
      expect(calls()).toBe(1);
    }
  });

  test('a wish of the service is honoured up to the longest pause', async () => {
    const clock = new FakeClock({ impatient: true });
    const { attempt } = failing(1, new ThrottledError('slow down', 700));
    await withRetries({ clock, entropy: new SeededEntropy() }, limits, attempt);
    expect(clock.sleeps).toEqual([700]);
  });

  test('no attempt begins after the total time', async () => {
    const clock = new FakeClock({ impatient: true });
    const { attempt, calls } = failing(99, unavailable, clock, 40_000);
    const run = withRetries({ clock, entropy: new SeededEntropy() }, limits, attempt);
    await expect(run).rejects.toBe(unavailable);
    expect(calls()).toBe(2);
  });
});
