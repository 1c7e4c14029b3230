import { createHash, randomBytes } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { request } from 'node:http';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BUCKET, clientOf, type Fixture, refusalOf, startFixture } from './emulator-fixture.ts';
import type { CallOptions, OssSdk } from './sdk-client.ts';

let fixture: Fixture;
let client: OssSdk;

beforeAll(async () => {
  fixture = await startFixture();
  client = clientOf(fixture.emulator);
  await client.putBucket(BUCKET);
});

afterAll(() => fixture.stop());

const text = (content: string) => Buffer.from(content);
const forbid = (value = 'true'): CallOptions => ({ headers: { 'x-oss-forbid-overwrite': value } });
/** Files of object bytes on disk; a refused request must leave none. */
const fileCount = () => readdirSync(`${fixture.dir}/objects`).length;

describe('PutObject', () => {
  it('answers with MD5 and CRC-64, and GetObject gives bytes, type and metadata back', async () => {
    const body = text('123456789');
    const put = await client.put('a/b c+ü.json', body, { meta: { origin: 'test' } });
    const md5 = createHash('md5').update(body);
    expect(put.res.headers.etag).toBe(`"${md5.copy().digest('hex').toUpperCase()}"`);
    expect(put.res.headers['content-md5']).toBe(md5.digest('base64'));
    // The check value of CRC-64/XZ for "123456789".
    expect(put.res.headers['x-oss-hash-crc64ecma']).toBe(BigInt('0x995dc9bbdf1939fa').toString());
    expect(put.res.headers['x-oss-request-id']).toMatch(/^[0-9A-F]{24}$/);
    const got = await client.get('a/b c+ü.json');
    expect(got.content).toEqual(body);
    expect(got.res.headers['content-type']).toBe('application/json');
    expect((await client.head('a/b c+ü.json')).meta).toEqual({ origin: 'test' });
  });

  it('takes a stream of unknown length', async () => {
    const body = randomBytes(3_000_000);
    await client.putStream('stream', Readable.from([body.subarray(0, 10), body.subarray(10)]));
    const { stream } = await client.getStream('stream');
    const chunks: Buffer[] = [];
    for await (const chunk of stream) chunks.push(chunk as Buffer);
    expect(Buffer.concat(chunks).equals(body)).toBe(true);
  });

  it('takes an empty body', async () => {
    await client.put('empty', Buffer.alloc(0));
    const got = await client.get('empty');
    expect(got.content.length).toBe(0);
    expect(got.res.headers['content-length']).toBe('0');
  });

  it('refuses a body that does not match its Content-MD5, and keeps nothing', async () => {
    const before = fileCount();
    const headers = { 'Content-MD5': createHash('md5').update('other').digest('base64') };
    expect(await refusalOf(client.put('corrupt', text('body'), { headers }))).toMatchObject({
      status: 400,
      code: 'InvalidDigest',
    });
    expect(await refusalOf(client.get('corrupt'))).toMatchObject({ code: 'NoSuchKey' });
    expect(fileCount()).toBe(before);
  });

  it('keeps nothing of a body whose sender went away', async () => {
    const before = fileCount();
    const url = client.signatureUrl('abandoned', { method: 'PUT' });
    const upload = request(url, { method: 'PUT' });
    upload.on('error', () => undefined);
    upload.write(randomBytes(100_000));
    await expect.poll(fileCount).toBe(before + 1);
    upload.destroy();
    await expect.poll(fileCount).toBe(before);
    expect(await refusalOf(client.get('abandoned'))).toMatchObject({ code: 'NoSuchKey' });
  });

  it('keeps standard headers, class and encryption', async () => {
    await client.put('dressed', text('x'), {
      headers: {
        'Cache-Control': 'no-store',
        'Content-Encoding': 'gzip',
        'x-oss-storage-class': 'IA',
        'x-oss-server-side-encryption': 'AES256',
      },
    });
    expect((await client.head('dressed')).res.headers).toMatchObject({
      'cache-control': 'no-store',
      'content-encoding': 'gzip',
      'x-oss-storage-class': 'IA',
      'x-oss-server-side-encryption': 'AES256',
    });
  });

  it.each<[string, Record<string, string>, string]>([
    ['class', { 'x-oss-storage-class': 'Lukewarm' }, 'InvalidArgument'],
    ['encryption', { 'x-oss-server-side-encryption': 'ROT13' }, 'InvalidEncryptionAlgorithmError'],
    ['tagging', { 'x-oss-tagging': 'a=1&a=2' }, 'InvalidTag'],
    ['user metadata', { 'x-oss-meta-long': 'x'.repeat(8193) }, 'InvalidArgument'],
  ])('refuses an invalid %s', async (_, headers, code) => {
    expect(await refusalOf(client.put('refused', text('x'), { headers }))).toMatchObject({
      status: 400,
      code,
    });
  });

  it('takes keys of 1023 bytes and refuses longer ones and a leading slash or backslash', async () => {
    await client.put(`${'ü'.repeat(511)}x`, text('x'));
    for (const key of ['ü'.repeat(512), '\\windows']) {
      expect(await refusalOf(client.put(key, text('x')))).toMatchObject({
        status: 400,
        code: 'InvalidObjectName',
      });
    }
    const { url } = fixture.emulator;
    const slash = await fetch(`${url}/${BUCKET}//key`, { method: 'PUT', body: 'x' });
    expect(await slash.text()).toContain('<Code>InvalidObjectName</Code>');
  });
});

