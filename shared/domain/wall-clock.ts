/**
 * Wall clocks of time zones. A wall time is the milliseconds since the epoch at which a clock in UTC
 * would show the same; only whole minutes of present-day zones are meant. The rules of the zones are
 * those of the runtime (IANA, through Intl).
 */

/** No zone is further from UTC than this, ms (IANA: 14 hours). */
const OFFSET_MS_MAX = 15 * 3_600_000;
/** Zones do not change twice in such a time, ms. */
const CHANGE_STEP_MS = 12 * 3_600_000;

/** Making one costs more than using it a hundred times; there are as many as there are zones. */
const formats = new Map<string, Intl.DateTimeFormat>();

/** Whether the runtime knows the zone by this name; mere offsets such as `+08:00` are no names. */
export function isTimeZone(name: string): boolean {
  if (!/^[A-Za-z][A-Za-z0-9_+/-]{0,63}$/.test(name)) return false;
  try {
    formatOf(name);
    return true;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

/** What the clock of a zone is ahead of UTC at an instant, ms. */
export function offsetAt(timeZone: string, ms: number): number {
  if (timeZone === 'UTC') return 0;
  const match = /GMT([+-])(\d\d):(\d\d)(?::(\d\d))?$/.exec(formatOf(timeZone).format(ms));
  if (match === null) return 0;
  const [, sign, hours, minutes, seconds = '0'] = match;
  const size = (Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds);
  return (sign === '-' ? -size : size) * 1000;
}

/** The first instant after `fromMs` and not after `toMs` whose offset is not that of `fromMs`. */
export function firstChange(timeZone: string, fromMs: number, toMs: number): number | undefined {
  const offset = offsetAt(timeZone, fromMs);
  let before = fromMs;
  while (before < toMs) {
    const at = Math.min(before + CHANGE_STEP_MS, toMs);
    if (offsetAt(timeZone, at) !== offset) return changeBetween(timeZone, before, at);
    before = at;
  }
  return undefined;
}

/**
 * The instant of a wall time: the first where clocks are put back and show it twice, the moment after
 * the gap where they are put forward and never show it.
 */
export function instantOf(timeZone: string, wallMs: number): number {
  const from = wallMs - OFFSET_MS_MAX;
  const to = wallMs + OFFSET_MS_MAX;
  // The offset before a change comes first: where a time is shown twice it gives the first.
  for (const side of [from, to]) {
    const offset = offsetAt(timeZone, side);
    if (offsetAt(timeZone, wallMs - offset) === offset) return wallMs - offset;
  }
  return firstChange(timeZone, from, to) ?? wallMs - offsetAt(timeZone, to);
}

/** The one change between two instants of different offsets. */
function changeBetween(timeZone: string, fromMs: number, toMs: number): number {
  const offset = offsetAt(timeZone, fromMs);
  let before = fromMs;
  let after = toMs;
  while (after - before > 1) {
    const middle = Math.floor((before + after) / 2);
    if (offsetAt(timeZone, middle) === offset) before = middle;
    else after = middle;
  }
  return after;
}

function formatOf(timeZone: string): Intl.DateTimeFormat {
  const known = formats.get(timeZone);
  if (known !== undefined) return known;
  const format = new Intl.DateTimeFormat('en-US', { timeZone, timeZoneName: 'longOffset' });
  formats.set(timeZone, format);
  return format;
}
