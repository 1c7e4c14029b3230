import { createHash, randomBytes } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BUCKET, clientOf, type Fixture, refusalOf, startFixture } from './emulator-fixture.ts';
import type { OssSdk } from './sdk-client.ts';

const PART = 102_400;

let fixture: Fixture;
let client: OssSdk;

beforeAll(async () => {
  fixture = await startFixture();
  client = clientOf(fixture.emulator);
  await client.putBucket(BUCKET);
});

afterAll(() => fixture.stop());

const forbid = () => ({ headers: { 'x-oss-forbid-overwrite': 'true' } });
const fileCount = () => readdirSync(`${fixture.dir}/objects`).length;
const md5 = (body: Buffer) => createHash('md5').update(body).digest();

/** Uploads parts of these sizes under their numbers; the ETags are in the order given. */
async function upload(key: string, parts: readonly (readonly [number, Buffer])[]) {
  const { uploadId } = await client.initMultipartUpload(key);
  const named: { number: number; etag: string }[] = [];
  for (const [number, body] of parts) {
    const { etag } = await client.uploadPart(key, uploadId, number, body, 0, body.length);
    named.push({ number, etag });
  }
  return { uploadId, named };
}

describe('a multipart upload', () => {
  it('becomes one object with a combined ETag and CRC-64', async () => {
    const body = randomBytes(3 * PART + 7);
    const files = fileCount();
    const done = await client.multipartUpload('big', body, {
      partSize: PART,
      parallel: 3,
      meta: { origin: 'parts' },
    });
    const parts = [0, 1, 2, 3].map((n) => md5(body.subarray(n * PART, (n + 1) * PART)));
    expect(done.etag).toBe(`"${md5(Buffer.concat(parts)).toString('hex').toUpperCase()}-4"`);
    const single = await client.put('single', body);
    expect(done.res.headers['x-oss-hash-crc64ecma']).toBe(
      single.res.headers['x-oss-hash-crc64ecma'],
    );
    const head = await client.head('big');
    expect(head.meta).toEqual({ origin: 'parts' });
    expect(head.res.headers['x-oss-object-type']).toBe('Multipart');
    expect((await client.get('big')).content.equals(body)).toBe(true);
    const ranged = await client.get('big', {
      headers: { Range: `bytes=${PART - 5}-${2 * PART + 4}` },
    });
    expect(ranged.content.equals(body.subarray(PART - 5, 2 * PART + 5))).toBe(true);
    await client.copy('big-copy', 'big');
    await client.delete('big');
    expect((await client.get('big-copy')).content.equals(body)).toBe(true);
    await client.deleteMulti(['big-copy', 'single']);
    expect(fileCount()).toBe(files);
  });

  it('is invisible until completed, and gone once completed', async () => {
    const { uploadId, named } = await upload('hidden', [[1, Buffer.from('only')]]);
    expect(await refusalOf(client.get('hidden'))).toMatchObject({ code: 'NoSuchKey' });
    await client.completeMultipartUpload('hidden', uploadId, named);
    expect((await client.get('hidden')).content.toString()).toBe('only');
    expect(
      await refusalOf(client.completeMultipartUpload('hidden', uploadId, named)),
    ).toMatchObject({ status: 404, code: 'NoSuchUpload', ecCode: '0042-00000002' });
    expect((await client.listUploads({ prefix: 'hidden' })).uploads).toEqual([]);
  });

  it('takes numbers with gaps, replaces a part, and drops parts that are not named', async () => {
    const files = fileCount();
    const [one, two, three] = [randomBytes(PART), randomBytes(PART), randomBytes(9)];
    const { uploadId, named } = await upload('gaps', [
      [1, randomBytes(PART)],
      [1, one],
      [5, two],
      [7, Buffer.from('not named')],
      [9, three],
    ]);
    const chosen = named.filter(({ number }, index) => index > 0 && number !== 7);
    await client.completeMultipartUpload('gaps', uploadId, chosen);
    const whole = Buffer.concat([one, two, three]);
    expect((await client.get('gaps')).content.equals(whole)).toBe(true);
    await client.delete('gaps');
    expect(fileCount()).toBe(files);
  });

  it('is aborted with all its parts', async () => {
    const files = fileCount();
    const { uploadId } = await upload('aborted', [[1, randomBytes(10)]]);
    await client.abortMultipartUpload('aborted', uploadId);
    expect(fileCount()).toBe(files);
    const again = client.uploadPart('aborted', uploadId, 1, Buffer.from('x'), 0, 1);
    expect(await refusalOf(again)).toMatchObject({ status: 404, code: 'NoSuchUpload' });
    expect(await refusalOf(client.abortMultipartUpload('aborted', uploadId))).toMatchObject({
      status: 404,
    });
    expect(fileCount()).toBe(files);
  });

  it('belongs to its key', async () => {
    const { uploadId } = await upload('mine', [[1, randomBytes(10)]]);
    expect(await refusalOf(client.listParts('yours', uploadId))).toMatchObject({
      code: 'NoSuchUpload',
    });
  });
});

