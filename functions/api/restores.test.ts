import { beforeEach, describe, expect, it } from 'vitest';
import { restoreWorkflow } from '../../shared/app/run-restore.ts';
import type { BackupRecord } from '../../shared/domain/backup-record.ts';
import { API_WORLD_KINDS, ApiWorld, BACKUP_BODY } from '../../test/support/api-world.ts';
import { InMemoryClusterClient } from '../../test/support/in-memory-cluster-client.ts';

let world: ApiWorld;
const call: ApiWorld['call'] = (...given) => world.call(...given);

beforeEach(() => {
  world = new ApiWorld();
});

describe('restores', () => {
  const RESTORE = { name: 'r1', vault: 'main', backup: 'b1' };
  const path = '/v1/clusters/c1/restores';

  async function backedUp(given: Partial<BackupRecord> = {}): Promise<void> {
    await world.prepare();
    await call('POST', '/v1/clusters/c1/backups', BACKUP_BODY);
    await world.finish(given);
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
    expect((await call('POST', path, RESTORE)).body).toMatchObject({
      code: 'name_taken',
      detail: 'Cannot use the name r1: a restore of cluster c1 has it',
    });
    expect((await call('POST', `${path}/r1/cancel`)).status).toBe(202);
  });

  it('warn that naming namespaces leaves cluster-scoped objects out', async () => {
    await backedUp();
    const reply = await call('POST', path, { ...RESTORE, namespaces: ['shop'] });
    expect(reply.body).toMatchObject({
      spec: { clusterScope: 'related' },
      warnings: [{ code: 'cluster_scoped_left_out', step: 'submit' }],
    });
    // A step that ends replaces all findings under its own name.
    const steps = restoreWorkflow(world.services).steps.map((step) => step.name);
    expect(steps).not.toContain('submit');
  });

  it('take registries as users write them', async () => {
    await backedUp();
    const imageRegistryMapping = { ' docker.io/library/': 'localhost:5000/a_b/' };
    expect((await call('POST', path, { ...RESTORE, imageRegistryMapping })).status).toBe(202);
  });

  it('take a namespace that is named twice as one', async () => {
    await backedUp();
    const reply = await call('POST', path, { ...RESTORE, namespaces: ['shop', 'shop'] });
    expect(reply.body).toMatchObject({
      spec: { namespaces: ['shop'] },
      namespacesResolved: ['shop'],
    });
  });

  it('refuse to put one namespace into another of the backup, and only then', async () => {
    await backedUp({ namespacesResolved: ['shop', 'web'] });
    const into = { ...RESTORE, namespaceMapping: { shop: 'web' } };
    expect(await call('POST', path, into)).toMatchObject({
      status: 422,
      body: { code: 'mapping_collision', errors: [{ path: 'namespaceMapping.shop' }] },
    });
    expect((await call('POST', path, { ...into, namespaces: ['shop'] })).status).toBe(202);
    const swapped = { ...RESTORE, name: 'r2', namespaceMapping: { shop: 'web', web: 'shop' } };
    expect((await call('POST', path, swapped)).status).toBe(202);
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
    ['a registry with a blank', { imageRegistryMapping: { 'docker.io': 'my reg' } }, 'invalid'],
    ['a registry with a scheme', { imageRegistryMapping: { a: 'https://b.example' } }, 'invalid'],
    ['a registry without a name', { imageRegistryMapping: { '': 'b.example' } }, 'invalid'],
    ['a modifier without conditions', { resourceModifiers: [{ mergePatches: [] }] }, 'invalid'],
    ['modifiers as text of no rules', { resourceModifiersText: 'version: v1' }, 'invalid'],
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
    world.directory.add(
      { id: 'c2', clusterType: 'Kubernetes' },
      new InMemoryClusterClient(API_WORLD_KINDS, { namespaces: [] }),
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
