/** The CS adapter on its emulator: clusters found, reached, and reached again when keys end. */
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { CsCluster } from '../../infra/emulators/cs/cluster.ts';
import { type CsEmulator, startCsEmulator } from '../../infra/emulators/cs/server.ts';
import { CsClusterDirectory } from '../../shared/adapters/container-service/cs-cluster-directory.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { InMemoryClusterDirectory } from '../support/in-memory-cluster-directory.ts';
import { SeededEntropy } from '../support/seeded-entropy.ts';
import { describeClusterDirectory } from './cluster-directory.contract.ts';

const region = 'cn-hangzhou';
const keys = { accessKeyId: 'AKalice', accessKeySecret: 'secret' };

describeClusterDirectory('InMemoryClusterDirectory', async () => {
  await Promise.resolve();
  const double = new InMemoryClusterDirectory();
  return {
    directory: double,
    region,
    add: (id, addons) => {
      double.add({ id, region });
      double.install(id, addons);
    },
    close: async () => undefined,
  };
});

describeClusterDirectory('CsClusterDirectory on the emulator', async () => {
  const stateDir = mkdtempSync(`${tmpdir()}/cs-contract-`);
  const emulator = await startCs(stateDir, []);
  return {
    directory: directoryOn(emulator),
    region,
    add: (id, addons) => {
      const shown = Object.entries(addons).map(([name, version]) => ({ name, version }));
      emulator.setCluster({
        ...cluster(id),
        addons: shown.map((addon) => ({ ...addon, state: 'active' })),
      });
    },
    close: async () => {
      await emulator.close();
      rmSync(stateDir, { recursive: true });
    },
  };
});

let dir: string;
let cs: CsEmulator;
let apiServer: Server;
let clock: FakeClock;
let directory: CsClusterDirectory;
/** What CS was asked for, and the token it gave. */
let given: { private: boolean; durationMinutes: number }[];
/** The only token that the API server takes. */
let validToken: string;

beforeEach(async () => {
  dir = mkdtempSync(`${tmpdir()}/cs-directory-`);
  clock = new FakeClock({ impatient: true });
  given = [];
  validToken = 'token-1';
  apiServer = createServer((request, response) => {
    const isValid = request.headers.authorization === `Bearer ${validToken}`;
    response.writeHead(isValid ? 200 : 401);
    response.end(isValid ? '{"gitVersion":"v1.32.1"}' : '{"kind":"Status","message":"no"}');
  });
  await new Promise<void>((resolve) => apiServer.listen(0, '127.0.0.1', resolve));
  const { port } = apiServer.address() as AddressInfo;
  cs = await startCs(dir, [cluster('c1')], (_id, request) => {
    given.push({ private: request.private, durationMinutes: request.durationMinutes });
    return {
      config: kubeconfig(port, `token-${given.length}`),
      expiration: new Date(clock.now() + 3_600_000).toISOString(),
    };
  });
  directory = directoryOn(cs, clock);
});

afterEach(async () => {
  await cs.close();
  await new Promise((resolve) => {
    apiServer.close(resolve);
    apiServer.closeAllConnections();
  });
  rmSync(dir, { recursive: true });
});

