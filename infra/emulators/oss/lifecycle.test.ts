import { readdirSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BUCKET, clientOf, type Fixture, refusalOf, startFixture } from './emulator-fixture.ts';
import type { OssSdk } from './sdk-client.ts';

const DAY = 86_400_000;

let fixture: Fixture;
let client: OssSdk;

beforeEach(async () => {
  fixture = await startFixture();
  client = clientOf(fixture.emulator);
  await client.putBucket(BUCKET);
});

afterEach(() => fixture.stop());

const put = (key: string, headers: Record<string, string> = {}) =>
  client.put(key, Buffer.from(key), { headers });
const keys = async () => (await client.listV2({})).objects.map(({ name }) => name);
const apply = () => fixture.emulator.applyLifecycle();

describe('lifecycle rules', () => {
  it('are stored, shown, replaced and deleted', async () => {
    expect(await refusalOf(client.getBucketLifecycle(BUCKET))).toMatchObject({
      status: 404,
      code: 'NoSuchLifecycle',
    });
    await client.putBucketLifecycle(BUCKET, [
      { id: 'one', prefix: 'dispatch/', status: 'Enabled', expiration: { days: 1 } },
      {
        id: 'two',
        prefix: '',
        status: 'Disabled',
        tag: { key: 'k', value: 'v' },
        expiration: { createdBeforeDate: '2030-01-01T00:00:00.000Z' },
      },
    ]);
    const { rules } = await client.getBucketLifecycle(BUCKET);
    expect(rules).toMatchObject([
      { id: 'one', prefix: 'dispatch/', status: 'Enabled', expiration: { days: '1' } },
      {
        id: 'two',
        status: 'Disabled',
        expiration: { createdBeforeDate: '2030-01-01T00:00:00.000Z' },
      },
    ]);
    await client.deleteBucketLifecycle(BUCKET);
    await client.deleteBucketLifecycle(BUCKET);
    expect(await refusalOf(client.getBucketLifecycle(BUCKET))).toMatchObject({ status: 404 });
  });

  it('refuse two of one id', async () => {
    const rule = { id: 'same', prefix: 'a', status: 'Enabled', expiration: { days: 1 } };
    const call = client.putBucketLifecycle(BUCKET, [{ ...rule }, { ...rule, prefix: 'b' }]);
    expect(await refusalOf(call)).toMatchObject({ status: 400, code: 'InvalidArgument' });
  });

  it('expire objects under their prefix and with their tags, by days', async () => {
    await client.putBucketLifecycle(BUCKET, [
      { id: 'd', prefix: 'dispatch/', status: 'Enabled', expiration: { days: 1 } },
      {
        id: 't',
        prefix: 'tagged/',
        status: 'Enabled',
        tag: { key: 'temp', value: 'yes' },
        expiration: { days: 1 },
      },
      { id: 'off', prefix: 'kept', status: 'Disabled', expiration: { days: 1 } },
    ]);
    await put('dispatch/a');
    await put('kept');
    await put('tagged/no');
    await put('tagged/yes', { 'x-oss-tagging': 'temp=yes' });
    fixture.clock.offsetMs = DAY - 60_000;
    expect((await apply()).expiredObjects).toBe(0);
    await put('dispatch/b');
    fixture.clock.offsetMs = DAY + 60_000;
    expect((await apply()).expiredObjects).toBe(2);
    expect(await keys()).toEqual(['dispatch/b', 'kept', 'tagged/no']);
    expect(readdirSync(`${fixture.dir}/objects`)).toHaveLength(3);
  });

  it('hide the current version, remove older ones, and clear lone markers', async () => {
    await client.putBucketVersioning(BUCKET, 'Enabled');
    await client.putBucketLifecycle(BUCKET, [
      {
        id: 'v',
        prefix: '',
        status: 'Enabled',
        expiration: { days: 1 },
        noncurrentVersionExpiration: { noncurrentDays: 2 },
      },
      { id: 'm', prefix: '', status: 'Enabled', expiration: { expiredObjectDeleteMarker: true } },
    ]);
    await put('x');
    fixture.clock.offsetMs = DAY + 1000;
    await apply();
    expect(await keys()).toEqual([]);
    expect((await client.getBucketVersions()).objects).toHaveLength(1);
    fixture.clock.offsetMs = 3 * DAY + 2000;
    expect((await apply()).removedVersions).toBe(2);
    const left = await client.getBucketVersions();
    expect([left.objects, left.deleteMarker]).toEqual([[], []]);
  });

  it('abort uploads and change classes', async () => {
    await client.putBucketLifecycle(BUCKET, [
      {
        id: 'a',
        prefix: '',
        status: 'Enabled',
        abortMultipartUpload: { days: 1 },
        transition: { days: 1, storageClass: 'IA' },
      },
    ]);
    const { uploadId } = await client.initMultipartUpload('open');
    await client.uploadPart('open', uploadId, 1, Buffer.from('x'), 0, 1);
    await put('cooling');
    fixture.clock.offsetMs = DAY + 1000;
    expect(await apply()).toMatchObject({ abortedUploads: 1, changedClasses: 1 });
    expect((await client.listUploads({ 'max-uploads': 10 })).uploads).toEqual([]);
    expect((await client.head('cooling')).res.headers['x-oss-storage-class']).toBe('IA');
  });

  it('leave alone what a retention policy protects', async () => {
    const { wormId } = await client.initiateBucketWorm(BUCKET, 2);
    await client.completeBucketWorm(BUCKET, wormId);
    const rule = { id: 'd', prefix: 'x', status: 'Enabled', expiration: { days: 1 } };
    await client.putBucketLifecycle(BUCKET, [rule]);
    await put('x');
    fixture.clock.offsetMs = DAY + 1000;
    expect((await apply()).expiredObjects).toBe(0);
    fixture.clock.offsetMs = 2 * DAY + 1000;
    expect((await apply()).expiredObjects).toBe(1);
  });
});
