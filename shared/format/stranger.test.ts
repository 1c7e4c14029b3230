/**
 * A reader written from FORMAT.md alone: no code of ours reads here. It must find everything in a backup
 * that the product wrote.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BackupWorld } from '../../test/support/backup-world.ts';

interface Line {
  readonly apiVersion: string;
  readonly resource: string;
  readonly kind: string;
  readonly namespace?: string;
  readonly name: string;
  readonly uid: string;
  readonly sha256: string;
  readonly memberOffset: number;
  readonly memberLength: number;
  readonly offset: number;
  readonly length: number;
}

interface Manifest {
  readonly counts: { readonly objects: number };
  readonly kinds: readonly { readonly resource: string; readonly objects: number }[];
  readonly files: readonly {
    readonly name: string;
    readonly sizeBytes: number;
    readonly sha256: string;
  }[];
  readonly catalog: readonly {
    readonly offset: number;
    readonly length: number;
    readonly lines: number;
    readonly first: { readonly name: string };
  }[];
}

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

const files = new Map<string, Buffer>();
let folder: string;

const sha256 = (bytes: Uint8Array | string) => createHash('sha256').update(bytes).digest('hex');
const file = (name: string) => files.get(name) ?? Buffer.alloc(0);
const range = (name: string, offset: number, length: number) =>
  file(name).subarray(offset, offset + length);
const manifest = () => JSON.parse(file('manifest.json').toString()) as Manifest;

/** Section 3.3. */
function readObject(n: number): { line: Line; bytes: Buffer } {
  const member = manifest().catalog[Math.floor(n / 1000)];
  const lines = gunzipSync(range('catalog.ndjson.gz', member?.offset ?? 0, member?.length ?? 0));
  const line = JSON.parse(lines.toString().split('\n')[n % 1000] ?? '') as Line;
  const raw = gunzipSync(range('nightly-1.tar.gz', line.memberOffset, line.memberLength));
  return { line, bytes: raw.subarray(line.offset, line.offset + line.length) };
}

/** Section 4.1. */
function normalise(value: Json, depth = 0, within = ''): string {
  if (Array.isArray(value)) return `[${value.map((v) => normalise(v, depth + 1)).join(',')}]`;
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  const metadata = 'managedFields resourceVersion uid generation creationTimestamp selfLink';
  const dropped =
    depth === 0 ? ['status'] : depth === 1 && within === 'metadata' ? metadata.split(' ') : [];
  const fields = Object.keys(value)
    .filter((key) => !dropped.includes(key))
    .sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
    .map((key) => `${JSON.stringify(key)}:${normalise(value[key] ?? null, depth + 1, key)}`);
  return `{${fields.join(',')}}`;
}

beforeAll(async () => {
  const world = await BackupWorld.create();
  for (let i = 0; i < 1200; i += 1) {
    world.cluster.seed({
      apiVersion: 'v1',
      kind: i % 2 === 0 ? 'ConfigMap' : 'Secret',
      metadata: { namespace: 'shop', name: `object-${i}`, labels: { z: 'ü<&>', a: 'b' } },
      data: { text: sha256(String(i)).repeat(40), nothing: null, list: [i, true] },
      status: { seen: i },
    });
  }
  world.cluster.seed({
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'Role',
    metadata: { namespace: 'shop', name: `system:${'long-'.repeat(40)}rôle` },
  });
  const record = await world.backUp();
  const { prefix } = await world.keys(record);
  folder = mkdtempSync(join(tmpdir(), 'stranger-'));
  for (const key of world.bucket.keys()) {
    const bytes = Buffer.from(await world.bucket.get(key));
    files.set(key.slice(prefix.length), bytes);
    writeFileSync(join(folder, key.slice(prefix.length)), bytes);
  }
});

afterAll(() => rmSync(folder, { recursive: true }));

describe('a reader written from FORMAT.md', () => {
  it('finds the files of section 1, each as the manifest says', () => {
    const listed = manifest().files;
    expect([...files.keys()].sort()).toEqual(
      [...listed.map((f) => f.name), 'manifest.json', 'velero-backup.json'].sort(),
    );
    for (const { name, sizeBytes, sha256: promised } of listed) {
      expect([name, file(name).length, sha256(file(name))]).toEqual([name, sizeBytes, promised]);
    }
    const marker = JSON.parse(file('velero-backup.json').toString()) as {
      metadata: { annotations: Record<string, string> };
    };
    expect(marker.metadata.annotations['backup-centre.io/manifest-sha256']).toBe(
      sha256(file('manifest.json')),
    );
  });

  it('reads every object by two ranges, and it is what tar unpacks', () => {
    const { counts, catalog } = manifest();
    expect(counts.objects).toBe(1202);
    expect(catalog.map((c) => c.lines)).toEqual([1000, 202]);
    execFileSync('tar', ['-xzf', join(folder, 'nightly-1.tar.gz'), '-C', folder]);
    for (const n of [0, 1, 500, 999, 1000, 1201]) {
      const { line, bytes } = readObject(n);
      const where = line.namespace === undefined ? 'cluster' : `namespaces/${line.namespace}`;
      const path = join(folder, 'resources', line.resource, where, `${line.name}.json`);
      expect(readFileSync(path).equals(bytes)).toBe(true);
      const object = JSON.parse(bytes.toString()) as Line & { metadata: Line };
      expect([object.apiVersion, object.kind]).toEqual([line.apiVersion, line.kind]);
      expect([object.metadata.name, object.metadata.uid]).toEqual([line.name, line.uid]);
    }
    expect(readObject(1000).line.name).toBe(catalog[1]?.first.name);
  });

  it('computes the same hashes', () => {
    for (const n of [0, 7, 600, 1201]) {
      const { line, bytes } = readObject(n);
      expect(sha256(normalise(JSON.parse(bytes.toString()) as Json))).toBe(line.sha256);
    }
  });

  it('lists the archive as sections 2.2 says', () => {
    const listed = execFileSync('tar', [
      '--quoting-style=literal',
      '-tzf',
      join(folder, 'nightly-1.tar.gz'),
    ]);
    const paths = listed.toString().trim().split('\n');
    expect(paths[0]).toBe('metadata/version');
    expect(paths).toHaveLength(1203);
    expect(new Set(paths).size).toBe(1203);
  });
});
