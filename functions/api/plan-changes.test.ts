import { beforeEach, describe, expect, it } from 'vitest';
import { BackupCentreError, UnavailableError } from '../../shared/domain/errors.ts';
import { ApiWorld, VAULT_BODY } from '../../test/support/api-world.ts';
import { duePlans, keptPlans, makePlan, PLANS } from '../../test/support/plan-samples.ts';

let world: ApiWorld;
const call: ApiWorld['call'] = (...given) => world.call(...given);
const made = async (given: object = {}) => await makePlan(world, given);
const DAY_MS = 86_400_000;

beforeEach(async () => {
  world = new ApiWorld();
  await world.prepare();
});

describe('changing a plan', () => {
  const change = async (body: unknown) => await call('PATCH', `${PLANS}/nightly`, body);

  it('takes effect from now on, and each edit is kept in the vault', async () => {
    await made();
    await world.clock.advance(DAY_MS);
    const schedule = { every: '12h' };
    const reply = await change({ namespaces: ['web', 'web', 'shop'], schedule });
    expect(reply).toMatchObject({
      status: 200,
      body: {
        namespaces: ['web', 'shop'],
        schedule: { every: '12h', timeZone: 'UTC' },
        createdAt: '2026-01-01T00:00:00.000Z',
      },
    });
    expect(reply.body.nextRuns).toEqual((await call('GET', `${PLANS}/nightly`)).body.nextRuns);
    expect(reply.body.nextRuns).toContain('2026-01-02T12:00:00.000Z');
    expect(await keptPlans(world)).toEqual(['nightly-1.json shop', 'nightly-2.json web,shop']);
  });

  it('pauses, and goes on without what was missed meanwhile', async () => {
    await made();
    expect((await change({ paused: true })).body).toMatchObject({ paused: true, nextRuns: [] });
    await world.clock.advance(10 * DAY_MS);
    const reply = await change({ paused: false });
    expect(reply.body.paused).toBe(false);
    expect(JSON.stringify(reply.body.nextRuns)).toContain('["2026-01-11T02:00');
    expect(await keptPlans(world)).toEqual([
      'nightly-1.json shop',
      'nightly-2.json shop paused',
      'nightly-3.json shop',
    ]);
  });

  it('skips one run: it is not among the next ones, and changing back brings it back', async () => {
    const { nextRuns } = await made();
    const skipping = (await change({ skipNextRun: true })).body;
    expect(skipping).toMatchObject({ skipNextRun: true });
    expect(skipping.nextRuns).toEqual([
      ...(nextRuns as string[]).slice(1),
      '2026-01-06T02:00:00.000Z',
    ]);
    expect((await change({ skipNextRun: false })).body.nextRuns).toEqual(nextRuns);
    expect(await keptPlans(world)).toHaveLength(1);
  });

  it.each([{}, { paused: false }, { namespaces: ['shop'] }, { schedule: { cron: '0 2 * * *' } }])(
    'to what it is, %j, writes nothing',
    async (body) => {
      const plan = await made();
      const before = await duePlans(world);
      expect((await change(body)).body).toEqual(plan);
      expect(await duePlans(world)).toEqual(before);
    },
  );

  it.each([
    'name',
    'vault',
    'volumeBackup',
    'labelSelector',
    'resources',
    'excludedResources',
    'clusterScope',
    'retentionDays',
    'namespaceSelection',
    'id',
    'createdAt',
    'nextRuns',
  ])('is refused for %s, even beside what may be changed', async (field) => {
    await made();
    expect(await change({ [field]: 'nightly', paused: true })).toMatchObject({
      status: 422,
      body: { code: 'immutable_field', errors: [{ path: field, rule: 'cannot be changed' }] },
    });
    expect((await call('GET', `${PLANS}/nightly`)).body.paused).toBe(false);
  });

  it.each<[string, unknown, string, string]>([
    ['an unknown field', { colour: 'red' }, 'unknown_field', 'colour'],
    ['a protected namespace', { namespaces: ['kube-system'] }, 'system_namespace', 'namespaces[0]'],
    ['no namespaces', { namespaces: [] }, 'invalid', 'namespaces'],
    ['a bad schedule', { schedule: { cron: '0 25 * * *' } }, 'invalid', 'schedule.cron'],
    ['another type', { paused: 1 }, 'invalid', 'paused'],
    ['a list', [], 'invalid', ''],
  ])('is refused for %s', async (_what, body, code, path) => {
    await made();
    const reply = await change(body);
    expect(reply).toMatchObject({ status: 422, body: { code, errors: [{ path }] } });
    expect(await keptPlans(world)).toHaveLength(1);
  });

  it('never leaves everything out', async () => {
    await made({ namespaceSelection: 'exclude' });
    expect(await change({ namespaces: ['*'] })).toMatchObject({
      status: 422,
      body: { code: 'invalid', errors: [{ path: 'namespaces' }] },
    });
  });

  it('and deleting do not need the bucket when it is gone for good, and wait when it may come back', async () => {
    await made();
    const bucket = world.stores.open({ region: 'cn-hangzhou', name: VAULT_BODY.bucketName });
    bucket.intercept = async () => {
      throw new UnavailableError('bucket_unavailable', 'Cannot put in OSS: timeout');
    };
    for (const reply of [
      await change({ paused: true }),
      await call('DELETE', `${PLANS}/nightly`),
    ]) {
      expect(reply).toMatchObject({ status: 503, body: { code: 'bucket_unavailable' } });
    }
    expect((await call('GET', `${PLANS}/nightly`)).body.paused).toBe(false);
    bucket.intercept = async () => {
      throw new BackupCentreError('bucket_unavailable', 'Cannot put in OSS: NoSuchBucket');
    };
    expect((await change({ paused: true })).status).toBe(200);
    expect((await call('DELETE', `${PLANS}/nightly`)).status).toBe(200);
    expect(world.log.lines.map((line) => line.msg)).toContain(
      'Plan changed without its document in the vault',
    );
  });
});

