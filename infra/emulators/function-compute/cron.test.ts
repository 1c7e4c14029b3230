import { describe, expect, it } from 'vitest';
import { parseTimer } from './cron.ts';

function lastDue(expression: string, at: string, start = '2026-01-01T00:00:00Z'): string {
  const due = parseTimer(expression, Date.parse(start)).lastDueAt(Date.parse(at));
  return due === undefined ? 'never' : new Date(due).toISOString().replace('.000Z', 'Z');
}

describe('a timer expression', () => {
  it.each([
    ['@every 1m', '2026-01-01T00:00:59Z', 'never'],
    ['@every 1m', '2026-01-01T00:01:00Z', '2026-01-01T00:01:00Z'],
    ['@every 90s', '2026-01-01T00:05:00Z', '2026-01-01T00:04:30Z'],
    ['@every 6h', '2026-01-03T05:59:59Z', '2026-01-03T00:00:00Z'],
    ['0 0 4 * * *', '2026-03-10T03:59:59Z', '2026-03-09T04:00:00Z'],
    ['0 0 4 * * *', '2026-03-10T04:00:00Z', '2026-03-10T04:00:00Z'],
    ['30 */15 8-10 ? * MON-FRI', '2026-03-09T07:00:00Z', '2026-03-06T10:45:30Z'],
    ['0 0 0 1 JAN,jul *', '2026-03-09T07:00:00Z', '2026-01-01T00:00:00Z'],
    ['0 0 0 29 2 *', '2027-03-09T07:00:00Z', '2024-02-29T00:00:00Z'],
    ['0 0 0 31 2 *', '2026-03-09T07:00:00Z', 'never'],
    ['0 0 0 13 * 5', '2026-03-12T07:00:00Z', '2026-03-06T00:00:00Z'],
    ['0 0 0 ? * 7', '2026-03-09T07:00:00Z', '2026-03-08T00:00:00Z'],
    ['0 5/20 * * * *', '2026-03-09T07:24:59Z', '2026-03-09T07:05:00Z'],
    ['CRON_TZ=Asia/Shanghai 0 0 4 1 * *', '2026-03-09T07:00:00Z', '2026-02-28T20:00:00Z'],
    ['CRON_TZ=Europe/Berlin 0 30 2 * * *', '2026-03-29T12:00:00Z', '2026-03-28T01:30:00Z'],
  ])('%s was last due before %s at %s', (expression, at, expected) => {
    expect(lastDue(expression, at)).toBe(expected);
  });

  it.each([
    ['* * * * *', 'has 5 fields, needs 6'],
    ['60 * * * * *', "'second' is '60'"],
    ['0 0 5-4 * * *', "'hour' is '5-4'"],
    ['0 0 0 0 * *', "'day of month' is '0'"],
    ['0 0 0 * FOO *', "'month' is 'FOO'"],
    ['0 */0 * * * *', "'minute' is '*/0'"],
    ['@every 0m', 'is zero'],
  ])('%s is refused: %s', (expression, message) => {
    expect(() => parseTimer(expression, 0)).toThrow(message);
  });
});
