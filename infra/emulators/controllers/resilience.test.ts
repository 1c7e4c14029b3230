import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type KubernetesEmulator, startKubernetesEmulator } from '../kubernetes/server.ts';
import { runNodes } from '../nodes/run-nodes.ts';
import { ApiClient } from './engine/api-client.ts';
import type { Runner } from './engine/reconcilers.ts';
import { deployments, jobs, pods } from './engine/workload-objects.ts';
import { runControllers } from './run-controllers.ts';
import { NODES } from './sandbox-fixture.ts';

const TOKEN = 'resilience';
const NS = 'default';

let dir: string;
let server: KubernetesEmulator;
let client: ApiClient;
let runners: Runner[];

async function startServer(port = 0): Promise<void> {
  server = await startKubernetesEmulator({
    dir,
    now: Date.now,
    clusterId: 'c-resilience',
    port,
    tokens: (token) => (token === TOKEN ? { user: 'admin', groups: [] } : undefined),
  });
}
async function startRunners(): Promise<void> {
  const access = { url: server.url, token: TOKEN };
  const now = Date.now;
  runners = [await runControllers(access, { now }), await runNodes(access, { now, nodes: NODES })];
}
const idle = async () => runners[0]?.idle();
const deploy = (name: string, replicas: number) =>
  client.create(deployments, NS, {
    metadata: { name },
    spec: {
      replicas,
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name } },
        spec: { containers: [{ name: 'c', image: 'x:1' }] },
      },
    },
  });
async function expectRunning(name: string, replicas: number): Promise<void> {
  const page = await client.list(pods, { labelSelector: `app=${name}` });
  const phases = page.items.map((item) => (item as { status?: { phase?: string } }).status?.phase);
  expect(phases).toEqual(Array.from({ length: replicas }, () => 'Running'));
  const found = await client.read(deployments, { namespace: NS, name });
  expect(found?.status?.availableReplicas).toBe(replicas);
}

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'controllers-'));
  await startServer();
  client = new ApiClient({ url: server.url, token: TOKEN });
  await startRunners();
  await idle();
});
afterEach(async () => {
  for (const runner of runners) await runner.close();
  await client.close();
  await server.close();
  await rm(dir, { recursive: true, force: true });
});

describe('controllers and nodes', () => {
  it.each(['throttle', 'unavailable', 'error', 'drop', 'lostReply'] as const)(
    'reach the same end when requests meet %s',
    async (kind) => {
      for (const action of [
        'create replicasets',
        'create pods',
        'create pods/binding',
        'patch pods/status',
        'patch replicasets/status',
        'patch deployments/status',
      ]) {
        server.faults.add({ action, kind, times: kind === 'lostReply' ? 1 : 2 });
      }
      await deploy('faulty', 4);
      await idle();
      expect(server.faults.unhit()).toEqual([]);
      await expectRunning('faulty', 4);
    },
  );

  it('count each pod of a Job once though replies get lost', async () => {
    for (const action of ['patch jobs/status', 'patch pods', 'create pods']) {
      server.faults.add({ action, kind: 'lostReply', times: 2 });
    }
    await client.create(jobs, NS, {
      metadata: { name: 'once' },
      spec: {
        completions: 4,
        parallelism: 2,
        template: {
          spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'x:1' }] },
        },
      },
    });
    await idle();
    expect(server.faults.unhit()).toEqual([]);
    const job = await client.read(jobs, { namespace: NS, name: 'once' });
    expect(job?.status?.succeeded).toBe(4);
    expect(job?.status?.completionTime).toBeDefined();
  });

  it('go on when the API server has been away', async () => {
    const { port } = server;
    await deploy('before', 2);
    await server.close();
    await startServer(port);
    await deploy('after', 2);
    await idle();
    await expectRunning('before', 2);
    await expectRunning('after', 2);
  });

  it('pick up where their predecessors were closed, whenever that was', async () => {
    await deploy('handover', 6);
    for (const runner of runners) await runner.close();
    await startRunners();
    await idle();
    await expectRunning('handover', 6);
  });

  it('do nothing before they know what there is already', async () => {
    await deploy('known', 3);
    await idle();
    const before = await client.list(pods, {});
    for (const runner of runners) await runner.close();
    for (const action of ['list pods', 'list replicasets']) {
      server.faults.add({ action, kind: 'slow', times: 1, delayMs: 300 });
    }
    await startRunners();
    await idle();
    expect(server.faults.unhit()).toEqual([]);
    expect((await client.list(pods, {})).items).toEqual(before.items);
    const known = await client.read(deployments, { namespace: NS, name: 'known' });
    expect(known?.status?.collisionCount).toBeUndefined();
  });

  it('share one watch per kind, and none is left when the last runner has closed', async () => {
    const before = server.counters.get('watch') ?? 0;
    expect(before).toBeGreaterThan(10);
    const more = await runNodes({ url: server.url, token: TOKEN }, { now: Date.now, nodes: NODES });
    await more.idle();
    expect(server.counters.get('watch') ?? 0).toBe(before);
    await more.close();
    await deploy('still', 1);
    await idle();
    await expectRunning('still', 1);
  });
});
