import { createHash } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type CatalogLine, formatCatalogLine, parseCatalogLine } from './catalog-line.ts';
import { CatalogReader } from './catalog-reader.ts';
import { CatalogWriter } from './catalog-writer.ts';
import { FingerprintSet } from './fingerprint-set.ts';
import { packMember } from './gzip-member.ts';
import { type Manifest, parseManifest } from './manifest.ts';
import { ReadAhead } from './read-ahead.ts';
import { ResumableSha256 } from './resumable-sha256.ts';
import { backupKeys, vaultIdentityKey } from './vault-keys.ts';
import { formatResults, formatVolumeInfo, parseResults, ResourceList } from './velero-files.ts';

function line(n: number): CatalogLine {
  return {
    apiVersion: 'v1',
    resource: 'pods',
    kind: 'Pod',
    namespace: 'shop',
    name: `web-${n}`,
    uid: `uid-${n}`,
    why: 'selected',
    sha256: 'ab',
    memberOffset: n,
    memberLength: 1,
    offset: 512,
    length: 2,
  };
}

describe('the catalogue', () => {
  async function write(count: number) {
    const writer = new CatalogWriter();
    const members: Uint8Array[] = [];
    for (let n = 0; n < count; n += 1) {
      const member = await writer.add(formatCatalogLine(line(n)));
      if (member !== undefined) members.push(member);
    }
    const last = await writer.flush();
    if (last !== undefined) members.push(last);
    const bytes = Buffer.concat(members);
    const reads: number[] = [];
    const read = async (offset: number, length: number) => {
      reads.push(length);
      return bytes.subarray(offset, offset + length);
    };
    return { writer, bytes, reads, reader: new CatalogReader({ name: 'c', read }, writer.chunks) };
  }

  it.each([0, 1, 999, 1000, 1001, 2500])(
    'of %i lines gives back each by one range',
    async (count) => {
      const { writer, bytes, reads, reader } = await write(count);
      expect(writer.chunks.map((c) => c.lines).reduce((a, b) => a + b, 0)).toBe(count);
      for (const n of [0, 998, 999, 1000, 2499].filter((n) => n < count)) {
        reads.length = 0;
        expect(await reader.line(n)).toEqual(line(n));
        expect(reads).toHaveLength(1);
      }
      expect(await reader.line(count)).toBeUndefined();
      if (count > 0) expect(gunzipSync(bytes).toString().split('\n')).toHaveLength(count + 1);
    },
  );

  it('gives the lines from a number on', async () => {
    const { reader } = await write(2100);
    const names: string[] = [];
    for await (const { name } of reader.lines(1998)) names.push(name);
    expect(names[0]).toBe('web-1998');
    expect(names).toHaveLength(102);
  });

  it('refuses a member that lost lines', async () => {
    const bytes = await packMember(Buffer.from(`${formatCatalogLine(line(0))}\n`));
    const chunk = {
      offset: 0,
      length: bytes.length,
      lines: 2,
      first: { resource: 'p', name: 'n' },
    };
    const reader = new CatalogReader({ name: 'c', read: async () => bytes }, [chunk]);
    await expect(reader.line(0)).rejects.toThrow('expected 2 lines, found 1');
  });

  it.each(['', '{}', 'null', '[1]', JSON.stringify({ ...line(1), offset: '1' })])(
    'refuses the line %j',
    (text) => {
      expect(() => parseCatalogLine(text)).toThrow('Cannot read a catalogue line');
    },
  );
});

describe('the manifest', () => {
  const read = (value: unknown) => parseManifest(Buffer.from(JSON.stringify(value)), 'm.json');
  const manifest: Manifest = {
    formatVersion: 1,
    backup: 'nightly',
    backupId: 'bk-1',
    cluster: 'c1',
    kubernetesVersion: 'v1.34.1',
    startedAt: '2026-01-01T00:00:00.000Z',
    completedAt: '2026-01-01T00:00:00.000Z',
    scope: {
      namespaces: ['*'],
      namespaceSelection: 'include',
      namespacesResolved: [],
      clusterScope: 'all',
      volumeBackup: true,
    },
    counts: { objects: 0, bytes: 0, leftOut: {} },
    kinds: [],
    coverageGaps: [],
    files: [],
    catalog: [],
  };

  it('is read back, fields of later versions aside', () => {
    expect(read({ ...manifest, later: 1 })).toEqual(manifest);
  });

  it.each([
    ['of another format version', { ...manifest, formatVersion: 2 }, 'formatVersion'],
    ['with a negative count', { ...manifest, counts: { objects: -1 } }, 'counts.objects'],
    ['that is none', [], 'no manifest'],
  ])('is refused %s', (_, value, found) => {
    expect(() => read(value)).toThrow(/Cannot read m.json: found/);
    if (found !== 'no manifest') expect(() => read(value)).toThrow(found);
  });

  it('is refused where it is no JSON', () => {
    expect(() => parseManifest(Buffer.from('{'), 'm.json')).toThrow('found no JSON');
  });
});