describe('deleting', () => {
  it('a plan keeps its records, and its deletion is in the vault', async () => {
    const plan = await made();
    await call('POST', `${PLANS}/nightly/run`);
    await world.finish();
    const reply = await call('DELETE', `${PLANS}/nightly`);
    expect(reply).toMatchObject({
      status: 200,
      body: { id: plan.id, lastRun: { phase: 'Completed' } },
    });
    expect(await call('GET', `${PLANS}/nightly`)).toMatchObject({ status: 404 });
    expect(await call('DELETE', `${PLANS}/nightly`)).toMatchObject({ status: 404 });
    const backups = await call('GET', '/v1/clusters/c1/backups?plan=nightly');
    expect(backups.body.items).toHaveLength(1);
    expect(await keptPlans(world)).toEqual(['nightly-1.json shop', 'nightly-2.json shop deleted']);
  });

  it('a vault or a cluster waits until its plans are gone', async () => {
    await made();
    expect(await call('DELETE', '/v1/vaults/main')).toMatchObject({
      status: 409,
      body: {
        code: 'vault_in_use',
        detail:
          'Cannot delete vault main: plan nightly of cluster c1 refers to it; delete the plan first, its backups stay',
      },
    });
    expect(await call('DELETE', '/v1/clusters/c1')).toMatchObject({
      status: 409,
      body: {
        code: 'cluster_in_use',
        detail:
          'Cannot remove cluster c1: plan nightly backs it up; delete its plans first, their backups stay',
      },
    });
    await call('DELETE', `${PLANS}/nightly`);
    expect((await call('DELETE', '/v1/vaults/main')).status).toBe(200);
    expect((await call('DELETE', '/v1/clusters/c1')).status).toBe(200);
  });
});
