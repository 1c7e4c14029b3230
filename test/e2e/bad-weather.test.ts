/**
 * A cluster that cannot be reached, a credential that expired, a bucket that vanished, an API group that
 * is dead; each during a backup and during a restore. The record says which and what to do, and a run
 * goes on by itself where trying again makes sense.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../../infra/local/kube-session.ts';
import type { ApiReply } from '../../infra/local/story-steps.ts';
import { FINE } from './weather-proxy.ts';
import { bucketOf, GEARS, type Way, WeatherWorld } from './weather-world.ts';

/** The longest pause between two attempts of a step, and some, ms. */
const PAUSE_MS = 301_000;

const deadGroup = (group: string): string => `
apiVersion: apiregistration.k8s.io/v1
kind: APIService
metadata: {name: v1.${group}}
spec:
  group: ${group}
  version: v1
  groupPriorityMinimum: 100
  versionPriority: 100
  insecureSkipTLSVerify: true
  service: {namespace: default, name: nobody}
`;

let world: WeatherWorld;

beforeAll(async () => {
  world = await WeatherWorld.start();
});

afterAll(async () => {
  await world.close();
});

/** The API itself looks for the namespaces of a request before a run begins. */
const isByApi = (path: string): boolean => /^\/api\/v1\/namespaces\/[^/]+$/.test(path);

/** Everything after the first request of that kind meets its fate, that one included. */
function from(first: (method: string, path: string) => boolean, fate: 'refuse' | 'unauthorized') {
  let begun = false;
  return (method: string, path: string) => {
    begun ||= first(method, path);
    return begun ? fate : 'fine';
  };
}