describe('keys', () => {
  it('lie in folders that Velero accepts, with or without a subdirectory', () => {
    expect(backupKeys('', 'b').archive).toBe('backups/b/b.tar.gz');
    expect(backupKeys('team/a', 'b').marker).toBe('team/a/backups/b/velero-backup.json');
    expect(vaultIdentityKey('', 'v1')).toBe('metadata/vault-v1.json');
  });
});

describe('side files', () => {
  it('list resources by kind, sorted', () => {
    const list = new ResourceList();
    list.add({ apiVersion: 'v1', kind: 'Pod', namespace: 'shop', name: 'b' });
    list.add({ apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'shop', name: 'web' });
    list.add({ apiVersion: 'v1', kind: 'Pod', namespace: 'shop', name: 'a' });
    list.add({ apiVersion: 'v1', kind: 'Namespace', name: 'shop' });
    expect(Buffer.from(list.format()).toString()).toBe(
      '{"apps/v1/Deployment":["shop/web"],"v1/Namespace":["shop"],"v1/Pod":["shop/a","shop/b"]}',
    );
  });

  it('hold findings as Velero’s texts and as they are', () => {
    const object = {
      apiVersion: 'v1',
      resource: 'pods',
      kind: 'Pod',
      namespace: 'shop',
      name: 'a',
    };
    const errors = [
      { code: 'x', step: 'capture', message: 'Cannot do it', object },
      { code: 'y', step: 'capture', message: 'Nor this' },
    ];
    const bytes = formatResults({ errors, warnings: [] });
    expect(JSON.parse(Buffer.from(bytes).toString())).toMatchObject({
      errors: { cluster: ['Nor this'], namespaces: { shop: ['pods shop/a: Cannot do it'] } },
      warnings: { cluster: [], namespaces: {} },
    });
    expect(parseResults(bytes)).toEqual({ errors, warnings: [] });
    expect(parseResults(Buffer.from('{"errors":{}}'))).toBeUndefined();
  });

  it('mark every volume skipped', () => {
    const volume = {
      namespace: 'shop',
      pvc: 'data',
      pv: 'pv-1',
      method: 'yamlOnly',
      reason: 'off',
      phase: 'Skipped',
      progress: 0,
    } as const;
    expect(JSON.parse(Buffer.from(formatVolumeInfo([volume])).toString())).toEqual([
      {
        pvcName: 'data',
        pvcNamespace: 'shop',
        pvName: 'pv-1',
        snapshotDataMoved: false,
        preserveLocalSnapshot: false,
        skipped: true,
        skippedReason: 'yamlOnly: off',
      },
    ]);
  });
});

describe('a set of fingerprints', () => {
  it('remembers what was added and nothing else', () => {
    const text = fc.oneof(fc.uuid(), fc.string({ maxLength: 40 }));
    fc.assert(
      fc.property(fc.array(text, { maxLength: 3000 }), fc.array(text), (added, asked) => {
        const set = new FingerprintSet();
        const model = new Set<string>();
        for (const t of added) {
          expect(set.add(t)).toBe(!model.has(t));
          model.add(t);
        }
        expect(set.size).toBe(model.size);
        for (const t of [...asked, ...added]) expect(set.has(t)).toBe(model.has(t));
      }),
      { numRuns: 30 },
    );
  });
});

describe('a SHA-256 that is interrupted', () => {
  it('ends as the one that is not', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), fc.nat(300), async (bytes, cut) => {
        const first = await ResumableSha256.start();
        first.update(bytes.subarray(0, cut));
        const second = await ResumableSha256.start(first.save());
        second.update(bytes.subarray(cut));
        expect(second.digest()).toBe(createHash('sha256').update(bytes).digest('hex'));
      }),
      { numRuns: 50 },
    );
  });
});

describe('reading ahead', () => {
  it('gives the bytes in order, whatever is asked for, and ends at the end', async () => {
    const bytes = Buffer.alloc(20 * 1024 * 1024 + 5, 'abcdefg');
    const read = async (offset: number, length: number) => bytes.subarray(offset, offset + length);
    const ahead = new ReadAhead({ name: 'f', read }, bytes.length, 3);
    let at = 3;
    for (const length of [1, 9 * 1024 * 1024, 0, 5_000_000, 99_999_999, 5]) {
      const taken = await ahead.take(length);
      expect(bytes.subarray(at, at + length).equals(taken)).toBe(true);
      at += taken.length;
      expect(ahead.position).toBe(at);
    }
    expect(at).toBe(bytes.length);
  });
});
