import { beforeEach, describe, expect, it } from 'vitest';
import { timeText } from '../../shared/api/common-schemas.ts';
import { UnavailableError } from '../../shared/domain/errors.ts';
import type { JsonObject } from '../../shared/domain/json.ts';
import { ApiWorld, VAULT_BODY } from '../../test/support/api-world.ts';
import {
  duePlans,
  keptPlans,
  makePlan,
  PLAN_BODY,
  PLANS,
} from '../../test/support/plan-samples.ts';

let world: ApiWorld;
const call: ApiWorld['call'] = (...given) => world.call(...given);
beforeEach(async () => {
  world = new ApiWorld();
  await world.prepare();
});

const made = async (given: object = {}) => await makePlan(world, given);

describe('a plan', () => {
  it('is made with its defaults, and found by name and id', async () => {
    const plan = await made({ labelSelector: 'app=web', resources: 'deploy,Pod' });
    expect(plan).toEqual({
      id: plan.id,
      cluster: 'c1',
      name: 'nightly',
      vault: 'main',
      namespaces: ['shop'],
      namespaceSelection: 'include',
      volumeBackup: false,
      labelSelector: { matchLabels: { app: 'web' } },
      resources: ['deployments.apps', 'pods'],
      clusterScope: 'related',
      retentionDays: 30,
      schedule: { cron: '0 2 * * *', timeZone: 'UTC' },
      paused: false,
      skipNextRun: false,
      createdAt: '2026-01-01T00:00:00.000Z',
      nextRuns: [1, 2, 3, 4, 5].map((day) => `2026-01-0${day}T02:00:00.000Z`),
    });
    expect((await call('GET', `${PLANS}/nightly`)).body).toEqual(plan);
    expect((await call('GET', `${PLANS}/${String(plan.id)}`)).body).toEqual(plan);
    expect((await call('GET', PLANS)).body).toEqual({ items: [plan] });
    expect(await keptPlans(world)).toEqual(['nightly-1.json shop']);
    expect((await call('GET', '/v1/clusters/c1/vaults')).body.items).toHaveLength(1);
    expect(await world.backupCount()).toBe(0);
  });

  it('may name namespaces that are not there yet, or those to leave out', async () => {
    expect(await made({ namespaces: ['later'] })).toMatchObject({ namespaces: ['later'] });
    const selection = { name: 'rest', namespaceSelection: 'exclude', namespaces: ['later'] };
    expect(await made(selection)).toMatchObject(selection);
  });

  it('counts an interval from its creation, and is due at the first of its next runs', async () => {
    const plan = await made({ schedule: { cron: '@every 6h', timeZone: 'Asia/Shanghai' } });
    expect(plan).toMatchObject({
      schedule: { every: '6h', timeZone: 'Asia/Shanghai' },
      nextRuns: [6, 12, 18, 24, 30].map((hour) => timeText(Date.UTC(2026, 0, 1, hour))),
    });
    const due = (await duePlans(world)).map((row) => row.value.dueAtMs);
    expect(due).toEqual([Date.parse('2026-01-01T06:00:00Z')]);
  });

  it('that is made paused has no next runs and is not due', async () => {
    expect(await made({ paused: true })).toMatchObject({ paused: true, nextRuns: [] });
    expect(await duePlans(world)).toEqual([]);
  });

  it.each<[string, object, string, string]>([
    ['an unknown field', { colour: 'red' }, 'unknown_field', 'colour'],
    [
      'an unknown field of its schedule',
      { schedule: { cron: '0 2 * * *', at: 1 } },
      'unknown_field',
      'schedule.at',
    ],
    ['a name of 41 characters', { name: 'a'.repeat(41) }, 'invalid', 'name'],
    ['a bad name', { name: 'Nightly' }, 'invalid', 'name'],
    ['a reserved name', { name: 'x-20260101000000' }, 'reserved_name', 'name'],
    ['no namespaces', { namespaces: [] }, 'invalid', 'namespaces'],
    [
      'a protected namespace',
      { namespaces: ['shop', 'csdr'] },
      'system_namespace',
      'namespaces[1]',
    ],
    [
      'everything left out',
      { namespaceSelection: 'exclude', namespaces: ['*'] },
      'invalid',
      'namespaces',
    ],
    ['another selection', { namespaceSelection: 'some' }, 'invalid', 'namespaceSelection'],
    ['an unknown resource', { resources: 'wombats' }, 'unknown_resource', 'resources[0]'],
    ['retention of 0 days', { retentionDays: 0 }, 'invalid', 'retentionDays'],
    ['no schedule', { schedule: undefined }, 'invalid', 'schedule'],
    ['an empty schedule', { schedule: {} }, 'invalid', 'schedule'],
    ['a macro', { schedule: { cron: '@daily' } }, 'invalid', 'schedule.cron'],
    ['a line of six fields', { schedule: { cron: '0 0 2 * * *' } }, 'invalid', 'schedule.cron'],
    ['a date that never comes', { schedule: { cron: '0 0 31 2 *' } }, 'invalid', 'schedule.cron'],
    ['an interval below 5 minutes', { schedule: { every: '4m' } }, 'invalid', 'schedule.every'],
    [
      'an unknown zone',
      { schedule: { every: '1h', timeZone: 'X/Y' } },
      'invalid',
      'schedule.timeZone',
    ],
    ['a pause that is no flag', { paused: 'yes' }, 'invalid', 'paused'],
  ])('with %s is refused, and nothing is stored', async (_what, given, code, path) => {
    const reply = await call('POST', PLANS, { ...PLAN_BODY, ...given });
    expect(reply).toMatchObject({ status: 422, body: { code } });
    expect(reply.body.errors).toEqual(expect.arrayContaining([expect.objectContaining({ path })]));
    expect((await call('GET', PLANS)).body.items).toEqual([]);
    expect(await keptPlans(world)).toEqual([]);
    expect((await call('POST', PLANS, PLAN_BODY)).status).toBe(201);
  });

  it('is refused where body, cluster or vault are not there', async () => {
    expect((await call('POST', PLANS, '{')).body.code).toBe('invalid_json');
    expect((await call('POST', PLANS, `"${'x'.repeat(1_048_577)}"`)).status).toBe(413);
    const other = { ...PLAN_BODY, vault: 'other' };
    expect(await call('POST', PLANS, other)).toMatchObject({ status: 404 });
    expect(await call('POST', '/v1/clusters/c9/plans', PLAN_BODY)).toMatchObject({ status: 404 });
  });

  it.each([
    ['GET', '/v1/clusters/c9/plans'],
    ['GET', `${PLANS}/none`],
    ['GET', `${PLANS}/pl-8000000000000-00`],
    ['GET', `${PLANS}?vault=other`],
    ['PATCH', `${PLANS}/none`],
    ['DELETE', `${PLANS}/none`],
    ['POST', `${PLANS}/none/run`],
    ['POST', '/v1/clusters/c9/plans/none/run'],
  ])('that is not there is 404 for %s %s', async (method, path) => {
    const body = method === 'PATCH' ? {} : undefined;
    expect(await call(method, path, body)).toMatchObject({
      status: 404,
      body: { code: 'not_found' },
    });
  });

  it('needs a vault that can be written to, with a bucket that suits its cluster', async () => {
    await call('POST', '/v1/vaults', { ...VAULT_BODY, name: 'plain', bucketName: 'plain' });
    world.directory.add({ id: 'c2', clusterType: 'ManagedKubernetes' }, world.cluster);
    await call('POST', '/v1/clusters', { id: 'c2' });
    const plain = { ...PLAN_BODY, vault: 'plain' };
    expect(await call('POST', '/v1/clusters/c2/plans', plain)).toMatchObject({
      status: 422,
      body: { code: 'bucket_name_not_allowed' },
    });
    const page = await world.records.list('vaults', { prefix: ['1234567890', 'main'], limit: 1 });
    for (const { key, value } of page.rows) {
      await world.records.put('vaults', key, { ...value, phase: 'Unavailable' }, 'any');
    }
    expect(await call('POST', PLANS, PLAN_BODY)).toMatchObject({
      status: 409,
      body: { code: 'vault_unavailable' },
    });
  });

  it('is refused in a vault under the name of one that its cluster used before', async () => {
    await call('PUT', '/v1/clusters/c1/vaults/main');
    await call('DELETE', '/v1/vaults/main');
    await call('POST', '/v1/vaults', VAULT_BODY);
    expect(await call('POST', PLANS, PLAN_BODY)).toMatchObject({
      status: 409,
      body: { code: 'vault_identity_changed' },
    });
  });

  it('that cannot be kept in its vault is not made, and asking again makes it', async () => {
    const bucket = world.stores.open({ region: 'cn-hangzhou', name: VAULT_BODY.bucketName });
    bucket.intercept = async () => {
      throw new UnavailableError('bucket_unavailable', 'Cannot put in OSS: timeout');
    };
    expect(await call('POST', PLANS, PLAN_BODY)).toMatchObject({
      status: 503,
      body: { code: 'bucket_unavailable' },
    });
    expect((await call('GET', PLANS)).body.items).toEqual([]);
    bucket.intercept = async (_call, proceed) => await proceed();
    await made();
  });

  it('has its name for itself, over kinds, clusters and time', async () => {
    await made();
    expect(await call('POST', PLANS, PLAN_BODY)).toMatchObject({
      status: 409,
      body: {
        code: 'name_taken',
        detail: 'Cannot use the name nightly: a plan of cluster c1 has it or had it in this vault',
      },
    });
    const backup = { name: 'nightly', vault: 'main', namespaces: ['shop'], volumeBackup: false };
    expect((await call('POST', '/v1/clusters/c1/backups', backup)).body.code).toBe('name_taken');
    world.directory.add({ id: 'c2', clusterType: 'Kubernetes' }, world.cluster);
    await call('POST', '/v1/clusters', { id: 'c2' });
    expect((await call('POST', '/v1/clusters/c2/plans', PLAN_BODY)).body.code).toBe('name_taken');
    await call('DELETE', `${PLANS}/nightly`);
    expect((await call('POST', PLANS, PLAN_BODY)).body.code).toBe('name_taken');
    await call('POST', '/v1/clusters/c1/backups', { ...backup, name: 'once' });
    expect((await call('POST', PLANS, { ...PLAN_BODY, name: 'once' })).body.code).toBe(
      'name_taken',
    );
  });

  it('is meant with its vault where two have one of that name', async () => {
    await call('POST', '/v1/vaults', {
      ...VAULT_BODY,
      name: 'second',
      bucketSubdirectory: '',
      bucketName: 'cnfs-oss-b',
    });
    const first = await made();
    const second = await made({ vault: 'second' });
    for (const [method, path, body] of [
      ['GET', `${PLANS}/nightly`, undefined],
      ['PATCH', `${PLANS}/nightly`, {}],
      ['DELETE', `${PLANS}/nightly`, undefined],
      ['POST', `${PLANS}/nightly/run`, undefined],
    ] as const) {
      expect(await call(method, path, body)).toMatchObject({
        status: 409,
        body: { code: 'ambiguous_name' },
      });
    }
    expect((await call('GET', `${PLANS}/nightly?vault=main`)).body.id).toBe(first.id);
    expect((await call('GET', `${PLANS}/nightly?vault=second`)).body.id).toBe(second.id);
    expect((await call('GET', `${PLANS}?vault=second`)).body.items).toEqual([second]);
  });

  it('is one for one idempotency key', async () => {
    const headers = { 'idempotency-key': 'k1' };
    const first = await call('POST', PLANS, PLAN_BODY, headers);
    expect((await call('POST', PLANS, PLAN_BODY, headers)).body).toEqual(first.body);
    expect(await call('POST', PLANS, { ...PLAN_BODY, name: 'x' }, headers)).toMatchObject({
      status: 422,
      body: { code: 'idempotency_mismatch' },
    });
  });
});

