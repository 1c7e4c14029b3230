import { createHash, randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BUCKET, clientOf, type Fixture, startFixture } from './emulator-fixture.ts';
import type { OssSdk } from './sdk-client.ts';

let fixture: Fixture;
let client: OssSdk;

beforeAll(async () => {
  fixture = await startFixture();
  client = clientOf(fixture.emulator);
  await client.putBucket(BUCKET);
});

afterAll(() => fixture.stop());

describe('PutObject and GetObject', () => {
  it('give back bytes, type, user metadata, MD5 and CRC-64', async () => {
    const body = Buffer.from('123456789');
    const put = await client.put('a/b c+ü.json', body, { meta: { origin: 'test' } });
    const md5 = createHash('md5').update(body);
    expect(put.res.headers.etag).toBe(`"${md5.copy().digest('hex').toUpperCase()}"`);
    expect(put.res.headers['content-md5']).toBe(md5.digest('base64'));
    // The check value of CRC-64/XZ for "123456789".
    expect(put.res.headers['x-oss-hash-crc64ecma']).toBe(BigInt('0x995dc9bbdf1939fa').toString());
    const got = await client.get('a/b c+ü.json');
    expect(got.content).toEqual(body);
    expect(got.res.headers['content-type']).toBe('application/json');
    expect((await client.head('a/b c+ü.json')).meta).toEqual({ origin: 'test' });
  });

  it('take a stream of unknown length', async () => {
    const body = randomBytes(3_000_000);
    await client.putStream('stream', Readable.from([body.subarray(0, 10), body.subarray(10)]));
    const { stream } = await client.getStream('stream');
    const chunks: Buffer[] = [];
    for await (const chunk of stream) chunks.push(chunk as Buffer);
    expect(Buffer.concat(chunks).equals(body)).toBe(true);
  });
});
