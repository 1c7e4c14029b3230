/**
 * The five fields of a crontab line, as the values that they allow. The grammar is crontab(5) and no
 * more, so that what we accept means the same everywhere: numbers, names of months and week days, lists,
 * ranges, steps of a range or of `*`, 7 as Sunday.
 */

/** The values of each field in rising order, undefined where the field is `*`. */
export interface CronFields {
  readonly minutes: readonly number[] | undefined;
  readonly hours: readonly number[] | undefined;
  readonly days: readonly number[] | undefined;
  readonly months: readonly number[] | undefined;
  /** 0 is Sunday. */
  readonly weekDays: readonly number[] | undefined;
}

/** The values of a line, or the rule that it breaks. */
export type CronReading = { readonly fields: CronFields } | { readonly broken: string };

interface Field {
  readonly title: string;
  readonly min: number;
  readonly max: number;
  /** The first means `min`. */
  readonly names?: readonly string[];
}

const MONTHS = 'jan feb mar apr may jun jul aug sep oct nov dec'.split(' ');
const WEEK_DAYS = 'sun mon tue wed thu fri sat'.split(' ');

const MINUTE: Field = { title: 'minute', min: 0, max: 59 };
const HOUR: Field = { title: 'hour', min: 0, max: 23 };
const DAY: Field = { title: 'day of month', min: 1, max: 31 };
const MONTH: Field = { title: 'month', min: 1, max: 12, names: MONTHS };
const WEEK_DAY: Field = { title: 'day of week', min: 0, max: 7, names: WEEK_DAYS };

/** Days of the months, February of a leap year. */
const MONTH_DAYS = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** Longest line read; the longest useful one lists every value. */
const CRON_LENGTH_MAX = 500;

/** Reads a crontab line of five fields. */
export function readCron(text: string): CronReading {
  if (text.length > CRON_LENGTH_MAX) {
    return { broken: `must have at most ${CRON_LENGTH_MAX} characters` };
  }
  const words = text.trim().split(/[ \t]+/);
  const [minute = '', hour = '', day = '', month = '', weekDay = ''] = words;
  if (words.length !== 5) {
    return {
      broken: `must have exactly five fields (minute, hour, day of month, month, day of week), found ${text.trim() === '' ? 0 : words.length}`,
    };
  }
  try {
    const weekDays = valuesOf(weekDay, WEEK_DAY)?.map((value) => value % 7);
    const fields = {
      minutes: valuesOf(minute, MINUTE),
      hours: valuesOf(hour, HOUR),
      days: valuesOf(day, DAY),
      months: valuesOf(month, MONTH),
      weekDays: weekDays === undefined ? undefined : inOrder(weekDays),
    };
    if (fields.weekDays === undefined && !hasDays(fields)) {
      return { broken: 'never comes due: none of its months has one of its days' };
    }
    return { fields };
  } catch (error) {
    if (error instanceof BrokenField) return { broken: error.message };
    throw error;
  }
}

/** Whether one of the months has one of the days of the month. */
export function hasDays({ days, months }: Pick<CronFields, 'days' | 'months'>): boolean {
  const first = days?.[0] ?? 1;
  return MONTH_DAYS.some((length, i) => first <= length && (months?.includes(i + 1) ?? true));
}

/** A rule broken by a field; never leaves this file. */
class BrokenField extends Error {}

function valuesOf(text: string, field: Field): readonly number[] | undefined {
  const values: number[] = [];
  let isStar = false;
  for (const item of text.split(',')) {
    const { from, to, step, star } = itemOf(item, field);
    if (star && step === 1) isStar = true;
    for (let value = from; value <= to; value += step) values.push(value);
  }
  return isStar ? undefined : inOrder(values);
}

/** One item of a list: a value, a range, or one of both with a step. */
function itemOf(
  item: string,
  field: Field,
): { readonly from: number; readonly to: number; readonly step: number; readonly star: boolean } {
  const [range = '', stepText, ...more] = item.split('/');
  const step = stepText === undefined ? 1 : /^\d{1,2}$/.test(stepText) ? Number(stepText) : 0;
  if (more.length > 0 || step === 0) {
    throw new BrokenField(`${field.title} ${item}: a step is a number of 1 to 99`);
  }
  if (range === '*') {
    // 7 is Sunday as 0 is.
    return { from: field.min, to: field === WEEK_DAY ? 6 : field.max, step, star: true };
  }
  const [first = '', last, ...others] = range.split('-');
  if (others.length > 0) throw new BrokenField(`${field.title} ${item}: not a range`);
  const from = numberOf(first, field);
  if (last === undefined) {
    if (stepText === undefined) return { from, to: from, step, star: false };
    throw new BrokenField(`${field.title} ${item}: a step needs a range or * before it`);
  }
  const to = numberOf(last, field);
  if (from > to) throw new BrokenField(`${field.title} ${item}: the range ends before it begins`);
  return { from, to, step, star: false };
}

function numberOf(text: string, field: Field): number {
  const named = field.names?.indexOf(text.toLowerCase()) ?? -1;
  if (named >= 0) return field.min + named;
  const value = /^\d{1,2}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= field.min && value <= field.max) return value;
  const names = field.names === undefined ? '' : ` or a name such as ${field.names[1]}`;
  throw new BrokenField(
    `${field.title} ${text === '' ? 'is empty' : text}: must be ${field.min} to ${field.max}${names}`,
  );
}

function inOrder(values: readonly number[]): readonly number[] {
  return [...new Set(values)].sort((a, b) => a - b);
}
