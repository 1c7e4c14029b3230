import { beforeEach, describe, expect, it } from 'vitest';
import { ThrottledError } from '../../shared/domain/errors.ts';
import {
  API_WORLD_KINDS,
  ApiWorld,
  BACKUP_BODY,
  VAULT_BODY,
} from '../../test/support/api-world.ts';
import { InMemoryClusterClient } from '../../test/support/in-memory-cluster-client.ts';
import { passThrough } from '../../test/support/interception.ts';

let world: ApiWorld;
const call: ApiWorld['call'] = (...given) => world.call(...given);

beforeEach(() => {
  world = new ApiWorld();
});

describe('identity', () => {
  it('refuses a request without the token', async () => {
    const none = await call('GET', '/v1/vaults', undefined, { authorization: '' });
    expect(none).toMatchObject({ status: 401, body: { code: 'unauthenticated' } });
    const wrong = await call('GET', '/v1/vaults', undefined, { authorization: 'Bearer nope' });
    expect(wrong.status).toBe(401);
    expect(wrong.type).toBe('application/problem+json');
  });

  it('says who is calling, and is alive without a token', async () => {
    expect((await call('GET', '/v1/whoami')).body.accountId).toBe('1234567890');
    expect((await call('GET', '/healthz', undefined, { authorization: '' })).status).toBe(200);
  });
});

describe('vaults', () => {
  it('are created, probed, listed, read and deleted with a tombstone', async () => {
    const created = await call('POST', '/v1/vaults', {
      ...VAULT_BODY,
      bucketSubdirectory: '/team/a/',
    });
    expect(created).toMatchObject({
      status: 202,
      body: { phase: 'Available', bucketSubdirectory: 'team/a', warnings: [] },
    });
    const store = world.stores.open({ region: 'cn-hangzhou', name: 'cnfs-oss-a' });
    const files = await store.list('team/a/');
    expect(files.objects.map((o) => o.key)).toEqual([
      `team/a/metadata/vault-${String(created.body.identity)}.json`,
    ]);
    expect((await call('GET', '/v1/vaults/main')).body.identity).toBe(created.body.identity);
    expect((await call('GET', '/v1/vaults')).body.items).toHaveLength(1);
    expect(await call('DELETE', '/v1/vaults/main')).toMatchObject({
      status: 200,
      body: { staysBilled: ['OSS storage of cnfs-oss-a/team/a'] },
    });
    expect((await call('GET', '/v1/vaults/main')).status).toBe(404);
    const again = await call('POST', '/v1/vaults', VAULT_BODY);
    expect(again.status).toBe(202);
    expect(again.body.identity).not.toBe(created.body.identity);
    expect(again.body.warnings).toMatchObject([{ code: 'name_reused' }]);
  });

  it('are immutable', async () => {
    await world.prepare();
    for (const method of ['PUT', 'PATCH']) {
      expect(await call(method, '/v1/vaults/main', {})).toMatchObject({
        status: 405,
        body: { code: 'vault_immutable' },
      });
    }
  });

  it('refuse a taken name and a location equal to or inside another', async () => {
    await call('POST', '/v1/vaults', { ...VAULT_BODY, bucketSubdirectory: 'a' });
    const refused = async (change: object): Promise<unknown> =>
      (await call('POST', '/v1/vaults', { ...VAULT_BODY, bucketSubdirectory: 'a', ...change })).body
        .code;
    expect(await refused({ bucketSubdirectory: 'z' })).toBe('name_taken');
    expect(await refused({ name: 'v2' })).toBe('location_in_use');
    expect(await refused({ name: 'v2', bucketSubdirectory: 'a/b' })).toBe('location_in_use');
    expect(await refused({ name: 'v2', bucketSubdirectory: '' })).toBe('location_in_use');
    expect(await refused({ name: 'v2', bucketSubdirectory: 'ab' })).toBeUndefined();
    expect((await call('GET', '/v1/vaults')).body.items).toHaveLength(2);
  });

  it.each([
    ['is not there', { exists: false }, /bucket/i],
    ['is in another region', { region: 'cn-beijing' }, /is in region cn-beijing/],
    ['keeps its objects frozen', { storageClass: 'Archive' }, /storage class Archive/],
  ])('are Unavailable and say why when the bucket %s', async (_what, facts, message) => {
    Object.assign(world.stores.open({ region: 'cn-hangzhou', name: 'cnfs-oss-a' }).facts, facts);
    const vault = await call('POST', '/v1/vaults', VAULT_BODY);
    expect(vault.body.phase).toBe('Unavailable');
    expect(String(vault.body.message)).toMatch(message);
    await call('POST', '/v1/clusters', { id: 'c1' });
    expect(await call('POST', '/v1/clusters/c1/backups', BACKUP_BODY)).toMatchObject({
      status: 409,
      body: { code: 'vault_unavailable' },
    });
  });

  it('are not deleted while a run uses them', async () => {
    await world.prepare();
    await call('POST', '/v1/clusters/c1/backups', BACKUP_BODY);
    expect((await call('DELETE', '/v1/vaults/main')).body.code).toBe('vault_in_use');
    expect((await call('DELETE', '/v1/clusters/c1')).body.code).toBe('cluster_in_use');
    await world.finish();
    expect((await call('DELETE', '/v1/vaults/main')).status).toBe(200);
    expect((await call('DELETE', '/v1/clusters/c1')).status).toBe(200);
  });
});

