import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  ACCOUNT,
  BUCKET,
  CREDENTIALS,
  clientOf,
  type Fixture,
  REGION,
  refusalOf,
  startFixture,
} from './emulator-fixture.ts';
import type { OssSdk, SdkOptions } from './sdk-client.ts';
import { type OssEmulator, startOssEmulator } from './server.ts';

let fixture: Fixture;

beforeAll(async () => {
  fixture = await startFixture();
  await clientOf(fixture.emulator).putBucket(BUCKET);
});

afterAll(() => fixture.stop());

const PATH_STYLE: Partial<SdkOptions> = {};
const V4: Partial<SdkOptions> = { authorizationV4: true };
const virtualHosted = ({ port }: OssEmulator): Partial<SdkOptions> => ({
  endpoint: `http://127.0.0.1:${port}`,
  sldEnable: false,
});

/** Every form of request whose signature is built differently. */
async function exerciseSignatures(client: OssSdk): Promise<void> {
  const key = 'dir/ünïcode key+plus&amp=%25.bin';
  await client.put(key, Buffer.from('x'), { meta: { Note: 'two  words' } });
  expect((await client.head(key)).meta).toEqual({ note: 'two  words' });
  expect((await client.get(key)).content.toString()).toBe('x');
  await client.putObjectTagging(key, { a: 'b c' });
  expect((await client.getObjectTagging(key)).tag).toEqual({ a: 'b c' });
  const part = Buffer.alloc(102_400, 1);
  await client.multipartUpload('multi', Buffer.concat([part, part]), { partSize: 102_400 });
  const first = await client.listV2({ 'max-keys': 1 });
  const second = await client.listV2({
    'max-keys': 1,
    'continuation-token': first.nextContinuationToken ?? '',
  });
  expect([...first.objects, ...second.objects].map(({ name }) => name)).toEqual([key, 'multi']);
  await client.copy('copy', key);
  await client.getBucketVersions({ 'max-keys': 2 });
  expect((await client.listUploads({ 'max-uploads': 5 })).uploads).toEqual([]);
  const { deleted } = await client.deleteMulti([key, 'multi', 'copy']);
  expect(deleted.map(({ Key }) => Key)).toEqual([key, 'multi', 'copy']);
}

