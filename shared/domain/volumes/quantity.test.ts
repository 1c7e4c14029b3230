import { describe, expect, it } from 'vitest';
import { GIB, quantityBytes } from './quantity.ts';

describe('a quantity in bytes', () => {
  it.each([
    ['0', 0],
    ['20Gi', 20 * GIB],
    ['1.5Gi', 1.5 * GIB],
    ['+1Ki', 1024],
    ['.5Ki', 512],
    ['1Ei', 2 ** 60],
    ['20G', 20e9],
    ['1.1G', 1_100_000_000],
    ['1E', 1e18],
    ['1e3', 1000],
    ['12E2', 1200],
    ['1500m', 2],
    ['1n', 1],
    ['1u', 1],
    [1024, 1024],
  ])('%s is %d', (quantity, bytes) => {
    expect(quantityBytes(quantity)).toBe(bytes);
  });

  it.each(['', 'Gi', '1 Gi', '1gi', '1K', '-1Gi', 'ten', undefined, null, {}])(
    '%s is none',
    (q) => {
      expect(quantityBytes(q)).toBeUndefined();
    },
  );
});
