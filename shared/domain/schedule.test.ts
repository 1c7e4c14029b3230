import { describe, expect, it } from 'vitest';
import { ValidationError } from './errors.ts';
import { nextDue, nextRuns, parseSchedule, type ScheduleInput } from './schedule.ts';

const at = (text: string): number => Date.parse(text);

/** Due times of a cron line after an instant, as RFC 3339 without seconds. */
function runs(cron: string, timeZone: string, after: string, count: number): string[] {
  const schedule = parseSchedule({ cron, timeZone });
  return nextRuns(schedule, 0, at(after), count).map((ms) => {
    expect(ms % 60_000).toBe(0);
    return new Date(ms).toISOString().slice(0, 16);
  });
}

function rulesOf(input: ScheduleInput): readonly { path: string; rule: string }[] {
  try {
    parseSchedule(input);
  } catch (error) {
    if (error instanceof ValidationError) return error.rules;
    throw error;
  }
  return [];
}

describe('cron in UTC', () => {
  it.each([
    ['1 4 * * *', '2026-11-24T14:43:00Z', ['2026-11-25T04:01', '2026-11-26T04:01']],
    ['1 4 * * *', '2026-11-25T04:01:00Z', ['2026-11-26T04:01']],
    ['1 4 * * *', '2026-11-25T04:00:59.999Z', ['2026-11-25T04:01']],
    ['*/20 * * * *', '2026-01-01T00:01:30Z', ['2026-01-01T00:20', '2026-01-01T00:40']],
    ['5-50/20 9-17/4 * * *', '2026-01-01T09:30:00Z', ['2026-01-01T09:45', '2026-01-01T13:05']],
    ['0,30 6,18 * * *', '2026-01-01T06:00:00Z', ['2026-01-01T06:30', '2026-01-01T18:00']],
    ['0 0 31 * *', '2026-01-31T00:00:00Z', ['2026-03-31T00:00', '2026-05-31T00:00']],
    ['0 0 29 2 *', '2026-01-01T00:00:00Z', ['2028-02-29T00:00', '2032-02-29T00:00']],
    ['0 0 29 2 *', '2096-02-29T00:00:00Z', ['2104-02-29T00:00']],
    ['0 0 30 4,feb *', '2026-01-01T00:00:00Z', ['2026-04-30T00:00', '2027-04-30T00:00']],
    ['0 0 * * 7', '2026-11-24T00:00:00Z', ['2026-11-29T00:00', '2026-12-06T00:00']],
    ['0 0 * * SUN', '2026-11-24T00:00:00Z', ['2026-11-29T00:00']],
    ['0 0 * * 5-7', '2026-11-24T00:00:00Z', ['2026-11-27T00:00', '2026-11-28T00:00']],
    ['0 0 * * Mon-fri/2', '2026-11-24T00:00:00Z', ['2026-11-25T00:00', '2026-11-27T00:00']],
    ['0 0 1 JAN,jul *', '2026-01-01T00:00:00Z', ['2026-07-01T00:00', '2027-01-01T00:00']],
    ['0 0 1 */6 *', '2026-01-01T00:00:00Z', ['2026-07-01T00:00', '2027-01-01T00:00']],
    ['  00\t02  *  * * ', '2026-01-01T00:00:00Z', ['2026-01-01T02:00']],
  ])('%s after %s', (cron, after, expected) => {
    expect(runs(cron, 'UTC', after, expected.length)).toEqual(expected);
  });

  it.each([
    // The manual's own slip: the 15th and every Monday, not the 15th alone.
    ['0 2 15 * 1', ['2026-12-07T02:00', '2026-12-14T02:00', '2026-12-15T02:00']],
    ['0 2 */10 * 1', ['2026-12-01T02:00', '2026-12-07T02:00', '2026-12-11T02:00']],
    ['0 2 31 2 1', ['2027-02-01T02:00', '2027-02-08T02:00', '2027-02-15T02:00']],
    ['0 2 1-31 * 1', ['2026-12-01T02:00', '2026-12-02T02:00', '2026-12-03T02:00']],
    ['0 2 * * 1', ['2026-12-07T02:00', '2026-12-14T02:00', '2026-12-21T02:00']],
    ['0 2 15 * *', ['2026-12-15T02:00', '2027-01-15T02:00', '2027-02-15T02:00']],
  ])('%s: both day fields set mean either', (cron, expected) => {
    expect(runs(cron, 'UTC', '2026-11-30T12:00:00Z', 3)).toEqual(expected);
  });
});

