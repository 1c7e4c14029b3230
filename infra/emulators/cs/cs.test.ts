import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AcsCredential } from '../acs-signature/credential.ts';
import { callSdk, refusedBySdk, type SdkCall } from '../acs-signature/sdk-client.ts';
import type { CsCluster, CsClusterFields } from './cluster.ts';
import { type CsEmulator, startCsEmulator } from './server.ts';

const key = (principalId: string, accountId: string): AcsCredential => ({
  accessKeySecret: 'secret',
  principalId,
  accountId,
  arn: `acs:ram::${accountId}:user/${principalId}`,
});
const keys = new Map([
  ['AKalice', key('201', '1000')],
  ['AKstranger', key('301', '3000')],
]);

function cluster(id: string, fields: Partial<CsClusterFields> = {}): CsCluster {
  return {
    accountId: '1000',
    addons: [{ name: 'csi-provisioner', version: 'v1.30.1', state: 'active' }],
    fields: {
      cluster_id: id,
      name: `name-${id}`,
      region_id: 'cn-hangzhou',
      cluster_type: 'ManagedKubernetes',
      profile: 'Default',
      cluster_spec: 'ack.pro.small',
      current_version: '1.32.1-aliyun.1',
      state: 'running',
      vpc_id: 'vpc-1',
      vswitch_ids: ['vsw-1'],
      security_group_id: 'sg-1',
      master_url: JSON.stringify({
        api_server_endpoint: 'https://127.0.0.1:6443',
        intranet_api_server_endpoint: 'https://127.0.0.1:6443',
      }),
      created: '2026-01-01T00:00:00Z',
      updated: '2026-01-01T00:00:00Z',
      ...fields,
    },
  };
}

