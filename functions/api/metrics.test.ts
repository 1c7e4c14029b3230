import { expect, it } from 'vitest';
import { tellPlan } from '../../shared/app/plan-rows.ts';
import { planShard } from '../../shared/domain/ids.ts';
import { ApiWorld, BACKUP_BODY } from '../../test/support/api-world.ts';
import { samplePlan } from '../../test/support/sample-plan.ts';
import { sampleBackup } from '../../test/support/sample-records.ts';
import { metricsText } from './metrics-text.ts';

/** Every sample by name and labels; a line that is not of the format fails. */
function parse(text: string): ReadonlyMap<string, number> {
  const samples = new Map<string, number>();
  const typed = new Set<string>();
  expect(text.endsWith('\n')).toBe(true);
  for (const line of text.slice(0, -1).split('\n')) {
    const type = /^# TYPE ([a-z_]+) gauge$/.exec(line)?.[1];
    if (type !== undefined) {
      expect(typed.has(type), line).toBe(false);
      typed.add(type);
      continue;
    }
    if (/^# HELP [a-z_]+ \S.*$/.test(line)) continue;
    const label = '[a-z_]+="(?:[^"\\\\\\n]|\\\\["\\\\n])*"';
    const sample = new RegExp(`^([a-z_]+)(\\{${label}(?:,${label})*\\})? (-?[0-9.e+]+)$`).exec(
      line,
    );
    expect(sample, line).not.toBeNull();
    const [, name = '', labels = '', value = ''] = sample ?? [];
    expect(typed.has(name), line).toBe(true);
    expect(samples.has(name + labels), line).toBe(false);
    samples.set(name + labels, Number(value));
  }
  return samples;
}

it('tells vaults, clusters and runs, to whoever has a token', async () => {
  const world = new ApiWorld();
  await world.prepare();
  const idle = parse((await world.call('GET', '/metrics')).text);
  expect(idle.get('backup_centre_vault_available{vault="main"}')).toBe(1);
  expect(idle.get('backup_centre_runs_active{cluster="c1"}')).toBe(0);
  for (const name of ['b1', 'b2', 'b3', 'b4', 'b5', 'b6']) {
    const body = { ...BACKUP_BODY, name };
    expect((await world.call('POST', '/v1/clusters/c1/backups', body)).status).toBe(202);
  }
  const reply = await world.call('GET', '/metrics');
  expect(reply.type).toBe('text/plain; version=0.0.4; charset=utf-8');
  const contacted = 'backup_centre_cluster_contacted_timestamp_seconds{cluster="c1"}';
  expect(parse(reply.text).get(contacted)).toBeGreaterThan(1_700_000_000);
  const refused = await world.call('GET', '/metrics', undefined, { authorization: '' });
  expect(refused).toMatchObject({ status: 401, body: { code: 'unauthenticated' } });
});

it('tells of each plan how its newest run ended, and how often it should run', async () => {
  const world = new ApiWorld();
  await world.prepare();
  const atMs = Date.UTC(2026, 0, 1);
  const run = { name: 'r', runId: 'run-1', recordId: 'bk-1', atMs };
  for (const [name, phase] of [
    ['good', 'Completed'],
    ['partly', 'PartiallyFailed'],
    ['busy', 'InProgress'],
  ] as const) {
    const plan = samplePlan({ id: name, spec: { name }, paused: true, lastRun: { ...run, phase } });
    await world.records.put('plans', [planShard('c1'), 'c1', name], plan, 'absent');
  }
  const found = parse((await world.call('GET', '/metrics')).text);
  const of = (metric: string, plan: string) =>
    found.get(`backup_centre_${metric}{cluster="c1",plan="${plan}",vault="main"}`);
  const ends = ['good', 'partly', 'busy'].map((plan) => of('plan_last_run_succeeded', plan));
  expect(ends).toEqual([1, 0, undefined]);
  expect(of('plan_last_run_timestamp_seconds', 'busy')).toBe(atMs / 1000);
  expect(of('plan_paused', 'good')).toBe(1);
  expect(of('schedule_expected_interval_seconds', 'good')).toBe(86_400);
  expect(found.get('backup_centre_plans_complete')).toBe(1);
});

it('keeps the newest success of a plan, in whatever order its runs end', async () => {
  const world = new ApiWorld();
  await world.prepare();
  await world.records.put('plans', [planShard('c1'), 'c1', 'p'], samplePlan({ id: 'p' }), 'absent');
  for (const [seconds, phase, expected] of [
    [10, 'Failed', undefined],
    [30, 'Completed', 30],
    [20, 'Completed', 30],
    [30, 'Completed', 30],
    [40, 'PartiallyFailed', 30],
  ] as const) {
    const runId = `run-${seconds}`;
    const record = sampleBackup({ runId, planId: 'p', phase, createdAtMs: seconds * 1000 });
    await tellPlan(world.records, record);
    const found = parse((await world.call('GET', '/metrics')).text);
    const sample =
      'backup_centre_plan_last_success_timestamp_seconds{cluster="c1",plan="nightly",vault="main"}';
    expect(found.get(sample)).toBe(expected);
  }
});

it('counts the runs that hold a cluster and those behind them', async () => {
  const world = new ApiWorld();
  await world.prepare();
  const slots = { active: ['r1', 'r2', 'r3', 'r4'], queue: ['r5'] };
  await world.records.put('slots', ['c1'], slots, 'any');
  const found = parse((await world.call('GET', '/metrics')).text);
  expect(found.get('backup_centre_runs_active{cluster="c1"}')).toBe(4);
  expect(found.get('backup_centre_runs_waiting{cluster="c1"}')).toBe(1);
});

it('escapes what a label may not hold', () => {
  const value = 'a"b\\c\nd';
  const text = metricsText([
    { name: 'm', help: 'h', samples: [{ labels: { l: value }, value: 1 }] },
  ]);
  expect(text).toBe('# HELP m h\n# TYPE m gauge\nm{l="a\\"b\\\\c\\nd"} 1\n');
  expect(parse(text).size).toBe(1);
});
