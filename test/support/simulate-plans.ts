/**
 * Plays a year with as many plans as are asked for, users among them, and says what came of it beside
 * what an oracle expects: due times found the long way, then the rules of plans in a few lines.
 */
import { writePlan } from '../../shared/app/plan-rows.ts';
import type { BackupRecord } from '../../shared/domain/backup-record.ts';
import { planShard, recordId } from '../../shared/domain/ids.ts';
import type { Plan } from '../../shared/domain/plan.ts';
import { changedPlan, type PlanChange } from '../../shared/domain/plan-change.ts';
import { dueTimes, type Pattern, scheduleOf } from './plan-oracle.ts';
import { samplePlan } from './sample-plan.ts';
import { randomFrom, YearOfPlans } from './year-of-plans.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const START = Date.UTC(2026, 0, 1);
/** Shortly before plans would be due, so that nothing is left half done. */
const END = Date.UTC(2027, 0, 1) - 15 * MINUTE;
/** Nothing fires: three days in winter, the night of a change of clocks, an afternoon. */
const OUTAGES: readonly (readonly [number, number])[] = [
  [Date.UTC(2026, 1, 10, 11, 10), Date.UTC(2026, 1, 13, 5, 40)],
  [Date.UTC(2026, 2, 28, 22, 10), Date.UTC(2026, 2, 29, 4, 10)],
  [Date.UTC(2026, 8, 3, 12, 45), Date.UTC(2026, 8, 3, 17, 15)],
];
/** After an outage the first timers come through: how much was missed is then known exactly. */
const CALM_MS = 10 * MINUTE;
const PLANS_PER_CLUSTER = 4;
const ZONES = ['UTC', 'Asia/Shanghai', 'Europe/Berlin', 'America/New_York', 'Asia/Kolkata'];
const RETENTION_DAYS = [2, 7, 30, 60, 90, 180, 400];
/** How long the record of an expired backup stays. */
const RECORD_MS = 30 * DAY;
const WEATHER = { tickLost: 0.06, tickTwice: 0.1, eventLost: 0.02, death: 0.03 };

/** A plan, and what its user does with it. */
interface PlannedYear {
  readonly plan: Plan;
  readonly dueMs: readonly number[];
  readonly skipAtMs?: number;
  readonly pausedMs?: readonly [number, number];
}

/** What a year came to. */
export interface YearOutcome {
  readonly happened: YearOfPlans['happened'];
  /** `<plan id>/<name>` of every record, as often as there is one. */
  readonly records: readonly string[];
  readonly expectedRecords: readonly string[];
  /** Names that backups have taken, one per run that there ever was. */
  readonly runs: readonly string[];
  readonly expected: readonly string[];
  /** Times left out, `<plan id> <due time> <reason>` of the last one of each plan. */
  readonly skipped: readonly string[];
  readonly expectedSkipped: readonly string[];
  /** What lies in the vault. */
  readonly stored: readonly string[];
  readonly expectedStored: readonly string[];
  readonly phases: readonly string[];
  /** Plans whose row says another newest run, or another due time, than expected. */
  readonly misled: readonly string[];
}

/**
 * How many plans a test plays: few each time, 1,000 by
 * `YEAR_PLANS=1000 npx vitest run --project unit shared/app/plans-year.test.ts`.
 */
export function plansOfAYear(): number {
  return Number(process.env.YEAR_PLANS ?? 30);
}

/** Plays the year. */
export async function simulatePlans(given: {
  readonly plans: number;
  readonly seed: number;
}): Promise<YearOutcome> {
  const years = plannedYears(given);
  const world = new YearOfPlans({
    startMs: START,
    endMs: END,
    seed: given.seed,
    weather: WEATHER,
    lastsMs: ({ planId = '', spec }) => lastsMs(planId, spec.name),
  });
  await world.open();
  for (const { plan } of years) await world.records.put('plans', keyOf(plan), plan, 'absent');
  const deeds = deedsOf(years);
  const minutes = interestingMinutes(years, deeds);
  let next = minutes.next();
  for (;;) {
    const soon = world.nextSoon() ?? Number.POSITIVE_INFINITY;
    const planned = next.done === true ? Number.POSITIVE_INFINITY : next.value;
    const atMs = Math.min(soon, planned);
    if (atMs === Number.POSITIVE_INFINITY) break;
    if (planned === atMs) next = minutes.next();
    for (const { plan, change } of deeds.get(atMs) ?? []) await act(world, plan, change, atMs);
    const outage = OUTAGES.find(([from, to]) => atMs >= from && atMs < to);
    if (outage !== undefined) {
      world.postpone(atMs, outage[1]);
      continue;
    }
    const calm = atMs >= END || OUTAGES.some(([, to]) => atMs >= to && atMs < to + CALM_MS);
    await world.minute(atMs, { calm, schedules: atMs < END });
  }
  return await outcomeOf(world, years);
}

