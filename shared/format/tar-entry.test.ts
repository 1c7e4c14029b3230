import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readTarFiles, TAR_END, tarHeaderMax, tarPadding, writeTarHeader } from './tar-entry.ts';

function entry(path: string, content: Uint8Array): Buffer {
  const padding = Buffer.alloc(tarPadding(content.length));
  const header = Buffer.alloc(tarHeaderMax(path), 0xff);
  const file = { path, sizeBytes: content.length, mtimeS: 1_700_000_000 };
  const length = writeTarHeader(header, 0, file);
  return Buffer.concat([header.subarray(0, length), content, padding]);
}

describe('tar entries', () => {
  it('are read back with their paths and contents', () => {
    const segment = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 120 });
    const path = fc.array(
      segment.filter((s) => !/[\0/]/.test(s)),
      { minLength: 1, maxLength: 6 },
    );
    const file = fc.tuple(
      path.map((p) => p.join('/')),
      fc.uint8Array({ maxLength: 1500 }),
    );
    fc.assert(
      fc.property(fc.array(file, { maxLength: 5 }), (files) => {
        const tar = Buffer.concat([...files.map(([p, content]) => entry(p, content)), TAR_END]);
        const found = readTarFiles(tar);
        expect(
          found?.map((f) => [
            f.path,
            new Uint8Array(tar.subarray(f.offset, f.offset + f.sizeBytes)),
          ]),
        ).toEqual(files);
      }),
    );
  });

  it('are the same bytes for the same input', () => {
    expect(entry('a/b.json', Buffer.from('{}'))).toEqual(entry('a/b.json', Buffer.from('{}')));
  });

  it('tell damage from tar', () => {
    const tar = entry('a', Buffer.from('content'));
    const flipped = Buffer.from(tar);
    flipped.writeUInt8(0x62, 0);
    expect(readTarFiles(flipped)).toBeUndefined();
    expect(readTarFiles(tar.subarray(0, 515))).toBeUndefined();
  });
});
