/** When a timer trigger is due. */
export interface TimerSchedule {
  /** The newest due time not after `atMs`, or `undefined` when none was in the last five years. */
  lastDueAt(atMs: number): number | undefined;
}

interface Field {
  readonly name: string;
  readonly min: number;
  readonly max: number;
  readonly words?: readonly string[];
}

const MONTHS = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'];
const DAYS = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'];
const DAY_MS = 86_400_000;
const UNIT_MS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: DAY_MS };
/** How far back a rare expression (29 February) is looked for. */
const LOOK_BACK_DAYS = 5 * 366;

/**
 * Reads `@every <n><s|m|h|d>`, counted from `startMs`, or six cron fields, seconds first, in UTC or after
 * `CRON_TZ=<zone> `.
 * @throws RangeError that says which field is wrong
 * @see https://help.aliyun.com/document_detail/2513615.html
 */
export function parseTimer(expression: string, startMs: number): TimerSchedule {
  const every = /^@every\s+(\d+)([smhd])$/.exec(expression.trim());
  if (every !== null) return everySchedule(Number(every[1]), every[2] ?? '', startMs);
  const zoned = /^(?:CRON_TZ=(\S+)\s+)?(.+)$/.exec(expression.trim());
  const texts = (zoned?.[2] ?? '').split(/\s+/);
  if (texts.length !== 6) {
    throw new RangeError(`cron expression '${expression}' has ${texts.length} fields, needs 6`);
  }
  const field = (index: number, rule: Field) => parseField(texts[index] ?? '', rule);
  const months = field(4, { name: 'month', min: 1, max: 12, words: ['', ...MONTHS] });
  const weekDays = field(5, { name: 'day of week', min: 0, max: 7, words: DAYS }).map((d) => d % 7);
  const monthDays = field(3, { name: 'day of month', min: 1, max: 31 });
  const bothDaysSet = !isAny(texts[3]) && !isAny(texts[5]);
  const times = {
    hours: field(2, { name: 'hour', min: 0, max: 23 }),
    minutes: field(1, { name: 'minute', min: 0, max: 59 }),
    seconds: field(0, { name: 'second', min: 0, max: 59 }),
  };
  const dayMatches = (day: Date) => {
    const inMonth = monthDays.includes(day.getUTCDate());
    const inWeek = weekDays.includes(day.getUTCDay());
    if (!months.includes(day.getUTCMonth() + 1)) return false;
    return bothDaysSet ? inMonth || inWeek : inMonth && inWeek;
  };
  return zonedSchedule(zoned?.[1] ?? 'UTC', dayMatches, times);
}

function everySchedule(count: number, unit: string, startMs: number): TimerSchedule {
  const periodMs = count * (UNIT_MS[unit] ?? 0);
  if (periodMs === 0) throw new RangeError(`interval '@every ${count}${unit}' is zero`);
  return {
    lastDueAt: (atMs) => {
      const periods = Math.floor((atMs - startMs) / periodMs);
      return periods < 1 ? undefined : startMs + periods * periodMs;
    },
  };
}

function zonedSchedule(
  zone: string,
  dayMatches: (day: Date) => boolean,
  times: {
    readonly hours: readonly number[];
    readonly minutes: readonly number[];
    readonly seconds: readonly number[];
  },
): TimerSchedule {
  const offsetAt = zoneOffset(zone);
  const newestFirst = (values: readonly number[]) => [...values].sort((a, b) => b - a);
  const [hours, minutes, seconds] = [times.hours, times.minutes, times.seconds].map(newestFirst);
  /** Wall times of one day as if they were UTC, newest first, not after `wallMs`. */
  function* wallTimes(dayStartMs: number, wallMs: number): Generator<number> {
    for (const hour of hours ?? []) {
      if (dayStartMs + hour * 3_600_000 > wallMs) continue;
      for (const minute of minutes ?? []) {
        if (dayStartMs + hour * 3_600_000 + minute * 60_000 > wallMs) continue;
        for (const second of seconds ?? []) {
          const at = dayStartMs + hour * 3_600_000 + minute * 60_000 + second * 1000;
          if (at <= wallMs) yield at;
        }
      }
    }
  }
  return {
    lastDueAt: (atMs) => {
      const wallMs = atMs + offsetAt(atMs);
      const today = Math.floor(wallMs / DAY_MS) * DAY_MS;
      for (let day = 0; day < LOOK_BACK_DAYS; day += 1) {
        const dayStartMs = today - day * DAY_MS;
        if (!dayMatches(new Date(dayStartMs))) continue;
        for (const wall of wallTimes(dayStartMs, wallMs)) {
          const utc = wall - offsetAt(wall - offsetAt(wall));
          // A wall time that a switch of the clocks left out does not happen.
          if (utc <= atMs && utc + offsetAt(utc) === wall) return utc;
        }
      }
      return undefined;
    },
  };
}

function isAny(text: string | undefined): boolean {
  return text === '*' || text === '?';
}

function parseField(text: string, field: Field): number[] {
  const values = new Set<number>();
  for (const part of text.split(',')) {
    const [range = '', stepText] = part.split('/');
    const step = stepText === undefined ? 1 : Number(stepText);
    const [from, to] = isAny(range) ? [field.min, field.max] : rangeOf(range, field, stepText);
    const isValid = Number.isInteger(step) && step > 0 && from >= field.min && to <= field.max;
    if (!isValid || !(from <= to)) {
      throw new RangeError(`cron field '${field.name}' is '${text}', found '${part}'`);
    }
    for (let value = from; value <= to; value += step) values.add(value);
  }
  return [...values];
}

function rangeOf(range: string, field: Field, stepText: string | undefined): [number, number] {
  const numberOf = (word: string) => {
    const index = field.words?.indexOf(word.toUpperCase()) ?? -1;
    return index >= 0 ? index : /^\d+$/.test(word) ? Number(word) : Number.NaN;
  };
  const [first = '', last] = range.split('-');
  if (last !== undefined) return [numberOf(first), numberOf(last)];
  return [numberOf(first), stepText === undefined ? numberOf(first) : field.max];
}

/** Milliseconds that a zone is ahead of UTC at a moment. */
function zoneOffset(zone: string): (atMs: number) => number {
  if (zone === 'UTC') return () => 0;
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  return (atMs) => {
    const parts = new Map(
      format.formatToParts(atMs).map(({ type, value }) => [type, Number(value)]),
    );
    const part = (type: Intl.DateTimeFormatPartTypes) => parts.get(type) ?? 0;
    const wall = Date.UTC(
      part('year'),
      part('month') - 1,
      part('day'),
      part('hour'),
      part('minute'),
      part('second'),
    );
    return wall - Math.floor(atMs / 1000) * 1000;
  };
}
