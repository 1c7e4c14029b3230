/** What PutObject, CopyObject, UploadPart and CompleteMultipartUpload have in common. */
import { type ActionContext, eventOf, targetBucket } from './action-context.ts';
import { OssError } from './errors.ts';
import { PUT_BYTES_MAX } from './limits.ts';
import { type ReceivedBytes, type Segment, TooLargeError } from './object-files.ts';
import type { BucketRecord, OssState, StoredObject } from './state.ts';
import { currentVersion, writeVersion } from './versions.ts';

/** How an object is written. */
export interface ObjectWrite {
  readonly object: Omit<StoredObject, 'versionId' | 'lastModifiedMs' | 'kind'>;
  readonly forbidOverwrite: boolean;
  /** Such as `ObjectCreated:PutObject`. */
  readonly eventName: string;
  /** Runs in the same transaction, after its checks passed; throws before it writes. */
  readonly check?: () => void;
  readonly alongside?: () => void;
}

/** What was written. */
export interface WrittenObject {
  readonly bucket: BucketRecord;
  readonly versionId: string;
  readonly lastModifiedMs: number;
}

/** @throws {OssError} FileAlreadyExists; versioning makes the header void */
export function refuseOverwrite(state: OssState, bucket: BucketRecord, key: string): void {
  if (bucket.versioning !== undefined) return;
  if (currentVersion(state, bucket.name, key) === undefined) return;
  throw new OssError('FileAlreadyExists', {
    elements: { BucketName: bucket.name, ObjectName: key },
  });
}

/**
 * Makes received bytes the current object of the request's key, together with its event.
 * @throws {OssError} NoSuchBucket, FileAlreadyExists, FileImmutable; the bytes are kept then
 */
export async function writeObject(
  context: ActionContext,
  write: ObjectWrite,
): Promise<WrittenObject> {
  const { state, files, outbox } = context.service;
  const nowMs = context.service.now();
  const done = await state.transaction(() => {
    const bucket = targetBucket(context);
    if (write.forbidOverwrite) refuseOverwrite(state, bucket, context.key);
    write.check?.();
    const version = { ...write.object, kind: 'object' as const, lastModifiedMs: nowMs };
    const written = writeVersion(state, bucket, context.key, version, nowMs);
    write.alongside?.();
    outbox.add(
      eventOf(context, write.eventName, bucket, {
        key: context.key,
        etag: write.object.etag,
        sizeBytes: write.object.sizeBytes,
        deltaBytes: write.object.sizeBytes - written.previousBytes,
      }),
    );
    return { bucket, written };
  });
  outbox.wake();
  await files.discard(done.written.displaced);
  return { bucket: done.bucket, versionId: done.written.versionId, lastModifiedMs: nowMs };
}

/**
 * Stores the request's body.
 * @throws {OssError} EntityTooLarge, InvalidDigest; nothing is kept then
 */
export async function receiveBody(context: ActionContext): Promise<ReceivedBytes> {
  const { files } = context.service;
  let received: ReceivedBytes;
  try {
    received = await files.receive(context.request, PUT_BYTES_MAX);
  } catch (error) {
    if (error instanceof TooLargeError) throw new OssError('EntityTooLarge');
    throw error;
  }
  const claimed = context.headers['content-md5'];
  if (claimed !== undefined && claimed !== received.md5.toString('base64')) {
    await files.discard(received.segments);
    throw new OssError('InvalidDigest', {
      elements: { 'Content-MD5': claimed },
    });
  }
  return received;
}

/** Runs `use`; if it fails, the files are of no use and are removed. */
export async function discardOnFailure<T>(
  context: ActionContext,
  segments: readonly Segment[],
  use: () => Promise<T>,
): Promise<T> {
  try {
    return await use();
  } catch (error) {
    await context.service.files.discard(segments);
    throw error;
  }
}

/** Upper-case hex, as OSS shows ETags. */
export function etagOf(md5: Buffer): string {
  return md5.toString('hex').toUpperCase();
}
