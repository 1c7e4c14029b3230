import { expect, it } from 'vitest';
import { plansOfAYear, simulatePlans } from '../../test/support/simulate-plans.ts';

const PLANS = plansOfAYear();
const TIME_LIMIT_MS = 600_000;

it(
  'a year of plans makes exactly the runs that their schedules mean, whatever timers and instances do',
  async () => {
    const year = await simulatePlans({ plans: PLANS, seed: 7 });
    // None of what is said below may be for want of trouble.
    const { deaths, lostTicks, lostEvents } = year.happened;
    expect(Math.min(deaths, lostTicks, lostEvents)).toBeGreaterThan(10);
    expect(year.expectedSkipped.some((line) => line.endsWith('previous_run_active'))).toBe(true);
    expect(year.expectedSkipped.some((line) => line.endsWith('skip_next_run'))).toBe(true);
    expect(year.expected.length).toBeGreaterThan(20 * PLANS);
    expect(year.runs).toEqual(year.expected);
    expect(year.stored).toEqual(year.expected);
    expect(year.skipped).toEqual(year.expectedSkipped);
    expect(year.misled).toEqual([]);
    expect(year.phases).toEqual(['Completed']);
  },
  TIME_LIMIT_MS,
);
