import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BUCKET, clientOf, type Fixture, refusalOf, startFixture } from './emulator-fixture.ts';
import type { OssSdk } from './sdk-client.ts';

const HOUR = 3_600_000;
const IMMUTABLE = { status: 409, code: 'FileImmutable' };
const NO_POLICY = { status: 404, code: 'NoSuchWORMConfiguration' };

let fixture: Fixture;
let client: OssSdk;

beforeEach(async () => {
  fixture = await startFixture();
  client = clientOf(fixture.emulator);
  await client.putBucket(BUCKET);
});

afterEach(() => fixture.stop());

const put = (key: string, content = 'x') => client.put(key, Buffer.from(content));

async function lock(days: number): Promise<string> {
  const { wormId } = await client.initiateBucketWorm(BUCKET, days);
  await client.completeBucketWorm(BUCKET, wormId);
  return wormId;
}

describe('a retention policy', () => {
  it('lapses when it is not locked within 24 hours', async () => {
    const { wormId } = await client.initiateBucketWorm(BUCKET, 30);
    expect(await client.getBucketWorm(BUCKET)).toMatchObject({
      wormId,
      state: 'InProgress',
      days: '30',
    });
    await put('kept');
    expect(await refusalOf(put('kept', 'other'))).toMatchObject(IMMUTABLE);
    fixture.clock.offsetMs = 24 * HOUR;
    expect(await refusalOf(client.getBucketWorm(BUCKET))).toMatchObject(NO_POLICY);
    // The SDK does not look at the status of this reply.
    expect((await client.completeBucketWorm(BUCKET, wormId)).res.status).toBe(404);
    await put('kept', 'other');
    await client.initiateBucketWorm(BUCKET, 1);
  });

  it('is aborted before it is locked, never after', async () => {
    await client.initiateBucketWorm(BUCKET, 30);
    await client.abortBucketWorm(BUCKET);
    expect(await refusalOf(client.getBucketWorm(BUCKET))).toMatchObject(NO_POLICY);
    await lock(1);
    expect((await client.abortBucketWorm(BUCKET)).status).toBe(403);
    fixture.clock.offsetMs = 1000 * HOUR;
    expect((await client.getBucketWorm(BUCKET)).state).toBe('Locked');
  });

  it('protects an object from its last change until the days are over', async () => {
    await put('early');
    await lock(1);
    fixture.clock.offsetMs = HOUR;
    await put('late');
    const refusedNow = async (key: string) => {
      expect(await refusalOf(put(key, 'other'))).toMatchObject(IMMUTABLE);
      expect(await refusalOf(client.delete(key))).toMatchObject(IMMUTABLE);
      expect(await refusalOf(client.deleteMulti([key]))).toMatchObject(IMMUTABLE);
      expect(await refusalOf(client.copy(key, 'early'))).toMatchObject(IMMUTABLE);
    };
    await refusedNow('early');
    await refusedNow('late');
    fixture.clock.offsetMs = 24 * HOUR + 60_000;
    await client.delete('early');
    await put('early', 'again');
    await refusedNow('late');
    expect((await client.get('late')).content.toString()).toBe('x');
  });

  it('refuses to complete an upload over a protected object, and lets it be aborted', async () => {
    await lock(1);
    await put('target');
    const { uploadId } = await client.initMultipartUpload('target');
    const { etag } = await client.uploadPart('target', uploadId, 1, Buffer.from('y'), 0, 1);
    const parts = [{ number: 1, etag }];
    expect(
      await refusalOf(client.completeMultipartUpload('target', uploadId, parts)),
    ).toMatchObject(IMMUTABLE);
    await client.abortMultipartUpload('target', uploadId);
    expect((await client.get('target')).content.toString()).toBe('x');
  });

  it('deletes nothing of a list when one key is protected', async () => {
    await put('old');
    await lock(1);
    fixture.clock.offsetMs = 23 * HOUR;
    await put('young');
    fixture.clock.offsetMs = 25 * HOUR;
    expect(await refusalOf(client.deleteMulti(['old', 'young']))).toMatchObject(IMMUTABLE);
    await client.head('old');
  });

  it('is only extended, and only by its own id', async () => {
    const wormId = await lock(10);
    await client.extendBucketWorm(BUCKET, wormId, 11);
    expect((await client.getBucketWorm(BUCKET)).days).toBe('11');
    expect(await refusalOf(client.extendBucketWorm(BUCKET, wormId, 10))).toMatchObject({
      code: 'InvalidWORMConfiguration',
    });
    expect(await refusalOf(client.extendBucketWorm(BUCKET, 'OTHER', 12))).toMatchObject(NO_POLICY);
    expect((await client.getBucketWorm(BUCKET)).days).toBe('11');
  });

  it('needs versioning enabled or never enabled, and keeps it as it is', async () => {
    await client.putBucketVersioning(BUCKET, 'Enabled');
    await client.putBucketVersioning(BUCKET, 'Suspended');
    expect(await refusalOf(client.initiateBucketWorm(BUCKET, 1))).toMatchObject({ status: 409 });
    await client.putBucketVersioning(BUCKET, 'Enabled');
    await lock(1);
    expect((await client.putBucketVersioning(BUCKET, 'Suspended')).res.status).toBe(409);
    expect((await client.getBucketVersioning(BUCKET)).versionStatus).toBe('Enabled');
  });

  it('lets versions be added and hidden, but not removed', async () => {
    await client.putBucketVersioning(BUCKET, 'Enabled');
    await lock(1);
    const first = (await put('v', '1')).res.headers['x-oss-version-id'] ?? '';
    await put('v', '2');
    await client.delete('v');
    const gone = client.delete('v', { versionId: first });
    expect(await refusalOf(gone)).toMatchObject(IMMUTABLE);
    fixture.clock.offsetMs = 24 * HOUR + 60_000;
    await client.delete('v', { versionId: first });
  });

  it.each([0, 25_551])('does not exist for %i days', async (days) => {
    expect(await refusalOf(client.initiateBucketWorm(BUCKET, days))).toMatchObject({ status: 400 });
  });
});
