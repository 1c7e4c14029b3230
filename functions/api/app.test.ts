import { beforeEach, describe, expect, it } from 'vitest';
import type { AppServices } from '../../shared/app/app-services.ts';
import { Secret } from '../../shared/config/config.ts';
import type { ApiResource } from '../../shared/domain/api-resource.ts';
import type { BackupRecord } from '../../shared/domain/backup-record.ts';
import { isJsonObject, type JsonObject } from '../../shared/domain/json.ts';
import { FakeClock } from '../../test/support/fake-clock.ts';
import { InMemoryClusterClient } from '../../test/support/in-memory-cluster-client.ts';
import { InMemoryClusterDirectory } from '../../test/support/in-memory-cluster-directory.ts';
import { InMemoryObjectStores } from '../../test/support/in-memory-object-store.ts';
import { InMemoryRecordStore } from '../../test/support/in-memory-record-store.ts';
import { MemoryLogger } from '../../test/support/memory-logger.ts';
import { SeededEntropy } from '../../test/support/seeded-entropy.ts';
import { createApi } from './app.ts';
import { OPERATIONS } from './openapi.ts';

const TOKEN = 'a-token-of-the-local-stack';

interface Reply {
  readonly status: number;
  readonly body: JsonObject;
  readonly type: string | null;
}

let clock: FakeClock;
let records: InMemoryRecordStore;
let stores: InMemoryObjectStores;
let directory: InMemoryClusterDirectory;
let services: AppServices;
let api: (request: Request) => Promise<Response>;

const kind = (given: Partial<ApiResource> & { resource: string; kind: string }): ApiResource => ({
  group: '',
  version: 'v1',
  singular: given.kind.toLowerCase(),
  shortNames: [],
  namespaced: true,
  verbs: ['list', 'get', 'create', 'delete'],
  preferred: true,
  ...given,
});

const KINDS: readonly ApiResource[] = [
  kind({ resource: 'namespaces', kind: 'Namespace', namespaced: false, shortNames: ['ns'] }),
  kind({ resource: 'pods', kind: 'Pod', shortNames: ['po'] }),
  kind({ resource: 'secrets', kind: 'Secret' }),
  kind({ resource: 'deployments', kind: 'Deployment', group: 'apps', shortNames: ['deploy'] }),
];

beforeEach(() => {
  clock = new FakeClock({ impatient: true });
  records = new InMemoryRecordStore();
  stores = new InMemoryObjectStores(() => clock.now());
  directory = new InMemoryClusterDirectory();
  directory.add(
    { id: 'c1', clusterType: 'Kubernetes' },
    new InMemoryClusterClient(KINDS, { namespaces: ['shop', 'kube-system'] }),
  );
  services = {
    records,
    control: stores.open({ region: 'cn-hangzhou', name: 'control' }),
    stores,
    directory,
    clock,
    entropy: new SeededEntropy(),
    log: new MemoryLogger(),
    accountId: '1234567890',
    region: 'cn-hangzhou',
    networks: ['vpc-a'],
    managedBucketPattern: /^cnfs-oss/,
  };
  api = createApi(services, new Secret(TOKEN));
});