describe('the list of plans', () => {
  it('is paged, newest first, and filtered by namespace', async () => {
    for (const name of ['a', 'b', 'c']) {
      await made({ name, namespaces: name === 'b' ? ['web'] : ['shop'] });
      await world.clock.advance(1000);
    }
    const names = (body: JsonObject) =>
      JSON.stringify(body.items)
        .match(/"name":"."/g)
        ?.join();
    const first = await call('GET', `${PLANS}?limit=2`);
    expect(names(first.body)).toBe('"name":"c","name":"b"');
    const rest = await call('GET', `${PLANS}?limit=2&cursor=${String(first.body.nextCursor)}`);
    expect(names(rest.body)).toBe('"name":"a"');
    expect(rest.body.nextCursor).toBeUndefined();
    expect(names((await call('GET', `${PLANS}?namespace=web`)).body)).toBe('"name":"b"');
    await made({ name: 'd', namespaceSelection: 'exclude', namespaces: ['shop'] });
    await world.clock.advance(1000);
    await made({ name: 'e', namespaces: ['*'] });
    const taking = (await call('GET', `${PLANS}?namespace=web`)).body;
    expect(names(taking)).toBe('"name":"e","name":"d","name":"b"');
    expect(await call('GET', `${PLANS}?colour=red`)).toMatchObject({
      status: 422,
      body: { code: 'unknown_field' },
    });
    expect((await call('GET', `${PLANS}?cursor=x`)).body.code).toBe('invalid');
  });
});
