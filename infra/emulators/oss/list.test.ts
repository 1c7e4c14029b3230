import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BUCKET, clientOf, type Fixture, refusalOf, startFixture } from './emulator-fixture.ts';
import type { OssSdk } from './sdk-client.ts';

let fixture: Fixture;
let client: OssSdk;

/** Keys in the order of their UTF-8 bytes, which is not that of JavaScript strings. */
const KEYS = ['a', 'a/1', 'a/2/x', 'a/2/y', 'a0', 'b/1', 'b/2', 'c', '｡', '😀'];

beforeAll(async () => {
  fixture = await startFixture();
  client = clientOf(fixture.emulator);
  await client.putBucket(BUCKET);
  for (const key of [...KEYS].reverse()) await client.put(key, Buffer.from(key));
});

afterAll(() => fixture.stop());

const names = ({ objects }: { objects: readonly { name: string }[] }) =>
  objects.map(({ name }) => name);

describe('ListObjectsV2', () => {
  it('lists in the order of bytes with size, class and type', async () => {
    const page = await client.listV2({});
    expect(names(page)).toEqual(KEYS);
    expect(page.keyCount).toBe(KEYS.length);
    expect(page.objects[0]).toMatchObject({
      size: 1,
      storageClass: 'Standard',
      type: 'Normal',
      owner: null,
    });
    expect(page.objects[0]?.lastModified).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000Z$/);
    expect((await client.listV2({ 'fetch-owner': true })).objects[0]?.owner?.id).toBeTruthy();
  });

  it.each([1, 2, 3])(
    'gives every key once in pages of %i, with and without a delimiter',
    async (limit) => {
      for (const delimiter of ['', '/']) {
        const seen: string[] = [];
        let token = '';
        do {
          const query: Record<string, string | number> = { 'max-keys': limit };
          if (delimiter !== '') query.delimiter = delimiter;
          if (token !== '') query['continuation-token'] = token;
          const page = await client.listV2(query);
          expect(page.keyCount).toBe(page.objects.length + (page.prefixes?.length ?? 0));
          expect(page.keyCount).toBeLessThanOrEqual(limit);
          seen.push(...names(page), ...(page.prefixes ?? []));
          token = page.nextContinuationToken ?? '';
          expect(page.isTruncated).toBe(token !== '');
        } while (token !== '');
        const grouped = ['a', 'a/', 'a0', 'b/', 'c', '｡', '😀'];
        expect(seen.sort()).toEqual((delimiter === '' ? [...KEYS] : grouped).sort());
      }
    },
  );

  it('filters by prefix and folds by delimiter', async () => {
    const page = await client.listV2({ prefix: 'a/', delimiter: '/' });
    expect(names(page)).toEqual(['a/1']);
    expect(page.prefixes).toEqual(['a/2/']);
    expect(names(await client.listV2({ prefix: 'zzz' }))).toEqual([]);
  });

  it('starts after a key', async () => {
    expect(names(await client.listV2({ 'start-after': 'b/1' }))).toEqual(KEYS.slice(6));
    expect(names(await client.listV2({ 'start-after': 'b', prefix: 'b/' }))).toEqual([
      'b/1',
      'b/2',
    ]);
  });

  it('encodes names when asked', async () => {
    const page = await client.listV2({ prefix: 'a/2', 'encoding-type': 'url' });
    expect(names(page)).toEqual(['a%2F2%2Fx', 'a%2F2%2Fy']);
  });

  it.each<[string, Record<string, string | number>]>([
    ['max-keys of 1001', { 'max-keys': 1001 }],
    ['max-keys of 0', { 'max-keys': 0 }],
    ['an unknown encoding', { 'encoding-type': 'base64' }],
    ['a token of another origin', { 'continuation-token': 'bm90IG91cnM=' }],
    ['a prefix of 1025 bytes', { prefix: 'x'.repeat(1025) }],
  ])('refuses %s', async (_, query) => {
    expect(await refusalOf(client.listV2(query))).toMatchObject({
      status: 400,
      code: 'InvalidArgument',
    });
  });
});

describe('ListObjects', () => {
  it('pages by marker and names the owner', async () => {
    const first = await client.list({ 'max-keys': 3 });
    expect(names(first)).toEqual(KEYS.slice(0, 3));
    expect(first.nextMarker).toBe('a/2/x');
    expect(first.objects[0]?.owner?.id).toBeTruthy();
    const rest = await client.list({ marker: first.nextMarker ?? '' });
    expect(names(rest)).toEqual(KEYS.slice(3));
    expect(rest.nextMarker).toBeNull();
  });

  it('goes on behind a common prefix', async () => {
    const first = await client.list({ 'max-keys': 2, delimiter: '/' });
    expect(first.prefixes).toEqual(['a/']);
    expect(first.nextMarker).toBe('a/');
    const rest = await client.list({ marker: 'a/', delimiter: '/' });
    expect([names(rest), rest.prefixes]).toEqual([['a0', 'c', '｡', '😀'], ['b/']]);
  });

  it('shows a page of 100 unless told otherwise', async () => {
    const bucket = 'many-keys';
    const many = clientOf(fixture.emulator, { bucket });
    await many.putBucket(bucket);
    const keys = Array.from({ length: 105 }, (_, n) => `key-${String(n).padStart(3, '0')}`);
    await Promise.all(keys.map((key) => many.put(key, Buffer.from('x'))));
    const page = await many.list({});
    expect(names(page)).toEqual(keys.slice(0, 100));
    expect(page.isTruncated).toBe(true);
    expect(names(await many.list({ 'max-keys': 1000 }))).toEqual(keys);
  });
});
