import { randomBytes } from 'node:crypto';
import { type Action, type ActionContext, eventOf, targetBucket } from '../action-context.ts';
import { invalidArgument, OssError } from '../errors.ts';
import { MULTIPART_PAGE_DEFAULT, PAGE_MAX, PART_NUMBER_MAX } from '../limits.ts';
import {
  encryptionHeaders,
  quoted,
  readAttributes,
  readForbidOverwrite,
} from '../object-attributes.ts';
import type { ReceivedBytes, Segment } from '../object-files.ts';
import { discardOnFailure, etagOf, receiveBody, refuseOverwrite } from '../object-writing.ts';
import { emptyReply, xmlReply } from '../reply.ts';
import { type OssState, type PartRecord, partRow, type UploadRecord, uploadRow } from '../state.ts';
import { element, leaf, optionalLeaf } from '../xml.ts';
import { readCopySource } from './copy-object.ts';
import { isoSeconds } from './list-objects.ts';
import { readCount, readEncoding } from './list-parameters.ts';
import { readRange } from './range.ts';

/** InitiateMultipartUpload. */
export const initiateMultipartUpload: Action = async (context) => {
  const { state, outbox } = context.service;
  const attributes = readAttributes(context, targetBucket(context));
  const forbidOverwrite = readForbidOverwrite(context);
  const encode = readEncoding(context.query);
  const uploadId = randomBytes(16).toString('hex').toUpperCase();
  await state.transaction(() => {
    const bucket = targetBucket(context);
    if (forbidOverwrite) refuseOverwrite(state, bucket, context.key);
    state.uploads.putSync(uploadRow(bucket.name, context.key, uploadId), {
      uploadId,
      initiatedAtMs: context.service.now(),
      attributes,
    });
    const event = 'ObjectCreated:InitiateMultipartUpload';
    outbox.add(eventOf(context, event, bucket, { ...NO_BYTES, key: context.key }));
  });
  outbox.wake();
  return xmlReply(
    element(
      'InitiateMultipartUploadResult',
      optionalLeaf('EncodingType', context.query.get('encoding-type')),
      leaf('Bucket', context.bucketName),
      leaf('Key', encode(context.key)),
      leaf('UploadId', uploadId),
    ),
    encryptionHeaders(attributes.encryption),
  );
};

const NO_BYTES = { etag: '', sizeBytes: 0, deltaBytes: 0 } as const;

/**
 * The upload that the request names.
 * @throws {OssError} NoSuchUpload, also when it is another key's
 */
export function findUpload(context: ActionContext): UploadRecord {
  const uploadId = context.query.get('uploadId') ?? '';
  const row = uploadRow(targetBucket(context).name, context.key, uploadId);
  const upload = context.service.state.uploads.get(row);
  if (upload === undefined) {
    throw new OssError('NoSuchUpload', { elements: { UploadId: uploadId } });
  }
  return upload;
}

/** All parts of an upload by number. */
export function partsOf(state: OssState, uploadId: string, after = 0): PartRecord[] {
  const range = { start: partRow(uploadId, after + 1), end: partRow(uploadId, 0xffff) };
  return [...state.parts.getRange(range)].map(({ value }) => value);
}

/** UploadPart: a part of the same number is replaced. */
export const uploadPart: Action = async (context) => {
  const partNumber = readPartNumber(context);
  const upload = findUpload(context);
  const received = await receiveBody(context);
  const etag = await storePart(context, partNumber, received, 'ObjectCreated:UploadPart');
  return emptyReply(200, {
    etag: quoted(etag),
    'content-md5': received.md5.toString('base64'),
    'x-oss-hash-crc64ecma': received.crc64,
    ...encryptionHeaders(upload.attributes.encryption),
  });
};

/** UploadPartCopy: the bytes, or a range of them, of an existing object. */
export const uploadPartCopy: Action = async (context) => {
  const { files } = context.service;
  const partNumber = readPartNumber(context);
  findUpload(context);
  const source = readCopySource(context);
  if (source === 'notModified') return emptyReply(304);
  const { object } = source;
  const range = readRange(
    { range: context.headers['x-oss-copy-source-range'] ?? '' },
    object.sizeBytes,
  ) ?? { first: 0, last: object.sizeBytes - 1 };
  const bytes = files.read(object.segments, range.first, range.last);
  const received = await files.receive(bytes, object.sizeBytes);
  const etag = await storePart(context, partNumber, received, 'ObjectCreated:UploadPartCopy');
  return xmlReply(
    element(
      'CopyPartResult',
      leaf('LastModified', isoSeconds(context.service.now())),
      leaf('ETag', quoted(etag)),
    ),
    { etag: quoted(etag), 'x-oss-hash-crc64ecma': received.crc64 },
  );
};

