import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { COMPONENTS } from '../../infra/testcluster/find-programs.ts';
import {
  type ControlPlane,
  controlPlaneAvailable,
  startControlPlane,
} from '../../infra/testcluster/start-control-plane.ts';
import { describeOnControlPlane } from './describe-on-control-plane.ts';
import { at, itemsOf, openRawApi, type RawApi } from './raw-api.ts';

const MODULE_BIN = join(import.meta.dirname, '../../infra/testcluster/bin');
const BOB = { name: 'bob', groups: ['developers'] };

describeOnControlPlane('the real control plane', () => {
  const dir = mkdtempSync(join(tmpdir(), 'control-plane-'));
  let plane: ControlPlane;
  let api: RawApi;

  const start = async (): Promise<void> => {
    plane = await startControlPlane({ dir, users: [BOB] });
    api = openRawApi({ url: plane.url, ca: plane.ca, token: plane.adminToken });
  };
  const create = async (path: string, body: unknown): Promise<unknown> => {
    const reply = await api.send({ method: 'POST', path, body });
    expect(reply.status, JSON.stringify(reply.body)).toBe(201);
    return reply.body;
  };

  beforeAll(async () => {
    mkdirSync(MODULE_BIN, { recursive: true });
    await start();
  });
  afterEach(() => vi.unstubAllEnvs());
  afterAll(async () => {
    await api.close();
    await plane.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  test('says the version it was built from', async () => {
    const reply = await api.send({ method: 'GET', path: '/version' });
    expect(reply.body).toMatchObject({ gitVersion: 'v1.34.4', major: '1', minor: '34' });
  });

  test('serves every group in one aggregated discovery document', async () => {
    const accept = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';
    const reply = await api.send({ method: 'GET', path: '/apis', headers: { accept } });
    expect(at(reply.body, 'kind')).toBe('APIGroupDiscoveryList');
    expect(itemsOf(reply).map((group) => at(group, 'metadata.name'))).toEqual(
      expect.arrayContaining(['apps', 'batch', 'apiextensions.k8s.io', 'storage.k8s.io']),
    );
  });

  test('makes the ReplicaSet and the Pods of a Deployment, and collects them after it', async () => {
    await create('/api/v1/namespaces', { metadata: { name: 'shop' } });
    await create('/apis/apps/v1/namespaces/shop/deployments', deployment('web', 2));
    const replicaSets = '/apis/apps/v1/namespaces/shop/replicasets';
    const pods = '/api/v1/namespaces/shop/pods';
    const list = await api.until(
      { method: 'GET', path: pods },
      (reply) => itemsOf(reply).length === 2,
    );
    expect(at(list.body, 'items.0.metadata.ownerReferences.0.kind')).toBe('ReplicaSet');
    await api.until(
      { method: 'GET', path: replicaSets },
      ({ body }) => at(body, 'items.0.status.replicas') === 2,
    );

    const deleted = await api.send({
      method: 'DELETE',
      path: '/apis/apps/v1/namespaces/shop/deployments/web',
      body: { propagationPolicy: 'Background' },
    });
    expect(deleted.status).toBe(200);
    await api.until({ method: 'GET', path: replicaSets }, (reply) => itemsOf(reply).length === 0);
    await api.until({ method: 'GET', path: pods }, (reply) => itemsOf(reply).length === 0);
  });

  test('ends a namespace with all that is in it', async () => {
    await create('/api/v1/namespaces', { metadata: { name: 'doomed' } });
    const configMaps = '/api/v1/namespaces/doomed/configmaps';
    await create(configMaps, { metadata: { name: 'settings' }, data: { colour: 'red' } });
    await api.send({ method: 'DELETE', path: '/api/v1/namespaces/doomed' });
    await api.until(
      { method: 'GET', path: '/api/v1/namespaces/doomed' },
      ({ status }) => status === 404,
    );
    expect((await api.send({ method: 'GET', path: `${configMaps}/settings` })).status).toBe(404);
  });

  test('answers 410 to an old continue token once its history is forgotten', async () => {
    const path = '/api/v1/namespaces/kube-system/serviceaccounts?limit=1';
    const page = await api.send({ method: 'GET', path });
    const token = encodeURIComponent(String(at(page.body, 'metadata.continue')));
    await create('/api/v1/namespaces', { metadata: { name: 'after' } });

    await plane.forgetHistory();

    const next = { method: 'GET', path: `${path}&continue=${token}` } as const;
    const reply = await api.until(next, ({ status }) => status !== 200);
    expect(reply.status).toBe(410);
    expect(at(reply.body, 'metadata.continue')).toEqual(expect.any(String));
  });

  test('gives a user who has no role nothing', async () => {
    const token = /token: (\S+)/.exec(plane.kubeconfigOf('bob'))?.[1] ?? '';
    const bob = openRawApi({ url: plane.url, ca: plane.ca, token });
    const reply = await bob.send({ method: 'GET', path: '/api/v1/namespaces/default/secrets' });
    await bob.close();
    expect(reply.status).toBe(403);
    expect(at(reply.body, 'message')).toContain('User "bob" cannot list resource "secrets"');
  });

  test('keeps its objects, address and tokens after kill -9', async () => {
    const path = '/api/v1/namespaces/default/configmaps';
    const made = await create(path, { metadata: { name: 'kept' }, data: { colour: 'blue' } });
    const { url, adminToken, ca, pids } = plane;
    for (const pid of pids) process.kill(pid, 'SIGKILL');
    await plane.stop();
    await api.close();

    await start();

    expect({ url: plane.url, adminToken: plane.adminToken, ca: plane.ca }).toEqual({
      url,
      adminToken,
      ca,
    });
    const reply = await api.send({ method: 'GET', path: `${path}/kept` });
    expect(reply.body).toEqual(made);
  });

  test('leaves no process behind when its starter is killed', async () => {
    await expectNoOrphans(join(dir, 'orphaned'), {});
  });

  test('runs the programs that KUBEBUILDER_ASSETS names, leaving none behind', async (context) => {
    const available = await controlPlaneAvailable();
    if (!('binary' in available) || !available.binary.startsWith('/')) {
      context.skip('no binary of ours: the other tests ran foreign ones');
      return;
    }
    const assets = join(dir, 'assets');
    mkdirSync(assets);
    for (const name of COMPONENTS) symlinkSync(available.binary, join(assets, name));
    vi.stubEnv('KUBEBUILDER_ASSETS', assets);
    expect(await controlPlaneAvailable()).toEqual({ binary: 'KUBEBUILDER_ASSETS' });
    await expectNoOrphans(join(dir, 'orphaned-assets'), { KUBEBUILDER_ASSETS: assets });
  });
});

/** Starts a control plane from a process of its own, kills that, and waits for the rest to end. */
async function expectNoOrphans(dir: string, env: Record<string, string>): Promise<void> {
  const starter = join(MODULE_BIN, `starter-${process.pid}.mjs`);
  await bundleStarter(starter);
  const child = spawn(process.execPath, [starter, dir], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...env },
  });
  const [printed] = (await once(child.stdout, 'data')) as [Buffer];
  rmSync(starter);
  const pids = printed.toString('utf8').trim().split(' ').map(Number);
  expect(pids.filter(isAlive)).toHaveLength(3);

  child.kill('SIGKILL');

  await vi.waitUntil(() => !pids.some(isAlive), { timeout: 10_000 });
}

/** A program that starts a control plane in the folder it is given and prints the processes' ids. */
async function bundleStarter(outfile: string): Promise<void> {
  const source = `
    import { startControlPlane } from '../start-control-plane.ts';
    const plane = await startControlPlane({ dir: process.argv[2] });
    process.stdout.write(plane.pids.join(' '));`;
  await build({
    stdin: { contents: source, resolveDir: MODULE_BIN, loader: 'ts' },
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    packages: 'external',
  });
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

function deployment(name: string, replicas: number): unknown {
  const labels = { app: name };
  return {
    metadata: { name },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: { containers: [{ name: 'main', image: 'nginx:1.27' }] },
      },
    },
  };
}