describe('x-oss-forbid-overwrite', () => {
  it('refuses an existing key with 409 and leaves it as it was', async () => {
    await client.put('once', text('first'), forbid());
    const before = fileCount();
    expect(await refusalOf(client.put('once', text('second'), forbid()))).toMatchObject({
      status: 409,
      code: 'FileAlreadyExists',
      ecCode: '0026-00000002',
    });
    expect((await client.get('once')).content.toString()).toBe('first');
    expect(fileCount()).toBe(before);
    await client.put('once', text('third'), forbid('false'));
    expect((await client.get('once')).content.toString()).toBe('third');
  });

  it('refuses values other than true and false', async () => {
    expect(await refusalOf(client.put('any', text('x'), forbid('yes')))).toMatchObject({
      status: 400,
      code: 'InvalidArgument',
      ecCode: '0017-00000279',
    });
  });

  it('lets exactly one of many simultaneous puts win', async () => {
    const puts = Array.from({ length: 12 }, (_, n) =>
      client.put('contested', text(`writer ${n}`), forbid()).then(
        () => n,
        (error: { code: string }) => error.code,
      ),
    );
    const outcomes = await Promise.all(puts);
    const winners = outcomes.filter((outcome) => typeof outcome === 'number');
    expect(winners).toHaveLength(1);
    expect(outcomes.filter((outcome) => outcome === 'FileAlreadyExists')).toHaveLength(11);
    const kept = (await client.get('contested')).content.toString();
    expect(kept).toBe(`writer ${winners[0]}`);
  });

  it.each(['Enabled', 'Suspended'])('has no effect where versioning is %s', async (status) => {
    const bucket = `versioned-${status.toLowerCase()}`;
    const versioned = clientOf(fixture.emulator, { bucket });
    await versioned.putBucket(bucket);
    await versioned.putBucketVersioning(bucket, status);
    await versioned.put('twice', text('1'), forbid());
    await versioned.put('twice', text('2'), forbid());
    expect((await versioned.get('twice')).content.toString()).toBe('2');
  });
});

describe('GetObject of a range', () => {
  const read = async (range: string, standard = false) => {
    const headers: Record<string, string> = { Range: range };
    if (standard) headers['x-oss-range-behavior'] = 'standard';
    const { res, content } = await client.get('ten', { headers });
    return [res.status, content.toString(), res.headers['content-range']];
  };

  beforeAll(() => client.put('ten', text('0123456789')));

  it.each([
    ['bytes=0-3', '0123', 'bytes 0-3/10'],
    ['bytes=4-', '456789', 'bytes 4-9/10'],
    ['bytes=-3', '789', 'bytes 7-9/10'],
    ['bytes=9-9', '9', 'bytes 9-9/10'],
  ])('%s lies inside', async (range, content, contentRange) => {
    expect(await read(range)).toEqual([206, content, contentRange]);
    expect(await read(range, true)).toEqual([206, content, contentRange]);
  });

  it.each(['bytes=5-10', 'bytes=10-', 'bytes=-11', 'byte=0-3', 'bytes=3-1', 'bytes=a-b'])(
    '%s is ignored, as OSS does',
    async (range) => {
      expect(await read(range)).toEqual([200, '0123456789', undefined]);
    },
  );

  it('is cut to the object with standard behaviour, and refused when it begins behind it', async () => {
    expect(await read('bytes=5-10', true)).toEqual([206, '56789', 'bytes 5-9/10']);
    expect(await read('bytes=-11', true)).toEqual([206, '0123456789', 'bytes 0-9/10']);
    expect(await refusalOf(read('bytes=10-', true))).toMatchObject({
      status: 416,
      code: 'InvalidRange',
    });
  });
});