describe('CompleteMultipartUpload refuses', () => {
  const complete = (key: string, uploadId: string, parts: { number: number; etag: string }[]) =>
    refusalOf(client.completeMultipartUpload(key, uploadId, parts));

  it('a small part that is not the last', async () => {
    const { uploadId, named } = await upload('small', [
      [1, randomBytes(PART - 1)],
      [2, randomBytes(1)],
    ]);
    expect(await complete('small', uploadId, named)).toMatchObject({
      status: 400,
      code: 'EntityTooSmall',
    });
    expect((await client.listParts('small', uploadId)).parts).toHaveLength(2);
  });

  it('a part that is missing or has another ETag', async () => {
    const { uploadId, named } = await upload('wrong', [[1, randomBytes(10)]]);
    const missing = [...named, { number: 2, etag: named[0]?.etag ?? '' }];
    const other = [{ number: 1, etag: '"00000000000000000000000000000000"' }];
    for (const parts of [missing, other]) {
      expect(await complete('wrong', uploadId, parts)).toMatchObject({
        status: 400,
        code: 'InvalidPart',
      });
    }
  });

  it('numbers that do not ascend', async () => {
    const { uploadId, named } = await upload('order', [
      [1, randomBytes(PART)],
      [2, randomBytes(PART)],
    ]);
    // The SDK sorts parts, so the document is written by hand.
    const xml = [...named]
      .reverse()
      .map(
        ({ number, etag }) => `<Part><PartNumber>${number}</PartNumber><ETag>${etag}</ETag></Part>`,
      );
    const url = client.signatureUrl('order', { method: 'POST', subResource: { uploadId } });
    const body = Buffer.from(`<CompleteMultipartUpload>${xml.join('')}</CompleteMultipartUpload>`);
    const reply = await fetch(url, { method: 'POST', body });
    expect(reply.status).toBe(400);
    expect(await reply.text()).toContain('<Code>InvalidPartOrder</Code>');
  });

  it('an upload without parts, also when it asks for all', async () => {
    const { uploadId } = await client.initMultipartUpload('none');
    const options = { 'x-oss-complete-all': 'yes' };
    const url = client.signatureUrl('none', {
      method: 'POST',
      subResource: { uploadId },
      ...options,
    });
    const reply = await fetch(url, { method: 'POST', headers: options });
    expect(await reply.text()).toContain('<Code>InvalidPart</Code>');
  });

  it('part numbers outside 1 to 10000', async () => {
    const { uploadId } = await client.initMultipartUpload('numbers');
    for (const number of [0, 10_001]) {
      const call = client.uploadPart('numbers', uploadId, number, Buffer.from('x'), 0, 1);
      expect(await refusalOf(call)).toMatchObject({ status: 400, code: 'InvalidArgument' });
    }
  });
});

describe('forbid-overwrite', () => {
  it('is asked when a multipart upload begins and when it is completed', async () => {
    const { uploadId, named } = await upload('taken', [[1, randomBytes(10)]]);
    await client.put('taken', Buffer.from('first'));
    const refused = { status: 409, code: 'FileAlreadyExists' };
    expect(await refusalOf(client.initMultipartUpload('taken', forbid()))).toMatchObject(refused);
    expect(
      await refusalOf(client.completeMultipartUpload('taken', uploadId, named, forbid())),
    ).toMatchObject(refused);
    expect((await client.get('taken')).content.toString()).toBe('first');
    await client.completeMultipartUpload('taken', uploadId, named);
    expect((await client.get('taken')).content.length).toBe(10);
  });
});

describe('UploadPartCopy', () => {
  it('copies an object and a range of it', async () => {
    const source = randomBytes(2 * PART);
    await client.put('copy source ü', source);
    const { uploadId } = await client.initMultipartUpload('assembled');
    const from = { sourceKey: 'copy source ü', sourceBucketName: BUCKET };
    const whole = await client.uploadPartCopy('assembled', uploadId, 1, '', from);
    const range = await client.uploadPartCopy('assembled', uploadId, 2, `5-${PART + 4}`, from);
    await client.completeMultipartUpload('assembled', uploadId, [
      { number: 1, etag: whole.etag },
      { number: 2, etag: range.etag },
    ]);
    const expected = Buffer.concat([source, source.subarray(5, PART + 5)]);
    expect((await client.get('assembled')).content.equals(expected)).toBe(true);
  });
});

describe('ListParts and ListMultipartUploads', () => {
  it('page by marker', async () => {
    const one = await upload('listed/a', [
      [1, randomBytes(1)],
      [2, randomBytes(1)],
      [3, randomBytes(1)],
    ]);
    const first = await client.listParts('listed/a', one.uploadId, { 'max-parts': 2 });
    expect(first.parts.map(({ PartNumber }) => PartNumber)).toEqual(['1', '2']);
    expect([first.isTruncated, first.nextPartNumberMarker]).toEqual(['true', '2']);
    const two = await client.initMultipartUpload('listed/a');
    const three = await client.initMultipartUpload('listed/b');
    const ids = [one.uploadId, two.uploadId].sort();
    const page = await client.listUploads({ prefix: 'listed/', 'max-uploads': 1 });
    expect(page).toMatchObject({
      isTruncated: true,
      nextKeyMarker: 'listed/a',
      nextUploadIdMarker: ids[0],
    });
    const rest = await client.listUploads({
      prefix: 'listed/',
      'key-marker': page.nextKeyMarker,
      'upload-id-marker': page.nextUploadIdMarker,
    });
    expect(rest.uploads.map(({ uploadId }) => uploadId)).toEqual([ids[1], three.uploadId]);
  });
});
