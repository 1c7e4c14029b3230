import { gunzipSync } from 'node:zlib';
import { beforeEach, describe, expect, it } from 'vitest';
import { BackupWorld } from '../../test/support/backup-world.ts';
import { readTarFiles } from '../format/tar-entry.ts';

let world: BackupWorld;

function configMap(namespace: string, name: string, data: Record<string, string> = {}): void {
  world.cluster.seed({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace, name }, data });
}

beforeEach(async () => {
  world = await BackupWorld.create();
});

describe('a backup', () => {
  it('holds the objects of its namespaces and is committed by its marker', async () => {
    configMap('shop', 'web', { a: '1' });
    configMap('other', 'not-asked-for');
    const record = await world.backUp();
    expect(record.phase).toBe('Completed');
    expect(await world.contents(record)).toEqual([
      'configmaps shop/web selected',
      'namespaces shop selected',
    ]);
    const keys = await world.keys(record);
    expect(world.bucket.keys()).toEqual(
      [
        keys.marker,
        keys.archive,
        keys.resourceList,
        keys.results,
        keys.logs,
        keys.volumeInfo,
        keys.catalog,
        keys.manifest,
      ].sort(),
    );
    const tar = gunzipSync(await world.bucket.get(keys.archive));
    expect(readTarFiles(tar)?.map((f) => f.path)).toEqual([
      'metadata/version',
      'resources/namespaces/cluster/shop.json',
      'resources/configmaps/namespaces/shop/web.json',
    ]);
  });
});
