import { beforeEach, describe, expect, it } from 'vitest';
import {
  API_WORLD_KINDS,
  ApiWorld,
  BACKUP_BODY,
  VAULT_BODY,
} from '../../test/support/api-world.ts';
import { InMemoryClusterClient } from '../../test/support/in-memory-cluster-client.ts';

let world: ApiWorld;
const call: ApiWorld['call'] = (...given) => world.call(...given);

beforeEach(() => {
  world = new ApiWorld();
});

describe('backups', () => {
  it('start with a record, a claimed name and a dispatch', async () => {
    await world.prepare();
    const reply = await call('POST', '/v1/clusters/c1/backups', {
      ...BACKUP_BODY,
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
    const keys = (await world.services.control.list('dispatch/')).objects.map((o) => o.key);
    expect(keys).toHaveLength(1);
    const byName = await call('GET', '/v1/clusters/c1/backups/b1');
    const byId = await call('GET', `/v1/clusters/c1/backups/${String(reply.body.id)}`);
    expect(byName.body).toEqual(byId.body);
    expect((await call('GET', '/v1/clusters/c1/backups?vault=main')).body.items).toHaveLength(1);
    expect((await call('GET', '/v1/clusters/c1/backups?phase=New')).body.items).toHaveLength(1);
    expect((await call('GET', '/v1/clusters/c1/backups?phase=Failed')).body.items).toEqual([]);
  });

  it.each<[string, unknown, number, string, string]>([
    ['an unknown field', { ...BACKUP_BODY, colour: 'red' }, 422, 'unknown_field', 'colour'],
    ['a bad name', { ...BACKUP_BODY, name: 'Bad_Name' }, 422, 'invalid', 'name'],
    ['a name of 41 characters', { ...BACKUP_BODY, name: 'a'.repeat(41) }, 422, 'invalid', 'name'],
    ['a reserved name', { ...BACKUP_BODY, name: 'x-20260101000000' }, 422, 'reserved_name', 'name'],
    ['no namespaces', { ...BACKUP_BODY, namespaces: [] }, 422, 'invalid', 'namespaces'],
    [
      '"*" beside others',
      { ...BACKUP_BODY, namespaces: ['*', 'shop'] },
      422,
      'invalid',
      'namespaces',
    ],
    [
      'namespaces that are not there',
      { ...BACKUP_BODY, namespaces: ['gone', 'gone-too'] },
      422,
      'no_namespaces',
      'namespaces',
    ],
    [
      'a protected namespace',
      { ...BACKUP_BODY, namespaces: ['shop', 'kube-system'] },
      422,
      'system_namespace',
      'namespaces[1]',
    ],
    [
      'an unknown resource',
      { ...BACKUP_BODY, resources: ['pods', 'wombats'] },
      422,
      'unknown_resource',
      'resources[1]',
    ],
    [
      'a kind in both lists',
      { ...BACKUP_BODY, resources: 'po', excludedResources: 'Pods' },
      422,
      'invalid',
      'excludedResources',
    ],
    ['retention of 0 days', { ...BACKUP_BODY, retentionDays: 0 }, 422, 'invalid', 'retentionDays'],
    [
      'retention of 65537 days',
      { ...BACKUP_BODY, retentionDays: 65537 },
      422,
      'invalid',
      'retentionDays',
    ],
    [
      'two labels in text',
      { ...BACKUP_BODY, labelSelector: 'a=b,c=d' },
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
    await world.prepare();
    const reply = await call('POST', '/v1/clusters/c1/backups', body);
    expect(reply).toMatchObject({ status, body: { code } });
    expect(reply.body.errors).toEqual(expect.arrayContaining([expect.objectContaining({ path })]));
    expect(await world.backupCount()).toBe(0);
  });

  it('refuse a body that is not JSON or too large, and unknown vaults and clusters', async () => {
    await world.prepare();
    const path = '/v1/clusters/c1/backups';
    expect(await call('POST', path, '{"name":')).toMatchObject({
      status: 400,
      body: { code: 'invalid_json' },
    });
    expect(await call('POST', path, `"${'x'.repeat(1_048_577)}"`)).toMatchObject({
      status: 413,
      body: { code: 'body_too_large' },
    });
    expect((await call('POST', path, { ...BACKUP_BODY, vault: 'other' })).status).toBe(404);
    expect((await call('POST', '/v1/clusters/c9/backups', BACKUP_BODY)).status).toBe(404);
    expect((await call('GET', '/v1/nothing')).body.code).toBe('not_found');
    expect(await world.backupCount()).toBe(0);
  });

  it('take a name once, over all clusters of the vault and all time', async () => {
    await world.prepare();
    world.directory.add(
      { id: 'c2', clusterType: 'Kubernetes' },
      new InMemoryClusterClient(API_WORLD_KINDS, { namespaces: ['shop'] }),
    );
    await call('POST', '/v1/clusters', { id: 'c2' });
    expect((await call('POST', '/v1/clusters/c1/backups', BACKUP_BODY)).status).toBe(202);
    const second = await call('POST', '/v1/clusters/c2/backups', BACKUP_BODY);
    expect(second).toMatchObject({ status: 409, body: { code: 'name_taken' } });
    expect(String(second.body.detail)).toContain('c1');
    expect((await call('GET', '/v1/clusters/c2/backups/b1')).status).toBe(404);
  });

  it('are ambiguous by name when two vaults have it', async () => {
    await world.prepare();
    await call('POST', '/v1/vaults', { ...VAULT_BODY, name: 'second', bucketName: 'cnfs-oss-b' });
    await call('POST', '/v1/clusters/c1/backups', BACKUP_BODY);
    await call('POST', '/v1/clusters/c1/backups', { ...BACKUP_BODY, vault: 'second' });
    expect(await call('GET', '/v1/clusters/c1/backups/b1')).toMatchObject({
      status: 409,
      body: { code: 'ambiguous_name' },
    });
    expect((await call('GET', '/v1/clusters/c1/backups/b1?vault=second')).body.vault).toBe(
      'second',
    );
  });

  it('belong to their own vault where another one took over its location', async () => {
    await world.prepare();
    await call('POST', '/v1/clusters/c1/backups', BACKUP_BODY);
    await world.finish();
    await call('DELETE', '/v1/vaults/main');
    await call('POST', '/v1/vaults', { ...VAULT_BODY, name: 'heir' });
    await call('POST', '/v1/clusters/c1/backups', { ...BACKUP_BODY, name: 'b2', vault: 'heir' });
    const path = '/v1/clusters/c1/backups';
    expect((await call('GET', `${path}/b2`)).body.vault).toBe('heir');
    expect((await call('GET', `${path}/b1`)).body.vault).toBe('main');
    expect((await call('GET', `${path}/b2?vault=main`)).status).toBe(404);
  });

  it('are cancelled while they run and not after', async () => {
    await world.prepare();
    await call('POST', '/v1/clusters/c1/backups', BACKUP_BODY);
    expect((await call('POST', '/v1/clusters/c1/backups/b1/cancel')).status).toBe(202);
    await world.finish();
    expect((await call('POST', '/v1/clusters/c1/backups/b1/cancel')).body.code).toBe(
      'not_cancellable',
    );
  });

  it('are verified only when finished', async () => {
    await world.prepare();
    await call('POST', '/v1/clusters/c1/backups', BACKUP_BODY);
    const path = '/v1/clusters/c1/backups/b1/verify';
    expect((await call('POST', path)).body.code).toBe('backup_unfinished');
    await world.finish();
    expect((await call('POST', path)).status).toBe(202);
    await world.clock.advance(31 * 86_400_000);
    expect((await call('POST', path)).body).toMatchObject({
      code: 'backup_expired',
      detail: 'Cannot verify backup b1: its validity is over',
    });
  });

  it('are deleted by name or id, as often as one asks', async () => {
    await world.prepare();
    await call('POST', '/v1/clusters/c1/backups', BACKUP_BODY);
    await world.finish();
    const path = '/v1/clusters/c1/backups/b1';
    const reply = await call('DELETE', path);
    expect(reply).toMatchObject({ status: 202, body: { phase: 'Deleting', restorable: false } });
    expect(await call('DELETE', `/v1/clusters/c1/backups/${String(reply.body.id)}`)).toMatchObject({
      status: 202,
      body: { phase: 'Deleting' },
    });
    expect((await call('POST', `${path}/cancel`)).body.code).toBe('not_cancellable');
    expect((await call('POST', `${path}/verify`)).body.code).toBe('backup_failed');
    expect((await call('GET', `${path}/resources`)).body.code).toBe('backup_failed');
    const { objects } = await world.services.control.list('dispatch/delete/public/');
    expect(objects).toHaveLength(1);
  });

  it('are cancelled first when a deletion meets them running', async () => {
    await world.prepare();
    const { body } = await call('POST', '/v1/clusters/c1/backups', BACKUP_BODY);
    expect((await call('DELETE', '/v1/clusters/c1/backups/b1')).status).toBe(202);
    const row = await world.records.get('backups', ['c1', String(body.id)]);
    const run = await world.records.get('runs', [row?.value.runId ?? '']);
    expect(run?.value.cancelRequested).toBe(true);
    expect((await call('DELETE', '/v1/clusters/c1/backups/b1')).status).toBe(202);
  });

  it('are not deleted while a restore uses them; a deleted one is gone, its name taken', async () => {
    await world.prepare();
    const { body } = await call('POST', '/v1/clusters/c1/backups', BACKUP_BODY);
    await world.finish();
    const path = '/v1/clusters/c1/backups/b1';
    const id = String(body.id);
    const use = { restoreId: 'rs-1', since: world.clock.now() };
    await world.records.put('backup_uses', [id, 'rs-1'], use, 'any');
    expect(await call('DELETE', path)).toMatchObject({
      status: 409,
      body: { code: 'backup_in_use' },
    });
    expect((await call('GET', path)).body.phase).toBe('Completed');
    await world.records.remove('backups', ['c1', id], 'any');
    expect((await call('DELETE', path)).status).toBe(404);
    expect((await call('GET', path)).status).toBe(404);
    expect((await call('POST', '/v1/clusters/c1/backups', BACKUP_BODY)).body.code).toBe(
      'name_taken',
    );
  });

  it('show in their vault when finished, with what keeps them from being restored', async () => {
    await world.prepare();
    await call('POST', '/v1/clusters/c1/backups', BACKUP_BODY);
    expect((await call('GET', '/v1/vaults/main/backups')).body.items).toEqual([]);
    await world.finish({ phase: 'Failed' });
    expect((await call('GET', '/v1/vaults/main/backups')).body.items).toMatchObject([
      { name: 'b1', restorable: false, reason: 'backup_failed' },
    ]);
  });
});
