import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readArchivedObject, readArchivedObjects } from './archive-reader.ts';
import { BundleWriter, MEMBER_RAW_TARGET } from './bundle-writer.ts';
import { type CatalogLine, type CatalogSubject, parseCatalogLine } from './catalog-line.ts';
import { readTarFiles } from './tar-entry.ts';

interface Sample {
  readonly subject: CatalogSubject;
  readonly bytes: Uint8Array;
}

function sample(n: number, size: number, name = `web-${n}`): Sample {
  const data = randomBytes(Math.ceil(size / 2)).toString('hex');
  return {
    subject: {
      apiVersion: 'v1',
      resource: 'configmaps',
      kind: 'ConfigMap',
      namespace: 'shop',
      name,
      uid: `uid-${n}`,
      why: 'selected',
    },
    bytes: Buffer.from(
      JSON.stringify({ kind: 'ConfigMap', metadata: { name, uid: `u${n}` }, data }),
    ),
  };
}

async function write(
  samples: readonly Sample[],
): Promise<{ archive: Buffer; lines: CatalogLine[] }> {
  const writer = new BundleWriter<number>({ offset: 0, mtimeMs: 1_700_000_000_000 });
  const parts: Uint8Array[] = [];
  const lines: CatalogLine[] = [];
  const take = async () => {
    const member = await writer.take();
    if (member === undefined) return false;
    parts.push(member.bytes);
    lines.push(...member.lines.map(parseCatalogLine));
    return true;
  };
  for (const [i, s] of samples.entries()) {
    if (writer.isFullFor(s.bytes.length)) writer.seal(i);
    while (writer.isBusy) await take();
    writer.add(s.subject, [s.bytes.subarray(0, 1), s.bytes.subarray(1)]);
  }
  writer.end();
  writer.seal(samples.length);
  while (await take());
  return { archive: Buffer.concat(parts), lines };
}

