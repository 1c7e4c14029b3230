import { readdirSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BUCKET, clientOf, type Fixture, refusalOf, startFixture } from './emulator-fixture.ts';
import type { OssSdk } from './sdk-client.ts';

let fixture: Fixture;
let client: OssSdk;

beforeAll(async () => {
  fixture = await startFixture();
  client = clientOf(fixture.emulator);
  await client.putBucket(BUCKET);
});

afterAll(() => fixture.stop());

async function put(key: string, content: string): Promise<string> {
  const { res } = await client.put(key, Buffer.from(content));
  return res.headers['x-oss-version-id'] ?? '';
}

const read = async (key: string, versionId = '') =>
  (await client.get(key, versionId === '' ? {} : { versionId })).content.toString();

describe('versioning', () => {
  it('has no version ids before it is enabled, and then names what was there null', async () => {
    expect(await put('before', 'old')).toBe('');
    expect((await client.getBucketVersioning(BUCKET)).versionStatus).toBeUndefined();
    await client.putBucketVersioning(BUCKET, 'Enabled');
    expect((await client.getBucketVersioning(BUCKET)).versionStatus).toBe('Enabled');
    const second = await put('before', 'new');
    expect(second).not.toBe('');
    expect(await read('before')).toBe('new');
    expect(await read('before', 'null')).toBe('old');
    expect(await read('before', second)).toBe('new');
  });

  it('hides a deleted key behind a marker and gives it back when the marker goes', async () => {
    const version = await put('hidden', 'content');
    const { res } = await client.delete('hidden');
    expect(res.headers['x-oss-delete-marker']).toBe('true');
    const marker = res.headers['x-oss-version-id'] ?? '';
    expect(await refusalOf(client.get('hidden'))).toMatchObject({ status: 404, code: 'NoSuchKey' });
    expect((await client.listV2({ prefix: 'hidden' })).objects).toEqual([]);
    expect(await read('hidden', version)).toBe('content');
    expect(await refusalOf(client.get('hidden', { versionId: marker }))).toMatchObject({
      status: 405,
      code: 'MethodNotAllowed',
    });
    await client.delete('hidden', { versionId: marker });
    expect(await read('hidden')).toBe('content');
  });

  it('removes one version for good, and its bytes', async () => {
    const files = readdirSync(`${fixture.dir}/objects`).length;
    const first = await put('pruned', '1');
    const second = await put('pruned', '2');
    await client.delete('pruned', { versionId: second });
    expect(await read('pruned')).toBe('1');
    await client.deleteMulti([{ key: 'pruned', versionId: first }]);
    expect(await refusalOf(client.get('pruned', { versionId: first }))).toMatchObject({
      status: 404,
      code: 'NoSuchVersion',
    });
    expect(readdirSync(`${fixture.dir}/objects`).length).toBe(files);
  });

  it('marks keys that DeleteMultipleObjects names without a version', async () => {
    await put('marked', 'x');
    const { deleted } = await client.deleteMulti(['marked']);
    expect(deleted[0]).toMatchObject({ Key: 'marked', DeleteMarker: 'true' });
  });

  it('copies an old version', async () => {
    const first = await put('copied', 'first');
    await put('copied', 'second');
    await client.copy('copied', 'copied', { versionId: first });
    expect(await read('copied')).toBe('first');
  });

  it('replaces only the null version while suspended', async () => {
    const kept = await put('suspended', 'kept');
    await client.putBucketVersioning(BUCKET, 'Suspended');
    expect(await put('suspended', 'null 1')).toBe('null');
    expect(await put('suspended', 'null 2')).toBe('null');
    const listed = await client.getBucketVersions({ prefix: 'suspended' });
    expect(listed.objects.map(({ versionId }) => versionId)).toEqual(['null', kept]);
    expect(await read('suspended')).toBe('null 2');
    const { res } = await client.delete('suspended');
    expect(res.headers['x-oss-version-id']).toBe('null');
    expect(await refusalOf(client.get('suspended'))).toMatchObject({ status: 404 });
    expect(await read('suspended', kept)).toBe('kept');
    await client.putBucketVersioning(BUCKET, 'Enabled');
  });
});

describe('ListObjectVersions', () => {
  it('pages through versions and markers, the newest of a key first', async () => {
    const expected: string[] = [];
    const first = await put('list/a', '1');
    const second = await put('list/a', '2');
    const { res } = await client.delete('list/a');
    expected.push(res.headers['x-oss-version-id'] ?? '', second, first);
    expected.push(await put('list/b', '1'));
    await put('list/c/deep', '1');
    const seen: string[] = [];
    const prefixes: string[] = [];
    let keyMarker = '';
    let versionIdMarker = '';
    do {
      const page = await client.getBucketVersions({
        prefix: 'list/',
        delimiter: '/',
        'max-keys': 2,
        'key-marker': keyMarker,
        'version-id-marker': versionIdMarker,
      });
      const found = [...page.deleteMarker, ...page.objects].map(({ versionId }) => versionId ?? '');
      seen.push(...found);
      prefixes.push(...(page.prefixes ?? []));
      expect(found.length + (page.prefixes?.length ?? 0)).toBeLessThanOrEqual(2);
      keyMarker = page.nextKeyMarker ?? '';
      versionIdMarker = page.nextVersionIdMarker ?? '';
    } while (keyMarker !== '');
    expect(seen).toEqual(expected);
    expect(prefixes).toEqual(['list/c/']);
  });

  it('says which version is the latest', async () => {
    await put('latest', '1');
    const newest = await put('latest', '2');
    const { objects } = await client.getBucketVersions({ prefix: 'latest' });
    const latest = objects.filter(({ isLatest }) => isLatest === true);
    expect(latest.map(({ versionId }) => versionId)).toEqual([newest]);
  });

  it('refuses a version marker without a key marker', async () => {
    const call = client.getBucketVersions({ 'version-id-marker': 'null' });
    expect(await refusalOf(call)).toMatchObject({ status: 400, code: 'InvalidArgument' });
  });
});