async function call(method: string, path: string, body?: unknown, headers = {}): Promise<Reply> {
  const response = await api(
    new Request(`http://api${path}`, {
      method,
      headers: { authorization: `Bearer ${TOKEN}`, ...headers },
      ...(body === undefined
        ? {}
        : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    }),
  );
  const parsed: unknown = await response.json();
  return {
    status: response.status,
    body: isJsonObject(parsed) ? parsed : {},
    type: response.headers.get('content-type'),
  };
}

const VAULT = {
  name: 'main',
  bucketRegion: 'cn-hangzhou',
  bucketName: 'cnfs-oss-a',
  visibility: 'owner',
};
const BACKUP = { name: 'b1', vault: 'main', namespaces: ['shop'], volumeBackup: false };

async function prepare(): Promise<void> {
  expect((await call('POST', '/v1/vaults', VAULT)).status).toBe(202);
  expect((await call('POST', '/v1/clusters', { id: 'c1' })).status).toBe(201);
}

async function recordCount(): Promise<number> {
  return (await records.list('backups', { prefix: ['c1'], limit: 100 })).rows.length;
}

/** Ends a started backup the way its worker would. */
async function finish(given: Partial<BackupRecord> = {}): Promise<void> {
  const row = (await records.list('backups', { prefix: ['c1'], limit: 1 })).rows[0];
  if (row === undefined) throw new Error('no backup was started');
  const done = {
    phase: 'Completed',
    namespacesResolved: ['shop'],
    completedAtMs: clock.now(),
  } as const;
  await records.put('backups', row.key, { ...row.value, ...done, ...given }, 'any');
  const run = await records.get('runs', [row.value.runId]);
  if (run === undefined) throw new Error('no run was started');
  await records.put('runs', run.key, { ...run.value, state: 'ended' }, 'any');
}

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
    const created = await call('POST', '/v1/vaults', { ...VAULT, bucketSubdirectory: '/team/a/' });
    expect(created).toMatchObject({
      status: 202,
      body: { phase: 'Available', bucketSubdirectory: 'team/a', warnings: [] },
    });
    const store = stores.open({ region: 'cn-hangzhou', name: 'cnfs-oss-a' });
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
    const again = await call('POST', '/v1/vaults', VAULT);
    expect(again.status).toBe(202);
    expect(again.body.identity).not.toBe(created.body.identity);
    expect(again.body.warnings).toMatchObject([{ code: 'name_reused' }]);
  });

  it('are immutable', async () => {
    await prepare();
    for (const method of ['PUT', 'PATCH']) {
      expect(await call(method, '/v1/vaults/main', {})).toMatchObject({
        status: 405,
        body: { code: 'vault_immutable' },
      });
    }
  });

  it('refuse a taken name and a location equal to or inside another', async () => {
    await call('POST', '/v1/vaults', { ...VAULT, bucketSubdirectory: 'a' });
    const refused = async (change: object): Promise<unknown> =>
      (await call('POST', '/v1/vaults', { ...VAULT, bucketSubdirectory: 'a', ...change })).body
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
    Object.assign(stores.open({ region: 'cn-hangzhou', name: 'cnfs-oss-a' }).facts, facts);
    const vault = await call('POST', '/v1/vaults', VAULT);
    expect(vault.body.phase).toBe('Unavailable');
    expect(String(vault.body.message)).toMatch(message);
    await call('POST', '/v1/clusters', { id: 'c1' });
    expect(await call('POST', '/v1/clusters/c1/backups', BACKUP)).toMatchObject({
      status: 409,
      body: { code: 'vault_unavailable' },
    });
  });

  it('are not deleted while a run uses them', async () => {
    await prepare();
    await call('POST', '/v1/clusters/c1/backups', BACKUP);
    expect((await call('DELETE', '/v1/vaults/main')).body.code).toBe('vault_in_use');
    expect((await call('DELETE', '/v1/clusters/c1')).body.code).toBe('cluster_in_use');
    await finish();
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
    expect(network).toMatchObject({ status: 422, body: { code: 'invalid' } });
  });

  it('older than 1.16 are refused', async () => {
    directory.add({ id: 'old', currentVersion: '1.15.9-aliyun.1' });
    expect((await call('POST', '/v1/clusters', { id: 'old' })).body.code).toBe(
      'cluster_version_unsupported',
    );
    expect((await call('GET', '/v1/clusters/old')).status).toBe(404);
  });

  it('that do not answer are registered and say so', async () => {
    directory.add({ id: 'down' });
    const reply = await call('POST', '/v1/clusters', { id: 'down' });
    expect(reply.status).toBe(201);
    expect(String(reply.body.unreachable)).toContain('Cannot reach cluster down');
  });

  it('bind to a vault once and notice another one of the same name', async () => {
    await prepare();
    const bound = await call('PUT', '/v1/clusters/c1/vaults/main');
    expect(bound.status).toBe(200);
    expect((await call('PUT', '/v1/clusters/c1/vaults/main')).body).toEqual(bound.body);
    expect((await call('GET', '/v1/clusters/c1/vaults')).body.items).toHaveLength(1);
    await call('DELETE', '/v1/vaults/main');
    await call('POST', '/v1/vaults', VAULT);
    for (const [method, path, body] of [
      ['PUT', '/v1/clusters/c1/vaults/main', undefined],
      ['POST', '/v1/clusters/c1/backups', BACKUP],
      ['POST', '/v1/clusters/c1/restores', { name: 'r1', vault: 'main', backup: 'b1' }],
    ] as const) {
      expect(await call(method, path, body)).toMatchObject({
        status: 409,
        body: { code: 'vault_identity_changed' },
      });
    }
  });

  it('that are managed want a bucket of the right name, also at their first backup', async () => {
    const client = new InMemoryClusterClient(KINDS, { namespaces: ['shop'] });
    directory.add({ id: 'managed' }, client);
    await call('POST', '/v1/vaults', { ...VAULT, bucketName: 'my-bucket' });
    await call('POST', '/v1/clusters', { id: 'managed' });
    for (const [method, path, body] of [
      ['PUT', '/v1/clusters/managed/vaults/main', undefined],
      ['POST', '/v1/clusters/managed/backups', BACKUP],
    ] as const) {
      expect((await call(method, path, body)).body.code).toBe('bucket_name_not_allowed');
    }
  });
});

