import { beforeEach, expect, it } from 'vitest';
import { BackupWorld } from '../../test/support/backup-world.ts';
import type { BackupSpec } from '../domain/backup-record.ts';
import { objectAt } from '../domain/json.ts';
import { parseManifest } from '../format/manifest.ts';

let world: BackupWorld;
const EXCLUDE = { namespaceSelection: 'exclude', namespaces: ['other'] } as const;

function seed(kind: 'Namespace' | 'ConfigMap', name: string, metadata: object = {}): void {
  world.cluster.seed({ apiVersion: 'v1', kind, metadata: { name, ...metadata } });
}

async function marker(record: { readonly spec: BackupSpec; readonly id: string }) {
  const keys = await world.keys(await world.record(record.id));
  return objectAt(JSON.parse(Buffer.from(await world.bucket.get(keys.marker)).toString()), 'spec');
}

beforeEach(async () => {
  world = await BackupWorld.create({ namespaces: ['shop', 'other', 'kube-system', 'csdr'] });
  seed('ConfigMap', 'in-shop', { namespace: 'shop' });
  seed('ConfigMap', 'in-other', { namespace: 'other' });
  seed('ConfigMap', 'in-csdr', { namespace: 'csdr' });
});

it('every namespace is taken but those left out and those of the system', async () => {
  const record = await world.backUp(EXCLUDE);
  expect(record).toMatchObject({
    phase: 'Completed',
    warnings: [],
    namespacesResolved: ['shop'],
    spec: EXCLUDE,
  });
  expect(await world.contents(record)).toEqual([
    'configmaps shop/in-shop selected',
    'namespaces shop selected',
  ]);
});

it('a namespace that is made later is in the next backup, one that is going is not', async () => {
  await world.backUp(EXCLUDE);
  seed('Namespace', 'web');
  seed('ConfigMap', 'in-web', { namespace: 'web' });
  seed('Namespace', 'going', { deletionTimestamp: '2026-01-01T00:00:00Z' });
  const record = await world.backUp(EXCLUDE);
  expect(record.namespacesResolved).toEqual(['shop', 'web']);
  expect(await world.contents(record)).toContain('configmaps web/in-web selected');
});

it('names that are not there leave nothing out, and warn of nothing', async () => {
  const record = await world.backUp({ ...EXCLUDE, namespaces: ['gone'] });
  expect(record).toMatchObject({
    phase: 'Completed',
    warnings: [],
    namespacesResolved: ['other', 'shop'],
  });
});

it('where nothing is left the backup fails in the words users search for', async () => {
  const record = await world.backUp({ ...EXCLUDE, namespaces: ['shop', 'other'] });
  expect(record).toMatchObject({
    phase: 'Failed',
    message:
      'Cannot back up all namespaces but shop, other: get target namespace failed, there is no other',
    errors: [{ code: 'no_namespaces', step: 'resolve' }],
  });
  expect(world.bucket.keys()).toEqual([]);
});

it('manifest and marker say which way the names are meant', async () => {
  const excluding = await world.backUp(EXCLUDE);
  expect((await world.manifest(excluding)).scope).toMatchObject({
    ...EXCLUDE,
    namespacesResolved: ['shop'],
  });
  expect(await marker(excluding)).toMatchObject({
    includedNamespaces: ['*'],
    excludedNamespaces: ['other'],
  });
  const including = await world.backUp({ namespaces: ['shop'] });
  const manifest = await world.manifest(including);
  expect(manifest.scope.namespaceSelection).toBe('include');
  expect(await marker(including)).not.toHaveProperty('excludedNamespaces');
  // Manifests of before know no exclusion.
  const { namespaceSelection: _later, ...scope } = manifest.scope;
  const old = Buffer.from(JSON.stringify({ ...manifest, scope }));
  expect(parseManifest(old, 'manifest.json')).toEqual(manifest);
});