describe('clusters', () => {
  it('are registered once, by an id that ACK knows', async () => {
    const created = await call('POST', '/v1/clusters', { id: 'c1', network: 'vpc-a' });
    expect(created.body).toMatchObject({ kubernetesVersion: '1.34.1', kinds: 4, network: 'vpc-a' });
    expect((await call('POST', '/v1/clusters', { id: 'c1' })).body.code).toBe('name_taken');
    expect((await call('POST', '/v1/clusters', { id: 'c9' })).status).toBe(404);
    const network = await call('POST', '/v1/clusters', { id: 'c1', network: 'vpc-b' });
    expect(network).toMatchObject({
      status: 422,
      body: { code: 'invalid', errors: [{ path: 'network' }] },
    });
  });

  it('older than 1.16 are refused', async () => {
    world.directory.add({ id: 'old', currentVersion: '1.15.9-aliyun.1' });
    expect((await call('POST', '/v1/clusters', { id: 'old' })).body.code).toBe(
      'cluster_version_unsupported',
    );
    expect((await call('GET', '/v1/clusters/old')).status).toBe(404);
  });

  it('that do not answer are registered and say so', async () => {
    world.directory.add({ id: 'down' });
    const reply = await call('POST', '/v1/clusters', { id: 'down' });
    expect(reply.status).toBe(201);
    expect(String(reply.body.unreachable)).toContain('Cannot reach cluster down');
  });

  it('bind to a vault once and notice another one of the same name', async () => {
    await world.prepare();
    const bound = await call('PUT', '/v1/clusters/c1/vaults/main');
    expect(bound.status).toBe(200);
    expect((await call('PUT', '/v1/clusters/c1/vaults/main')).body).toEqual(bound.body);
    expect((await call('GET', '/v1/clusters/c1/vaults')).body.items).toHaveLength(1);
    await call('DELETE', '/v1/vaults/main');
    await call('POST', '/v1/vaults', VAULT_BODY);
    for (const [method, path, body] of [
      ['PUT', '/v1/clusters/c1/vaults/main', undefined],
      ['POST', '/v1/clusters/c1/backups', BACKUP_BODY],
      ['POST', '/v1/clusters/c1/restores', { name: 'r1', vault: 'main', backup: 'b1' }],
    ] as const) {
      expect(await call(method, path, body)).toMatchObject({
        status: 409,
        body: { code: 'vault_identity_changed' },
      });
    }
  });

  it('that are managed want a bucket of the right name, also at their first backup', async () => {
    const client = new InMemoryClusterClient(API_WORLD_KINDS, { namespaces: ['shop'] });
    world.directory.add({ id: 'managed' }, client);
    await call('POST', '/v1/vaults', { ...VAULT_BODY, bucketName: 'my-bucket' });
    await call('POST', '/v1/clusters', { id: 'managed' });
    for (const [method, path, body] of [
      ['PUT', '/v1/clusters/managed/vaults/main', undefined],
      ['POST', '/v1/clusters/managed/backups', BACKUP_BODY],
    ] as const) {
      expect((await call(method, path, body)).body.code).toBe('bucket_name_not_allowed');
    }
  });
});

describe('idempotency keys', () => {
  it('make two requests at once one run with one reply', async () => {
    await world.prepare();
    const key = { 'idempotency-key': 'k1' };
    const path = '/v1/clusters/c1/backups';
    const [a, b] = await Promise.all([
      call('POST', path, BACKUP_BODY, key),
      call('POST', path, BACKUP_BODY, key),
    ]);
    expect(a.status).toBe(202);
    expect(b).toEqual(a);
    expect(await call('POST', path, BACKUP_BODY, key)).toEqual(a);
    expect(await world.backupCount()).toBe(1);
    expect(await call('POST', path, { ...BACKUP_BODY, name: 'b2' }, key)).toMatchObject({
      status: 422,
      body: { code: 'idempotency_mismatch' },
    });
  });

  it('remember no refusal that may pass', async () => {
    await world.prepare();
    const key = { 'idempotency-key': 'k1' };
    const path = '/v1/clusters/c1/backups';
    world.records.intercept = async ({ method, subject }, effect) => {
      if (!subject.startsWith('clusters')) return await effect();
      throw new ThrottledError(`Cannot ${method} ${subject}: OTSServerBusy`, 100);
    };
    expect((await call('POST', path, BACKUP_BODY, key)).status).toBe(429);
    world.records.intercept = passThrough;
    expect((await call('POST', path, BACKUP_BODY, key)).status).toBe(202);
  });

  it('that are no keys are refused by name', async () => {
    const key = { 'idempotency-key': 'two words' };
    const reply = await call('POST', '/v1/vaults', VAULT_BODY, key);
    expect(reply).toMatchObject({
      status: 422,
      body: { code: 'invalid', errors: [{ path: 'Idempotency-Key' }] },
    });
  });

  it('are forgotten after a day', async () => {
    await world.prepare();
    const key = { 'idempotency-key': 'k1' };
    await call('POST', '/v1/clusters/c1/backups', BACKUP_BODY, key);
    await world.clock.advance(86_400_001);
    const again = await call('POST', '/v1/clusters/c1/backups', BACKUP_BODY, key);
    expect(again.body.code).toBe('name_taken');
  });
});
