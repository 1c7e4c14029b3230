import { badRequest } from './errors.ts';

/** `I|<unix seconds>|<ISO 8601 interval>`, the one form that plans take. */
interface PlanSchedule {
  readonly startMs: number;
  readonly intervalMs: number;
}

const UNITS_MS = { W: 604_800_000, D: 86_400_000, H: 3_600_000, M: 60_000, S: 1000 } as const;

/** @throws BadRequest when the text has another form */
function parseSchedule(text: string): PlanSchedule {
  const match =
    /^I\|(\d{1,12})\|P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?$/.exec(text);
  const [, start, ...amounts] = match ?? [];
  const units = Object.values(UNITS_MS);
  const intervalMs = units.reduce((sum, unit, i) => sum + Number(amounts[i] ?? 0) * unit, 0);
  if (start === undefined || intervalMs === 0) {
    throw badRequest(`Schedule is ${text}, must be I|{startTime}|{interval}.`);
  }
  return { startMs: Number(start) * 1000, intervalMs };
}

/** The first time of a schedule after `nowMs`; times gone by are not made up for. */
export function nextTime(text: string, nowMs: number): number {
  const { startMs, intervalMs } = parseSchedule(text);
  if (startMs > nowMs) return startMs;
  return startMs + (Math.floor((nowMs - startMs) / intervalMs) + 1) * intervalMs;
}