describe('signatures', () => {
  it('V1 in path style', () => exerciseSignatures(clientOf(fixture.emulator, PATH_STYLE)));
  it('V4 in path style', () => exerciseSignatures(clientOf(fixture.emulator, V4)));
  it('V1 with a virtual host', () =>
    exerciseSignatures(clientOf(fixture.emulator, virtualHosted(fixture.emulator))));
  it('V4 with a virtual host', () =>
    exerciseSignatures(clientOf(fixture.emulator, { ...V4, ...virtualHosted(fixture.emulator) })));

  it('V1 in a URL, with a replaced reply header and a security token', async () => {
    const client = clientOf(fixture.emulator, {
      accessKeyId: 'STS.role',
      accessKeySecret: 'role-secret',
      stsToken: 'role-token',
    });
    await client.put('presigned key', Buffer.from('one'));
    const url = client.signatureUrl('presigned key', { response: { 'content-type': 'text/x' } });
    const reply = await fetch(url);
    expect(reply.status).toBe(200);
    expect(reply.headers.get('content-type')).toBe('text/x');
    expect(await reply.text()).toBe('one');
    const put = client.signatureUrl('written', { method: 'PUT', 'Content-Type': 'text/plain' });
    const headers = { 'content-type': 'text/plain' };
    expect((await fetch(put, { method: 'PUT', body: 'two', headers })).status).toBe(200);
    expect((await client.get('written')).content.toString()).toBe('two');
    expect((await fetch(put, { method: 'PUT', body: 'no' })).status).toBe(403);
  });

  it('V4 in a URL, with an additional header, in path style and with a virtual host', async () => {
    const client = clientOf(fixture.emulator, V4);
    await client.put('v4', Buffer.from('four'));
    const url = await client.signatureUrlV4('GET', 60, { headers: { range: 'bytes=0-1' } }, 'v4', [
      'Range',
    ]);
    expect(await (await fetch(url, { headers: { range: 'bytes=0-1' } })).text()).toBe('fo');
    expect((await fetch(url, { headers: { range: 'bytes=1-2' } })).status).toBe(403);
    const aimed = clientOf(fixture.emulator, { ...V4, ...virtualHosted(fixture.emulator) });
    const virtual = await aimed.signatureUrlV4('GET', 60, {}, 'v4');
    const host = `${BUCKET}.oss-${REGION}.aliyuncs.com`;
    expect(await statusOf(virtual, host)).toBe(200);
    expect(await statusOf(virtual, `other.oss-${REGION}.aliyuncs.com`)).toBe(403);
  });

  it('of URLs end when they expire', async () => {
    const client = clientOf(fixture.emulator, V4);
    const v1 = client.signatureUrl('v4', { expires: 60 });
    const v4 = await client.signatureUrlV4('GET', 60, {}, 'v4');
    const later = await startFixture({
      now: () => Date.now() + 61_000,
      machineNow: () => Date.now() + 61_000,
    });
    try {
      for (const url of [v1, v4]) {
        const moved = url.replace(fixture.emulator.url, later.emulator.url);
        const text = await (await fetch(moved)).text();
        expect(text).toContain('<Code>AccessDenied</Code><Message>Request has expired.');
      }
    } finally {
      await later.stop();
    }
    const forever = await client.signatureUrlV4('GET', 604_801, {}, 'v4');
    expect((await fetch(forever)).status).toBe(400);
  });
});

function statusOf(url: string, host: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    request(url, { headers: { host } }, (reply) => {
      reply.resume();
      resolve(reply.statusCode);
    })
      .on('error', reject)
      .end();
  });
}