describe('conditions', () => {
  it('of GetObject and HeadObject follow ETag and time', async () => {
    await client.put('conditional', text('x'));
    const { etag = '' } = (await client.head('conditional')).res.headers;
    const past = new Date(Date.now() - 3_600_000).toUTCString();
    const future = new Date(Date.now() + 3_600_000).toUTCString();
    const status = async (headers: Record<string, string>) =>
      (await client.head('conditional', { headers })).status;
    expect(await status({ 'If-Match': etag })).toBe(200);
    expect(await status({ 'If-None-Match': etag })).toBe(304);
    expect(await status({ 'If-None-Match': '"other"' })).toBe(200);
    expect(await status({ 'If-Modified-Since': future })).toBe(304);
    expect(await status({ 'If-Modified-Since': past })).toBe(200);
    for (const headers of [{ 'If-Match': '"other"' }, { 'If-Unmodified-Since': past }]) {
      expect(await refusalOf(client.get('conditional', { headers: { ...headers } }))).toMatchObject(
        { status: 412, code: 'PreconditionFailed' },
      );
    }
  });
});

describe('HeadObject and GetObjectMeta', () => {
  it('put the error document into x-oss-err', async () => {
    const url = client.signatureUrl('missing', { method: 'HEAD' });
    const reply = await fetch(url, { method: 'HEAD' });
    expect(reply.status).toBe(404);
    expect(reply.headers.get('x-oss-ec')).toBe('0026-00000001');
    const document = Buffer.from(reply.headers.get('x-oss-err') ?? '', 'base64').toString();
    expect(document).toContain('<Code>NoSuchKey</Code>');
    const other = clientOf(fixture.emulator, { bucket: 'no-such-bucket' });
    expect(await refusalOf(other.get('missing'))).toMatchObject({
      status: 404,
      code: 'NoSuchBucket',
      ecCode: '0015-00000101',
    });
  });

  it('of metadata show size, ETag and time', async () => {
    await client.put('metered', text('12345'));
    const { headers } = (await client.getObjectMeta('metered')).res;
    expect(headers['content-length']).toBe('5');
    expect(headers.etag).toMatch(/^"[0-9A-F]{32}"$/);
    expect(Date.parse(headers['last-modified'] ?? '')).toBeGreaterThan(Date.now() - 60_000);
  });
});

describe('objects of cold classes', () => {
  it('answer HeadObject but cannot be read or copied', async () => {
    await client.put('cold', text('x'), { headers: { 'x-oss-storage-class': 'Archive' } });
    expect((await client.head('cold')).res.headers['x-oss-storage-class']).toBe('Archive');
    for (const call of [client.get('cold'), client.copy('thawed', 'cold')]) {
      expect(await refusalOf(call)).toMatchObject({ status: 403, code: 'InvalidObjectState' });
    }
  });
});

describe('CopyObject', () => {
  it('keeps metadata and tags, and the copy outlives its source', async () => {
    await client.put('source ü', text('bytes'), {
      mime: 'text/x-one',
      meta: { a: '1' },
      headers: { 'x-oss-tagging': 't=1' },
    });
    const { etag } = (await client.copy('copied', 'source ü')).data;
    await client.delete('source ü');
    expect((await client.get('copied')).content.toString()).toBe('bytes');
    const head = await client.head('copied');
    expect(head.meta).toEqual({ a: '1' });
    expect(head.res.headers).toMatchObject({ etag, 'content-type': 'text/x-one' });
    expect((await client.getObjectTagging('copied')).tag).toEqual({ t: '1' });
  });

  it('replaces metadata when asked, also of the object itself', async () => {
    await client.put('self', text('bytes'), { meta: { a: '1' } });
    await client.copy('self', 'self', { meta: { b: '2' } });
    const head = await client.head('self');
    expect(head.meta).toEqual({ b: '2' });
    expect((await client.get('self')).content.toString()).toBe('bytes');
  });

  it('honours forbid-overwrite and conditions on the source', async () => {
    await client.put('from', text('x'));
    await client.copy('to', 'from', forbid());
    expect(await refusalOf(client.copy('to', 'from', forbid()))).toMatchObject({
      status: 409,
      code: 'FileAlreadyExists',
    });
    const headers = { 'if-match': '"other"' };
    expect(await refusalOf(client.copy('to', 'from', { headers }))).toMatchObject({ status: 412 });
    expect(await refusalOf(client.copy('to', 'missing'))).toMatchObject({ code: 'NoSuchKey' });
  });
});

