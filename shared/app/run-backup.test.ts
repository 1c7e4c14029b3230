import { gunzipSync } from 'node:zlib';
import { beforeEach, describe, expect, it } from 'vitest';
import { BackupWorld } from '../../test/support/backup-world.ts';
import { DAY_MS } from '../domain/backup-record.ts';
import { UnavailableError } from '../domain/errors.ts';
import type { JsonObject } from '../domain/json.ts';
import { readTarFiles } from '../format/tar-entry.ts';
import { cancelRun } from './cancel-run.ts';

let world: BackupWorld;

function configMap(namespace: string, name: string, data: Record<string, string> = {}): void {
  world.cluster.seed({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace, name }, data });
}

function claim(name: string, volumeName?: string): void {
  world.cluster.seed({
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { namespace: 'shop', name },
    spec: volumeName === undefined ? {} : { volumeName },
  });
}

beforeEach(async () => {
  world = await BackupWorld.create();
});

describe('a backup', () => {
  it('holds the objects of its namespaces in Velero’s layout, with eight files', async () => {
    configMap('shop', 'web', { a: '1' });
    configMap('other', 'not-asked-for');
    const record = await world.backUp();
    expect(record.phase).toBe('Completed');
    const keys = await world.keys(record);
    const { prefix: _folder, ...files } = keys;
    expect(world.bucket.keys()).toEqual(Object.values(files).sort());
    const tar = gunzipSync(await world.bucket.get(keys.archive));
    expect(readTarFiles(tar)?.map((f) => f.path)).toEqual([
      'metadata/version',
      'resources/namespaces/cluster/shop.json',
      'resources/configmaps/namespaces/shop/web.json',
    ]);
    expect(world.bucket.isEncrypted(keys.archive)).toBe(true);
    expect(world.bucket.isEncrypted(keys.marker)).toBe(true);
  });

  it('writes its marker last, and Velero can read it', async () => {
    const puts: string[] = [];
    world.bucket.intercept = async (call, proceed) => {
      if (call.method === 'put' || call.method === 'completeUpload') puts.push(call.subject);
      return await proceed();
    };
    const record = await world.backUp({ retentionDays: 7 });
    const keys = await world.keys(record);
    expect(puts.at(0)).toBe(keys.archive);
    expect(puts.slice(-2)).toEqual([keys.manifest, keys.marker]);
    const marker: unknown = JSON.parse(Buffer.from(await world.bucket.get(keys.marker)).toString());
    expect(marker).toMatchObject({
      apiVersion: 'velero.io/v1',
      kind: 'Backup',
      metadata: { name: 'nightly-1' },
      spec: { includedNamespaces: ['shop'], storageLocation: 'default', ttl: '168h0m0s' },
      status: {
        version: 1,
        formatVersion: '1.1.0',
        phase: 'Completed',
        startTimestamp: '2026-01-01T00:00:00Z',
        expiration: '2026-01-08T00:00:00Z',
        progress: { totalItems: 1, itemsBackedUp: 1 },
      },
    });
  });

  it('keeps the server’s bytes, with the type that lists leave out in front', async () => {
    configMap('shop', 'web');
    const sent = '{"metadata":{"name":"big","namespace":"shop","uid":"u-1"},"n":9007199254740993}';
    world.cluster.intercept = async (call, proceed) => {
      const result = await proceed();
      if (call.method !== 'list' || call.subject !== 'configmaps') return result;
      return { ...result, items: [Buffer.from(sent)] };
    };
    const record = await world.backUp();
    const tar = gunzipSync(await world.bucket.get((await world.keys(record)).archive));
    const file = readTarFiles(tar)?.find((f) => f.path.endsWith('big.json'));
    const { offset = 0, sizeBytes = 0 } = file ?? {};
    expect(tar.subarray(offset, offset + sizeBytes).toString()).toBe(
      `{"apiVersion":"v1","kind":"ConfigMap",${sent.slice(1)}`,
    );
  });

  it('tells in its record what it took, what that costs and when it expires', async () => {
    configMap('shop', 'web', { a: 'x'.repeat(1000) });
    const record = await world.backUp({ retentionDays: 3 });
    expect(record).toMatchObject({
      phase: 'Completed',
      namespacesResolved: ['shop'],
      progress: { objectsTotal: 2, objectsDone: 2 },
      errors: [],
      warnings: [],
      coverageGaps: [],
    });
    expect(record.progress.bytesDone).toBeGreaterThan(1000);
    const keys = await world.keys(record);
    const archive = await world.bucket.head(keys.archive);
    expect(record.billing.ossBytes).toBeGreaterThan(archive?.sizeBytes ?? 0);
    expect(record.completedAtMs).toBeGreaterThanOrEqual(record.startedAtMs ?? Number.NaN);
    expect(record.expiresAtMs ?? record.createdAtMs + 3 * DAY_MS).toBe(
      record.createdAtMs + 3 * DAY_MS,
    );
  });

  it('names in its manifest the kinds with their versions, the files and the scope', async () => {
    configMap('shop', 'web');
    const record = await world.backUp({ excludedResources: ['secrets'] });
    const manifest = await world.manifest(record);
    expect(manifest).toMatchObject({
      formatVersion: 1,
      backup: 'nightly-1',
      cluster: 'c1',
      kubernetesVersion: 'v1.34.1',
      scope: { namespaces: ['shop'], excludedResources: ['secrets'], clusterScope: 'related' },
      counts: { objects: 2 },
    });
    const maps = manifest.kinds.find((k) => k.resource === 'configmaps');
    expect(maps).toMatchObject({ objects: 1, reads: [{ namespace: 'shop' }] });
    expect(maps?.reads[0]?.resourceVersion).toMatch(/^\d+$/);
    expect(manifest.files).toHaveLength(6);
  });

  it('keeps in its manifest what the record says, for a rebuild from the vault alone', async () => {
    configMap('shop', 'web');
    const record = await world.backUp({ namespaces: ['shop', 'gone'], retentionDays: 3 });
    const { runId, vaultIdentity, spec, creator, phase } = record;
    const { progress, errors, warnings, findingsDropped, volumes, billing } = record;
    expect(warnings).toHaveLength(1);
    expect((await world.manifest(record)).record).toEqual({
      ...{ runId, vaultIdentity, spec, creator, phase, progress, errors, warnings },
      ...{ findingsDropped, volumes, billing },
      createdAt: new Date(record.createdAtMs).toISOString(),
      expiresAt: new Date(record.expiresAtMs ?? 0).toISOString(),
      clusterRegion: 'cn-hangzhou',
      network: 'public',
    });
  });

  it('lists its resources as Velero does', async () => {
    configMap('shop', 'b');
    configMap('shop', 'a');
    const record = await world.backUp();
    const list: unknown = JSON.parse(await world.unzipped((await world.keys(record)).resourceList));
    expect(list).toEqual({ 'v1/ConfigMap': ['shop/a', 'shop/b'], 'v1/Namespace': ['shop'] });
  });

  it('of a namespace without objects is complete, too', async () => {
    const record = await world.backUp({ clusterScope: 'none' });
    expect(record).toMatchObject({ phase: 'Completed', progress: { objectsDone: 0 } });
    const tar = gunzipSync(await world.bucket.get((await world.keys(record)).archive));
    expect(readTarFiles(tar)?.map((f) => f.path)).toEqual(['metadata/version']);
    expect((await world.verify(record)).verification).toMatchObject({ ok: true });
  });

  it('that holds no object says so', async () => {
    const record = await world.backUp({ labelSelector: { matchLabels: { app: 'typo' } } });
    expect(record).toMatchObject({
      phase: 'Completed',
      progress: { objectsDone: 0 },
      warnings: [{ code: 'nothing_selected', step: 'finalise' }],
    });
  });

  it('reads each file by the version it wrote where the bucket keeps versions', async () => {
    world.bucket.facts.versioning = 'enabled';
    const record = await world.backUp();
    const keys = await world.keys(record);
    const manifest = await world.manifest(record);
    expect(manifest.files.every((f) => f.versionId !== undefined)).toBe(true);
    await world.bucket.put(keys.archive, Buffer.from('somebody wrote over it'));
    expect((await world.verify(record)).verification).toMatchObject({ ok: true });
  });
});

