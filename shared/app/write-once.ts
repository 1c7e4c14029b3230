/**
 * Files of a backup are written once and never again, so that they can be immutable. Writing the same
 * bytes to the same key counts as done: that is how a step that runs twice goes on.
 */
import { createHash } from 'node:crypto';
import { AlreadyExistsError } from '../domain/errors.ts';
import type { ObjectInfo, ObjectStore, PutOptions } from '../ports/object-store.ts';

/** Up to this size a file is one request, beyond it parts of this size; bytes. */
const PART_BYTES = 8 * 1024 * 1024;

/** A file that is there. */
export interface WrittenFile {
  readonly sizeBytes: number;
  readonly sha256: string;
  readonly versionId?: string;
}

/**
 * Writes a file unless it is there with the same content. Uploads to the key that a dead worker left
 * are aborted.
 * @throws AlreadyExistsError another content is there
 */
export async function writeOnce(
  store: ObjectStore,
  key: string,
  content: AsyncIterable<Uint8Array>,
  options: { readonly encrypt: boolean; readonly contentType: string },
): Promise<WrittenFile> {
  const put: PutOptions = { ...options, ifAbsent: true };
  const hash = createHash('sha256');
  let sizeBytes = 0;
  const counted = async function* () {
    for await (const bytes of content) {
      hash.update(bytes);
      sizeBytes += bytes.length;
      yield bytes;
    }
  };
  const parts = inParts(counted());
  const first = await parts.next();
  const second = first.done ? first : await parts.next();
  let info: ObjectInfo | undefined;
  try {
    info = second.done
      ? await store.put(key, first.done ? new Uint8Array(0) : first.value, put)
      : await upload(store, key, put, [first.value, second.value], parts);
  } catch (error) {
    if (!(error instanceof AlreadyExistsError)) throw error;
    for await (const _rest of parts);
    info = await identical(store, key, hash.copy().digest('hex'), error);
  }
  const { versionId } = info;
  const sha256 = hash.digest('hex');
  return { sizeBytes, sha256, ...(versionId === undefined ? {} : { versionId }) };
}

async function upload(
  store: ObjectStore,
  key: string,
  put: PutOptions,
  begun: readonly Uint8Array[],
  rest: AsyncGenerator<Uint8Array>,
): Promise<ObjectInfo> {
  for (const left of await store.listUploads(key)) await store.abortUpload(left.key, left.uploadId);
  const uploadId = await store.startUpload(key, put);
  const parts = [];
  for (const bytes of begun) {
    parts.push(await store.uploadPart(key, uploadId, parts.length + 1, bytes));
  }
  for await (const bytes of rest) {
    parts.push(await store.uploadPart(key, uploadId, parts.length + 1, bytes));
  }
  return await store.completeUpload(key, uploadId, parts, put);
}

/** The object that is there, if it has this content. */
async function identical(
  store: ObjectStore,
  key: string,
  sha256: string,
  otherwise: AlreadyExistsError,
): Promise<ObjectInfo> {
  const info = await store.head(key);
  if (info === undefined) throw otherwise;
  const hash = createHash('sha256');
  for await (const bytes of await store.read(key)) hash.update(bytes);
  if (hash.digest('hex') !== sha256) throw otherwise;
  return info;
}

/** The bytes in pieces of `PART_BYTES`, the last one shorter. */
async function* inParts(content: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let held: Uint8Array[] = [];
  let size = 0;
  for await (const bytes of content) {
    held.push(bytes);
    size += bytes.length;
    while (size >= PART_BYTES) {
      const all = Buffer.concat(held);
      yield all.subarray(0, PART_BYTES);
      held = [all.subarray(PART_BYTES)];
      size = all.length - PART_BYTES;
    }
  }
  if (size > 0) yield Buffer.concat(held);
}