function readPartNumber({ query }: ActionContext): number {
  const text = query.get('partNumber') ?? '';
  const partNumber = Number(text);
  if (!/^\d+$/.test(text) || partNumber < 1 || partNumber > PART_NUMBER_MAX) {
    const message = `Part number must be an integer between 1 and ${PART_NUMBER_MAX}, inclusive`;
    throw invalidArgument('partNumber', text, message);
  }
  return partNumber;
}

async function storePart(
  context: ActionContext,
  partNumber: number,
  received: ReceivedBytes,
  eventName: string,
): Promise<string> {
  const { state, files, outbox } = context.service;
  const etag = etagOf(received.md5);
  const { sizeBytes, crc64, segments } = received;
  const lastModifiedMs = context.service.now();
  const displaced = await discardOnFailure(context, segments, () =>
    state.transaction(() => {
      const { uploadId } = findUpload(context);
      const row = partRow(uploadId, partNumber);
      const replaced = state.parts.get(row)?.segments ?? [];
      const part = { partNumber, etag, crc64, lastModifiedMs, sizeBytes, segments };
      state.parts.putSync(row, part);
      const changed = { key: context.key, etag, sizeBytes, deltaBytes: sizeBytes };
      outbox.add(eventOf(context, eventName, targetBucket(context), changed));
      return replaced;
    }),
  );
  outbox.wake();
  await files.discard(displaced);
  return etag;
}

/** Forgets an upload and its parts; only inside a transaction. Returns the parts' files. */
export function removeUpload(
  state: OssState,
  bucket: string,
  key: string,
  uploadId: string,
): Segment[] {
  const parts = partsOf(state, uploadId);
  for (const { partNumber } of parts) state.parts.removeSync(partRow(uploadId, partNumber));
  state.uploads.removeSync(uploadRow(bucket, key, uploadId));
  return parts.flatMap(({ segments }) => segments);
}

/** AbortMultipartUpload. */
export const abortMultipartUpload: Action = async (context) => {
  const { state, files, outbox } = context.service;
  const displaced = await state.transaction(() => {
    const { uploadId } = findUpload(context);
    const bucket = targetBucket(context);
    const event = 'ObjectRemoved:AbortMultipartUpload';
    outbox.add(eventOf(context, event, bucket, { ...NO_BYTES, key: context.key }));
    return removeUpload(state, bucket.name, context.key, uploadId);
  });
  outbox.wake();
  await files.discard(displaced);
  return emptyReply(204);
};

/** ListParts. */
export const listParts: Action = async (context) => {
  const { query, service } = context;
  const { uploadId, attributes } = findUpload(context);
  const limit = readCount(query, 'max-parts', MULTIPART_PAGE_DEFAULT, PAGE_MAX);
  const marker = Number(query.get('part-number-marker') || '0');
  if (!Number.isInteger(marker) || marker < 0 || marker > PART_NUMBER_MAX) {
    throw invalidArgument('part-number-marker', String(marker), 'Invalid part-number-marker.');
  }
  const encode = readEncoding(query);
  const parts = partsOf(service.state, uploadId, marker);
  const page = parts.slice(0, limit);
  return xmlReply(
    element(
      'ListPartsResult',
      optionalLeaf('EncodingType', query.get('encoding-type')),
      leaf('Bucket', context.bucketName),
      leaf('Key', encode(context.key)),
      leaf('UploadId', uploadId),
      leaf('StorageClass', attributes.storageClass),
      leaf('PartNumberMarker', marker),
      leaf('NextPartNumberMarker', page.at(-1)?.partNumber ?? 0),
      leaf('MaxParts', limit),
      leaf('IsTruncated', parts.length > page.length),
      ...page.map((part) =>
        element(
          'Part',
          leaf('PartNumber', part.partNumber),
          leaf('LastModified', isoSeconds(part.lastModifiedMs)),
          leaf('ETag', quoted(part.etag)),
          leaf('HashCrc64ecma', part.crc64),
          leaf('Size', part.sizeBytes),
        ),
      ),
    ),
  );
};