describe('namespaces', () => {
  it('that are gone are a warning each', async () => {
    const record = await world.backUp({ namespaces: ['shop', 'gone', 'lost'] });
    expect(record.phase).toBe('Completed');
    expect(record.namespacesResolved).toEqual(['shop']);
    expect(record.warnings.map((w) => [w.code, w.object?.name])).toEqual([
      ['not_found', 'gone'],
      ['not_found', 'lost'],
    ]);
  });

  it('that are all gone fail the backup in the words users search for', async () => {
    const record = await world.backUp({ namespaces: ['gone'] });
    expect(record.phase).toBe('Failed');
    expect(record.message).toContain('get target namespace failed');
    expect(record.errors).toMatchObject([{ code: 'no_namespaces', step: 'resolve' }]);
    expect(world.bucket.keys()).toEqual([]);
  });
});

describe('a cluster', () => {
  it('older than Kubernetes 1.16 is refused', async () => {
    world.cluster.serverVersion = 'v1.15.12';
    const record = await world.backUp();
    expect(record.phase).toBe('Failed');
    expect(record.errors).toMatchObject([{ code: 'cluster_version_unsupported' }]);
    expect(record.message).toContain('v1.15.12');
  });

  it('that cannot be reached for a while delays the backup', async () => {
    let calls = 0;
    world.cluster.intercept = async (_call, proceed) => {
      calls += 1;
      if (calls <= 3) throw new UnavailableError('cluster_unreachable', 'Cannot reach c1');
      return await proceed();
    };
    const record = await world.backUp();
    expect(calls).toBeGreaterThan(3);
    expect(record.phase).toBe('Completed');
  });
});

