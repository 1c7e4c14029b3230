/** What the doubles do beyond their port's contract: time that a test moves, calls that it sees. */
import { describe, expect, test } from 'vitest';
import { UnavailableError } from '../../shared/domain/errors.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { InMemoryClusterClient } from '../support/in-memory-cluster-client.ts';
import { InMemoryObjectStore } from '../support/in-memory-object-store.ts';
import { InMemoryRecordStore } from '../support/in-memory-record-store.ts';
import { MemoryLogger } from '../support/memory-logger.ts';
import { SAMPLE_RESOURCES } from '../support/sample-resources.ts';
import { SeededEntropy } from '../support/seeded-entropy.ts';

describe('FakeClock', () => {
  test('wakes sleepers in the order they are due, each at its time', async () => {
    const clock = new FakeClock({ startMs: 1_000 });
    const woken: [string, number][] = [];
    const sleep = async (name: string, ms: number) => {
      await clock.sleep(ms);
      woken.push([name, clock.now()]);
    };
    const all = Promise.all([sleep('late', 500), sleep('early', 100), sleep('again', 100)]);
    await clock.advance(99);
    expect(woken).toEqual([]);
    await clock.advance(401);
    await all;
    expect(woken).toEqual([
      ['early', 1_100],
      ['again', 1_100],
      ['late', 1_500],
    ]);
    expect(clock.sleeping()).toBe(0);
  });

  test('wakes who went to sleep while the time was moved', async () => {
    const clock = new FakeClock({ startMs: 0 });
    const ticks: number[] = [];
    const ticking = (async () => {
      for (let i = 0; i < 3; i += 1) {
        await clock.sleep(10);
        ticks.push(clock.now());
      }
    })();
    await clock.advance(25);
    expect(ticks).toEqual([10, 20]);
    await clock.advance(5);
    await ticking;
    expect(clock.now()).toBe(30);
  });

  test('an aborted sleep rejects with the reason, before or during it', async () => {
    const clock = new FakeClock();
    const reason = new Error('stop');
    await expect(clock.sleep(5, AbortSignal.abort(reason))).rejects.toBe(reason);
    const controller = new AbortController();
    const sleeping = clock.sleep(5, controller.signal);
    controller.abort(reason);
    await expect(sleeping).rejects.toBe(reason);
    expect(clock.sleeping()).toBe(0);
  });

  test('an impatient one moves by itself', async () => {
    const clock = new FakeClock({ startMs: 0, impatient: true });
    await clock.sleep(60_000);
    expect([clock.now(), clock.sleeps]).toEqual([60_000, [60_000]]);
  });
});

describe('SeededEntropy', () => {
  test('gives the same texts for a seed, others for another, none twice', () => {
    const draw = (seed: number) => {
      const entropy = new SeededEntropy(seed);
      return [entropy.hex(4), entropy.hex(4), entropy.hex(40)];
    };
    expect(draw(1)).toEqual(draw(1));
    expect(draw(1)).not.toEqual(draw(2));
    const [first, second, long] = draw(1);
    expect(first).not.toBe(second);
    expect(first).toMatch(/^[0-9a-f]{8}$/);
    expect(long).toMatch(/^[0-9a-f]{80}$/);
  });
});

describe('MemoryLogger', () => {
  test('keeps the lines of children with the fields of their parents', () => {
    const log = new MemoryLogger();
    log.child({ runId: 'r1' }).child({ step: 's' }).warn('Slow', { ms: 5 });
    expect(log.lines).toEqual([
      { level: 'warn', msg: 'Slow', fields: { runId: 'r1', step: 's', ms: 5 } },
    ]);
  });
});

describe('interception', () => {
  const lost = () => new UnavailableError('internal', 'reply lost');

  test('a refused call changes nothing, a lost reply comes after the change', async () => {
    const store = new InMemoryRecordStore();
    const value = { active: [], queue: [] };
    store.intercept = async () => {
      throw lost();
    };
    await expect(store.put('slots', ['a'], value, 'absent')).rejects.toThrow('reply lost');
    store.intercept = async (call, proceed) => {
      const outcome = await proceed();
      if (call.method === 'put') throw lost();
      return outcome;
    };
    expect(await store.get('slots', ['a'])).toBeUndefined();
    await expect(store.put('slots', ['a'], value, 'absent')).rejects.toThrow('reply lost');
    expect((await store.get('slots', ['a']))?.version).toBe(1);
  });

  test('every port double names its calls', async () => {
    const seen: string[] = [];
    const see = async <T>(call: { method: string; subject: string }, proceed: () => Promise<T>) => {
      seen.push(`${call.method} ${call.subject}`);
      return await proceed();
    };
    const objects = new InMemoryObjectStore('b');
    objects.intercept = see;
    await objects.head('key');
    const cluster = new InMemoryClusterClient(SAMPLE_RESOURCES);
    cluster.intercept = see;
    await cluster.version();
    const records = new InMemoryRecordStore();
    records.intercept = see;
    await records.list('backups', { prefix: ['c1'], limit: 1 });
    expect(seen).toEqual(['head key', 'version /version', 'list backups/c1']);
  });
});

describe('InMemoryClusterClient', () => {
  test('seeded objects keep their status, and a namespace takes its content along', async () => {
    const cluster = new InMemoryClusterClient(SAMPLE_RESOURCES, { namespaces: ['shop'] });
    const metadata = { name: 'web', namespace: 'shop' };
    const status = { readyReplicas: 1 };
    cluster.seed({ apiVersion: 'apps/v1', kind: 'Deployment', metadata, status });
    expect(cluster.peek('deployments.apps', 'shop', 'web')).toMatchObject({ status });
    const [namespaces] = SAMPLE_RESOURCES;
    if (namespaces === undefined) throw new Error('namespaces are served');
    await cluster.remove({ resource: namespaces, name: 'shop' });
    expect(cluster.peek('deployments.apps', 'shop', 'web')).toBeUndefined();
  });

  test('what is denied is refused, and said so in a review', async () => {
    const cluster = new InMemoryClusterClient(SAMPLE_RESOURCES);
    cluster.denied = [{ verb: 'list', group: '', resource: 'secrets' }];
    const secrets = SAMPLE_RESOURCES.find((r) => r.resource === 'secrets');
    if (secrets === undefined) throw new Error('secrets are served');
    await expect(cluster.list(secrets, { limit: 1 })).rejects.toMatchObject({
      code: 'cluster_access_denied',
    });
    expect(await cluster.mayI('list', '', 'secrets')).toBe(false);
    expect(await cluster.mayI('get', '', 'secrets')).toBe(true);
  });
});