describe('the CS emulator', () => {
  const dir = mkdtempSync(join(tmpdir(), 'cs-'));
  let cs: CsEmulator;
  let asked: unknown[] = [];
  const start = () =>
    startCsEmulator({
      dir,
      now: Date.now,
      region: 'cn-hangzhou',
      credentials: (id) => keys.get(id),
      clusters: [cluster('c1'), cluster('c2', { region_id: 'cn-beijing', profile: 'Edge' })],
      permissions: new Map([
        [
          '201',
          [
            {
              resource_id: 'c1',
              resource_type: 'cluster',
              role_name: '',
              role_type: 'admin',
              is_owner: 0,
              is_ram_role: 0,
            },
          ],
        ],
      ]),
      kubeconfigFor: (clusterId, request) => {
        asked.push([clusterId, request]);
        return { config: 'apiVersion: v1\nkind: Config\n', expiration: '2026-01-01T01:00:00Z' };
      },
    });
  const as = (accessKeyId: string) => ({ url: cs.url, accessKeyId, accessKeySecret: 'secret' });
  const get = (action: string, pathname: string, query: Record<string, unknown> = {}): SdkCall => ({
    action,
    version: '2015-12-15',
    style: 'ROA',
    method: 'GET',
    pathname,
    query,
  });
  const kubeconfig = (query: Record<string, unknown>, id = 'c1') =>
    get('DescribeClusterUserKubeconfig', `/k8s/${id}/user_config`, query);
  const detail = (id: string) => get('DescribeClusterDetail', `/clusters/${id}`);

  beforeEach(async () => {
    asked = [];
    cs = await start();
  });
  afterEach(async () => {
    await cs.close();
    rmSync(dir, { recursive: true, force: true });
  });

  it('lists the clusters of the account, filtered and in pages', async () => {
    const list = async (query: Record<string, unknown>, caller = 'AKalice') => {
      const reply = await callSdk(as(caller), get('DescribeClustersV1', '/api/v1/clusters', query));
      const body = reply.body as { clusters: CsClusterFields[]; page_info: unknown };
      return { ids: body.clusters.map((c) => c.cluster_id), page: body.page_info };
    };
    expect((await list({})).ids).toEqual(['c1', 'c2']);
    expect((await list({ region_id: 'cn-beijing' })).ids).toEqual(['c2']);
    expect((await list({ name: 'c1' })).ids).toEqual(['c1']);
    expect(await list({ page_size: 1, page_number: 2 })).toEqual({
      ids: ['c2'],
      page: { page_number: 2, page_size: 1, total_count: 2 },
    });
    expect((await list({}, 'AKstranger')).ids).toEqual([]);
  });

  it('shows one cluster as it is now, and none of another account', async () => {
    const before = await callSdk(as('AKalice'), detail('c1'));
    expect(before.body).toMatchObject({ cluster_id: 'c1', current_version: '1.32.1-aliyun.1' });
    cs.setCluster(cluster('c1', { state: 'upgrading' }));
    expect((await callSdk(as('AKalice'), detail('c1'))).body).toMatchObject({ state: 'upgrading' });
    for (const [caller, id] of [
      ['AKalice', 'none'],
      ['AKstranger', 'c1'],
    ] as const) {
      const error = await refusedBySdk(as(caller), detail(id));
      expect(error).toMatchObject({ code: 'ErrorClusterNotFound', statusCode: 404 });
    }
    cs.removeCluster('c1');
    expect((await refusedBySdk(as('AKalice'), detail('c1'))).statusCode).toBe(404);
  });

  it('hands the caller, the duration and the network to the maker of kubeconfigs', async () => {
    const reply = await callSdk(as('AKalice'), kubeconfig({ TemporaryDurationMinutes: 60 }));
    expect(reply.body).toEqual({
      config: 'apiVersion: v1\nkind: Config\n',
      expiration: '2026-01-01T01:00:00Z',
    });
    await callSdk(as('AKalice'), kubeconfig({ PrivateIpAddress: true }));
    expect(asked).toEqual([
      ['c1', { principalId: '201', durationMinutes: 60, private: false }],
      ['c1', { principalId: '201', durationMinutes: 3 * 365 * 24 * 60, private: true }],
    ]);
  });

  it.each([14, 4321, 'soon', 15.5])('refuses a kubeconfig for %s minutes', async (minutes) => {
    const call = kubeconfig({ TemporaryDurationMinutes: minutes });
    const error = await refusedBySdk(as('AKalice'), call);
    expect(error).toMatchObject({ code: 'InvalidParameter', statusCode: 400 });
    expect(asked).toEqual([]);
  });

  it('refuses a public kubeconfig of a private cluster, and any of one that is not up', async () => {
    cs.setCluster(cluster('c3', { master_url: '{"intranet_api_server_endpoint":"https://x"}' }));
    const error = await refusedBySdk(as('AKalice'), kubeconfig({}, 'c3'));
    expect(error).toMatchObject({ code: 'ErrorPublicEndpointNotFound', statusCode: 400 });
    await callSdk(as('AKalice'), kubeconfig({ PrivateIpAddress: true }, 'c3'));
    cs.setCluster(cluster('c3', { state: 'initial' }));
    const early = await refusedBySdk(as('AKalice'), kubeconfig({}, 'c3'));
    expect(early.code).toBe('ErrorClusterState');
  });

  it('lists installed components', async () => {
    const list = await callSdk(
      as('AKalice'),
      get('ListClusterAddonInstances', '/clusters/c1/addon_instances'),
    );
    expect(list.body).toEqual({
      addons: [{ name: 'csi-provisioner', version: 'v1.30.1', state: 'active' }],
    });
    const one = (name: string) =>
      get('GetClusterAddonInstance', `/clusters/c1/addon_instances/${name}`);
    const addon = await callSdk(as('AKalice'), one('csi-provisioner'));
    expect(addon.body).toMatchObject({ version: 'v1.30.1' });
    expect((await refusedBySdk(as('AKalice'), one('terway'))).code).toBe('AddonNotFound');
  });

  it('shows grants by RAM id, replaces them and keeps them over a restart', async () => {
    const permissions = async (uid: string, url = cs.url) => {
      const call = get('DescribeUserPermission', `/permissions/users/${uid}`);
      const reply = await callSdk({ ...as('AKalice'), url }, { ...call, bodyType: 'array' });
      return reply.body as { resource_id: string; role_type: string; is_owner: number }[];
    };
    expect(await permissions('201')).toMatchObject([{ resource_id: 'c1', role_type: 'admin' }]);
    expect(await permissions('1000')).toMatchObject([
      { resource_id: 'c1', is_owner: 1 },
      { resource_id: 'c2', is_owner: 1 },
    ]);
    expect(await permissions('999')).toEqual([]);
    await callSdk(as('AKalice'), {
      action: 'GrantPermissions',
      version: '2015-12-15',
      style: 'ROA',
      pathname: '/permissions/users/201',
      body: [
        { cluster: 'c2', role_type: 'namespace', namespace: 'shop', role_name: 'dev' },
        { cluster: '', role_type: 'all-clusters', role_name: 'backup-viewer', is_ram_role: true },
      ],
      bodyType: 'none',
    });
    const second = await start();
    try {
      expect(await permissions('201', second.url)).toMatchObject([
        { resource_id: 'c2/shop', resource_type: 'namespace', role_type: 'dev', is_ram_role: 0 },
        { resource_id: 'all-clusters', role_type: 'custom', role_name: 'backup-viewer' },
      ]);
    } finally {
      await second.close();
    }
  });

  it('spells its own refusals in lower case and the gateway’s in capitals', async () => {
    cs.faults.add({ action: 'DescribeClusterDetail', kind: 'forbidden', times: 1 });
    const forbidden = await refusedBySdk(as('AKalice'), detail('c1'));
    expect(forbidden).toMatchObject({
      code: 'Forbidden',
      statusCode: 403,
      data: { code: 'Forbidden', status: 403 },
    });
    const unknownKey = await refusedBySdk(as('AKnone'), detail('c1'));
    expect(unknownKey).toMatchObject({ data: { Code: 'InvalidAccessKeyId.NotFound' } });
    const unknownPath = await refusedBySdk(as('AKalice'), get('Nothing', '/nothing'));
    expect(unknownPath).toMatchObject({ code: 'InvalidAction.NotFound', statusCode: 404 });
  });
});
