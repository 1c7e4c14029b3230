import { describe, expect, test } from 'vitest';
import { FakeClock } from '../../../test/support/fake-clock.ts';
import { CallRate } from './call-rate.ts';

describe('CallRate', () => {
  test('begins at most so many calls in any second, in order of arrival', async () => {
    const clock = new FakeClock({ startMs: 0 });
    const rate = new CallRate(clock, 3);
    const begun: [number, number][] = [];
    const call = async (number: number) => {
      await rate.turn();
      begun.push([number, clock.now()]);
    };
    const all = Promise.all([1, 2, 3, 4, 5, 6, 7].map(call));
    await clock.advance(999);
    expect(begun).toEqual([1, 2, 3].map((n) => [n, 0]));
    await clock.advance(1_001);
    await all;
    expect(begun.slice(3)).toEqual([
      [4, 1_000],
      [5, 1_000],
      [6, 1_000],
      [7, 2_000],
    ]);
  });

  test('who comes late does not wait', async () => {
    const clock = new FakeClock({ startMs: 0 });
    const rate = new CallRate(clock, 1);
    await rate.turn();
    await clock.advance(1_000);
    await rate.turn();
    expect(clock.sleeps).toEqual([]);
    const third = rate.turn();
    await clock.advance(1_000);
    await third;
    expect(clock.sleeps).toEqual([1_000]);
  });
});