describe('backups', () => {
  it('start with a record, a claimed name and a dispatch', async () => {
    await prepare();
    const reply = await call('POST', '/v1/clusters/c1/backups', {
      ...BACKUP,
      labelSelector: 'app=web',
      resources: 'deploy, Pod',
      excludedResources: ['SECRETS'],
      retentionDays: 65536,
    });
    expect(reply.status).toBe(202);
    expect(reply.body).toMatchObject({
      name: 'b1',
      phase: 'New',
      spec: {
        labelSelector: { matchLabels: { app: 'web' } },
        resources: ['deployments.apps', 'pods'],
        excludedResources: ['secrets'],
      },
      expiresAt: '2205-06-08T00:00:00.000Z',
      restorable: false,
      reason: 'backup_unfinished',
    });
    const keys = (await services.control.list('dispatch/')).objects.map((o) => o.key);
    expect(keys).toHaveLength(1);
    const byName = await call('GET', '/v1/clusters/c1/backups/b1');
    const byId = await call('GET', `/v1/clusters/c1/backups/${String(reply.body.id)}`);
    expect(byName.body).toEqual(byId.body);
    expect((await call('GET', '/v1/clusters/c1/backups?vault=main')).body.items).toHaveLength(1);
    expect((await call('GET', '/v1/clusters/c1/backups?phase=New')).body.items).toHaveLength(1);
    expect((await call('GET', '/v1/clusters/c1/backups?phase=Failed')).body.items).toEqual([]);
  });

  it.each<[string, unknown, number, string, string]>([
    ['an unknown field', { ...BACKUP, colour: 'red' }, 422, 'unknown_field', 'colour'],
    ['a bad name', { ...BACKUP, name: 'Bad_Name' }, 422, 'invalid', 'name'],
    ['a name of 41 characters', { ...BACKUP, name: 'a'.repeat(41) }, 422, 'invalid', 'name'],
    ['a reserved name', { ...BACKUP, name: 'x-20260101000000' }, 422, 'reserved_name', 'name'],
    ['no namespaces', { ...BACKUP, namespaces: [] }, 422, 'invalid', 'namespaces'],
    ['"*" beside others', { ...BACKUP, namespaces: ['*', 'shop'] }, 422, 'invalid', 'namespaces'],
    [
      'namespaces that are not there',
      { ...BACKUP, namespaces: ['gone', 'gone-too'] },
      422,
      'no_namespaces',
      'namespaces',
    ],
    [
      'a protected namespace',
      { ...BACKUP, namespaces: ['shop', 'kube-system'] },
      422,
      'system_namespace',
      'namespaces[1]',
    ],
    [
      'an unknown resource',
      { ...BACKUP, resources: ['pods', 'wombats'] },
      422,
      'unknown_resource',
      'resources[1]',
    ],
    [
      'a kind in both lists',
      { ...BACKUP, resources: 'po', excludedResources: 'Pods' },
      422,
      'invalid',
      'excludedResources',
    ],
    ['retention of 0 days', { ...BACKUP, retentionDays: 0 }, 422, 'invalid', 'retentionDays'],
    [
      'retention of 65537 days',
      { ...BACKUP, retentionDays: 65537 },
      422,
      'invalid',
      'retentionDays',
    ],
    [
      'two labels in text',
      { ...BACKUP, labelSelector: 'a=b,c=d' },
      422,
      'invalid',
      'labelSelector',
    ],
    [
      'a missing field',
      { name: 'b1', vault: 'main', namespaces: ['shop'] },
      422,
      'invalid',
      'volumeBackup',
    ],
  ])('refuse %s and store nothing', async (_what, body, status, code, path) => {
    await prepare();
    const reply = await call('POST', '/v1/clusters/c1/backups', body);
    expect(reply).toMatchObject({ status, body: { code } });
    expect(reply.body.errors).toEqual(expect.arrayContaining([expect.objectContaining({ path })]));
    expect(await recordCount()).toBe(0);
  });

  it('refuse a body that is not JSON or too large, and unknown vaults and clusters', async () => {
    await prepare();
    const path = '/v1/clusters/c1/backups';
    expect(await call('POST', path, '{"name":')).toMatchObject({
      status: 400,
      body: { code: 'invalid_json' },
    });
    expect(await call('POST', path, `"${'x'.repeat(1_048_577)}"`)).toMatchObject({
      status: 413,
      body: { code: 'body_too_large' },
    });
    expect((await call('POST', path, { ...BACKUP, vault: 'other' })).status).toBe(404);
    expect((await call('POST', '/v1/clusters/c9/backups', BACKUP)).status).toBe(404);
    expect((await call('GET', '/v1/nothing')).body.code).toBe('not_found');
    expect(await recordCount()).toBe(0);
  });

  it('take a name once, over all clusters of the vault and all time', async () => {
    await prepare();
    directory.add(
      { id: 'c2', clusterType: 'Kubernetes' },
      new InMemoryClusterClient(KINDS, { namespaces: ['shop'] }),
    );
    await call('POST', '/v1/clusters', { id: 'c2' });
    expect((await call('POST', '/v1/clusters/c1/backups', BACKUP)).status).toBe(202);
    const second = await call('POST', '/v1/clusters/c2/backups', BACKUP);
    expect(second).toMatchObject({ status: 409, body: { code: 'name_taken' } });
    expect(String(second.body.detail)).toContain('c1');
    expect((await call('GET', '/v1/clusters/c2/backups/b1')).status).toBe(404);
  });

  it('are ambiguous by name when two vaults have it', async () => {
    await prepare();
    await call('POST', '/v1/vaults', { ...VAULT, name: 'second', bucketName: 'cnfs-oss-b' });
    await call('POST', '/v1/clusters/c1/backups', BACKUP);
    await call('POST', '/v1/clusters/c1/backups', { ...BACKUP, vault: 'second' });
    expect(await call('GET', '/v1/clusters/c1/backups/b1')).toMatchObject({
      status: 409,
      body: { code: 'ambiguous_name' },
    });
    expect((await call('GET', '/v1/clusters/c1/backups/b1?vault=second')).body.vault).toBe(
      'second',
    );
  });

  it('are cancelled while they run and not after', async () => {
    await prepare();
    await call('POST', '/v1/clusters/c1/backups', BACKUP);
    expect((await call('POST', '/v1/clusters/c1/backups/b1/cancel')).status).toBe(202);
    await finish();
    expect((await call('POST', '/v1/clusters/c1/backups/b1/cancel')).body.code).toBe(
      'not_cancellable',
    );
  });

  it('are verified only when finished', async () => {
    await prepare();
    await call('POST', '/v1/clusters/c1/backups', BACKUP);
    const path = '/v1/clusters/c1/backups/b1/verify';
    expect((await call('POST', path)).body.code).toBe('backup_unfinished');
    await finish();
    expect((await call('POST', path)).status).toBe(202);
  });

  it('show in their vault when finished, with what keeps them from being restored', async () => {
    await prepare();
    await call('POST', '/v1/clusters/c1/backups', BACKUP);
    expect((await call('GET', '/v1/vaults/main/backups')).body.items).toEqual([]);
    await finish({ phase: 'Failed' });
    expect((await call('GET', '/v1/vaults/main/backups')).body.items).toMatchObject([
      { name: 'b1', restorable: false, reason: 'backup_failed' },
    ]);
  });
});

