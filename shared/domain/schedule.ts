/**
 * When a plan runs. A cron line is read on the wall clock of its time zone; the calendar is
 * cron-parser's, asked in UTC where no day is special, and daylight saving is decided here, by cron's
 * usual rule: a time that does not exist on a day runs once, at the moment after the gap; a time that
 * exists twice runs once, at the first; a line whose hour is `*` runs in real time, so by what the clock
 * shows. An interval counts elapsed time from the plan's creation, whatever the clocks do.
 */
import { CronExpressionParser } from 'cron-parser';
import { type CronFields, hasDays, readCron } from './cron-fields.ts';
import { ValidationError } from './errors.ts';
import type { Schedule } from './plan.ts';
import { firstChange, instantOf, isTimeZone, offsetAt } from './wall-clock.ts';

/** Shortest interval between two runs (design §8). */
const EVERY_MS_MIN = 5 * 60_000;
/** Longest one: the longest validity of a backup, in ms (design §8, retentionDays). */
const EVERY_MS_MAX = 65_536 * 86_400_000;
const UNIT_MS = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1000 } as const;

/** What a caller says of a schedule; exactly one of `cron` and `every`. */
export interface ScheduleInput {
  readonly cron?: string | undefined;
  readonly every?: string | undefined;
  readonly timeZone?: string | undefined;
}

/**
 * A schedule that comes due again and again. `@every 6h` as cron is another way to say `every`.
 * @throws ValidationError with path (`schedule...`) and rule
 */
export function parseSchedule(input: ScheduleInput): Schedule {
  const { cron, every, timeZone = 'UTC' } = input;
  if (!isTimeZone(timeZone)) {
    throw broken(
      'schedule.timeZone',
      'must be the name of an IANA time zone such as Asia/Shanghai',
    );
  }
  if ((cron === undefined) === (every === undefined)) {
    throw broken('schedule', 'must have exactly one of cron and every');
  }
  const path = every === undefined ? 'schedule.cron' : 'schedule.every';
  const text = (every ?? cron ?? '').trim();
  const interval = /^@every[ \t]+(.*)$/.exec(text)?.[1] ?? every?.trim();
  if (interval !== undefined) {
    const length = intervalMs(interval);
    if (typeof length === 'string') throw broken(path, length);
    return { every: interval, timeZone };
  }
  const reading = readCron(text);
  if ('broken' in reading) throw broken(path, reading.broken);
  return { cron: text, timeZone };
}

/** The first due time strictly after `afterMs`; `every` counts from `createdAtMs` on a fixed grid. */
export function nextDue(schedule: Schedule, createdAtMs: number, afterMs: number): number {
  if ('every' in schedule) {
    const length = intervalMs(schedule.every);
    if (typeof length === 'string') throw broken('schedule.every', length);
    const passed = Math.floor((afterMs - createdAtMs) / length);
    return createdAtMs + Math.max(passed + 1, 1) * length;
  }
  const reading = readCron(schedule.cron);
  if ('broken' in reading) throw broken('schedule.cron', reading.broken);
  const isHourly = reading.fields.hours === undefined;
  return (isHourly ? nextShown : nextMeant)(reading.fields, schedule.timeZone, afterMs);
}

/** The next due times after `afterMs`, rising. */
export function nextRuns(
  schedule: Schedule,
  createdAtMs: number,
  afterMs: number,
  count: number,
): readonly number[] {
  const times: number[] = [];
  let after = afterMs;
  while (times.length < count) {
    after = nextDue(schedule, createdAtMs, after);
    times.push(after);
  }
  return times;
}

/** By what the clock shows, from one change of the clocks to the next. */
function nextShown(fields: CronFields, timeZone: string, afterMs: number): number {
  let from = afterMs;
  let wall = afterMs + offsetAt(timeZone, afterMs);
  for (;;) {
    const offset = offsetAt(timeZone, from);
    const due = nextWall(fields, wall) - offset;
    const change = firstChange(timeZone, from, due);
    if (change === undefined) return due;
    from = change;
    // What the clock shows right at the change may be due too.
    wall = change + offsetAt(timeZone, change) - 1;
  }
}

/** By what is meant: each wall time of the line once. Later wall times never come to earlier instants. */
function nextMeant(fields: CronFields, timeZone: string, afterMs: number): number {
  let wall = afterMs + offsetAt(timeZone, afterMs);
  for (;;) {
    wall = nextWall(fields, wall);
    const due = instantOf(timeZone, wall);
    if (due > afterMs) return due;
  }
}

/** The next wall time of a line; with both day fields set, of either. */
function nextWall(fields: CronFields, wallMs: number): number {
  const { minutes, hours, days, months, weekDays } = fields;
  const lines = [];
  if (weekDays === undefined || (days !== undefined && hasDays(fields))) {
    lines.push([minutes, hours, days, months, undefined]);
  }
  if (weekDays !== undefined) lines.push([minutes, hours, undefined, months, weekDays]);
  const times = lines.map((line) => {
    const text = line.map((values) => values?.join(',') ?? '*').join(' ');
    return CronExpressionParser.parse(text, { currentDate: new Date(wallMs), tz: 'UTC' })
      .next()
      .getTime();
  });
  return Math.min(...times);
}

/** The length of `6h30m`, ms, or the rule that it breaks. */
function intervalMs(text: string): number | string {
  const parts = [...text.matchAll(/(\d{1,7})([dhms])/g)];
  const units = new Set(parts.map((part) => part[2]));
  const isWhole = parts.map((part) => part[0]).join('') === text && text !== '';
  if (!isWhole || units.size !== parts.length) {
    return 'must be a duration of the units d, h, m and s, such as 6h30m or 1d';
  }
  let length = 0;
  for (const [, amount, unit] of parts) {
    if (unit === 'd' || unit === 'h' || unit === 'm' || unit === 's') {
      length += Number(amount) * UNIT_MS[unit];
    }
  }
  if (length < EVERY_MS_MIN) return 'must be at least 5 minutes';
  return length > EVERY_MS_MAX ? 'must be at most 65536 days' : length;
}

function broken(path: string, rule: string): ValidationError {
  return new ValidationError('The schedule is not valid', [{ path, rule }]);
}
