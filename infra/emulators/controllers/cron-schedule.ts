/** The crontab schedules of CronJobs: five fields or a macro, in a time zone. */

const DAY_MS = 86_400_000;
/** A schedule that has no instant within this many days has none (29 February comes in 8 years). */
const SEARCH_DAYS_MAX = 366 * 8;
const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
const MACROS: Readonly<Record<string, string>> = {
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@hourly': '0 * * * *',
};

/** A schedule, ready to be asked for its instants (milliseconds since the epoch). */
export interface CronSchedule {
  /** The first instant after the given one. */
  next(afterMs: number): number | undefined;
  /** The last instant not after the given one. */
  latest(notAfterMs: number): number | undefined;
}

/** Reads a schedule; undefined when it is none, or the time zone is unknown. */
export function parseCron(text: string, timeZone = 'UTC'): CronSchedule | undefined {
  const fields = (MACROS[text.trim()] ?? text).trim().toLowerCase().split(/\s+/);
  const [minuteText, hourText, dayText, monthText, weekdayText] = fields;
  if (fields.length !== 5) return undefined;
  const minutes = parseField(minuteText, { min: 0, max: 59 });
  const hours = parseField(hourText, { min: 0, max: 23 });
  const days = parseField(dayText, { min: 1, max: 31 });
  const months = parseField(monthText, { min: 1, max: 12, names: MONTHS });
  const weekdays = parseField(weekdayText, { min: 0, max: 7, names: DAYS });
  const offset = zoneOffset(timeZone);
  if (!minutes || !hours || !days || !months || !weekdays || !offset) return undefined;
  if (weekdays.has(7)) weekdays.add(0);
  const eitherDay = !dayText?.startsWith('*') && !weekdayText?.startsWith('*');
  const dayMatches = (localDay: number): boolean => {
    const date = new Date(localDay);
    if (!months.has(date.getUTCMonth() + 1)) return false;
    const [day, weekday] = [days.has(date.getUTCDate()), weekdays.has(date.getUTCDay())];
    return eitherDay ? day || weekday : day && weekday;
  };
  const times = [...hours].flatMap((hour) => [...minutes].map((minute) => hour * 60 + minute));
  times.sort((a, b) => a - b);
  const find = (fromMs: number, step: 1 | -1): number | undefined => {
    const today = Math.floor((fromMs + offset(fromMs)) / DAY_MS) * DAY_MS;
    const ordered = step === 1 ? times : [...times].reverse();
    for (let index = 0; index <= SEARCH_DAYS_MAX; index += 1) {
      const day = today + step * index * DAY_MS;
      if (!dayMatches(day)) continue;
      for (const time of ordered) {
        const local = day + time * 60_000;
        const instant = local - offset(local - offset(local));
        if (step === 1 ? instant > fromMs : instant <= fromMs) return instant;
      }
    }
    return undefined;
  };
  return {
    next: (afterMs) => find(afterMs, 1),
    latest: (notAfterMs) => find(notAfterMs, -1),
  };
}

function parseField(
  text: string | undefined,
  range: { min: number; max: number; names?: readonly string[] },
): Set<number> | undefined {
  const values = new Set<number>();
  for (const part of (text ?? '').split(',')) {
    const match = /^(\*|\?|[a-z0-9]+)(?:-([a-z0-9]+))?(?:\/([0-9]+))?$/.exec(part);
    if (match === null) return undefined;
    const [, from = '', to, stepText] = match;
    const any = from === '*' || from === '?';
    const first = any ? range.min : numberOf(from, range);
    const last =
      to !== undefined ? numberOf(to, range) : any || stepText !== undefined ? range.max : first;
    const step = Number(stepText ?? 1);
    if (!(first >= range.min && last <= range.max && first <= last && step > 0)) return undefined;
    for (let value = first; value <= last; value += step) values.add(value);
  }
  return values;
}

function numberOf(text: string, range: { min: number; names?: readonly string[] }): number {
  const place = range.names?.indexOf(text) ?? -1;
  return place >= 0 ? place + range.min : Number(text);
}

/** How far the zone's clocks are ahead of UTC at an instant. */
function zoneOffset(timeZone: string): ((ms: number) => number) | undefined {
  if (timeZone === 'UTC' || timeZone === 'Etc/UTC') return () => 0;
  let format: Intl.DateTimeFormat;
  try {
    format = new Intl.DateTimeFormat('en-US', {
      timeZone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
  } catch {
    return undefined;
  }
  return (ms) => {
    const parts = new Map(format.formatToParts(ms).map((part) => [part.type, Number(part.value)]));
    const field = (type: Intl.DateTimeFormatPartTypes): number => parts.get(type) ?? 0;
    const local = Date.UTC(
      field('year'),
      field('month') - 1,
      field('day'),
      field('hour'),
      field('minute'),
      field('second'),
    );
    return local - Math.floor(ms / 1_000) * 1_000;
  };
}
