/**
 * Cron lines against brute force: every minute of a stretch of time is looked at on the zone's own
 * clock, as Intl prints it. Lines and their values are made together, so nothing is parsed twice.
 */
import { expect, it } from 'vitest';
import { ValidationError } from './errors.ts';
import type { Schedule } from './plan.ts';
import { nextDue, parseSchedule } from './schedule.ts';

const MINUTE = 60_000;
const DAY = 86_400_000;

/** Zones with a moment in which their clocks change; the last two never do. */
const CHANGES: readonly (readonly [string, string])[] = [
  ['Europe/Berlin', '2026-03-29T01:00:00Z'],
  ['Europe/Berlin', '2026-10-25T01:00:00Z'],
  ['America/New_York', '2026-03-08T07:00:00Z'],
  ['America/New_York', '2026-11-01T06:00:00Z'],
  ['Australia/Lord_Howe', '2026-10-03T15:30:00Z'],
  ['Australia/Lord_Howe', '2026-04-04T15:00:00Z'],
  ['Africa/Cairo', '2026-04-23T22:00:00Z'],
  ['Africa/Cairo', '2026-10-29T21:00:00Z'],
  ['America/St_Johns', '2026-11-01T04:30:00Z'],
  ['Asia/Shanghai', '2026-12-31T16:00:00Z'],
  ['Asia/Kathmandu', '2028-02-29T00:00:00Z'],
];

interface Line {
  readonly text: string;
  readonly matches: (wall: Wall) => boolean;
  readonly isHourly: boolean;
}

interface Wall {
  readonly ms: number;
  readonly minute: number;
  readonly hour: number;
  readonly day: number;
  readonly month: number;
  readonly weekDay: number;
}

/** Numbers from a seed (mulberry32), so that a failure can be played again. */
function randomOf(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 4_294_967_296) * below);
  };
}

/** A field's text with the values that it stands for; `*` with undefined. */
function fieldOf(
  random: (below: number) => number,
  { min, max, stars }: { min: number; max: number; stars: number },
): { text: string; values?: Set<number> } {
  if (random(10) < stars) return { text: '*' };
  const texts: string[] = [];
  const values = new Set<number>();
  for (let items = 1 + random(3); items > 0; items -= 1) {
    const from = min + random(max - min + 1);
    const to = from + random(max - from + 1);
    const step = 1 + random(6);
    const [text, last, by] = [
      [`${from}`, from, 1],
      [`${from}-${to}`, to, 1],
      [`${from}-${to}/${step}`, to, step],
    ][random(3)] as [string, number, number];
    texts.push(text);
    for (let value = from; value <= last; value += by) values.add(value);
  }
  return { text: texts.join(','), values };
}

function lineOf(random: (below: number) => number): Line {
  const minute = fieldOf(random, { min: 0, max: 59, stars: 2 });
  const hour = fieldOf(random, { min: 0, max: 23, stars: 3 });
  const day = fieldOf(random, { min: 1, max: 31, stars: 6 });
  const month = fieldOf(random, { min: 1, max: 12, stars: 9 });
  const weekDay = fieldOf(random, { min: 0, max: 7, stars: 6 });
  const text = [minute, hour, day, month, weekDay].map((f) => f.text).join(' ');
  const has = (field: { values?: Set<number> }, value: number): boolean =>
    field.values?.has(value) ?? true;
  const hasWeekDay = (value: number): boolean =>
    has(weekDay, value) || (value === 0 && has(weekDay, 7));
  const isEither = day.values !== undefined && weekDay.values !== undefined;
  const matches = (wall: Wall): boolean =>
    has(minute, wall.minute) &&
    has(hour, wall.hour) &&
    has(month, wall.month) &&
    (isEither
      ? has(day, wall.day) || hasWeekDay(wall.weekDay)
      : has(day, wall.day) && hasWeekDay(wall.weekDay));
  return { text, matches, isHourly: hour.values === undefined };
}

/** What the clocks of a zone show in each minute of two days around a change. */
function minutesAround(timeZone: string, change: number): { at: number; wall: Wall }[] {
  const format = new Intl.DateTimeFormat('en-GB', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
  });
  const minutes = [];
  for (let at = change - DAY; at < change + DAY; at += MINUTE) {
    const part = Object.fromEntries(format.formatToParts(at).map((p) => [p.type, Number(p.value)]));
    const { year = 0, month = 0, day = 0, hour = 0, minute = 0 } = part;
    minutes.push({ at, wall: wallOf(Date.UTC(year, month - 1, day, hour, minute)) });
  }
  return minutes;
}

function wallOf(ms: number): Wall {
  const date = new Date(ms);
  return {
    ms,
    minute: date.getUTCMinutes(),
    hour: date.getUTCHours(),
    day: date.getUTCDate(),
    month: date.getUTCMonth() + 1,
    weekDay: date.getUTCDay(),
  };
}

/** Due times by looking at every minute. */
function lookedUp(line: Line, minutes: readonly { at: number; wall: Wall }[]): number[] {
  const due: number[] = [];
  const seen = new Set<number>();
  let previous: Wall | undefined;
  for (const { at, wall } of minutes) {
    let isDue = line.matches(wall) && (line.isHourly || !seen.has(wall.ms));
    if (!line.isHourly && previous !== undefined) {
      for (let lost = previous.ms + MINUTE; lost < wall.ms; lost += MINUTE) {
        if (line.matches(wallOf(lost))) isDue = true;
      }
    }
    if (isDue) due.push(at);
    seen.add(wall.ms);
    previous = wall;
  }
  return due;
}

it('every due time of 660 random lines is the one that looking at every minute finds', () => {
  let compared = 0;
  for (const [i, [timeZone, changeText]] of CHANGES.entries()) {
    const change = Date.parse(changeText);
    const minutes = minutesAround(timeZone, change);
    const random = randomOf(i + 1);
    for (let n = 0; n < 60; n += 1) {
      const line = lineOf(random);
      const schedule = scheduleOf(line.text, timeZone);
      if (schedule === undefined) continue;
      // From a moment in the stretch on, at times within the hour that comes twice.
      const after = change - DAY + random(2 * 24 * 60) * MINUTE + random(MINUTE);
      const expected = lookedUp(line, minutes).filter((ms) => ms > after);
      const found: number[] = [];
      for (let due = after; found.length < 25; ) {
        due = nextDue(schedule, 0, due);
        if (due >= change + DAY) break;
        found.push(due);
      }
      expect(found, `${line.text} in ${timeZone} after ${new Date(after).toISOString()}`).toEqual(
        expected.slice(0, 25),
      );
      compared += found.length;
    }
  }
  expect(compared).toBeGreaterThan(3_000);
});

/** The schedule; undefined where the random line has only days beyond the ends of its months. */
function scheduleOf(cron: string, timeZone: string): Schedule | undefined {
  try {
    return parseSchedule({ cron, timeZone });
  } catch (error) {
    const rule = error instanceof ValidationError ? error.rules[0]?.rule : undefined;
    if (rule?.startsWith('never comes due') && !/[* ]/.test(cron.split(' ')[3] ?? '*')) {
      return undefined;
    }
    throw error;
  }
}
