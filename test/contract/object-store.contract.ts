/** What every ObjectStore does; run against the double, the adapter on its emulator, and the cloud. */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { AlreadyExistsError, NotFoundError } from '../../shared/domain/errors.ts';
import type { ObjectStore } from '../../shared/ports/object-store.ts';
import { bytes, collect, failureOf, inParallel, md5, unique } from './contract-objects.ts';
import { describeUploads } from './multipart-upload.contract.ts';

/** A store under test. */
export interface ObjectStoreHarness {
  readonly store: ObjectStore;
  /** A store on a bucket that does not exist. */
  readonly missing: ObjectStore;
  /** What the bucket is like. */
  readonly versioning: 'disabled' | 'enabled';
  close(): Promise<void>;
}

/** Runs the suite; every test uses a prefix of its own, so the bucket may hold other objects. */
export function describeObjectStore(name: string, make: () => Promise<ObjectStoreHarness>): void {
  describe(`${name} as ObjectStore`, () => {
    let harness: ObjectStoreHarness;
    beforeAll(async () => {
      harness = await make();
    });
    afterAll(async () => {
      await harness.close();
    });
    const store = () => harness.store;
    describeObjects(store, () => harness.versioning);
    describeLists(store);
    describeUploads(store);

    describe('the bucket', () => {
      test('its facts are told', async () => {
        const info = await store().bucketInfo();
        expect(info.region).toMatch(/^[a-z]{2}-[a-z0-9-]+$/);
        expect(info.versioning).toBe(harness.versioning);
        expect(info).toMatchObject({ storageClass: 'Standard', encrypted: false });
      });

      test('without a policy retains nothing', async () => {
        await store().put('a', bytes('x'));
        expect(await store().retainedUntil('a')).toBeUndefined();
        expect(await store().retainedUntil('absent')).toBeUndefined();
      });

      test('a missing one is refused for good, whatever the call', async () => {
        const { missing } = harness;
        const calls = [
          async () => await missing.bucketInfo(),
          async () => await missing.put('a', bytes('x')),
          async () => await missing.get('a'),
          async () => await missing.list(''),
          async () => await missing.remove(['a']),
          async () => await missing.startUpload('a'),
        ];
        for (const call of calls) {
          const error = await failureOf(call());
          expect(error).toMatchObject({ code: 'bucket_unavailable', retryable: false });
          expect(error.message).toContain('NoSuchBucket');
          expect(error).toHaveProperty('details.bucketGone', true);
        }
      });
    });
  });
}

