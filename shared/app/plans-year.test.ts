import { expect, it } from 'vitest';
import { plansOfAYear, simulatePlans } from '../../test/support/simulate-plans.ts';

const PLANS = plansOfAYear();
const TIME_LIMIT_MS = 3_600_000;

it(
  'a year of plans makes the runs that their schedules mean, and keeps what validity says',
  async () => {
    const year = await simulatePlans({ plans: PLANS, seed: 7 });
    // None of what is said below may be for want of trouble.
    const { deaths, lostTicks, lostEvents } = year.happened;
    expect(Math.min(deaths, lostTicks, lostEvents)).toBeGreaterThan(10);
    expect(year.expectedSkipped.some((line) => line.endsWith('previous_run_active'))).toBe(true);
    expect(year.expectedSkipped.some((line) => line.endsWith('skip_next_run'))).toBe(true);
    expect(year.expected.length).toBeGreaterThan(20 * PLANS);
    expect(year.runs).toEqual(year.expected);
    expect(year.records).toEqual(year.expectedRecords);
    expect(year.stored).toEqual(year.expectedStored);
    // Validity has ended for many, records have been forgotten, and data is still there.
    expect(year.records.length).toBeLessThan(year.runs.length);
    expect(year.stored.length).toBeGreaterThan(0);
    expect(year.stored.length).toBeLessThan(2 * year.records.length);
    expect(year.skipped).toEqual(year.expectedSkipped);
    expect(year.misled).toEqual([]);
    expect(year.phases).toEqual(['Completed']);
  },
  TIME_LIMIT_MS,
);