describe('DeleteObject and DeleteMultipleObjects', () => {
  it('remove object and bytes; a missing key is a success', async () => {
    const before = fileCount();
    await client.put('doomed', text('x'));
    await client.delete('doomed');
    await client.delete('doomed');
    expect(await refusalOf(client.get('doomed'))).toMatchObject({ code: 'NoSuchKey' });
    expect(fileCount()).toBe(before);
  });

  it('take XML characters in keys, and answer nothing when quiet', async () => {
    const keys = [`<&>'"`, 'plain'];
    for (const key of keys) await client.put(`multi/${key}`, text('x'));
    const named = keys.map((key) => `multi/${key}`);
    const { deleted } = await client.deleteMulti([...named, 'multi/missing']);
    expect(deleted.map(({ Key }) => Key)).toEqual([...named, 'multi/missing']);
    expect((await client.listV2({ prefix: 'multi/' })).objects).toEqual([]);
    await client.put('multi/again', text('x'));
    expect((await client.deleteMulti(['multi/again'], { quiet: true })).deleted).toEqual([]);
    expect(await refusalOf(client.head('multi/again'))).toMatchObject({ status: 404 });
  });

  it('refuse more than 1000 keys and a body that is not XML', async () => {
    const keys = Array.from({ length: 1001 }, (_, n) => `k${n}`);
    expect(await refusalOf(client.deleteMulti(keys))).toMatchObject({ code: 'MalformedXML' });
    const url = client.signatureUrl('', { method: 'POST', subResource: { delete: '' } });
    const reply = await fetch(url, { method: 'POST', body: text('<Delete><Object></Delete>') });
    expect(await reply.text()).toContain('<Code>MalformedXML</Code>');
  });

  it('let a reader finish what it has begun to read', async () => {
    const body = randomBytes(16_000_000);
    const files = fileCount();
    // In parts, so that most files are not open yet when the object is deleted.
    await client.multipartUpload('read-while-deleted', body, { partSize: 400_000 });
    const { stream } = await client.getStream('read-while-deleted');
    await client.delete('read-while-deleted');
    const hash = createHash('md5');
    for await (const chunk of stream) hash.update(chunk as Buffer);
    expect(hash.digest('hex')).toBe(createHash('md5').update(body).digest('hex'));
    await expect.poll(fileCount).toBe(files);
  });
});

describe('object tagging', () => {
  it('is put, replaced, read and deleted', async () => {
    await client.put('tagged', text('x'), { headers: { 'x-oss-tagging': 'a=1&b=x%20y' } });
    expect((await client.getObjectTagging('tagged')).tag).toEqual({ a: '1', b: 'x y' });
    expect((await client.head('tagged')).res.headers['x-oss-tagging-count']).toBe('2');
    await client.putObjectTagging('tagged', { c: '3' });
    expect((await client.getObjectTagging('tagged')).tag).toEqual({ c: '3' });
    await client.deleteObjectTagging('tagged');
    expect((await client.getObjectTagging('tagged')).tag).toEqual({});
    expect((await client.get('tagged')).content.toString()).toBe('x');
    expect(await refusalOf(client.putObjectTagging('missing', { a: '1' }))).toMatchObject({
      status: 404,
      code: 'NoSuchKey',
    });
  });

  it('shows the ACL as inherited', async () => {
    expect((await client.getACL('tagged')).acl).toBe('default');
  });
});

describe('actions that are absent', () => {
  it.each([
    ['PUT', 'symlink', 501, 'NotImplemented'],
    ['POST', 'append', 501, 'NotImplemented'],
    ['PUT', 'acl', 501, 'NotImplemented'],
    ['PATCH', '', 405, 'MethodNotAllowed'],
  ])('%s ?%s is refused with %i', async (method, parameter, status, code) => {
    const subResource = parameter === '' ? {} : { [parameter]: '' };
    const url = client.signatureUrl('x', { method, subResource });
    const reply = await fetch(url, { method });
    expect(reply.status).toBe(status);
    expect(await reply.text()).toContain(`<Code>${code}</Code>`);
  });
});
