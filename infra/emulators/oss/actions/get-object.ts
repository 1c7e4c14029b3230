import { type Action, type ActionContext, targetBucket } from '../action-context.ts';
import { OssError } from '../errors.ts';
import { objectHeaders, quoted, refuseUnreadable } from '../object-attributes.ts';
import { emptyReply, type Reply } from '../reply.ts';
import type { BucketRecord, ObjectVersion, StoredObject } from '../state.ts';
import { currentVersion, versionById, versionHeaders } from '../versions.ts';
import { checkConditions } from './conditions.ts';
import { readRange } from './range.ts';

/** An object that was asked for. */
export interface FoundObject {
  readonly bucket: BucketRecord;
  readonly object: StoredObject;
}

/**
 * The object of the request's key and `versionId`.
 * @throws {OssError} NoSuchKey, NoSuchVersion, MethodNotAllowed for a delete marker asked by its id
 */
export function findObject(context: ActionContext): FoundObject {
  const bucket = targetBucket(context);
  return { bucket, object: objectAt(context, bucket, context.key, context.query.get('versionId')) };
}

/** Like `findObject`, for any key of a bucket. */
export function objectAt(
  context: ActionContext,
  bucket: BucketRecord,
  key: string,
  versionId: string | undefined,
): StoredObject {
  const { state } = context.service;
  const found =
    versionId === undefined
      ? currentVersion(state, bucket.name, key)
      : versionById(state, bucket.name, key, versionId);
  return requireObject(bucket, key, versionId, found?.version);
}

function requireObject(
  bucket: BucketRecord,
  key: string,
  versionId: string | undefined,
  version: ObjectVersion | undefined,
): StoredObject {
  if (version?.kind === 'object') return version;
  if (version === undefined && versionId !== undefined) {
    throw new OssError('NoSuchVersion', { elements: { Key: key, VersionId: versionId } });
  }
  const headers =
    version === undefined
      ? {}
      : { 'x-oss-delete-marker': 'true', ...versionHeaders(bucket, version.versionId) };
  if (version !== undefined && versionId !== undefined) {
    throw new OssError('MethodNotAllowed', { headers, elements: { Method: 'GET' } });
  }
  throw new OssError('NoSuchKey', { headers, elements: { Key: key } });
}

/** GetObject. */
export const getObject: Action = async (context) => {
  const found = findObject(context);
  const { object } = found;
  const condition = checkConditions(context.headers, '', object);
  if (condition === 'notModified') return notModified(found);
  refuseUnreadable(object, context.key);
  const range = readRange(context.headers, object.sizeBytes);
  const { first, last } = range ?? { first: 0, last: object.sizeBytes - 1 };
  return {
    status: range === undefined ? 200 : 206,
    headers: {
      ...objectHeaders(object),
      ...versionHeaders(found.bucket, object.versionId),
      ...overriddenHeaders(context),
      'content-length': String(last - first + 1),
      ...(range === undefined
        ? {}
        : { 'content-range': `bytes ${first}-${last}/${object.sizeBytes}` }),
    },
    body: context.service.files.read(object.segments, first, last),
  };
};

/** HeadObject: everything that GetObject says, and no bytes; cold objects answer too. */
export const headObject: Action = async (context) => {
  const found = findObject(context);
  const { object } = found;
  const condition = checkConditions(context.headers, '', object);
  if (condition === 'notModified') return notModified(found);
  return emptyReply(200, {
    ...objectHeaders(object),
    ...versionHeaders(found.bucket, object.versionId),
    'content-length': String(object.sizeBytes),
  });
};

/** GetObjectMeta: size, ETag and time only. */
export const getObjectMeta: Action = async (context) => {
  const { bucket, object } = findObject(context);
  return emptyReply(200, {
    etag: quoted(object.etag),
    'last-modified': new Date(object.lastModifiedMs).toUTCString(),
    'x-oss-hash-crc64ecma': object.crc64,
    ...versionHeaders(bucket, object.versionId),
    'content-length': String(object.sizeBytes),
  });
};

function notModified({ bucket, object }: FoundObject): Reply {
  return emptyReply(304, {
    etag: quoted(object.etag),
    'last-modified': new Date(object.lastModifiedMs).toUTCString(),
    ...versionHeaders(bucket, object.versionId),
  });
}

const OVERRIDABLE = [
  'content-type',
  'content-language',
  'expires',
  'cache-control',
  'content-disposition',
  'content-encoding',
];

/** `response-*` parameters, which replace headers of the reply. */
function overriddenHeaders({ query }: ActionContext): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const name of OVERRIDABLE) {
    const value = query.get(`response-${name}`);
    if (value !== undefined) headers[name] = value;
  }
  return headers;
}