describe('idempotency keys', () => {
  it('make two requests at once one run with one reply', async () => {
    await prepare();
    const key = { 'idempotency-key': 'k1' };
    const path = '/v1/clusters/c1/backups';
    const [a, b] = await Promise.all([
      call('POST', path, BACKUP, key),
      call('POST', path, BACKUP, key),
    ]);
    expect(a.status).toBe(202);
    expect(b).toEqual(a);
    expect(await call('POST', path, BACKUP, key)).toEqual(a);
    expect(await recordCount()).toBe(1);
    expect(await call('POST', path, { ...BACKUP, name: 'b2' }, key)).toMatchObject({
      status: 422,
      body: { code: 'idempotency_mismatch' },
    });
  });

  it('are forgotten after a day', async () => {
    await prepare();
    const key = { 'idempotency-key': 'k1' };
    await call('POST', '/v1/clusters/c1/backups', BACKUP, key);
    await clock.advance(86_400_001);
    const again = await call('POST', '/v1/clusters/c1/backups', BACKUP, key);
    expect(again.body.code).toBe('name_taken');
  });
});

describe('restores', () => {
  const RESTORE = { name: 'r1', vault: 'main', backup: 'b1' };
  const path = '/v1/clusters/c1/restores';

  async function backedUp(given: Partial<BackupRecord> = {}): Promise<void> {
    await prepare();
    await call('POST', '/v1/clusters/c1/backups', BACKUP);
    await finish(given);
  }

  it('start with a record and a claimed name', async () => {
    await backedUp();
    const reply = await call('POST', path, RESTORE);
    expect(reply).toMatchObject({
      status: 202,
      body: { backup: 'b1', sourceCluster: 'c1', spec: { clusterScope: 'all', verify: true } },
    });
    expect((await call('GET', `${path}/r1`)).body.id).toBe(reply.body.id);
    expect((await call('GET', path)).body.items).toHaveLength(1);
    expect((await call('POST', path, RESTORE)).body.code).toBe('name_taken');
    expect((await call('POST', `${path}/r1/cancel`)).status).toBe(202);
  });

  it('warn that naming namespaces leaves cluster-scoped objects out', async () => {
    await backedUp();
    const reply = await call('POST', path, { ...RESTORE, namespaces: ['shop'] });
    expect(reply.body).toMatchObject({
      spec: { clusterScope: 'related' },
      warnings: [{ code: 'cluster_scoped_left_out' }],
    });
  });

  it('that are dry runs do not use a name up', async () => {
    await backedUp();
    expect((await call('POST', path, { ...RESTORE, dryRun: true })).status).toBe(202);
    expect((await call('POST', path, RESTORE)).status).toBe(202);
  });

  it.each<[string, object, string]>([
    ['a protected target', { namespaceMapping: { shop: 'csdr' } }, 'system_namespace'],
    ['a protected source', { namespaces: ['kube-system'] }, 'system_namespace'],
    ['a foreign namespace', { namespaces: ['other'] }, 'namespace_not_in_backup'],
    ['a foreign mapping', { namespaceMapping: { other: 'x' } }, 'namespace_not_in_backup'],
    [
      'two sources in one target',
      { namespaceMapping: { shop: 'x', web: 'x' } },
      'mapping_collision',
    ],
    ['an unknown resource', { resources: 'wombats' }, 'unknown_resource'],
    ['backup and plan', { plan: 'p' }, 'invalid'],
    ['an unknown field', { overwrite: true }, 'unknown_field'],
  ])('refuse %s', async (_what, change, code) => {
    await backedUp();
    expect(await call('POST', path, { ...RESTORE, ...change })).toMatchObject({
      status: 422,
      body: { code },
    });
    expect((await call('GET', path)).body.items).toEqual([]);
  });

  it.each<[string, Partial<BackupRecord>, string]>([
    ['past its validity', { expiresAtMs: 1 }, 'backup_expired'],
    ['unfinished', { phase: 'InProgress' }, 'backup_unfinished'],
    ['failed', { phase: 'Failed' }, 'backup_failed'],
  ])('refuse a backup that is %s', async (_what, given, code) => {
    await backedUp(given);
    expect(await call('POST', path, RESTORE)).toMatchObject({ status: 409, body: { code } });
  });

  it('want the vault initialised on the target', async () => {
    await backedUp();
    directory.add(
      { id: 'c2', clusterType: 'Kubernetes' },
      new InMemoryClusterClient(KINDS, { namespaces: [] }),
    );
    await call('POST', '/v1/clusters', { id: 'c2' });
    const other = '/v1/clusters/c2/restores';
    expect((await call('POST', other, RESTORE)).body.code).toBe('vault_not_initialised');
    await call('PUT', '/v1/clusters/c2/vaults/main');
    expect((await call('POST', other, RESTORE)).status).toBe(202);
  });

  it('name a missing backup', async () => {
    await backedUp();
    expect((await call('POST', path, { ...RESTORE, backup: 'b9' })).status).toBe(404);
  });
});

describe('the document', () => {
  it('describes every operation with its schemas', async () => {
    const { body } = await call('GET', '/openapi.json');
    const paths = isJsonObject(body.paths) ? body.paths : {};
    for (const { path, method } of OPERATIONS) {
      const item = paths[path];
      expect(isJsonObject(item) && isJsonObject(item[method]), `${method} ${path}`).toBe(true);
    }
    expect(JSON.stringify(paths['/v1/vaults'])).toContain('bucketSubdirectory');
  });

  it('describes only operations that the router has', async () => {
    for (const { path, method } of OPERATIONS) {
      const real = path.replace(/\{\w+\}/g, 'x');
      const reply = await call(method.toUpperCase(), real, method === 'post' ? {} : undefined);
      expect(String(reply.body.detail ?? ''), `${method} ${path}`).not.toContain('There is no');
    }
  });
});
