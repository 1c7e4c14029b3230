import { createHash } from 'node:crypto';
import { constants, gunzipSync, gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { packLargeMember } from './gzip-member.ts';

/** Base64 of pseudo-random bytes. */
function noise(length: number): Buffer {
  const bytes = createHash('shake128', { outputLength: (length / 4) * 3 })
    .update('noise')
    .digest();
  return Buffer.from(bytes.toString('base64'));
}

const NOISE = noise(1024 * 1024);
const TEXT = Buffer.from('{"name":"web","image":"registry.example.com/web:1"}'.repeat(20_000));

describe('a packed member', () => {
  test.each([
    ['that repeats', TEXT],
    ['that hardly repeats', NOISE],
    ['below the size of a sample', NOISE.subarray(0, 1000)],
    ['that is empty', Buffer.alloc(0)],
  ])('%s unpacks to what it was, the same way each time', async (_what, raw) => {
    const [packed, again] = [await packLargeMember(raw), await packLargeMember(raw)];
    expect(gunzipSync(packed).equals(raw)).toBe(true);
    expect(packed.equals(again)).toBe(true);
  });

  test('that repeats is searched for repeats', async () => {
    const packed = await packLargeMember(TEXT);
    expect(packed.equals(gzipSync(TEXT, { level: 1 }))).toBe(true);
  });

  test('that hardly repeats is not searched, and no larger for it', async () => {
    const packed = await packLargeMember(NOISE);
    const strategy = constants.Z_HUFFMAN_ONLY;
    expect(packed.equals(gzipSync(NOISE, { level: 1, strategy }))).toBe(true);
    expect(packed.length).toBeLessThan(gzipSync(NOISE, { level: 1 }).length * 1.02);
  });

  test('is judged by its middle, whatever stands around it', async () => {
    const raw = Buffer.concat([NOISE.subarray(0, 100_000), TEXT, NOISE.subarray(0, 100_000)]);
    expect((await packLargeMember(raw)).equals(gzipSync(raw, { level: 1 }))).toBe(true);
  });
});
