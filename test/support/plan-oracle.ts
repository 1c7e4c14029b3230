/**
 * When plans are due, found the long way: every hour of the year is asked what its zone's clock shows.
 * Shares nothing with the schedule rules that it judges.
 */
import type { Schedule } from '../../shared/domain/plan.ts';

const HOUR = 3_600_000;
const DAY = 86_400_000;

/** A pattern that both cron and a loop can say; `weekDay` 0 is Sunday, `day` is of the month. */
export type Pattern =
  | { readonly kind: 'every'; readonly hours: number }
  | {
      readonly kind: 'cron';
      readonly minute: 0 | 30;
      /** Absent: each hour of its days. */
      readonly hour?: number;
      readonly weekDay?: number;
      readonly day?: number;
    };

/** The pattern in a plan's words. */
export function scheduleOf(pattern: Pattern, timeZone: string): Schedule {
  if (pattern.kind === 'every') return { every: `${pattern.hours}h`, timeZone };
  const { minute, hour = '*', weekDay = '*', day = '*' } = pattern;
  return { cron: `${minute} ${hour} ${day} * ${weekDay}`, timeZone };
}

/** All due times after `fromMs` and before `toMs`, rising. */
export function dueTimes(
  pattern: Pattern,
  timeZone: string,
  range: { readonly fromMs: number; readonly toMs: number },
): readonly number[] {
  const { fromMs, toMs } = range;
  if (pattern.kind === 'every') {
    const times: number[] = [];
    for (let t = fromMs + pattern.hours * HOUR; t < toMs; t += pattern.hours * HOUR) times.push(t);
    return times;
  }
  const zone = zoneClock(timeZone);
  const { minute, hour, weekDay, day } = pattern;
  const isOn = (wallMs: number): boolean => {
    const wall = new Date(wallMs);
    return (
      [undefined, wall.getUTCDate()].includes(day) &&
      [undefined, wall.getUTCDay()].includes(weekDay)
    );
  };
  const isDue = (wallMs: number): boolean =>
    new Date(wallMs).getUTCMinutes() === minute && isOn(wallMs);
  const times =
    hour === undefined
      ? halfHours(range).filter((t) => isDue(t + zone.offset(t)))
      : daysOf(range)
          .filter(isOn)
          .map((midnight) => zone.instant(midnight + hour * HOUR + minute * 60_000));
  return times.filter((t) => t > fromMs && t < toMs);
}

interface ZoneClock {
  offset(ms: number): number;
  /** The first instant at which the clock shows the wall time, or the one after the gap that holds it. */
  instant(wallMs: number): number;
}

const clocks = new Map<string, ZoneClock>();

function zoneClock(timeZone: string): ZoneClock {
  const known = clocks.get(timeZone);
  if (known !== undefined) return known;
  const format = new Intl.DateTimeFormat('sv-SE', {
    timeZone,
    dateStyle: 'short',
    timeStyle: 'medium',
  });
  const memory = new Map<number, number>();
  const offset = (ms: number): number => {
    const half = Math.floor(ms / (HOUR / 2)) * (HOUR / 2);
    const found = memory.get(half);
    if (found !== undefined) return found;
    const shown = Date.parse(`${format.format(half).replace(' ', 'T')}Z`) - half;
    memory.set(half, shown);
    return shown;
  };
  const instant = (wallMs: number): number => {
    for (let t = wallMs - 15 * HOUR; t <= wallMs + 15 * HOUR; t += HOUR / 2) {
      if (t + offset(t) >= wallMs) return t;
    }
    throw new Error(`No clock of ${timeZone} shows ${new Date(wallMs).toISOString()}`);
  };
  const clock = { offset, instant };
  clocks.set(timeZone, clock);
  return clock;
}

function halfHours({ fromMs, toMs }: { readonly fromMs: number; readonly toMs: number }): number[] {
  const first = Math.ceil(fromMs / (HOUR / 2)) * (HOUR / 2);
  return Array.from(
    { length: Math.ceil((toMs - first) / (HOUR / 2)) },
    (_, i) => first + (i * HOUR) / 2,
  );
}

/** Midnights of wall clocks anywhere around the range. */
function daysOf({ fromMs, toMs }: { readonly fromMs: number; readonly toMs: number }): number[] {
  const first = Math.floor(fromMs / DAY) * DAY - DAY;
  return Array.from({ length: Math.ceil((toMs - first) / DAY) + 2 }, (_, i) => first + i * DAY);
}