function plannedYears(given: { readonly plans: number; readonly seed: number }): PlannedYear[] {
  const random = randomFrom(given.seed + 1);
  const pick = <T>(list: readonly [T, ...T[]]): T =>
    list[Math.floor(random() * list.length)] ?? list[0];
  return Array.from({ length: given.plans }, (_, n) => {
    const createdAtMs = START + Math.floor(random() * 48) * (HOUR / 2);
    const pattern = patternOf(n, pick);
    const timeZone = ZONES[n % ZONES.length] ?? 'UTC';
    const id = recordId('pl', createdAtMs, n.toString(16).padStart(8, '0'));
    const dueMs = dueTimes(pattern, timeZone, { fromMs: createdAtMs, toMs: END + 400 * DAY });
    const [first] = dueMs;
    if (first === undefined) throw new Error(`Plan ${id} is never due`);
    const plan = samplePlan({
      id,
      cluster: `c${Math.floor(n / PLANS_PER_CLUSTER)}`,
      createdAtMs,
      dueAtMs: first,
      spec: {
        name: `plan-${n}`,
        schedule: scheduleOf(pattern, timeZone),
        // Longer than any run lasts; some outlive the year.
        retentionDays: RETENTION_DAYS[n % RETENTION_DAYS.length] ?? 30,
      },
    });
    // A user acts at a quarter past or to, never when a plan is due nor in an outage.
    const moment = () =>
      Date.UTC(
        2026,
        3 + Math.floor(random() * 4),
        1 + Math.floor(random() * 28),
        Math.floor(random() * 24),
        15,
      );
    const skip = n % 7 === 0 ? { skipAtMs: moment() } : {};
    const from = moment();
    const paused = n % 11 === 0 ? { pausedMs: [from, from + 9 * DAY + 30 * MINUTE] as const } : {};
    return { plan, dueMs, ...skip, ...paused };
  });
}

/** Mostly monthly and weekly ones, few daily, hourly on some days, or by an interval. */
function patternOf(n: number, pick: <T>(list: readonly [T, ...T[]]) => T): Pattern {
  const minute = pick<0 | 30>([0, 30]);
  const hour = pick([0, 1, 2, 2, 3, 12, 18, 23]);
  const kind = n % 100;
  if (kind === 3) return { kind: 'cron', minute, day: pick([1, 29]) };
  if (n === 4) return { kind: 'every', hours: 12 };
  if (kind < 2) return { kind: 'every', hours: pick([36, 60]) };
  if (isDaily(n)) return { kind: 'cron', minute, hour };
  if (kind < 25) return { kind: 'cron', minute, hour, weekDay: pick([0, 1, 3, 5, 6]) };
  return { kind: 'cron', minute, hour, day: pick([1, 15, 29, 31]) };
}

function isDaily(n: number): boolean {
  return n % 100 === 2 || n % 100 === 5;
}

/** Some runs of the plans that run daily or more often last into the next due time, and end in mid-time. */
function lastsMs(planId: string, name: string): number {
  const n = Number.parseInt(planId.slice(-8), 16);
  let sum = 0;
  for (let i = 0; i < name.length; i += 1) sum = (sum * 31 + name.charCodeAt(i)) % 9973;
  if (n % 100 === 3) return sum % 10 === 0 ? 85 * MINUTE : 0;
  return isDaily(n) && sum % 20 === 0 ? 36 * HOUR : 0;
}

type Deeds = ReadonlyMap<number, readonly { readonly plan: Plan; readonly change: PlanChange }[]>;

function deedsOf(years: readonly PlannedYear[]): Deeds {
  const deeds = new Map<number, { plan: Plan; change: PlanChange }[]>();
  const at = (ms: number, plan: Plan, change: PlanChange): void => {
    deeds.set(ms, [...(deeds.get(ms) ?? []), { plan, change }]);
  };
  for (const { plan, skipAtMs, pausedMs } of years) {
    if (skipAtMs !== undefined) at(skipAtMs, plan, { skipNextRun: true });
    if (pausedMs === undefined) continue;
    at(pausedMs[0], plan, { paused: true });
    at(pausedMs[1], plan, { paused: false });
  }
  return deeds;
}

async function act(
  world: YearOfPlans,
  plan: Plan,
  change: PlanChange,
  nowMs: number,
): Promise<void> {
  const row = await world.records.get('plans', keyOf(plan));
  if (row === undefined) throw new Error(`Plan ${plan.id} is gone`);
  await writePlan(world.records, row, (current) => changedPlan(current, change, nowMs));
}

function* interestingMinutes(
  years: readonly PlannedYear[],
  deeds: Deeds,
): Generator<number, undefined> {
  const due = years.flatMap(({ dueMs }) => dueMs.filter((ms) => ms < END));
  const all = [...due, ...deeds.keys(), ...OUTAGES.map(([, to]) => to)];
  yield* [...new Set(all)].sort((a, b) => a - b);
}

