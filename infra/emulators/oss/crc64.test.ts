import fc from 'fast-check';
import { createCRC64 } from 'hash-wasm';
import { describe, expect, it } from 'vitest';
import { combineCrc64 } from './crc64.ts';

describe('combineCrc64', () => {
  it('is the checksum of all stretches together', async () => {
    const crc = await createCRC64('c96c5795d7870f42');
    const of = (bytes: Uint8Array) =>
      BigInt(`0x${crc.init().update(bytes).digest('hex')}`).toString();
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 6 }), (stretches) => {
        const parts = stretches.map((bytes) => ({ crc64: of(bytes), sizeBytes: bytes.length }));
        expect(combineCrc64(parts)).toBe(of(Buffer.concat(stretches)));
      }),
    );
  });
});