function digest(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function source(bytes: Uint8Array) {
  const reads: { offset: number; length: number }[] = [];
  return {
    name: 'shop.tar.gz',
    reads,
    read: async (offset: number, length: number) => {
      reads.push({ offset, length });
      return bytes.subarray(offset, offset + length);
    },
  };
}

describe('an archive', () => {
  const samples = [
    sample(0, 10),
    sample(1, MEMBER_RAW_TARGET * 2),
    ...Array.from({ length: 300 }, (_, i) => sample(i + 2, 9000)),
    sample(900, 10, 'n'.repeat(253)),
    sample(901, 10, 'system:rôle'),
  ];
  let written: Awaited<ReturnType<typeof write>>;
  let folder: string;
  let file: string;

  beforeAll(async () => {
    written = await write(samples);
    folder = mkdtempSync(join(tmpdir(), 'bundle-'));
    file = join(folder, 'shop.tar.gz');
    writeFileSync(file, written.archive);
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it('is listed and unpacked by the system’s tar', () => {
    const listed = execFileSync('tar', ['--quoting-style=literal', '-tzf', file]).toString();
    expect(listed.trim().split('\n')).toEqual([
      'metadata/version',
      ...samples.map((s) => `resources/configmaps/namespaces/shop/${s.subject.name}.json`),
    ]);
    const first = execFileSync('tar', ['-xOzf', file, 'metadata/version']).toString();
    expect(first).toBe('1.1.0');
    const long = `resources/configmaps/namespaces/shop/${'n'.repeat(253)}.json`;
    expect(execFileSync('tar', ['-xOzf', file, long])).toEqual(samples.at(-2)?.bytes);
  });

  it('is a series of members that plain gunzip unpacks one by one into whole entries', () => {
    const starts = [...new Set(written.lines.map((l) => l.memberOffset))];
    expect(starts.length).toBeGreaterThan(4);
    const paths = starts.flatMap((start) => {
      const length = written.lines.find((l) => l.memberOffset === start)?.memberLength ?? 0;
      const member = join(folder, 'member.gz');
      writeFileSync(member, written.archive.subarray(start, start + length));
      const raw = execFileSync('gunzip', ['-c', member], { maxBuffer: 1 << 24 });
      return readTarFiles(raw)?.map((f) => f.path) ?? [];
    });
    expect(paths.filter((p) => p !== 'metadata/version')).toHaveLength(samples.length);
  });

  it('gives a large object a member of its own and keeps the others near a mebibyte', () => {
    const large = written.lines[1];
    expect(written.lines.filter((l) => l.memberOffset === large?.memberOffset)).toHaveLength(1);
    const sizes = [...new Set(written.lines.map((l) => l.memberOffset))].map((start) => {
      const inside = written.lines.filter((l) => l.memberOffset === start);
      return Math.max(...inside.map((l) => l.offset + l.length));
    });
    expect(sizes.filter((s) => s > MEMBER_RAW_TARGET)).toHaveLength(1);
  });

  it('gives one object for one range of at most 2 MiB', async () => {
    const from = source(written.archive);
    for (const i of [0, 150, samples.length - 1]) {
      const line = written.lines[i];
      if (line === undefined) throw new Error(`no line ${i}`);
      expect(await readArchivedObject(from, line)).toEqual(samples[i]?.bytes);
    }
    expect(from.reads).toHaveLength(3);
    expect(Math.max(...from.reads.map((r) => r.length))).toBeLessThan(2 * 1024 * 1024);
  });

  it('gives any part of its objects, reading only the members that hold them', async () => {
    const from = source(written.archive);
    const wanted = [written.lines[0], written.lines.at(-1)].filter((l) => l !== undefined);
    const got: string[] = [];
    for await (const { line, bytes } of readArchivedObjects(from, wanted)) {
      got.push(line.name);
      expect(bytes).toEqual(samples.find((s) => s.subject.name === line.name)?.bytes);
    }
    expect(got).toEqual(['web-0', 'system:rôle']);
    const read = from.reads.reduce((sum, r) => sum + r.length, 0);
    expect(read).toBe(wanted.reduce((sum, l) => sum + l.memberLength, 0));
  });

  it('names the object that damage hides', async () => {
    const [line] = written.lines;
    if (line === undefined) throw new Error('no line');
    const broken = Buffer.from(written.archive);
    broken.fill(0, line.memberOffset + 20, line.memberOffset + line.memberLength);
    await expect(readArchivedObject(source(broken), line)).rejects.toThrow(/Cannot unpack/);
    const shifted = { ...line, offset: line.offset + 1 };
    await expect(readArchivedObject(source(written.archive), shifted)).rejects.toThrow(
      /Cannot read configmaps shop\/web-0/,
    );
  });
});

describe('writing and reading', () => {
  it('gives back every object, whatever the sizes', async () => {
    const size = fc.oneof(
      fc.nat(3000),
      fc.nat(400_000),
      fc.integer({ min: 900_000, max: 1_300_000 }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(size, { maxLength: 12 }), async (sizes) => {
        const samples = sizes.map((s, i) => sample(i, s));
        const { archive, lines } = await write(samples);
        const back: string[] = [];
        for await (const object of readArchivedObjects(source(archive), lines)) {
          back.push(digest(object.bytes));
        }
        expect(back).toEqual(samples.map((s) => digest(s.bytes)));
      }),
      { numRuns: 25 },
    );
  });

  it('is the same tar whatever was packed before', async () => {
    const samples = Array.from({ length: 200 }, (_, i) => sample(i, 20_000));
    const tar = async () => digest(gunzipSync((await write(samples)).archive));
    expect(await tar()).toBe(await tar());
  });

  it('refuses bytes that are no object and goes on without them', async () => {
    const writer = new BundleWriter<number>({ offset: 0, mtimeMs: 0 });
    const { subject, bytes } = sample(1, 10);
    expect(() => writer.add(subject, [Buffer.from('{"a":')])).toThrow(/Cannot normalise/);
    writer.add(subject, [bytes]);
    writer.seal(1);
    const member = await writer.take();
    expect(member?.lines).toHaveLength(1);
    expect(readTarFiles(gunzipSync(member?.bytes ?? ''))).toHaveLength(2);
  });
});