describe('CsClusterDirectory', () => {
  test('describes a cluster as ACK does', async () => {
    expect(await directory.describe('c1', region)).toEqual({
      id: 'c1',
      name: 'name-c1',
      region,
      clusterType: 'ManagedKubernetes',
      profile: 'Edge',
      currentVersion: '1.32.1-aliyun.1',
      state: 'running',
    });
  });

  test('does not find what is not there, and tells when it may not look', async () => {
    await expect(directory.describe('none', region)).rejects.toMatchObject({ code: 'not_found' });
    cs.faults.add({ action: 'DescribeClusterDetail', kind: 'forbidden', times: 1 });
    await expect(directory.describe('c1', region)).rejects.toMatchObject({
      code: 'cluster_access_denied',
      retryable: false,
    });
  });

  test('a component that was removed, or has no version yet, is not installed', async () => {
    const addons = [
      { name: 'csi-plugin', version: 'v1.2.0', state: 'upgrading' },
      { name: 'csi-provisioner', version: 'v1.0.0', state: 'deleted' },
      { name: 'terway', version: '', state: 'initial' },
    ];
    cs.setCluster({ ...cluster('c1'), addons });
    expect(await directory.addons('c1', region)).toEqual({ 'csi-plugin': 'v1.2.0' });
    cs.faults.add({ action: 'ListClusterAddonInstances', kind: 'forbidden', times: 1 });
    await expect(directory.addons('c1', region)).rejects.toMatchObject({
      code: 'cluster_access_denied',
    });
  });

  test.each(['throttle', 'unavailable', 'error', 'drop', 'lostReply'] as const)(
    'outlives %s, and says so when it lasts',
    async (kind) => {
      cs.faults.add({ action: 'DescribeClusterDetail', kind, times: 3 });
      expect((await directory.describe('c1', region)).id).toBe('c1');
      cs.faults.add({ action: 'DescribeClusterDetail', kind, times: 6 });
      await expect(directory.describe('c1', region)).rejects.toMatchObject({ retryable: true });
      expect(cs.faults.unhit()).toEqual([]);
    },
  );

  test('connects for 60 minutes, by the public address or the one of the network', async () => {
    const open = await directory.connect({ id: 'c1', region, network: 'public' });
    expect(await open.version()).toBe('v1.32.1');
    await (await directory.connect({ id: 'c1', region, network: 'office' })).close();
    expect(given).toEqual([
      { private: false, durationMinutes: 60 },
      { private: true, durationMinutes: 60 },
    ]);
    await open.close();
  });

  test('asks for a kubeconfig once, and again five minutes before its end', async () => {
    const target = { id: 'c1', region, network: 'public' };
    await (await directory.connect(target)).close();
    await clock.advance(54 * 60_000);
    await (await directory.connect(target)).close();
    expect(given).toHaveLength(1);
    await clock.advance(60_000);
    await (await directory.connect(target)).close();
    expect(given).toHaveLength(2);
  });

  test('a client renews what ended in the middle of a run', async () => {
    const client = await directory.connect({ id: 'c1', region, network: 'public' });
    await client.version();
    validToken = 'token-2';
    const versions = await Promise.all([client.version(), client.version(), client.version()]);
    expect(versions).toEqual(['v1.32.1', 'v1.32.1', 'v1.32.1']);
    expect(given).toHaveLength(2);
    validToken = 'none';
    await expect(client.version()).rejects.toMatchObject({ code: 'credentials_expired' });
    await client.close();
  });

  test('a cluster without a way in fails at once, with what CS says', async () => {
    await expect(
      directory.connect({ id: 'none', region, network: 'public' }),
    ).rejects.toMatchObject({ code: 'not_found' });
    const inner = cluster('c2');
    const masterUrl = JSON.stringify({ intranet_api_server_endpoint: 'https://10.0.0.1:6443' });
    cs.setCluster({ ...inner, fields: { ...inner.fields, master_url: masterUrl } });
    const connecting = directory.connect({ id: 'c2', region, network: 'public' });
    await expect(connecting).rejects.toThrow('Cannot get a kubeconfig of ACK cluster c2: ');
  });
});

async function startCs(
  stateDir: string,
  clusters: readonly CsCluster[],
  kubeconfigFor: Parameters<typeof startCsEmulator>[0]['kubeconfigFor'] = () => ({
    config: '',
    expiration: '',
  }),
): Promise<CsEmulator> {
  return await startCsEmulator({
    dir: stateDir,
    now: Date.now,
    region,
    credentials: (id) =>
      id === keys.accessKeyId
        ? { accessKeySecret: 'secret', principalId: '201', accountId: '1000', arn: 'acs:ram::1:u' }
        : undefined,
    clusters,
    kubeconfigFor,
  });
}

function directoryOn(
  emulator: CsEmulator,
  time = new FakeClock({ impatient: true }),
): CsClusterDirectory {
  return new CsClusterDirectory(
    () => emulator.url,
    () => keys,
    { clock: time, entropy: new SeededEntropy() },
  );
}

function cluster(id: string): CsCluster {
  return {
    accountId: '1000',
    addons: [],
    fields: {
      cluster_id: id,
      name: `name-${id}`,
      region_id: region,
      cluster_type: 'ManagedKubernetes',
      profile: 'Edge',
      cluster_spec: 'ack.pro.small',
      current_version: '1.32.1-aliyun.1',
      state: 'running',
      vpc_id: 'vpc-1',
      vswitch_ids: [],
      security_group_id: 'sg-1',
      master_url: JSON.stringify({ api_server_endpoint: 'https://127.0.0.1:6443' }),
      created: '2026-01-01T00:00:00Z',
      updated: '2026-01-01T00:00:00Z',
    },
  };
}

function kubeconfig(port: number, token: string): string {
  return `apiVersion: v1
kind: Config
current-context: c
contexts: [{name: c, context: {cluster: c, user: u}}]
clusters: [{name: c, cluster: {server: 'http://127.0.0.1:${port}', insecure-skip-tls-verify: true}}]
users: [{name: u, user: {token: ${token}}}]
`;
}