describe.concurrent('for a while', () => {
  it('a cluster that cannot be reached delays a backup', async () => {
    const proxy = world.proxy('wx-1');
    proxy.weather = (_method, path) => (isByApi(path) ? 'fine' : 'refuse');
    const path = await world.startBackup('wx-1', 'unreached');
    const message = await world.trouble(path, /attempt 2 of 10/);
    expect(message).toMatch(/resolve failed.*Cannot read the version in cluster wx-1/);
    expect(message).toMatch(/Check that the cluster runs and that its API server can be reached/);
    proxy.weather = FINE;
    await world.endsWell(path);
  });

  it('a cluster that is lost in the middle delays a restore', async () => {
    const proxy = world.proxy('wx-2');
    proxy.weather = from((method, path) => method === 'POST' && /configmaps/.test(path), 'refuse');
    const path = await world.startRestore('wx-2', 'lost');
    const message = await world.trouble(path, /attempt 2 of 10/);
    expect(message).toMatch(/create failed.* in cluster wx-2: /);
    expect(message).toMatch(/Check that the cluster runs/);
    expect(await world.restored('lost')).toBe(false);
    proxy.weather = FINE;
    await world.endsWell(path);
    expect(await world.restored('lost')).toBe(true);
  });

  it('a credential that expired in the middle delays a backup', async () => {
    const proxy = world.proxy('wx-3');
    proxy.weather = from((_method, path) => /\/secrets/.test(path), 'unauthorized');
    const path = await world.startBackup('wx-3', 'expired');
    const message = await world.trouble(path, /attempt 2 of 10/);
    expect(message).toMatch(/capture failed.*Cannot list .* in cluster wx-3: Unauthorized/);
    expect(message).toMatch(/Check that the centre's role .* may get a kubeconfig/);
    proxy.weather = FINE;
    await world.endsWell(path);
  });

  it('a credential that expired in the middle delays a restore', async () => {
    const proxy = world.proxy('wx-4');
    proxy.weather = from((method) => method === 'POST', 'unauthorized');
    const path = await world.startRestore('wx-4', 'expired');
    const message = await world.trouble(path, /attempt 2 of 10/);
    expect(message).toMatch(/create failed.* in cluster wx-4: Unauthorized/);
    proxy.weather = FINE;
    await world.endsWell(path);
    expect(await world.restored('expired')).toBe(true);
  });

  it('a group whose server does not answer delays a backup', async () => {
    let refused = 0;
    world.proxy('wx-5').weather = (_method, path) => {
      if (!/gears/.test(path) || refused >= 5) return 'fine';
      refused += 1;
      return 'unavailable';
    };
    await world.endsWell(await world.startBackup('wx-5', 'busy-group', { namespaces: ['plant'] }));
    expect(refused).toBe(5);
  });
});

describe('a bucket', () => {
  it.each([
    ['InitiateMultipartUpload', 'a backup', 'capture', () => world.startBackup('wx-1', 'busy')],
    ['HeadObject', 'a restore', 'precheck', () => world.startRestore('wx-1', 'busy')],
  ] as const)('that is busy (%s) delays %s', async (action, _what, step, start) => {
    // Six attempts are one call's worth: then the step waits.
    const faults = { service: 'oss', action, kind: 'unavailable', times: 6 };
    const planned = await fetch(`${world.stack.description.control}/faults`, {
      method: 'POST',
      body: JSON.stringify(faults),
    });
    expect(planned.status).toBe(200);
    const path = await start();
    const message = await world.trouble(path, /attempt 2 of 10/);
    expect(message).toMatch(new RegExp(`^${step} failed.* of bucket ${bucketOf('main')} in OSS: `));
    expect(message).toMatch(/Check that the vault's bucket exists/);
    await world.endsWell(path);
  });

  it('that vanished ends a backup at once', async () => {
    const held = hold('wx-1', (_method, path) => /\/secrets/.test(path));
    const path = await world.startBackup('wx-1', 'vanished', { vault: 'gone-1' });
    await held.reached;
    await world.removeBucket(bucketOf('gone-1'));
    held.release();
    await endsWithoutBucket(path, 'gone-1');
    expect((await world.api.call('GET', '/v1/clusters/wx-1/precheck')).items).toContainEqual(
      expect.objectContaining({ check: 'oss_access', ok: false }),
    );
  });

  it('that vanished ends a restore with nothing created', async () => {
    const held = hold('wx-2', (_method, path) => path === '/version');
    const path = await world.startRestore('wx-2', 'vanished', {
      vault: 'gone-2',
      backup: 'doomed',
    });
    await held.reached;
    await world.removeBucket(bucketOf('gone-2'));
    held.release();
    const record = await endsWithoutBucket(path, 'gone-2');
    expect(record.counts).toMatchObject({ created: 0 });
    expect(await world.restored('vanished')).toBe(false);
  });
});

/** Holds the first request of that kind, and those behind it, until it is released. */
function hold(
  way: Way,
  isIt: (method: string, path: string) => boolean,
): { readonly reached: Promise<void>; release(): void } {
  const proxy = world.proxy(way);
  let release: () => void = () => undefined;
  const released = new Promise<'fine'>((resolve) => {
    release = () => {
      proxy.weather = FINE;
      resolve('fine');
    };
  });
  const reached = new Promise<void>((resolve) => {
    proxy.weather = (method, path) => {
      if (!isIt(method, path)) return 'fine';
      resolve();
      return released;
    };
  });
  return { reached, release };
}

async function endsWithoutBucket(path: string, vault: string): Promise<ApiReply> {
  const record = await world.api.finished(path);
  const words = new RegExp(`of bucket ${bucketOf(vault)} in OSS: NoSuchBucket`);
  expect(record.phase).toBe('Failed');
  expect(record.message).toMatch(words);
  const [error] = record.errors as ApiReply[];
  expect(error?.code).toBe('bucket_unavailable');
  expect(error?.message).toMatch(words);
  expect(error?.hint).toMatch(/Check that the vault's bucket exists/);
  return record;
}

/**
 * Moves the clock past each pause until all runs have ended; the attempts that were announced. A run
 * whose worker was just about to begin its pause is passed once more a little later.
 */
async function skipPauses(paths: readonly string[]): Promise<readonly number[]> {
  const announced = new Set<number>();
  let seen = '';
  let movedAtMs = 0;
  await until('all have ended', async () => {
    const records = await Promise.all(paths.map((path) => world.api.call('GET', path)));
    const waiting = records.filter((r) => r.phase !== 'Failed').map((r) => String(r.message));
    for (const message of waiting) {
      const attempt = /attempt (\d+) of 10/.exec(message)?.[1];
      if (attempt !== undefined) announced.add(Number(attempt));
    }
    const isNew = waiting.every((message) => !seen.includes(message));
    if (waiting.length > 0 && (isNew || Date.now() - movedAtMs > 1_500)) {
      seen = waiting.join();
      await world.stack.advance(PAUSE_MS);
      movedAtMs = Date.now();
    }
    return waiting.length === 0;
  });
  return [...announced];
}

describe('for good', () => {
  it('an expired credential ends a backup and a restore after ten attempts', async () => {
    for (const way of ['wx-3', 'wx-4'] as const) {
      world.proxy(way).weather = (_method, path) => (isByApi(path) ? 'fine' : 'unauthorized');
    }
    const paths = [
      await world.startBackup('wx-3', 'for-good'),
      await world.startRestore('wx-4', 'for-good'),
    ];
    expect(await skipPauses(paths)).toContain(10);
    for (const path of paths) {
      const record = await world.api.finished(path);
      const [error] = record.errors as ApiReply[];
      expect(record.phase).toBe('Failed');
      expect(record.message).toMatch(/Cannot read the version in cluster wx-[34]: Unauthorized/);
      expect(error).toMatchObject({ code: 'credentials_expired', message: record.message });
      expect(error?.hint).toMatch(/may get a kubeconfig of the cluster/);
    }
    expect(await world.restored('for-good')).toBe(false);
  });

  it('a dead group costs a backup that group only', async () => {
    await world.kube.create(deadGroup('ghost.example'));
    const record = await world.api.finished(await world.startBackup('wx-5', 'haunted'));
    expect(record).toMatchObject({ phase: 'PartiallyFailed', errors: [] });
    const gaps = record.coverageGaps as ApiReply[];
    expect(gaps).toHaveLength(1);
    expect(gaps[0]).toMatchObject({ group: 'ghost.example' });
    expect(gaps[0]?.reason).toMatch(/stale/);
    expect(gaps[0]?.hint).toMatch(
      /Repair what serves API group ghost\.example, or remove its APIS/,
    );
    await world.kube.call('DELETE', `${APISERVICES}/v1.ghost.example`);
  });

  it('a dead group costs a restore its objects only, and nothing when it revives', async () => {
    await world.kube.wipe(['plant'], []);
    await world.kube.call('DELETE', `${DEFINITIONS}/gears.plant.example`);
    await until('no gear is served', async () => {
      const reply = await world.kube.call('GET', `${DEFINITIONS}/gears.plant.example`);
      return reply.status === 404;
    });
    await world.kube.create(deadGroup('plant.example'));
    const only = { backup: 'gears', resources: ['gears.plant.example'], clusterScope: 'none' };
    const dead = await world.startRestore('wx-6', 'dead', { ...only, namespaceMapping: {} });
    const waiting =
      /Waiting: API group plant\.example\/v1 of cluster wx-6 does not answer, 1 objects/;
    await world.trouble(dead, waiting);
    await world.stack.advance(PAUSE_MS);
    const record = await world.api.finished(dead);
    const [error] = record.errors as ApiReply[];
    expect(record).toMatchObject({ phase: 'PartiallyFailed', counts: { failed: 1 } });
    expect(error).toMatchObject({
      code: 'api_group_unavailable',
      object: { resource: 'gears.plant.example', namespace: 'plant', name: 'g' },
    });
    expect(error?.hint).toMatch(/Repair what serves the API group/);

    const revived = await world.startRestore('wx-6', 'revived', { ...only, namespaceMapping: {} });
    await world.trouble(revived, waiting);
    await world.kube.call('DELETE', `${APISERVICES}/v1.plant.example`);
    await world.kube.create(GEARS);
    await world.endsWell(revived);
    const gear = await world.kube.call('GET', '/apis/plant.example/v1/namespaces/plant/gears/g');
    expect(gear.body.teeth).toBe(12);
  });
});

const APISERVICES = '/apis/apiregistration.k8s.io/v1/apiservices';
const DEFINITIONS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
