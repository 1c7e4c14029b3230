import { beforeEach, describe, expect, it } from 'vitest';
import type { JsonObject } from '../../shared/domain/json.ts';
import { ApiWorld } from '../../test/support/api-world.ts';
import { makePlan, PLANS } from '../../test/support/plan-samples.ts';

let world: ApiWorld;
const call: ApiWorld['call'] = (...given) => world.call(...given);
const made = async (given: object = {}) => await makePlan(world, given);
const DAY_MS = 86_400_000;

beforeEach(async () => {
  world = new ApiWorld();
  await world.prepare();
});

describe('a run by hand', () => {
  it('is a backup of the plan, named by the moment and a mark', async () => {
    const plan = await made({ retentionDays: 7, namespaceSelection: 'exclude' });
    const reply = await call('POST', `${PLANS}/nightly/run`);
    expect(reply).toMatchObject({
      status: 202,
      body: {
        plan: 'nightly',
        phase: 'New',
        spec: { retentionDays: 7, namespaces: ['shop'], namespaceSelection: 'exclude' },
      },
    });
    expect(reply.body.name).toMatch(/^nightly-20260101000000-m[0-9a-f]{4}$/);
    expect(reply.body.spec).not.toHaveProperty('schedule');
    const { name } = reply.body;
    const lastRun = { name, phase: 'New', at: '2026-01-01T00:00:00.000Z' };
    expect((await call('GET', `${PLANS}/nightly`)).body).toEqual({ ...plan, lastRun });
    await world.finish({ phase: 'PartiallyFailed' });
    const after = { ...plan, lastRun: { ...lastRun, phase: 'PartiallyFailed' } };
    expect((await call('GET', `${PLANS}/nightly`)).body).toEqual(after);
    expect((await call('GET', PLANS)).body.items).toEqual([after]);
  });

  it('goes on while the plan is paused or another run is under way', async () => {
    await made({ paused: true });
    const names = new Set<unknown>();
    for (let n = 0; n < 3; n += 1) {
      const reply = await call('POST', `${PLANS}/nightly/run`);
      expect(reply.status).toBe(202);
      names.add(reply.body.name);
    }
    expect(names.size).toBe(3);
    expect(await world.backupCount()).toBe(3);
  });

  it('needs its vault', async () => {
    await made();
    const row = (await world.records.list('vaults', { prefix: ['1234567890'], limit: 1 })).rows[0];
    if (row === undefined) throw new Error('No vault');
    await world.records.put('vaults', row.key, { ...row.value, phase: 'Unavailable' }, 'any');
    expect(await call('POST', `${PLANS}/nightly/run`)).toMatchObject({
      status: 409,
      body: { code: 'vault_unavailable' },
    });
    expect(await world.backupCount()).toBe(0);
  });

  it('draws another name where its own is taken, and says so where none is free', async () => {
    await made();
    await call('POST', `${PLANS}/nightly/run`);
    const first = await world.records.list('backups', { prefix: ['c1'], limit: 1 });
    const mark = first.rows[0]?.value.spec.name.slice(-4) ?? '';
    const { entropy } = world.services;
    const draws = [mark, mark, 'ffff', mark, mark, mark];
    const drawn = entropy.hex.bind(entropy);
    entropy.hex = (bytes) => (bytes === 2 ? (draws.shift() ?? '0000') : drawn(bytes));
    const reply = await call('POST', `${PLANS}/nightly/run`);
    expect(reply.body.name).toMatch(/-mffff$/);
    expect(await call('POST', `${PLANS}/nightly/run`)).toMatchObject({
      status: 409,
      body: { code: 'name_taken' },
    });
    expect(await world.backupCount()).toBe(2);
  });
});

