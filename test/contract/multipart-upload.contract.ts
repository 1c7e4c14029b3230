/** Uploads in parts, for every ObjectStore: part of `describeObjectStore`. */
import { describe, expect, test } from 'vitest';
import { AlreadyExistsError, NotFoundError } from '../../shared/domain/errors.ts';
import type { ObjectStore, UploadedPart } from '../../shared/ports/object-store.ts';
import { bytes, failureOf, md5, unique } from './contract-objects.ts';

/** OSS: parts but the last have at least this many bytes. */
const PART_BYTES = 100 * 1024;

/** The suite of uploads. */
export function describeUploads(store: () => ObjectStore): void {
  describe('uploads in parts', () => {
    const part = (text: string) => bytes(text.repeat(PART_BYTES));

    async function uploadTwo(key: string, id: string): Promise<UploadedPart[]> {
      const second = await store().uploadPart(key, id, 2, bytes('end'));
      const first = await store().uploadPart(key, id, 1, part('a'));
      return [first, second];
    }

    test('parts in any order become one object when completed, and not before', async () => {
      const key = unique();
      const id = await store().startUpload(key, { ifAbsent: true });
      const parts = await uploadTwo(key, id);
      expect(parts[0]).toEqual({ number: 1, etag: md5(part('a')) });
      expect(await store().head(key)).toBeUndefined();
      expect(await store().listParts(key, id)).toEqual(parts);
      const info = await store().completeUpload(key, id, parts, { ifAbsent: true });
      expect(info).toMatchObject({ key, sizeBytes: PART_BYTES + 3 });
      expect(await store().head(key)).toMatchObject({ etag: info.etag, sizeBytes: info.sizeBytes });
      const body = Buffer.from(await store().get(key, { offset: PART_BYTES - 2 }));
      expect(body.toString()).toBe('aaend');
    });

    test('the same number replaces the part', async () => {
      const key = unique();
      const id = await store().startUpload(key);
      await store().uploadPart(key, id, 1, bytes('first'));
      const again = await store().uploadPart(key, id, 1, bytes('second'));
      expect(await store().listParts(key, id)).toEqual([again]);
      await store().completeUpload(key, id, [again]);
      expect(Buffer.from(await store().get(key)).toString()).toBe('second');
    });

    test('completing again after success gives the same object, with `ifAbsent` too', async () => {
      const key = unique();
      const id = await store().startUpload(key, { ifAbsent: true });
      const parts = await uploadTwo(key, id);
      const first = await store().completeUpload(key, id, parts, { ifAbsent: true });
      const again = await store().completeUpload(key, id, parts, { ifAbsent: true });
      expect({ etag: again.etag, size: again.sizeBytes }).toEqual({
        etag: first.etag,
        size: first.sizeBytes,
      });
      expect(again.versionId).toBe(first.versionId);
    });

    test('`ifAbsent` refuses an object that another writer put there meanwhile', async () => {
      const key = unique();
      const id = await store().startUpload(key, { ifAbsent: true });
      const parts = await uploadTwo(key, id);
      await store().put(key, bytes('other'));
      const error = await failureOf(store().completeUpload(key, id, parts, { ifAbsent: true }));
      expect(error).toBeInstanceOf(AlreadyExistsError);
      expect(Buffer.from(await store().get(key)).toString()).toBe('other');
      await store().abortUpload(key, id);
    });

    test('an upload to a key that is taken is refused at its start, with `ifAbsent`', async () => {
      const key = unique();
      const there = await store().put(key, bytes('one'));
      const error = await failureOf(store().startUpload(key, { ifAbsent: true }));
      expect(error).toBeInstanceOf(AlreadyExistsError);
      expect(error.details).toEqual({ etag: there.etag, sizeBytes: 3 });
      expect(await store().listUploads(key)).toEqual([]);
    });

    test('a part that differs from what the service holds is refused', async () => {
      const key = unique();
      const id = await store().startUpload(key);
      const [first, second] = await uploadTwo(key, id);
      if (first === undefined || second === undefined) throw new Error('two parts');
      const wrong = { number: 2, etag: md5(bytes('other')) };
      const missing = { number: 3, etag: second.etag };
      for (const parts of [
        [first, wrong],
        [first, second, missing],
      ]) {
        const error = await failureOf(store().completeUpload(key, id, parts));
        expect(error).toMatchObject({ code: 'bundle_invalid', retryable: false });
      }
      await store().abortUpload(key, id);
    });

    test('a part that is too small, except the last, is refused', async () => {
      const key = unique();
      const id = await store().startUpload(key);
      const small = await store().uploadPart(key, id, 1, bytes('small'));
      const last = await store().uploadPart(key, id, 2, bytes('end'));
      const error = await failureOf(store().completeUpload(key, id, [small, last]));
      expect(error.code).toBe('bundle_invalid');
      await store().abortUpload(key, id);
    });

    test('an aborted upload is gone, and aborting it again is fine', async () => {
      const key = unique();
      const id = await store().startUpload(key);
      const parts = await uploadTwo(key, id);
      await store().abortUpload(key, id);
      await store().abortUpload(key, id);
      await expect(store().listParts(key, id)).rejects.toBeInstanceOf(NotFoundError);
      const completing = store().completeUpload(key, id, parts);
      await expect(completing).rejects.toBeInstanceOf(NotFoundError);
      expect(await store().listUploads(key)).toEqual([]);
    });

    test('uploads of other keys that are there do not count as completed ones', async () => {
      const key = unique();
      const id = await store().startUpload(key);
      const parts = await uploadTwo(key, id);
      await store().abortUpload(key, id);
      await store().put(key, Buffer.concat([part('a'), bytes('end')]));
      const completing = store().completeUpload(key, id, parts);
      await expect(completing).rejects.toBeInstanceOf(NotFoundError);
    });

    test('unfinished uploads are listed by prefix and can be aborted from there', async () => {
      const prefix = unique('uploads/');
      await store().startUpload(`${prefix}b é`);
      await store().startUpload(`${prefix}a`);
      await store().startUpload(`${prefix}a`);
      const uploads = await store().listUploads(prefix);
      expect(uploads.map((u) => u.key)).toEqual([`${prefix}a`, `${prefix}a`, `${prefix}b é`]);
      for (const { key, uploadId } of uploads) await store().abortUpload(key, uploadId);
      expect(await store().listUploads(prefix)).toEqual([]);
    });
  });
}