describe('cron in a time zone', () => {
  it.each([
    [
      'Asia/Shanghai',
      '0 2 * * *',
      '2026-03-28T12:00:00Z',
      ['2026-03-28T18:00', '2026-03-29T18:00'],
    ],
    ['Asia/Kolkata', '0 2 * * *', '2026-03-28T12:00:00Z', ['2026-03-28T20:30', '2026-03-29T20:30']],
    ['Asia/Kathmandu', '0 0 1 * *', '2026-03-28T12:00:00Z', ['2026-03-31T18:15']],
    // 2:30 does not exist on 29 March in Berlin: once, at 3:00 CEST.
    [
      'Europe/Berlin',
      '30 2 * * *',
      '2026-03-28T00:00:00Z',
      ['2026-03-28T01:30', '2026-03-29T01:00', '2026-03-30T00:30'],
    ],
    // Three times in the gap and the one after it are one.
    [
      'Europe/Berlin',
      '0,20,40 2,3 29 3 *',
      '2026-03-29T00:00:00Z',
      ['2026-03-29T01:00', '2026-03-29T01:20', '2026-03-29T01:40', '2027-03-29T00:00'],
    ],
    // 2:30 exists twice on 25 October: at the first.
    [
      'Europe/Berlin',
      '30 2 * * *',
      '2026-10-24T00:00:00Z',
      ['2026-10-24T00:30', '2026-10-25T00:30', '2026-10-26T01:30'],
    ],
    // Asked in the hour that comes twice, in its second pass.
    ['Europe/Berlin', '30 2 * * *', '2026-10-25T01:10:00Z', ['2026-10-26T01:30']],
    // Every hour of real time, both ways.
    [
      'Europe/Berlin',
      '30 * * * *',
      '2026-10-24T23:31:00Z',
      ['2026-10-25T00:30', '2026-10-25T01:30', '2026-10-25T02:30'],
    ],
    [
      'Europe/Berlin',
      '30 * * * *',
      '2026-03-29T00:00:00Z',
      ['2026-03-29T00:30', '2026-03-29T01:30', '2026-03-29T02:30'],
    ],
    [
      'America/New_York',
      '0 2 * * *',
      '2026-03-07T12:00:00Z',
      ['2026-03-08T07:00', '2026-03-09T06:00'],
    ],
    [
      'America/New_York',
      '0 1 * * *',
      '2026-10-31T12:00:00Z',
      ['2026-11-01T05:00', '2026-11-02T06:00'],
    ],
    // Half an hour of daylight saving: 2:00 to 2:30 in October, 2:00 to 1:30 in April.
    [
      'Australia/Lord_Howe',
      '15 2 * * *',
      '2026-10-03T00:00:00Z',
      ['2026-10-03T15:30', '2026-10-04T15:15'],
    ],
    [
      'Australia/Lord_Howe',
      '45 1 * * *',
      '2026-04-04T00:00:00Z',
      ['2026-04-04T14:45', '2026-04-05T15:15'],
    ],
    // Midnight itself does not exist.
    ['Africa/Cairo', '0 0 * * *', '2026-04-23T00:00:00Z', ['2026-04-23T22:00', '2026-04-24T21:00']],
    // Every two hours is not every hour: the run in the gap is not lost.
    [
      'Europe/Berlin',
      '0 */2 * * *',
      '2026-03-28T23:30:00Z',
      ['2026-03-29T01:00', '2026-03-29T02:00'],
    ],
  ])('%s %s after %s', (timeZone, cron, after, expected) => {
    expect(runs(cron, timeZone, after, expected.length)).toEqual(expected);
  });
});

describe('every', () => {
  it.each([
    ['6h30m', 23_400_000],
    ['1d', 86_400_000],
    ['5m', 300_000],
    ['300s', 300_000],
    ['1d12h', 129_600_000],
    ['65536d', 5_662_310_400_000],
  ])('%s counts from the creation, on a grid', (every, length) => {
    const schedule = parseSchedule({ every });
    const created = at('2026-03-28T10:11:12.345Z');
    expect(nextDue(schedule, created, created)).toBe(created + length);
    expect(nextDue(schedule, created, created + length - 1)).toBe(created + length);
    expect(nextDue(schedule, created, created + length)).toBe(created + 2 * length);
    expect(nextDue(schedule, created, created + 17.5 * length)).toBe(created + 18 * length);
    expect(nextDue(schedule, created, created - 1)).toBe(created + length);
  });

  it('is elapsed time, whatever the clocks of its zone do', () => {
    const schedule = parseSchedule({ every: '1d', timeZone: 'Europe/Berlin' });
    const created = at('2026-03-28T12:00:00Z');
    expect(
      nextRuns(schedule, created, created, 3).map((ms) => (ms - created) / 86_400_000),
    ).toEqual([1, 2, 3]);
  });

  it.each(['cron', 'every'])('@every under %s is a synonym', (field) => {
    expect(parseSchedule({ [field]: '@every 6h' })).toEqual({ every: '6h', timeZone: 'UTC' });
  });
});

