import { beforeEach, describe, expect, it } from 'vitest';
import { BackupCentreError } from '../../shared/domain/errors.ts';
import { isJsonObject, type JsonObject } from '../../shared/domain/json.ts';
import { ApiWorld } from '../../test/support/api-world.ts';

let world: ApiWorld;

beforeEach(() => {
  world = new ApiWorld();
});

/** Rows by check; the reply's schema is checked by the caller. */
async function precheck(cluster = 'c1'): Promise<Record<string, JsonObject>> {
  const { items } = (await world.call('GET', `/v1/clusters/${cluster}/precheck`)).body;
  const rows = Array.isArray(items) ? items.filter(isJsonObject) : [];
  return Object.fromEntries(rows.map((row) => [String(row.check), row]));
}

describe('the precheck of a cluster', () => {
  it('has a row per check, all fine where nothing is missing', async () => {
    await world.prepare();
    const rows = await precheck();
    expect(Object.keys(rows)).toEqual([
      'api_reachable',
      'kubernetes_version',
      'rbac_read',
      'rbac_create',
      'oss_access',
    ]);
    for (const row of Object.values(rows)) expect(row).toMatchObject({ ok: true, remedy: '' });
    expect(rows.kubernetes_version).toMatchObject({ found: '1.34.1', needed: '1.16 or later' });
    expect(rows.oss_access?.found).toBe('main (bucket cnfs-oss-a): Available');
  });

  it('asks one question per verb where everything is allowed', async () => {
    await world.prepare();
    await precheck();
    expect(world.cluster.requests.review).toBe(3);
  });

  it('names the verb and the kind that are not allowed', async () => {
    await world.prepare();
    const everything = { group: '*', resource: '*' };
    world.cluster.denied = [
      ...['list', 'get', 'create'].map((verb) => ({ verb, ...everything })),
      { verb: 'get', group: '', resource: 'secrets' },
      { verb: 'create', group: 'apps', resource: 'deployments' },
    ];
    const rows = await precheck();
    expect(rows.rbac_read).toMatchObject({ ok: false, found: 'not allowed: get secrets' });
    expect(rows.rbac_create).toMatchObject({
      ok: false,
      found: 'not allowed: create deployments.apps',
    });
    expect(String(rows.rbac_create?.remedy)).toMatch(/RBAC/);
    expect(rows.api_reachable?.ok).toBe(true);
  });

  it('says why the API server does not answer, and goes on with the vaults', async () => {
    await world.prepare();
    world.directory.add({ id: 'down', currentVersion: '1.30.1-aliyun.1' });
    await world.call('POST', '/v1/clusters', { id: 'down' });
    const rows = await precheck('down');
    expect(rows.api_reachable).toMatchObject({ ok: false, found: 'Cannot reach cluster down' });
    expect(String(rows.api_reachable?.remedy)).toMatch(/API server/);
    expect(rows.kubernetes_version).toMatchObject({ ok: true, found: '1.30.1' });
    for (const check of ['rbac_read', 'rbac_create']) {
      expect(rows[check]).toMatchObject({
        ok: false,
        found: 'not known: the API server does not answer',
      });
    }
    expect(rows.oss_access?.ok).toBe(true);
  });

  it('does not wait for an API server that is silent, and closes a client that comes late', async () => {
    await world.prepare();
    let answer: () => void = () => undefined;
    let closed = false;
    world.cluster.version = async () => {
      await new Promise<void>((resolve) => {
        answer = resolve;
      });
      return 'v1.34.1';
    };
    world.cluster.close = async () => {
      closed = true;
    };
    const rows = await precheck();
    expect(rows.api_reachable).toMatchObject({
      ok: false,
      found: 'Cannot reach cluster c1: no answer within 20 s',
    });
    answer();
    await new Promise((resolve) => setImmediate(resolve));
    expect(closed).toBe(true);
  });

  it('tells a refusal by ACK apart from silence', async () => {
    await world.prepare();
    world.directory.connect = async () => {
      throw new BackupCentreError('cluster_access_denied', 'Cannot get a kubeconfig: Forbidden');
    };
    const rows = await precheck();
    expect(rows.api_reachable).toMatchObject({
      ok: false,
      found: 'Cannot get a kubeconfig: Forbidden',
    });
    expect(String(rows.api_reachable?.remedy)).toMatch(/RAM/);
  });

  it('shows a server that is too old', async () => {
    await world.prepare();
    world.cluster.serverVersion = 'v1.15.9';
    expect((await precheck()).kubernetes_version).toMatchObject({ ok: false, found: '1.15.9' });
  });

  it('probes the vaults that the cluster uses and says which is not fine', async () => {
    await world.prepare();
    await world.call('PUT', '/v1/clusters/c1/vaults/main');
    world.stores.open({ region: 'cn-hangzhou', name: 'cnfs-oss-a' }).facts.storageClass = 'Archive';
    const { oss_access } = await precheck();
    expect(oss_access).toMatchObject({ ok: false });
    expect(String(oss_access?.found)).toMatch(/main \(bucket cnfs-oss-a\): Unavailable, .*Archive/);
    expect((await world.call('GET', '/v1/vaults/main')).body.phase).toBe('Unavailable');
  });

  it('wants a vault', async () => {
    await world.call('POST', '/v1/clusters', { id: 'c1' });
    expect((await precheck()).oss_access).toMatchObject({
      ok: false,
      found: 'there is no vault',
      remedy: 'Create a vault with POST /v1/vaults',
    });
  });
});
