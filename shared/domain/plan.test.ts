import { expect, it } from 'vitest';
import { planRunName } from './plan.ts';

it('a run is named by its due time in UTC to the second, by hand with a mark', () => {
  const at = Date.parse('2026-03-29T03:04:05.999+02:00');
  expect(planRunName('nightly', at)).toBe('nightly-20260329010405');
  expect(planRunName('nightly', at, '0a1f')).toBe('nightly-20260329010405-m0a1f');
  expect(planRunName('p'.repeat(40), at, '0a1f')).toHaveLength(61);
});
