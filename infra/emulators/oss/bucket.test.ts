import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ACCOUNT, clientOf, type Fixture, refusalOf, startFixture } from './emulator-fixture.ts';
import type { OssSdk } from './sdk-client.ts';

let fixture: Fixture;
let client: OssSdk;

beforeAll(async () => {
  fixture = await startFixture();
  client = clientOf(fixture.emulator);
});

afterAll(() => fixture.stop());

describe('PutBucket and GetBucketInfo', () => {
  it('record class, redundancy, region and owner', async () => {
    await client.putBucket('cold-bucket', { storageClass: 'Archive', dataRedundancyType: 'ZRS' });
    const { bucket } = await client.getBucketInfo('cold-bucket');
    expect(bucket).toMatchObject({
      Name: 'cold-bucket',
      StorageClass: 'Archive',
      DataRedundancyType: 'ZRS',
      Location: 'oss-cn-hangzhou',
      ExtranetEndpoint: 'oss-cn-hangzhou.aliyuncs.com',
      IntranetEndpoint: 'oss-cn-hangzhou-internal.aliyuncs.com',
      Owner: { ID: ACCOUNT },
      AccessControlList: { Grant: 'private' },
      ServerSideEncryptionRule: { SSEAlgorithm: 'None' },
    });
    expect(bucket).not.toHaveProperty('Versioning');
    expect((await client.getBucketLocation('cold-bucket')).location).toBe('oss-cn-hangzhou');
    expect((await client.getBucketACL('cold-bucket')).acl).toBe('private');
  });

  it('take the class from a header too, and give it to objects', async () => {
    await client.putBucket('ia-bucket', { headers: { 'x-oss-storage-class': 'IA' } });
    const inside = clientOf(fixture.emulator, { bucket: 'ia-bucket' });
    const put = await inside.put('x', Buffer.from('x'));
    expect(put.res.status).toBe(200);
    expect((await inside.head('x')).res.headers['x-oss-storage-class']).toBe('IA');
  });

  it('are a success again, but not with another class', async () => {
    await client.putBucket('again');
    await client.putBucket('again');
    expect(await refusalOf(client.putBucket('again', { storageClass: 'IA' }))).toMatchObject({
      status: 409,
      code: 'BucketAlreadyExists',
    });
  });

  it('refuse a class that does not exist and a name that is none', async () => {
    expect(await refusalOf(client.putBucket('lukewarm', { storageClass: 'Warm' }))).toMatchObject({
      status: 400,
      code: 'MalformedXML',
    });
    const reply = await fetch(`${fixture.emulator.url}/UPPER/`, { method: 'PUT' });
    expect(await reply.text()).toContain('<Code>InvalidBucketName</Code>');
  });
});

describe('DeleteBucket', () => {
  it('refuses objects, old versions and open uploads', async () => {
    const bucket = 'to-delete';
    const inside = clientOf(fixture.emulator, { bucket });
    await client.putBucket(bucket);
    const refused = { status: 409, code: 'BucketNotEmpty' };
    await inside.put('x', Buffer.from('x'));
    expect(await refusalOf(client.deleteBucket(bucket))).toMatchObject(refused);
    await inside.delete('x');
    const { uploadId } = await inside.initMultipartUpload('open');
    expect(await refusalOf(client.deleteBucket(bucket))).toMatchObject(refused);
    await inside.abortMultipartUpload('open', uploadId);
    await client.putBucketVersioning(bucket, 'Enabled');
    await inside.delete('never-there');
    expect(await refusalOf(client.deleteBucket(bucket))).toMatchObject(refused);
    const { deleteMarker } = await inside.getBucketVersions();
    const [marker] = deleteMarker;
    await inside.delete('never-there', { versionId: marker?.versionId ?? '' });
    await client.deleteBucket(bucket);
    expect(await refusalOf(client.getBucketInfo(bucket))).toMatchObject({
      status: 404,
      code: 'NoSuchBucket',
    });
  });

  it('does not take a bucket whose name begins alike', async () => {
    await client.putBucket('name');
    await client.putBucket('name-longer');
    const longer = clientOf(fixture.emulator, { bucket: 'name-longer' });
    await longer.put('x', Buffer.from('x'));
    await client.deleteBucket('name');
    expect((await longer.get('x')).content.toString()).toBe('x');
  });
});

describe('ListBuckets', () => {
  it('filters by prefix and pages by marker', async () => {
    for (const name of ['list-a', 'list-b', 'list-c']) await client.putBucket(name);
    const names = async (query: Record<string, string | number>) =>
      (await client.listBuckets(query)).buckets?.map(({ name }) => name);
    expect(await names({ prefix: 'list-' })).toEqual(['list-a', 'list-b', 'list-c']);
    expect(await names({ prefix: 'list-', marker: 'list-a', 'max-keys': 1 })).toEqual(['list-b']);
  });
});

describe('bucket encryption', () => {
  it('is shown, and given to objects that name none', async () => {
    const bucket = 'encrypted';
    const inside = clientOf(fixture.emulator, { bucket });
    await client.putBucket(bucket);
    expect(await refusalOf(client.getBucketEncryption(bucket))).toMatchObject({
      status: 404,
      code: 'NoSuchServerSideEncryptionRule',
    });
    await client.putBucketEncryption(bucket, { SSEAlgorithm: 'KMS' });
    expect((await client.getBucketEncryption(bucket)).encryption).toEqual({ SSEAlgorithm: 'KMS' });
    expect((await client.getBucketInfo(bucket)).bucket).toMatchObject({
      ServerSideEncryptionRule: { SSEAlgorithm: 'KMS' },
    });
    await inside.put('x', Buffer.from('x'));
    const { headers } = (await inside.head('x')).res;
    expect(headers['x-oss-server-side-encryption']).toBe('KMS');
    await client.deleteBucketEncryption(bucket);
    expect(await refusalOf(client.getBucketEncryption(bucket))).toMatchObject({ status: 404 });
    const rule = { SSEAlgorithm: 'ROT13' };
    expect(await refusalOf(client.putBucketEncryption(bucket, rule))).toMatchObject({
      code: 'InvalidEncryptionAlgorithmError',
    });
  });
});

describe('GetBucketStat', () => {
  it('counts bytes, objects and uploads', async () => {
    const bucket = 'counted';
    const inside = clientOf(fixture.emulator, { bucket });
    await client.putBucket(bucket);
    await inside.put('a', Buffer.alloc(10));
    await inside.put('b', Buffer.alloc(5));
    await inside.initMultipartUpload('c');
    expect((await client.getBucketStat(bucket)).stat).toMatchObject({
      Storage: '15',
      ObjectCount: '2',
      MultipartUploadCount: '1',
    });
  });
});