describe('a caller is refused', () => {
  const list = (options: Partial<SdkOptions>) =>
    refusalOf(clientOf(fixture.emulator, options).listV2({}));

  it.each([
    ['V1', {}],
    ['V4', V4],
  ])('with a wrong secret, %s', async (_, options) => {
    expect(await list({ ...options, accessKeySecret: 'wrong' })).toMatchObject({
      status: 403,
      code: 'SignatureDoesNotMatch',
      ecCode: '0002-00000040',
    });
  });

  it('with an unknown key', async () => {
    expect(await list({ accessKeyId: 'LTAIunknown' })).toMatchObject({
      status: 403,
      code: 'InvalidAccessKeyId',
    });
  });

  it('without a signature', async () => {
    const reply = await fetch(`${fixture.emulator.url}/${BUCKET}/x`);
    expect(reply.status).toBe(403);
    expect(await reply.text()).toContain('<Code>AccessDenied</Code>');
  });

  it('with a temporary key whose token is missing or wrong', async () => {
    const role = { accessKeyId: 'STS.role', accessKeySecret: 'role-secret' };
    expect(await list(role)).toMatchObject({ status: 403, code: 'InvalidAccessKeyId' });
    expect(await list({ ...role, stsToken: 'other' })).toMatchObject({
      status: 403,
      code: 'InvalidSecurityToken',
    });
    expect(await list({ stsToken: 'any' })).toMatchObject({ code: 'InvalidSecurityToken' });
  });

  it('with a temporary key that has expired in emulated time', async () => {
    const role = {
      accessKeyId: 'STS.role',
      accessKeySecret: 'role-secret',
      stsToken: 'role-token',
    };
    await clientOf(fixture.emulator, role).listV2({});
    fixture.clock.offsetMs = 3_600_001;
    try {
      expect(await list(role)).toMatchObject({ status: 403, code: 'SecurityTokenExpired' });
    } finally {
      fixture.clock.offsetMs = 0;
    }
  });

  it('who signs for another region with V4', async () => {
    expect(await list({ ...V4, region: 'oss-cn-shanghai' })).toMatchObject({
      status: 400,
      code: 'InvalidArgument',
      ecCode: '0002-00000228',
    });
  });

  it("who asks this endpoint for another region's bucket", async () => {
    const options = { ...virtualHosted(fixture.emulator), region: 'oss-cn-shanghai' };
    expect(await list(options)).toMatchObject({ status: 403, code: 'AccessDenied' });
    await fixture.restart({ regionElsewhere: (bucket) => bucket.slice('in-'.length) });
    const elsewhere = await list({ bucket: 'in-cn-beijing' });
    expect(elsewhere.message).toContain('must be addressed using the specified endpoint');
    const put = clientOf(fixture.emulator).putBucket('in-cn-beijing');
    expect(await refusalOf(put)).toMatchObject({ status: 409, code: 'BucketAlreadyExists' });
    await fixture.restart();
  });

  it('from another account', async () => {
    const stranger = { accessKeyId: 'LTAIstranger', accessKeySecret: 'stranger-secret' };
    expect(await list(stranger)).toEqual({
      status: 403,
      code: 'AccessDenied',
      message: 'The bucket you access does not belong to you.',
      ecCode: '0003-00000001',
    });
    const client = clientOf(fixture.emulator, stranger);
    expect(await refusalOf(client.putBucket(BUCKET))).toMatchObject({
      status: 409,
      code: 'BucketAlreadyExists',
    });
    // The SDK makes null of no buckets.
    expect((await client.listBuckets()).buckets).toBeNull();
    await client.putBucket('stranger-bucket');
    const owner = clientOf(fixture.emulator);
    expect(await refusalOf(owner.copy('y', '/stranger-bucket/x'))).toMatchObject({
      code: 'AccessDenied',
    });
  });

  it.each([
    ['V1', {}],
    ['V4', V4],
  ])('whose clock is 16 minutes off, %s', async (_, options) => {
    const skewed = await startFixture({
      now: () => Date.now() + 16 * 60_000,
      machineNow: () => Date.now() + 16 * 60_000,
    });
    try {
      expect(await refusalOf(clientOf(skewed.emulator, options).listBuckets())).toMatchObject({
        status: 403,
        code: 'RequestTimeTooSkewed',
      });
    } finally {
      await skewed.stop();
    }
    const close = await startFixture({
      now: () => Date.now() + 14 * 60_000,
      machineNow: () => Date.now() + 14 * 60_000,
    });
    try {
      await clientOf(close.emulator, options).listBuckets();
    } finally {
      await close.stop();
    }
  });
});

describe('the clock of signatures', () => {
  it("may be the machine's where the emulated one is ahead", async () => {
    const dir = mkdtempSync(`${tmpdir()}/oss-emulator-`);
    const emulator = await startOssEmulator({
      dir,
      now: () => Date.now() + 3_600_000,
      region: REGION,
      accountId: ACCOUNT,
      credentials: (accessKeyId) => CREDENTIALS[accessKeyId],
    });
    try {
      await clientOf(emulator).listBuckets();
    } finally {
      await emulator.close();
      rmSync(dir, { recursive: true });
    }
  });
});

describe('without checking signatures', () => {
  it('keys are still told apart, and no key is the account', async () => {
    const open = await startFixture({ checkSignatures: false });
    try {
      const wrong = { accessKeySecret: 'wrong' };
      await clientOf(open.emulator, wrong).putBucket(BUCKET);
      const stranger = clientOf(open.emulator, { ...wrong, accessKeyId: 'LTAIstranger' });
      expect((await refusalOf(stranger.listV2({}))).code).toBe('AccessDenied');
      const url = `${open.emulator.url}/${BUCKET}/plain`;
      expect((await fetch(url, { method: 'PUT', body: 'text' })).status).toBe(200);
      expect(await (await fetch(url)).text()).toBe('text');
    } finally {
      await open.stop();
    }
  });
});
