import { describe, expect, test } from 'vitest';
import { allMet, compare, median, notMeasured, tableOf } from './figure.ts';

const show = (value: number) => value.toFixed(1);

describe('a figure', () => {
  test.each([
    ['higher', 0.9, 'aim met'],
    ['higher', 0.8, 'aim met'],
    ['higher', 0.7, 'must met'],
    ['higher', 0.5, 'MISS'],
    ['higher', Number.NaN, 'MISS'],
  ] as const)('that should be %s at %d: %s', (better, value, verdict) => {
    expect(compare({ what: 'x', value, better, must: 0.6, aim: 0.8, show }).verdict).toBe(verdict);
  });

  test.each([
    [100, 'aim met'],
    [200, 'must met'],
    [300, 'MISS'],
    [Number.NaN, 'MISS'],
  ] as const)('that should be lower at %d: %s', (value, verdict) => {
    const limits = { what: 'x', better: 'lower', must: 250, aim: 150, show } as const;
    expect(compare({ ...limits, value }).verdict).toBe(verdict);
  });

  test('a miss and a figure that is not there both fail the bench', () => {
    const met = compare({ what: 'x', value: 1, better: 'lower', must: 2, show });
    const missed = compare({ what: 'x', value: 3, better: 'lower', must: 2, show });
    expect(allMet([met])).toBe(true);
    expect(allMet([met, missed])).toBe(false);
    expect(allMet([met, notMeasured('y', 'no cluster')])).toBe(false);
  });

  test('the table shows each figure beside its must and aim', () => {
    const figure = compare({ what: 'reads', value: 3, better: 'lower', must: 2, aim: 1, show });
    expect(tableOf([figure])).toBe(
      [
        '| what  | measured | must   | aim    | verdict |',
        '| ----- | -------- | ------ | ------ | ------- |',
        '| reads | 3.0      | <= 2.0 | <= 1.0 | MISS    |',
      ].join('\n'),
    );
  });

  test('the median of runs is none of the extremes', () => {
    expect(median([9, 1, 2])).toBe(2);
    expect(median([])).toBeNaN();
  });
});
