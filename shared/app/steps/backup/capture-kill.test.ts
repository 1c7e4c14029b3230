import { createHash, randomBytes } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { BackupWorld } from '../../../../test/support/backup-world.ts';
import type { Intercept } from '../../../../test/support/interception.ts';
import { LEASE_MS } from '../../../domain/lease.ts';
import { manifestFile } from '../../../format/manifest.ts';
import { readTarFiles } from '../../../format/tar-entry.ts';

/** The process died: whatever it calls afterwards fails too. */
class Killed extends Error {}

const payloads = Array.from({ length: 8 }, () => randomBytes(250_000).toString('base64'));

/** A cluster whose archive takes several parts, with relations of both kinds. */
async function world(): Promise<BackupWorld> {
  const made = await BackupWorld.create();
  made.partBytesMin = 128 * 1024;
  for (const [i, payload] of payloads.entries()) {
    made.cluster.seed({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { namespace: 'shop', name: `web-${i}`, labels: { app: 'web' } },
      data: { payload },
    });
  }
  for (let i = 0; i < 102; i += 1) {
    made.cluster.seed({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { namespace: 'shop', name: `small-${i}` },
    });
  }
  made.cluster.seed({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { namespace: 'shop', name: 'web', labels: { app: 'web' } },
    spec: {
      priorityClassName: 'high',
      volumes: [
        { name: 'data', persistentVolumeClaim: { claimName: 'data' } },
        { name: 'secret', secret: { secretName: 'small-7' } },
      ],
    },
  });
  made.cluster.seed({
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { namespace: 'shop', name: 'data' },
    spec: { volumeName: 'pv-1', storageClassName: 'disk' },
  });
  const clusterScoped = [
    ['v1', 'PersistentVolume', 'pv-1'],
    ['storage.k8s.io/v1', 'StorageClass', 'disk'],
    ['scheduling.k8s.io/v1', 'PriorityClass', 'high'],
  ] as const;
  for (const [apiVersion, kind, name] of clusterScoped) {
    made.cluster.seed({ apiVersion, kind, metadata: { name } });
  }
  return made;
}

/** Lets `calls` calls of all ports through, then kills; `after`: the last one happens, unanswered. */
function killAfter(made: BackupWorld, calls: number, after: boolean): { hits: number } {
  const seen = { hits: 0 };
  const intercept: Intercept = async (_call, proceed) => {
    seen.hits += 1;
    if (seen.hits === calls && after) await proceed();
    if (seen.hits >= calls) throw new Killed();
    await Promise.resolve();
    return await proceed();
  };
  for (const port of [made.records, made.bucket, made.control, made.cluster]) {
    port.intercept = intercept;
  }
  return seen;
}

function revive(made: BackupWorld): void {
  killAfter(made, Number.POSITIVE_INFINITY, false);
}

async function expectWhole(made: BackupWorld, id: string, contents: readonly string[]) {
  const record = await made.workToEnd(id);
  expect(record.phase).toBe('Completed');
  expect(await made.contents(record)).toEqual(contents);
  const uids = (await made.catalog(record)).map((line) => line.uid);
  expect(new Set(uids).size).toBe(uids.length);
  const keys = await made.keys(record);
  const archive = await made.bucket.get(keys.archive);
  expect(readTarFiles(gunzipSync(archive))).toHaveLength(uids.length + 1);
  const manifest = await made.manifest(record);
  expect(manifest.counts.objects).toBe(uids.length);
  expect(manifestFile(manifest, keys.archive.slice(keys.prefix.length))).toMatchObject({
    sizeBytes: archive.length,
    sha256: createHash('sha256').update(archive).digest('hex'),
  });
  expect(await made.bucket.listUploads('')).toEqual([]);
  expect(made.bucket.keys()).toHaveLength(8);
}

describe('a capture', () => {
  it.each([
    ['before a call happens, everything in a namespace', false, {}],
    [
      'after a call happened, what carries a label',
      true,
      { labelSelector: { matchLabels: { app: 'web' } } },
    ],
  ])('ends the same wherever its worker is killed: %s', async (_when, after, spec) => {
    const clean = await world();
    const seen = killAfter(clean, Number.POSITIVE_INFINITY, false);
    const record = await clean.backUp(spec);
    const contents = await clean.contents(record);
    expect(contents.length).toBeGreaterThan(10);
    const calls = seen.hits;
    for (let n = 1; n <= calls; n += 1) {
      const made = await world();
      const id = await made.start(spec);
      const kill = killAfter(made, n, after);
      await made.work(id).catch(() => undefined);
      const wasHit = kill.hits >= n;
      revive(made);
      await made.clock.advance(LEASE_MS + 1);
      await expectWhole(made, id, contents).catch((error: unknown) => {
        throw new Error(`Killed at call ${n} of ${calls}: ${String(error)}`);
      });
      if (!wasHit) break;
    }
  });
});