describe('records of plans', () => {
  /** Three runs of `nightly` and one of `weekly`, the last of `nightly` first. */
  async function runs(): Promise<string[]> {
    const names: string[] = [];
    await made();
    await made({ name: 'weekly', namespaces: ['web'] });
    for (const [plan, phase, namespace] of [
      ['nightly', 'Completed', 'shop'],
      ['weekly', 'Completed', 'web'],
      ['nightly', 'Failed', 'shop'],
      ['nightly', 'Completed', 'shop'],
    ] as const) {
      const reply = await call('POST', `${PLANS}/${plan}/run`);
      names.unshift(String(reply.body.name));
      await world.finish({ phase, namespacesResolved: [namespace] });
      await world.clock.advance(1000);
    }
    return names;
  }

  async function listed(query: string): Promise<{ names: string[]; next: unknown }> {
    const { body } = await call('GET', `/v1/clusters/c1/backups?${query}`);
    const items = Array.isArray(body.items) ? body.items : [];
    const names = items.map((item) => String((item as JsonObject).name));
    return { names, next: body.nextCursor };
  }

  it('are listed by plan, newest first, with the other filters', async () => {
    const [last, failed, weekly, first] = await runs();
    expect((await listed('plan=nightly')).names).toEqual([last, failed, first]);
    expect((await listed('plan=weekly')).names).toEqual([weekly]);
    expect((await listed('plan=none')).names).toEqual([]);
    expect((await listed('plan=nightly&phase=Failed')).names).toEqual([failed]);
    expect((await listed('plan=nightly&phase=Completed')).names).toEqual([last, first]);
    expect((await listed('plan=nightly&namespace=shop&vault=main')).names).toHaveLength(3);
    expect((await listed('plan=nightly&namespace=web')).names).toEqual([]);
  });

  it('come in pages', async () => {
    const [last, failed, , first] = await runs();
    const page = await listed('plan=nightly&limit=2');
    expect(page.names).toEqual([last, failed]);
    const rest = await listed(`plan=nightly&limit=2&cursor=${String(page.next)}`);
    expect(rest).toEqual({ names: [first], next: undefined });
  });
});

describe('a restore of a plan', () => {
  const restore = async (name: string) =>
    await call('POST', '/v1/clusters/c1/restores', { name, vault: 'main', plan: 'nightly' });

  async function ran(phase: 'Completed' | 'PartiallyFailed' | 'Failed'): Promise<unknown> {
    await world.clock.advance(1000);
    const reply = await call('POST', `${PLANS}/nightly/run`);
    await world.finish({ phase });
    return reply.body.name;
  }

  it('takes its newest Completed backup, else the newest PartiallyFailed one', async () => {
    await made();
    expect(await restore('r0')).toMatchObject({ status: 404, body: { code: 'not_found' } });
    await ran('Failed');
    expect((await restore('r1')).status).toBe(404);
    await ran('PartiallyFailed');
    const partial = await ran('PartiallyFailed');
    await ran('Failed');
    expect((await restore('r2')).body.backup).toBe(partial);
    await ran('Completed');
    const completed = await ran('Completed');
    await ran('PartiallyFailed');
    expect((await restore('r3')).body.backup).toBe(completed);
  });

  it('looks past any number of failed ones, of this plan in this vault, into another cluster', async () => {
    await made();
    await made({ name: 'weekly' });
    const completed = await ran('Completed');
    for (let n = 0; n < 60; n += 1) await ran('Failed');
    await call('POST', `${PLANS}/weekly/run`);
    await world.finish();
    world.directory.add({ id: 'c2', clusterType: 'Kubernetes' }, world.cluster);
    await call('POST', '/v1/clusters', { id: 'c2' });
    await call('PUT', '/v1/clusters/c2/vaults/main');
    const order = { name: 'r1', vault: 'main', plan: 'nightly' };
    const reply = await call('POST', '/v1/clusters/c2/restores', order);
    expect(reply.body).toMatchObject({ backup: completed, sourceCluster: 'c1' });
  });

  it('takes none whose validity is over, and outlives the plan', async () => {
    await made({ retentionDays: 1 });
    await ran('Completed');
    await world.clock.advance(DAY_MS / 2);
    const partial = await ran('PartiallyFailed');
    await call('DELETE', `${PLANS}/nightly`);
    await world.clock.advance(DAY_MS / 2);
    expect((await restore('r1')).body.backup).toBe(partial);
    await world.clock.advance(DAY_MS);
    expect((await restore('r2')).status).toBe(404);
  });
});
