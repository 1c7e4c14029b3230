import { describe, expect, test } from 'vitest';
import { SystemClock } from './system-clock.ts';

describe('system clock', () => {
  test('a sleep lasts about as long as asked', async () => {
    const clock = new SystemClock();
    const before = clock.now();
    await clock.sleep(20);
    expect(clock.now() - before).toBeGreaterThanOrEqual(19);
  });

  test('an aborted sleep rejects with the reason, whether aborted before or during it', async () => {
    const clock = new SystemClock();
    const reason = new Error('stop');
    await expect(clock.sleep(60_000, AbortSignal.abort(reason))).rejects.toBe(reason);
    const controller = new AbortController();
    const sleeping = clock.sleep(60_000, controller.signal);
    controller.abort(reason);
    await expect(sleeping).rejects.toBe(reason);
  });
});
