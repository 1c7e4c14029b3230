import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { textAt } from './json-tree.ts';
import { configMap, startTestCluster, type TestCluster } from './testing/test-cluster.ts';

const maps = '/api/v1/namespaces/shop/configmaps';
let cluster: TestCluster;

beforeEach(async () => {
  cluster = await startTestCluster();
  await cluster.namespace('shop');
});
afterEach(() => cluster.close());

describe('the API server', () => {
  it('answers 401 without a known token, and health to anybody', async () => {
    const refused = await cluster.get(maps, { token: 'nobody' });
    expect(refused.code).toBe(401);
    expect(refused.body).toMatchObject({ kind: 'Status', reason: 'Unauthorized', code: 401 });
    const health = await cluster.get('/readyz', { headers: { authorization: '' } });
    expect(health.text).toBe('ok');
  });

  it('creates, refuses a second one, and finds what it has', async () => {
    const created = await cluster.create(maps, configMap('one'));
    expect(created.code).toBe(201);
    expect(created.body).toMatchObject({
      kind: 'ConfigMap',
      apiVersion: 'v1',
      metadata: { name: 'one', namespace: 'shop', creationTimestamp: '2026-01-02T03:04:05Z' },
      data: { a: '1' },
    });
    const again = await cluster.create(maps, configMap('one'));
    expect(again.code).toBe(409);
    expect(again.body.message).toBe('configmaps "one" already exists');
    const found = await cluster.get(`${maps}/one`);
    expect(found.body).toEqual(created.body);
  });

  it('keeps everything over a restart, revisions included', async () => {
    const created = await cluster.create(maps, configMap('one'));
    await cluster.restart();
    const found = await cluster.get(`${maps}/one`);
    expect(found.body).toEqual(created.body);
    const next = await cluster.create(maps, configMap('two'));
    const [before, after] = [created, next].map((r) =>
      Number(textAt(r.body, 'metadata', 'resourceVersion')),
    );
    expect(after).toBeGreaterThan(before ?? 0);
  });

  it('refuses an update of an older state', async () => {
    const created = await cluster.create(maps, configMap('one'));
    await cluster.merge(`${maps}/one`, { data: { b: '2' } });
    const late = await cluster.send('PUT', `${maps}/one`, created.body);
    expect(late.code).toBe(409);
    expect(late.body.message).toBe(
      'Operation cannot be fulfilled on configmaps "one": the object has been modified; please ' +
        'apply your changes to the latest version and try again',
    );
  });

  it('does not write on a dry run', async () => {
    const dry = await cluster.create(`${maps}?dryRun=All`, configMap('one'));
    expect(dry.code).toBe(201);
    expect(textAt(dry.body, 'metadata', 'uid')).not.toBe('');
    expect((await cluster.get(`${maps}/one`)).code).toBe(404);
  });
});
