import { expect, it } from 'vitest';
import { ApiWorld, BACKUP_BODY } from '../../test/support/api-world.ts';
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
    const sample = new RegExp(`^([a-z_]+)(\\{${label}(?:,${label})*\\}) (-?[0-9.e+]+)$`).exec(line);
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