describe('a schedule is refused', () => {
  it.each([
    [{ cron: '0 2 * *' }, 'schedule.cron', /exactly five fields .*found 4/],
    [{ cron: '' }, 'schedule.cron', /exactly five fields .*found 0/],
    [{ cron: '0 0 2 * * *' }, 'schedule.cron', /exactly five fields .*found 6/],
    [{ cron: '@daily' }, 'schedule.cron', /exactly five fields/],
    [{ cron: '60 * * * *' }, 'schedule.cron', /minute 60: must be 0 to 59/],
    [{ cron: '0 24 * * *' }, 'schedule.cron', /hour 24: must be 0 to 23/],
    [{ cron: '0 0 0 * *' }, 'schedule.cron', /day of month 0: must be 1 to 31/],
    [{ cron: '0 0 32 * *' }, 'schedule.cron', /day of month 32/],
    [{ cron: '0 0 * 13 *' }, 'schedule.cron', /month 13: must be 1 to 12 or a name/],
    [{ cron: '0 0 * * 8' }, 'schedule.cron', /day of week 8: must be 0 to 7 or a name/],
    [{ cron: '0 0 * foo *' }, 'schedule.cron', /month foo/],
    [{ cron: 'mon 0 * * *' }, 'schedule.cron', /minute mon/],
    [{ cron: '0 0 L * *' }, 'schedule.cron', /day of month L/],
    [{ cron: '0 0 15W * *' }, 'schedule.cron', /day of month 15W/],
    [{ cron: '0 0 * * 1#2' }, 'schedule.cron', /day of week 1#2/],
    [{ cron: '0 0 ? * 1' }, 'schedule.cron', /day of month \?/],
    [{ cron: 'H 2 * * *' }, 'schedule.cron', /minute H/],
    [{ cron: '-5 2 * * *' }, 'schedule.cron', /minute is empty/],
    [{ cron: '1,,2 2 * * *' }, 'schedule.cron', /minute is empty/],
    [{ cron: '1.5 2 * * *' }, 'schedule.cron', /minute 1\.5/],
    [{ cron: '*/0 * * * *' }, 'schedule.cron', /minute \*\/0: a step is a number of 1 to 99/],
    [{ cron: '*/5/2 * * * *' }, 'schedule.cron', /a step is/],
    [{ cron: '5/15 * * * *' }, 'schedule.cron', /a step needs a range/],
    [{ cron: '1-5-9 * * * *' }, 'schedule.cron', /not a range/],
    [{ cron: '0 22-2 * * *' }, 'schedule.cron', /the range ends before it begins/],
    [{ cron: '0 0 * * fri-mon' }, 'schedule.cron', /the range ends before it begins/],
    [{ cron: '0 0 31 2 *' }, 'schedule.cron', /never comes due/],
    [{ cron: '0 0 31 4,6,9,11 *' }, 'schedule.cron', /never comes due/],
    [{ cron: `${'1,'.repeat(300)}1 * * * *` }, 'schedule.cron', /at most 500 characters/],
    [{ every: '4m59s' }, 'schedule.every', /at least 5 minutes/],
    [{ every: '0h' }, 'schedule.every', /at least 5 minutes/],
    [{ every: '65537d' }, 'schedule.every', /at most 65536 days/],
    [{ every: '1.5h' }, 'schedule.every', /a duration of the units/],
    [{ every: '90' }, 'schedule.every', /a duration of the units/],
    [{ every: '1w' }, 'schedule.every', /a duration of the units/],
    [{ every: '-1h' }, 'schedule.every', /a duration of the units/],
    [{ every: '1h1h' }, 'schedule.every', /a duration of the units/],
    [{ every: '' }, 'schedule.every', /a duration of the units/],
    [{ cron: '@every 1m' }, 'schedule.cron', /at least 5 minutes/],
    [{ cron: '0 2 * * *', every: '1h' }, 'schedule', /exactly one/],
    [{}, 'schedule', /exactly one/],
    [{ every: '1h', timeZone: 'Mars/Olympus' }, 'schedule.timeZone', /IANA time zone/],
    [{ every: '1h', timeZone: '+08:00' }, 'schedule.timeZone', /IANA time zone/],
    [{ every: '1h', timeZone: '' }, 'schedule.timeZone', /IANA time zone/],
  ])('%j', (input: ScheduleInput, path, rule) => {
    const [first, ...others] = rulesOf(input);
    expect(others).toEqual([]);
    expect(first?.path).toBe(path);
    expect(first?.rule).toMatch(rule);
  });
});
