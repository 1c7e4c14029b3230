import { refuse } from './errors.ts';
import type { Parameters } from './parameters.ts';

/** The test that `Filter.N.Key` CreationStartTime and CreationEndTime put on a creation time. */
export function withinCreationFilter(parameters: Parameters): (timeMs: number) => boolean {
  let fromMs = Number.NEGATIVE_INFINITY;
  let toMs = Number.POSITIVE_INFINITY;
  for (let n = 1; parameters.has(`Filter.${n}.Key`); n += 1) {
    const key = parameters.get(`Filter.${n}.Key`);
    if (key !== 'CreationStartTime' && key !== 'CreationEndTime') {
      throw refuse.notFound('InvalidFilterKey.NotFound', 'The specified FilterKey is not found.');
    }
    const timeMs = parseTime(parameters.get(`Filter.${n}.Value`) ?? '');
    if (key === 'CreationStartTime') fromMs = timeMs;
    else toMs = timeMs;
  }
  return (timeMs) => timeMs >= fromMs && timeMs <= toMs;
}

/** `2026-01-02T03:04Z` or with seconds. */
function parseTime(text: string): number {
  const timeMs = Date.parse(text);
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?Z$/.test(text) || Number.isNaN(timeMs)) {
    throw refuse.notFound('InvalidFilterValue', 'The specified FilterValue exceeds the limit.');
  }
  return timeMs;
}
