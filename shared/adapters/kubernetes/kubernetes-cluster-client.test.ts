/** The client against scripted replies of a loopback server: repeats, renewal, limits, discovery. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { FakeClock } from '../../../test/support/fake-clock.ts';
import { CONFIG_MAPS, SECRETS } from '../../../test/support/sample-resources.ts';
import { SeededEntropy } from '../../../test/support/seeded-entropy.ts';
import type { AccessProvider } from './api-transport.ts';
import { KubernetesClusterClient } from './kubernetes-cluster-client.ts';

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

let server: Server;
let url: string;
/** Answers requests in order; the last one answers all further ones. */
let script: Handler[];
let seen: { method: string; url: string; headers: IncomingMessage['headers'] }[];
let clock: FakeClock;
let client: KubernetesClusterClient;
let asked: string[];

beforeEach(async () => {
  seen = [];
  script = [];
  asked = [];
  server = createServer((request, response) => {
    seen.push({ method: request.method ?? '', url: request.url ?? '', headers: request.headers });
    request.resume();
    request.on('end', () => (script.length > 1 ? script.shift() : script[0])?.(request, response));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  clock = new FakeClock({ impatient: true });
  client = clientWith(async (reason) => {
    asked.push(reason);
    return { server: url, insecure: true, headers: { authorization: `Bearer ${asked.length}` } };
  });
});

afterEach(async () => {
  await client.close();
  await new Promise((resolve) => {
    server.close(resolve);
    server.closeAllConnections();
  });
});

function clientWith(access: AccessProvider, compress = false): KubernetesClusterClient {
  const pacing = { clock, entropy: new SeededEntropy() };
  return new KubernetesClusterClient(access, { pacing, compress });
}

function json(status: number, body: unknown, headers: Record<string, string> = {}): Handler {
  return (_request, response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(JSON.stringify(body));
  };
}

const failed = (status: number, headers: Record<string, string> = {}) =>
  json(status, { kind: 'Status', message: `failed with ${status}`, reason: 'Because' }, headers);
const hangUp: Handler = (request) => request.socket.destroy();
const object = json(200, { kind: 'ConfigMap', metadata: { name: 'a' } });
const target = { resource: CONFIG_MAPS, namespace: 'shop', name: 'a' };
const body = Buffer.from('{"kind":"ConfigMap"}');

describe('repeats', () => {
  test.each([
    ['429', failed(429, { 'retry-after': '3' })],
    ['503', failed(503)],
    ['500', failed(500)],
    ['a closed connection', hangUp],
  ])('a read is repeated after %s', async (_what, fault) => {
    script = [fault, fault, object];
    expect(await client.get(target)).toBeDefined();
    expect(client.requests.get).toBe(3);
  });

  test.each([
    ['429', failed(429, { 'retry-after': '3' })],
    ['503 that names a time', failed(503, { 'retry-after': '1' })],
  ])('a create is repeated after %s, which was not carried out', async (_what, fault) => {
    script = [fault, object];
    await client.create(target, body);
    expect(client.requests.create).toBe(2);
  });

  test.each([
    ['a closed connection', hangUp],
    ['503 that names no time', failed(503)],
    ['504', failed(504)],
  ])('a create is not repeated after %s, which may have been carried out', async (_w, fault) => {
    script = [fault, object];
    await expect(client.create(target, body)).rejects.toMatchObject({
      code: 'cluster_unreachable',
      retryable: true,
    });
    expect(client.requests.create).toBe(1);
  });

  test('a dry run and a removal by uid are harmless twice, a removal without is not', async () => {
    script = [hangUp, object];
    await client.create(target, body, { dryRun: true });
    script = [hangUp, object];
    await client.remove(target, 'uid-1');
    script = [hangUp, object];
    await expect(client.remove(target)).rejects.toMatchObject({ code: 'cluster_unreachable' });
    expect(client.requests).toMatchObject({ create: 2, delete: 3 });
  });

  test('Retry-After is waited for, and told in the counts', async () => {
    script = [failed(429, { 'retry-after': '7' }), object];
    await client.get(target);
    expect(clock.sleeps).toHaveLength(1);
    expect(clock.sleeps[0]).toBeGreaterThanOrEqual(7_000);
    expect(clock.sleeps[0]).toBeLessThan(8_000);
    expect(client.requests.throttled).toBe(1);
  });

  test('a server that throttles for longer than a minute is left to the caller', async () => {
    script = [failed(429, { 'retry-after': '25' })];
    await expect(client.get(target)).rejects.toMatchObject({
      code: 'throttled',
      retryAfterMs: 25_000,
    });
    expect(client.requests.get).toBe(4);
  });

  test('a server that is not there is unreachable, for creates too', async () => {
    const gone = clientWith(async () => ({
      server: 'http://127.0.0.1:1',
      insecure: true,
      headers: {},
    }));
    await expect(gone.create(target, body)).rejects.toMatchObject({
      code: 'cluster_unreachable',
      retryable: true,
    });
    expect(gone.requests.create).toBe(8);
    await gone.close();
  });

  test('a list that is cut short is repeated by nobody here, but told as passing', async () => {
    script = [
      (_request, response) => {
        response.end('{"kind":"List","metadata":{},"items":[{"a":1},');
      },
    ];
    await expect(client.list(CONFIG_MAPS, { limit: 5 })).rejects.toMatchObject({
      code: 'cluster_unreachable',
      retryable: true,
    });
  });
});

describe('credentials', () => {
  test('are renewed once, for all requests that found them expired', async () => {
    const byToken: Handler = (request, response) => {
      const isFresh = request.headers.authorization === 'Bearer 2';
      (isFresh ? object : failed(401))(request, response);
    };
    script = [byToken];
    await Promise.all(Array.from({ length: 10 }, async () => await client.get(target)));
    expect(asked).toEqual(['first', 'expired']);
    await client.get(target);
    expect(asked).toHaveLength(2);
  });

  test('that are refused again are expired', async () => {
    script = [failed(401)];
    await expect(client.get(target)).rejects.toMatchObject({
      code: 'credentials_expired',
      retryable: true,
    });
    expect(asked).toEqual(['first', 'expired']);
  });

  test('a provider that fails is asked again by the next request', async () => {
    let calls = 0;
    script = [object];
    const shaky = clientWith(async () => {
      calls += 1;
      if (calls === 1) throw new TypeError('no kubeconfig yet');
      return { server: url, insecure: true, headers: {} };
    });
    await expect(shaky.remove(target)).rejects.toThrow('no kubeconfig yet');
    expect(await shaky.get(target)).toBeDefined();
    await shaky.close();
  });
});

describe('requests', () => {
  test('carry the path, the query and what we are', async () => {
    const prefixed = clientWith(async () => ({
      server: `${url}/k8s/clusters/c-1`,
      insecure: true,
      headers: {},
    }));
    script = [json(200, { metadata: {}, items: [] })];
    await prefixed.list(CONFIG_MAPS, {
      namespace: 'shop',
      limit: 500,
      continue: 'a+b/c=',
      labelSelector: 'app in (a,b)',
    });
    expect(seen[0]?.url).toBe(
      '/k8s/clusters/c-1/api/v1/namespaces/shop/configmaps' +
        '?limit=500&continue=a%2Bb%2Fc%3D&labelSelector=app+in+%28a%2Cb%29',
    );
    expect(seen[0]?.headers).toMatchObject({
      'user-agent': 'ack-backup-centre',
      accept: 'application/json',
    });
    await prefixed.close();
  });

  test('ask for compression where that is wanted', async () => {
    script = [object];
    await client.get(target);
    expect(seen[0]?.headers['accept-encoding']).toBeUndefined();
    const compressed = clientWith(async () => ({ server: url, insecure: true, headers: {} }), true);
    await compressed.get(target);
    expect(seen[1]?.headers['accept-encoding']).toBe('gzip');
    await compressed.close();
  });

  test('of Secrets do not quote values when they are refused', async () => {
    const message = 'Secret "a" is invalid: data[x]: Invalid value: "hunter2": no';
    script = [json(422, { kind: 'Status', message, reason: 'Invalid' })];
    const creating = client.create({ ...target, resource: SECRETS }, body);
    await expect(creating).rejects.toThrow(/Invalid value: \[redacted\]: no/);
  });
});

describe('discovery', () => {
  const routes = (table: Record<string, Handler>): Handler => {
    return (request, response) => {
      const path = (request.url ?? '').split('?')[0] ?? '';
      (table[path] ?? failed(404))(request, response);
    };
  };
  const resource = (name: string, kind: string) => ({
    name,
    singularName: kind.toLowerCase(),
    namespaced: true,
    kind,
    verbs: ['get', 'list'],
    shortNames: [],
  });
  const group = (name: string, versions: string[], preferred: string) => ({
    name,
    versions: versions.map((version) => ({ groupVersion: `${name}/${version}`, version })),
    preferredVersion: { groupVersion: `${name}/${preferred}`, version: preferred },
  });

  test('of an old server asks group by group; a dead group is a failure, not the end', async () => {
    script = [
      routes({
        '/api': json(200, { kind: 'APIVersions', versions: ['v1'] }),
        '/api/v1': json(200, {
          resources: [resource('pods', 'Pod'), resource('pods/log', 'Pod')],
        }),
        '/apis': json(200, {
          kind: 'APIGroupList',
          groups: [
            group('apps', ['v1beta1', 'v1'], 'v1'),
            group('metrics.k8s.io', ['v1beta1'], 'v1beta1'),
          ],
        }),
        '/apis/apps/v1': json(200, { resources: [resource('deployments', 'Deployment')] }),
        '/apis/apps/v1beta1': json(200, {
          resources: [resource('deployments', 'Deployment'), resource('old', 'Old')],
        }),
        '/apis/metrics.k8s.io/v1beta1': failed(503),
      }),
    ];
    const { resources, failures } = await client.discover();
    expect(resources.map((r) => [r.group, r.version, r.resource, r.preferred])).toEqual([
      ['', 'v1', 'pods', true],
      ['apps', 'v1', 'deployments', true],
      ['apps', 'v1beta1', 'deployments', false],
      ['apps', 'v1beta1', 'old', true],
    ]);
    expect(failures).toMatchObject([{ group: 'metrics.k8s.io', version: 'v1beta1' }]);
    expect(failures[0]?.reason).toContain('failed with 503');
    expect(seen.filter((r) => r.url === '/apis/metrics.k8s.io/v1beta1')).toHaveLength(1);
  });

  test('of a new server takes one request for all groups; a stale one is a failure', async () => {
    const list = (items: unknown[]) => json(200, { kind: 'APIGroupDiscoveryList', items });
    const deployments = {
      resource: 'deployments',
      responseKind: { group: 'apps', version: 'v1', kind: 'Deployment' },
      scope: 'Namespaced',
      singularResource: 'deployment',
      verbs: ['list'],
      shortNames: ['deploy'],
      subresources: [{ subresource: 'scale', verbs: ['get'] }],
    };
    script = [
      routes({
        '/api': list([]),
        '/apis': list([
          {
            metadata: { name: 'apps' },
            versions: [{ version: 'v1', freshness: 'Current', resources: [deployments] }],
          },
          {
            metadata: { name: 'metrics.k8s.io' },
            versions: [{ version: 'v1beta1', freshness: 'Stale', resources: [] }],
          },
        ]),
      }),
    ];
    expect(await client.discover()).toEqual({
      resources: [
        {
          group: 'apps',
          version: 'v1',
          resource: 'deployments',
          singular: 'deployment',
          kind: 'Deployment',
          shortNames: ['deploy'],
          namespaced: true,
          verbs: ['list'],
          preferred: true,
        },
      ],
      failures: [
        { group: 'metrics.k8s.io', version: 'v1beta1', reason: expect.any(String) as string },
      ],
    });
    expect(seen).toHaveLength(2);
    expect(seen[0]?.headers.accept).toContain('as=APIGroupDiscoveryList');
  });

  test('of a server that is down is an error', async () => {
    script = [failed(503)];
    await expect(client.discover()).rejects.toMatchObject({ code: 'cluster_unreachable' });
  });
});

describe('schemas', () => {
  const missing = failed(404);

  test.each([
    [{ group: 'apps', version: 'v1' }, '/openapi/v3/apis/apps/v1'],
    [{ group: '', version: 'v1' }, '/openapi/v3/api/v1'],
  ])('of %j are read from the document of their group', async (place, path) => {
    script = [json(200, { openapi: '3.0.0' })];
    expect(Buffer.from((await client.openApi(place)) ?? []).toString()).toContain('3.0.0');
    expect(seen.map((s) => s.url)).toEqual([path]);
  });

  test('are read from version 2 where there is no other, or are not there', async () => {
    script = [missing, json(200, { swagger: '2.0' }), missing];
    const place = { group: 'apps', version: 'v1' };
    expect(Buffer.from((await client.openApi(place)) ?? []).toString()).toContain('2.0');
    expect(seen[1]?.url).toBe('/openapi/v2');
    expect(await client.openApi(place)).toBeUndefined();
  });
});
