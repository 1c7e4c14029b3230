import type { IntOrPercent } from './workload-objects.ts';

/** A number as it is, a percentage of the total rounded up or down. */
export function scaled(
  value: IntOrPercent | undefined,
  total: number,
  options: { round: 'up' | 'down'; fallback: IntOrPercent },
): number {
  const chosen = value ?? options.fallback;
  if (typeof chosen === 'number') return chosen;
  const exact = (Number.parseInt(chosen, 10) * total) / 100;
  return options.round === 'up' ? Math.ceil(exact) : Math.floor(exact);
}
