import { type Action, type ActionContext, bucketNamed, targetBucket } from '../action-context.ts';
import { invalidArgument, OssError } from '../errors.ts';
import { PUT_BYTES_MAX } from '../limits.ts';
import {
  encryptionHeaders,
  parseTags,
  quoted,
  readAttributes,
  readEncryption,
  readForbidOverwrite,
  readStorageClass,
  refuseUnreadable,
} from '../object-attributes.ts';
import { discardOnFailure, refuseOverwrite, writeObject } from '../object-writing.ts';
import { emptyReply, xmlReply } from '../reply.ts';
import type { BucketRecord, ObjectAttributes, StoredObject } from '../state.ts';
import { decode, splitOnce } from '../target.ts';
import { versionHeaders } from '../versions.ts';
import { element, leaf } from '../xml.ts';
import { checkConditions } from './conditions.ts';
import { objectAt } from './get-object.ts';
import { isoSeconds } from './list-objects.ts';

/** Where the bytes of a copy come from. */
export interface CopySource {
  readonly bucket: BucketRecord;
  readonly object: StoredObject;
}

/**
 * The object that `x-oss-copy-source` names; source conditions are checked.
 * @throws {OssError} InvalidArgument, NoSuchBucket, NoSuchKey, PreconditionFailed, InvalidObjectState
 */
export function readCopySource(context: ActionContext): CopySource | 'notModified' {
  const text = context.headers['x-oss-copy-source'] ?? '';
  const [path, parameters] = splitOnce(text, '?');
  const [root, bucketName = '', key = ''] = splitPath(decode(path));
  if (root !== '' || bucketName === '' || key === '') {
    throw invalidArgument(
      'x-oss-copy-source',
      text,
      'Copy Source must mention the source bucket and key: /sourcebucket/sourcekey.',
    );
  }
  const bucket = bucketNamed(context, bucketName);
  const versionId = /^versionId=(.+)$/.exec(parameters ?? '')?.[1];
  const object = objectAt(context, bucket, key, versionId);
  if (checkConditions(context.headers, 'x-oss-copy-source-', object) === 'notModified') {
    return 'notModified';
  }
  refuseUnreadable(object, key);
  return { bucket, object };
}

/** CopyObject: within one account; the copy shares no file with its source. */
export const copyObject: Action = async (context) => {
  const { state, files } = context.service;
  const bucket = targetBucket(context);
  const forbidOverwrite = readForbidOverwrite(context);
  if (forbidOverwrite) refuseOverwrite(state, bucket, context.key);
  const source = readCopySource(context);
  if (source === 'notModified') return emptyReply(304);
  const { object } = source;
  if (object.sizeBytes > PUT_BYTES_MAX) throw new OssError('EntityTooLarge');
  const attributes = copiedAttributes(context, bucket, object);
  const segments = await files.duplicate(object.segments);
  const written = await discardOnFailure(context, segments, () =>
    writeObject(context, {
      object: {
        ...attributes,
        etag: object.etag,
        ...(object.contentMd5 === undefined ? {} : { contentMd5: object.contentMd5 }),
        crc64: object.crc64,
        sizeBytes: object.sizeBytes,
        objectType: object.objectType,
        segments,
      },
      forbidOverwrite,
      eventName: 'ObjectCreated:CopyObject',
    }),
  );
  return xmlReply(
    element(
      'CopyObjectResult',
      leaf('ETag', quoted(object.etag)),
      leaf('LastModified', isoSeconds(written.lastModifiedMs)),
    ),
    {
      etag: quoted(object.etag),
      'x-oss-hash-crc64ecma': object.crc64,
      ...encryptionHeaders(attributes.encryption),
      ...versionHeaders(written.bucket, written.versionId),
      ...(source.bucket.versioning === undefined
        ? {}
        : { 'x-oss-copy-source-version-id': object.versionId }),
    },
  );
};

/** Metadata follow the source unless REPLACE; class and encryption never do. */
function copiedAttributes(
  context: ActionContext,
  bucket: BucketRecord,
  source: StoredObject,
): ObjectAttributes {
  const replacesMeta = readDirective(context, 'x-oss-metadata-directive') === 'REPLACE';
  const replacesTags = readDirective(context, 'x-oss-tagging-directive') === 'REPLACE';
  const named = readAttributes(context, bucket);
  const encryption = readEncryption(context) ?? bucket.encryption;
  return {
    headers: replacesMeta ? named.headers : source.headers,
    userMeta: replacesMeta ? named.userMeta : source.userMeta,
    storageClass: readStorageClass(context) ?? bucket.storageClass,
    tags: replacesTags ? parseTags(context.headers['x-oss-tagging'] ?? '') : source.tags,
    ...(encryption === undefined ? {} : { encryption }),
  };
}

function readDirective(context: ActionContext, header: string): 'COPY' | 'REPLACE' {
  const value = context.headers[header] ?? 'COPY';
  const directive = value.toUpperCase();
  if (directive === 'COPY' || directive === 'REPLACE') return directive;
  throw invalidArgument(header, value, `The value of ${header} must be COPY or REPLACE.`);
}

/** `/bucket/key/with/slashes` in three. */
function splitPath(path: string): [string, string?, string?] {
  const [root, rest = ''] = splitOnce(path, '/');
  return [root, ...splitOnce(rest, '/')];
}