/** The rules of plans, told from the due times alone. */
function expectedOf({ plan, dueMs, skipAtMs, pausedMs }: PlannedYear) {
  const runs: { readonly name: string; readonly atMs: number }[] = [];
  const skipped: string[] = [];
  let freeAtMs = 0;
  let isSkipping = skipAtMs !== undefined;
  let handledMs = 0;
  for (const due of dueMs) {
    const isPaused = pausedMs !== undefined && due > pausedMs[0] && due <= pausedMs[1];
    if (due >= END || due <= handledMs || isPaused) continue;
    handledMs = afterOutage(due);
    const name = `${plan.spec.name}-${new Date(due).toISOString().replaceAll(/[-:T]/g, '').slice(0, 14)}`;
    if (isSkipping && due > (skipAtMs ?? 0)) {
      isSkipping = false;
      skipped.push(`${plan.id} ${new Date(due).toISOString()} skip_next_run`);
    } else if (freeAtMs > handledMs) {
      skipped.push(`${plan.id} ${new Date(due).toISOString()} previous_run_active`);
    } else {
      runs.push({ name, atMs: handledMs });
      freeAtMs = handledMs + lastsMs(plan.id, name);
    }
  }
  return { runs, skipped, nextMs: dueMs.find((ms) => ms >= END) };
}

/** When somebody gets to do what is due then. */
function afterOutage(dueMs: number): number {
  return OUTAGES.find(([from, to]) => dueMs >= from && dueMs < to)?.[1] ?? dueMs;
}

/** The rules of validity: data until it is over, the record for 30 days more. */
function isKept(runAtMs: number, { spec }: Plan): { data: boolean; record: boolean } {
  const removedAtMs = afterOutage(runAtMs + spec.retentionDays * DAY);
  return { data: removedAtMs >= END, record: afterOutage(removedAtMs + RECORD_MS) >= END };
}

function filesOf(name: string): readonly string[] {
  return [`${name}.tar.gz`, 'velero-backup.json'].map((file) => `team/backups/${name}/${file}`);
}

async function outcomeOf(world: YearOfPlans, years: readonly PlannedYear[]): Promise<YearOutcome> {
  const expected: string[] = [];
  const expectedRecords: string[] = [];
  const expectedStored: string[] = [];
  const expectedSkipped: string[] = [];
  const skipped: string[] = [];
  const misled: string[] = [];
  for (const year of years) {
    const { runs, skipped: left, nextMs } = expectedOf(year);
    for (const { name, atMs } of runs) {
      const kept = isKept(atMs, year.plan);
      expected.push(name);
      if (kept.record) expectedRecords.push(`${year.plan.id}/${name}`);
      if (kept.data) expectedStored.push(...filesOf(name));
    }
    expectedSkipped.push(...left.slice(-1));
    const row = (await world.records.get('plans', keyOf(year.plan)))?.value;
    const { lastSkipped } = row ?? {};
    if (lastSkipped !== undefined) {
      const at = new Date(lastSkipped.atMs).toISOString();
      skipped.push(`${year.plan.id} ${at} ${lastSkipped.reason}`);
    }
    const told = { name: row?.lastRun?.name, phase: row?.lastRun?.phase, dueAtMs: row?.dueAtMs };
    const newest = runs.at(-1)?.name;
    const wanted = { name: newest, phase: newest && 'Completed', dueAtMs: nextMs };
    if (JSON.stringify(told) !== JSON.stringify(wanted)) {
      misled.push(`${year.plan.id}: ${JSON.stringify(told)}, not ${JSON.stringify(wanted)}`);
    }
  }
  const records = await recordsOf(world, years);
  return {
    happened: world.happened,
    records: records.map(({ planId = '', spec }) => `${planId}/${spec.name}`).sort(),
    expectedRecords: expectedRecords.sort(),
    runs: (await namesOf(world)).sort(),
    expected: expected.sort(),
    skipped: skipped.sort(),
    expectedSkipped: expectedSkipped.sort(),
    stored: [...world.storage()].sort(),
    expectedStored: expectedStored.sort(),
    phases: [...new Set(records.map((record) => record.phase))],
    misled,
  };
}

async function recordsOf(
  world: YearOfPlans,
  years: readonly PlannedYear[],
): Promise<readonly BackupRecord[]> {
  const records: BackupRecord[] = [];
  for (const cluster of new Set(years.map(({ plan }) => plan.cluster))) {
    let after: string | undefined;
    do {
      const options = { prefix: [cluster], limit: 1000, ...(after === undefined ? {} : { after }) };
      const page = await world.records.list('backups', options);
      records.push(...page.rows.map((row) => row.value));
      after = page.next;
    } while (after !== undefined);
  }
  return records;
}

/** Names that are taken in the vault. */
async function namesOf(world: YearOfPlans): Promise<string[]> {
  const names: string[] = [];
  let after: string | undefined;
  do {
    const page = await world.records.list('names', {
      prefix: ['cnfs-oss-vault/team/'],
      limit: 1000,
      ...(after === undefined ? {} : { after }),
    });
    names.push(...page.rows.map((row) => row.value.name));
    after = page.next;
  } while (after !== undefined);
  return names;
}

function keyOf({ cluster, id }: Plan): readonly string[] {
  return [planShard(cluster), cluster, id];
}
