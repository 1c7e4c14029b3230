import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { objectAt } from '../json-tree.ts';
import { configMap, startTestCluster, type TestCluster } from '../testing/test-cluster.ts';

const shop = '/api/v1/namespaces/shop';
let cluster: TestCluster;

beforeEach(async () => {
  cluster = await startTestCluster();
  await cluster.namespace('shop');
});
afterEach(() => cluster.close());

async function quota(hard: Record<string, string>): Promise<void> {
  await cluster.create(`${shop}/resourcequotas`, { metadata: { name: 'q' }, spec: { hard } });
  await cluster.emulator.idle();
}

async function quotaUse(): Promise<unknown> {
  const reply = await cluster.get(`${shop}/resourcequotas/q`);
  return objectAt(reply.body, 'status', 'used');
}

function pod(limits: Record<string, string>): unknown {
  const containers = [{ name: 'main', image: 'nginx:1.27', resources: { limits } }];
  return { metadata: { name: 'p' }, spec: { containers } };
}

describe('a resource quota', () => {
  it('takes what fits and refuses the rest, existing names included', async () => {
    await quota({ 'count/configmaps': '2' });
    expect((await cluster.create(`${shop}/configmaps`, configMap('one'))).code).toBe(201);
    expect(await quotaUse()).toEqual({ 'count/configmaps': '2' });
    const refused = await cluster.create(`${shop}/configmaps`, configMap('one'));
    expect(refused.code).toBe(403);
    expect(refused.body.message).toBe(
      'configmaps "one" is forbidden: exceeded quota: q, requested: count/configmaps=1, ' +
        'used: count/configmaps=2, limited: count/configmaps=2',
    );
  });

  it('has room again after a deletion', async () => {
    await quota({ 'count/configmaps': '2' });
    await cluster.create(`${shop}/configmaps`, configMap('one'));
    await cluster.remove(`${shop}/configmaps/one`);
    await cluster.emulator.idle();
    expect(await quotaUse()).toEqual({ 'count/configmaps': '1' });
    expect((await cluster.create(`${shop}/configmaps`, configMap('two'))).code).toBe(201);
  });

  it('is not charged by a dry run, nor by creations that came second', async () => {
    await quota({ 'count/configmaps': '3' });
    await cluster.create(`${shop}/configmaps?dryRun=All`, configMap('one'));
    await Promise.all([1, 2, 3].map(() => cluster.create(`${shop}/configmaps`, configMap('one'))));
    expect(await quotaUse()).toEqual({ 'count/configmaps': '2' });
  });

  it('lets of many creations at once no more in than fit', async () => {
    await quota({ 'count/configmaps': '4' });
    const names = ['a', 'b', 'c', 'd', 'e', 'f'];
    const replies = await Promise.all(
      names.map((name) => cluster.create(`${shop}/configmaps`, configMap(name))),
    );
    expect(replies.map(({ code }) => code).sort()).toEqual([201, 201, 201, 403, 403, 403]);
  });

  it('lets a claim grow as far as there is room', async () => {
    await quota({ 'requests.storage': '3Gi' });
    const sized = (storage: string) => ({ resources: { requests: { storage } } });
    const claims = `${shop}/persistentvolumeclaims`;
    const spec = { accessModes: ['ReadWriteOnce'], storageClassName: 'x' };
    const claim = { metadata: { name: 'c' }, spec: { ...spec, ...sized('2Gi') } };
    expect((await cluster.create(claims, claim)).code).toBe(201);
    await cluster.send(
      'PATCH',
      `${claims}/c/status`,
      { status: { phase: 'Bound' } },
      {
        type: 'application/merge-patch+json',
      },
    );
    expect((await cluster.merge(`${claims}/c`, { spec: sized('4Gi') })).code).toBe(403);
    expect((await cluster.merge(`${claims}/c`, { spec: sized('3Gi') })).code).toBe(200);
    expect(await quotaUse()).toEqual({ 'requests.storage': '3Gi' });
  });
});

describe('a limit range', () => {
  it('fills in what a pod leaves out and refuses what is beyond', async () => {
    const limits = [{ type: 'Container', default: { cpu: '500m' }, max: { cpu: '1' } }];
    await cluster.create(`${shop}/limitranges`, { metadata: { name: 'l' }, spec: { limits } });
    const refused = await cluster.create(`${shop}/pods`, pod({ cpu: '2' }));
    expect(refused.body.message).toBe(
      'pods "p" is forbidden: maximum cpu usage per Container is 1, but limit is 2',
    );
    const made = await cluster.create(`${shop}/pods`, pod({}));
    expect(made.body).toMatchObject({
      metadata: {
        annotations: {
          'kubernetes.io/limit-ranger':
            'LimitRanger plugin set: cpu request for container main; cpu limit for container main',
        },
      },
      spec: { containers: [{ resources: { limits: { cpu: '500m' }, requests: { cpu: '500m' } } }] },
    });
  });
});