function describeObjects(
  store: () => ObjectStore,
  versioning: () => ObjectStoreHarness['versioning'],
): void {
  describe('objects', () => {
    test('a written object is read back, whole, with its facts', async () => {
      const key = unique('a b+c/é 漢.txt');
      const body = bytes('hello');
      const before = Date.now() - 2 * 86_400_000;
      const info = await store().put(key, body, { contentType: 'text/plain' });
      expect(info).toMatchObject({ key, sizeBytes: 5, etag: md5(body) });
      expect(info.modifiedAtMs).toBeGreaterThan(before);
      expect(Buffer.from(await store().get(key)).toString()).toBe('hello');
      const head = await store().head(key);
      expect(head).toMatchObject({ key, sizeBytes: 5, etag: md5(body) });
      expect(head?.versionId).toBe(info.versionId);
      expect(head?.versionId !== undefined).toBe(versioning() === 'enabled');
    });

    test('an empty object is one', async () => {
      const key = unique();
      await store().put(key, new Uint8Array(0));
      expect((await store().head(key))?.sizeBytes).toBe(0);
      expect(await store().get(key)).toHaveLength(0);
      expect(await collect(await store().read(key))).toHaveLength(0);
    });

    test('an object may be asked to be encrypted', async () => {
      const key = unique();
      await store().put(key, bytes('x'), { encrypt: true });
      expect(await store().get(key)).toHaveLength(1);
    });

    test('an absent object is undefined to head and not found to get and read', async () => {
      const key = unique();
      expect(await store().head(key)).toBeUndefined();
      await expect(store().get(key)).rejects.toBeInstanceOf(NotFoundError);
      const reading = async () => await collect(await store().read(key));
      await expect(reading()).rejects.toBeInstanceOf(NotFoundError);
    });

    test('later bytes replace earlier ones', async () => {
      const key = unique();
      await store().put(key, bytes('one'));
      await store().put(key, bytes('two!'));
      expect(Buffer.from(await store().get(key)).toString()).toBe('two!');
      expect((await store().head(key))?.sizeBytes).toBe(4);
    });

    test('`ifAbsent` refuses to replace and tells what is there', async () => {
      const key = unique();
      const first = await store().put(key, bytes('one'), { ifAbsent: true });
      const error = await failureOf(store().put(key, bytes('two'), { ifAbsent: true }));
      expect(error).toBeInstanceOf(AlreadyExistsError);
      expect(error.details).toEqual({ etag: first.etag, sizeBytes: 3 });
      expect(Buffer.from(await store().get(key)).toString()).toBe('one');
    });

    test.each([
      [{ offset: 2, length: 3 }, 'cde'],
      [{ offset: 7 }, 'hij'],
      [{ length: 2 }, 'ab'],
      [{ offset: 8, length: 100 }, 'ij'],
      [{ offset: 10 }, ''],
      [{ offset: 99, length: 5 }, ''],
      [{ offset: 3, length: 0 }, ''],
    ])('the range %j is %j', async (range, expected) => {
      const key = unique();
      await store().put(key, bytes('abcdefghij'));
      expect(Buffer.from(await store().get(key, range)).toString()).toBe(expected);
    });

    test('a stream brings all bytes in order, from an offset on', async () => {
      const key = unique();
      const body = randomBytes(3_000_000);
      await store().put(key, body);
      expect(md5(await collect(await store().read(key)))).toBe(md5(body));
      const rest = await collect(await store().read(key, { offset: 1_234_567 }));
      expect(md5(rest)).toBe(md5(body.subarray(1_234_567)));
      expect(await collect(await store().read(key, { offset: 3_000_000 }))).toHaveLength(0);
    });

    test('a reader may stop early, and again', async () => {
      const key = unique();
      await store().put(key, randomBytes(2_000_000));
      for (let round = 0; round < 3; round += 1) {
        for await (const chunk of await store().read(key)) {
          expect(chunk.length).toBeGreaterThan(0);
          break;
        }
      }
    });

    test('removed objects are gone with all their versions, absent ones count as removed', async () => {
      const [one, two] = [unique(), unique()];
      const kept = `${one}-longer`;
      const first = await store().put(one, bytes('one'));
      await store().put(one, bytes('two'));
      await store().put(two, bytes('x'));
      await store().put(kept, bytes('kept'));
      await store().remove([one, two, unique()]);
      await store().remove([one]);
      await store().remove([]);
      expect(await store().head(one)).toBeUndefined();
      expect(await store().head(two)).toBeUndefined();
      expect(await store().head(kept)).toBeDefined();
      if (first.versionId !== undefined) {
        const old = store().get(one, { versionId: first.versionId });
        await expect(old).rejects.toBeInstanceOf(NotFoundError);
      }
    });

    test('an earlier version is read by its id', async () => {
      const key = unique();
      const first = await store().put(key, bytes('one'));
      await store().put(key, bytes('two'));
      const { versionId } = first;
      const body = await store().get(key, versionId === undefined ? {} : { versionId });
      expect(Buffer.from(body).toString()).toBe(versionId === undefined ? 'two' : 'one');
    });

    test('more keys than one request takes are removed', async () => {
      const prefix = unique('many/');
      const keys = Array.from({ length: 1050 }, (_, i) => `${prefix}${String(i).padStart(5, '0')}`);
      await inParallel(keys, async (key) => await store().put(key, bytes('x')));
      await store().remove(keys);
      expect((await store().list(prefix)).objects).toEqual([]);
    });
  });
}

function describeLists(store: () => ObjectStore): void {
  describe('lists', () => {
    test('keys come in byte order, page by page, each once', async () => {
      const prefix = unique('list/');
      const names = ['é', 'z', '漢', 'a b', 'a+b', 'a&b<c>', 'A', '~', '%41', 'z/y'];
      await inParallel(names, async (name) => await store().put(prefix + name, bytes(name)));
      const seen: string[] = [];
      let next: string | undefined;
      let pages = 0;
      do {
        const page = await store().list(prefix, {
          limit: 4,
          ...(next === undefined ? {} : { next }),
        });
        seen.push(...page.objects.map((o) => o.key.slice(prefix.length)));
        next = page.next;
        pages += 1;
      } while (next !== undefined);
      const sorted = [...names].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
      expect(seen).toEqual(sorted);
      expect(pages).toBe(3);
    });

    test('an entry tells size and etag, as head does', async () => {
      const prefix = unique('list/');
      await store().put(`${prefix}a`, bytes('hello'));
      const page = await store().list(prefix);
      expect(page.objects).toMatchObject([
        { key: `${prefix}a`, sizeBytes: 5, etag: md5(bytes('hello')) },
      ]);
      expect(page.prefixes).toEqual([]);
      expect(page.next).toBeUndefined();
    });

    test('a delimiter gathers what lies deeper', async () => {
      const prefix = unique('list/');
      for (const name of ['a', 'b/1', 'b/2', 'c/d/1', 'e']) {
        await store().put(prefix + name, bytes('x'));
      }
      const page = await store().list(prefix, { delimiter: '/' });
      expect(page.objects.map((o) => o.key)).toEqual([`${prefix}a`, `${prefix}e`]);
      expect(page.prefixes).toEqual([`${prefix}b/`, `${prefix}c/`]);
    });

    test('an empty list is empty', async () => {
      const page = await store().list(unique());
      expect(page).toEqual({ objects: [], prefixes: [] });
    });
  });
}