describe('a name that is taken in the bucket', () => {
  it('fails the backup and leaves what lies there alone', async () => {
    const theirs = 'team/backups/nightly-1/nightly-1.tar.gz';
    await world.bucket.put(theirs, Buffer.from('theirs'));
    const record = await world.backUp();
    expect(record.phase).toBe('Failed');
    expect(record.message).toContain('backup already exists in OSS bucket');
    expect(record.errors).toMatchObject([{ code: 'name_taken' }]);
    expect(world.bucket.keys()).toEqual([theirs]);
  });
});

describe('volumes', () => {
  beforeEach(() => {
    claim('data', 'pv-1');
  });

  it('are kept as YAML where volume backup is off', async () => {
    const record = await world.backUp({ volumeBackup: false });
    expect(record).toMatchObject({ phase: 'Completed', warnings: [] });
    expect(record.volumes).toMatchObject([
      { namespace: 'shop', pvc: 'data', pv: 'pv-1', method: 'yamlOnly', phase: 'Skipped' },
    ]);
    const info: unknown = JSON.parse(await world.unzipped((await world.keys(record)).volumeInfo));
    expect(info).toMatchObject([{ pvcName: 'data', pvName: 'pv-1', skipped: true }]);
  });

  it('are not backed up, with the reason, where there is no way to', async () => {
    const record = await world.backUp({ volumeBackup: true });
    expect(record.phase).toBe('Completed');
    expect(record.volumes).toMatchObject([{ method: 'notBackedUp' }]);
    expect(record.warnings).toMatchObject([{ object: { name: 'data' } }]);
  });

  it('are found although the kind filter leaves their claims out', async () => {
    const record = await world.backUp({
      volumeBackup: true,
      excludedResources: ['persistentvolumeclaims'],
    });
    expect(record.volumes).toMatchObject([{ method: 'notBackedUp', reason: 'claim excluded' }]);
    expect(await world.contents(record)).not.toContain('persistentvolumeclaims shop/data selected');
  });
});

describe('a backup that is cancelled', () => {
  it.each(['resolve', 'capture', 'finalise'])('in step %s leaves nothing behind', async (step) => {
    configMap('shop', 'web');
    const id = await world.start();
    const method = { resolve: 'discover', capture: 'uploadPart', finalise: 'put' }[step];
    let cancelled = false;
    const cancel = async (call: { method: string }) => {
      if (call.method !== method || cancelled) return;
      cancelled = true;
      await cancelRun(world, await world.record(id));
    };
    for (const port of [world.bucket, world.cluster]) {
      port.intercept = async (call, proceed) => {
        await cancel(call);
        return await proceed();
      };
    }
    const record = await world.workToEnd(id);
    expect(cancelled).toBe(true);
    expect(record).toMatchObject({ phase: 'Cancelled', errors: [] });
    expect(world.bucket.keys()).toEqual([]);
    expect(await world.bucket.listUploads('')).toEqual([]);
  });
});

describe('a bucket that keeps objects', () => {
  it('does not stop a backup, which never writes twice', async () => {
    world.bucket.facts.retentionMs = DAY_MS;
    configMap('shop', 'web');
    expect((await world.backUp()).phase).toBe('Completed');
  });

  it('leaves the files of a failed one, which its record says', async () => {
    world.bucket.facts.retentionMs = DAY_MS;
    const theirs = 'team/backups/nightly-1/manifest.json';
    await world.bucket.put(theirs, Buffer.from('theirs'));
    const record = await world.backUp();
    expect(record.phase).toBe('Failed');
    expect(record.warnings).toMatchObject([{ code: 'file_immutable', step: 'abandon' }]);
  });
});

describe('an object that is no object', () => {
  it('is an error that names its kind, and the rest is taken', async () => {
    configMap('shop', 'web');
    world.cluster.intercept = async (call, proceed) => {
      const result = await proceed();
      if (call.method !== 'list' || call.subject !== 'configmaps') return result;
      const { items } = result as { items: Uint8Array[] };
      return { ...(result as JsonObject), items: [Buffer.from('{"metadata":'), ...items] } as never;
    };
    const record = await world.backUp();
    expect(record.phase).toBe('PartiallyFailed');
    expect(record.errors).toMatchObject([{ code: 'object_rejected', step: 'capture' }]);
    expect(await world.contents(record)).toContain('configmaps shop/web selected');
  });
});
