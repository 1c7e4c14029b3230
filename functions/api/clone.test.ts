import { beforeEach, describe, expect, it } from 'vitest';
import { ApiWorld, BACKUP_BODY } from '../../test/support/api-world.ts';

const BACKUPS = '/v1/clusters/c1/backups';

let world: ApiWorld;
const call: ApiWorld['call'] = (...given) => world.call(...given);

beforeEach(async () => {
  world = new ApiWorld();
  await world.prepare();
});

/** As if its run had found these namespaces. */
async function resolved(id: string, namespaces: readonly string[]): Promise<void> {
  const row = await world.services.records.get('backups', ['c1', id]);
  if (row === undefined) throw new Error(`${id} is not there`);
  const value = { ...row.value, namespacesResolved: namespaces };
  await world.services.records.put('backups', row.key, value, { version: row.version });
}

describe('a clone', () => {
  it('takes what its source took, from the namespaces that this found', async () => {
    const source = await call('POST', BACKUPS, {
      ...BACKUP_BODY,
      namespaces: ['*'],
      labelSelector: 'app=web',
      resources: 'deploy, Pod',
      retentionDays: 7,
    });
    await resolved(String(source.body.id), ['shop']);
    const reply = await call('POST', `${BACKUPS}/b1/clone`, { name: 'b2' });
    expect(reply.status).toBe(202);
    expect(reply.body).toMatchObject({
      name: 'b2',
      phase: 'New',
      spec: { ...(source.body.spec as object), name: 'b2', namespaces: ['shop'] },
    });
    expect(reply.body.id).not.toBe(source.body.id);
    expect((await call('GET', BACKUPS)).body.items).toHaveLength(2);
  });

  it('differs where the caller says so, and only there', async () => {
    const source = await call('POST', BACKUPS, { ...BACKUP_BODY, retentionDays: 7 });
    const overrides = { volumeBackup: true, clusterScope: 'none', excludedResources: ['SECRETS'] };
    const reply = await call('POST', `${BACKUPS}/b1/clone`, { name: 'b2', ...overrides });
    expect(reply.body.spec).toEqual({
      ...(source.body.spec as object),
      ...overrides,
      name: 'b2',
      excludedResources: ['secrets'],
    });
  });

  it('of one that left namespaces out names those that were left', async () => {
    const source = await call('POST', BACKUPS, BACKUP_BODY);
    const row = await world.services.records.get('backups', ['c1', String(source.body.id)]);
    if (row === undefined) throw new Error('no source');
    const spec = { ...row.value.spec, namespaceSelection: 'exclude' as const };
    await world.services.records.put('backups', row.key, { ...row.value, spec }, 'any');
    const early = await call('POST', `${BACKUPS}/b1/clone`, { name: 'b2' });
    expect(early.body.spec).toMatchObject({ namespaceSelection: 'exclude' });
    await resolved(String(source.body.id), ['shop']);
    const late = await call('POST', `${BACKUPS}/b1/clone`, { name: 'b3' });
    expect(late.body.spec).toMatchObject({ namespaces: ['shop'] });
    expect(late.body.spec).not.toHaveProperty('namespaceSelection');
  });

  it.each<[string, unknown, number, string, string]>([
    ['no name', {}, 422, 'invalid', 'name'],
    ['a taken name', { name: 'b1' }, 409, 'name_taken', ''],
    ['a reserved name', { name: 'x-20260101000000' }, 422, 'reserved_name', 'name'],
    ['an unknown field', { name: 'b2', colour: 'red' }, 422, 'unknown_field', 'colour'],
    [
      'a protected namespace',
      { name: 'b2', namespaces: ['kube-system'] },
      422,
      'system_namespace',
      'namespaces[0]',
    ],
    [
      'a namespace that is not there',
      { name: 'b2', namespaces: ['gone'] },
      422,
      'no_namespaces',
      'namespaces',
    ],
    [
      'an unknown resource',
      { name: 'b2', resources: ['wombats'] },
      422,
      'unknown_resource',
      'resources[0]',
    ],
    ['retention of no day', { name: 'b2', retentionDays: 0 }, 422, 'invalid', 'retentionDays'],
    ['another vault that is not there', { name: 'b2', vault: 'gone' }, 404, 'not_found', ''],
  ])('with %s is refused', async (_what, body, status, code, path) => {
    await call('POST', BACKUPS, BACKUP_BODY);
    const reply = await call('POST', `${BACKUPS}/b1/clone`, body);
    expect([reply.status, reply.body.code]).toEqual([status, code]);
    if (path !== '') expect(JSON.stringify(reply.body.errors)).toContain(`"${path}"`);
    expect((await call('GET', BACKUPS)).body.items).toHaveLength(1);
  });

  it('of a backup that is not there is not found', async () => {
    const reply = await call('POST', `${BACKUPS}/gone/clone`, { name: 'b2' });
    expect([reply.status, reply.body.code]).toEqual([404, 'not_found']);
  });
});
