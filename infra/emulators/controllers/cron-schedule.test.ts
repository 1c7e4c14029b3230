import { describe, expect, it } from 'vitest';
import { parseCron } from './cron-schedule.ts';

const at = (text: string): number => Date.parse(text);

describe('a CronJob schedule', () => {
  it.each([
    ['* * * * *', '2026-03-01T10:00:00Z', '2026-03-01T10:01:00Z'],
    ['*/15 * * * *', '2026-03-01T10:07:30Z', '2026-03-01T10:15:00Z'],
    ['0 2 * * *', '2026-03-01T02:00:00Z', '2026-03-02T02:00:00Z'],
    ['30 4 1 jan *', '2026-03-01T00:00:00Z', '2027-01-01T04:30:00Z'],
    ['0 0 29 2 *', '2026-03-01T00:00:00Z', '2028-02-29T00:00:00Z'],
    ['0 0 * * sun', '2026-03-02T00:00:00Z', '2026-03-08T00:00:00Z'],
    ['0 0 * * 7', '2026-03-02T00:00:00Z', '2026-03-08T00:00:00Z'],
    ['0 2 15 * 1', '2026-03-01T00:00:00Z', '2026-03-02T02:00:00Z'],
    ['@hourly', '2026-03-01T10:59:59Z', '2026-03-01T11:00:00Z'],
    ['10-20/5 8 * * 1-5', '2026-03-06T08:20:00Z', '2026-03-09T08:10:00Z'],
  ])('%s comes after %s at %s', (text, after, expected) => {
    expect(parseCron(text)?.next(at(after))).toBe(at(expected));
  });

  it('tells the last time that has come', () => {
    const schedule = parseCron('0 2 * * *');
    expect(schedule?.latest(at('2026-03-05T01:59:59Z'))).toBe(at('2026-03-04T02:00:00Z'));
    expect(schedule?.latest(at('2026-03-05T02:00:00Z'))).toBe(at('2026-03-05T02:00:00Z'));
  });

  it('follows its time zone over a change of the clocks', () => {
    const schedule = parseCron('30 9 * * *', 'Europe/Berlin');
    expect(schedule?.next(at('2026-03-28T00:00:00Z'))).toBe(at('2026-03-28T08:30:00Z'));
    expect(schedule?.next(at('2026-03-29T00:00:00Z'))).toBe(at('2026-03-29T07:30:00Z'));
  });

  it.each(['', '* * * *', '61 * * * *', '* * 0 * *', 'a b c d e', '*/0 * * * *', '5-1 * * * *'])(
    'is refused when it reads %j',
    (text) => {
      expect(parseCron(text)).toBeUndefined();
    },
  );

  it('is refused with an unknown time zone, and never comes on an impossible date', () => {
    expect(parseCron('* * * * *', 'Mars/Olympus')).toBeUndefined();
    expect(parseCron('0 0 31 2 *')?.next(at('2026-01-01T00:00:00Z'))).toBeUndefined();
  });
});
