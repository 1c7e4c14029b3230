/** What request headers say about an object to be written, and how it is shown again. */
import type { ActionContext } from './action-context.ts';
import { invalidArgument, OssError } from './errors.ts';
import { TAG_KEY_MAX, TAG_VALUE_MAX, TAGS_MAX, USER_META_BYTES_MAX } from './limits.ts';
import type { BucketRecord, Encryption, ObjectAttributes, StoredObject } from './state.ts';
import { decode, splitOnce } from './target.ts';

/** Storage classes, coldest last; `user-guide/overview-53`. */
export const STORAGE_CLASSES: readonly string[] = [
  'Standard',
  'IA',
  'Archive',
  'ColdArchive',
  'DeepColdArchive',
];

/** Classes whose objects must be restored before they can be read. */
const UNREADABLE_CLASSES: ReadonlySet<string> = new Set([
  'Archive',
  'ColdArchive',
  'DeepColdArchive',
]);

const KEPT_HEADERS = [
  'content-type',
  'cache-control',
  'content-disposition',
  'content-encoding',
  'content-language',
  'expires',
];
const USER_META_PREFIX = 'x-oss-meta-';
const ENCRYPTION_ALGORITHMS: ReadonlySet<string> = new Set(['AES256', 'KMS', 'SM4']);

/**
 * Attributes of an object that this request writes into `bucket`.
 * @throws {OssError} InvalidArgument, InvalidEncryptionAlgorithmError, InvalidTag
 */
export function readAttributes(context: ActionContext, bucket: BucketRecord): ObjectAttributes {
  const { headers } = context;
  const kept: Record<string, string> = { 'content-type': 'application/octet-stream' };
  for (const name of KEPT_HEADERS) {
    const value = headers[name];
    if (value !== undefined) kept[name] = value;
  }
  const encryption = readEncryption(context) ?? bucket.encryption;
  return {
    headers: kept,
    userMeta: readUserMeta(context),
    storageClass: readStorageClass(context) ?? bucket.storageClass,
    tags: parseTags(headers['x-oss-tagging'] ?? ''),
    ...(encryption === undefined ? {} : { encryption }),
  };
}

/** The storage class that the request asks for. @throws {OssError} InvalidArgument */
export function readStorageClass(context: ActionContext): string | undefined {
  const storageClass = context.headers['x-oss-storage-class'];
  if (storageClass !== undefined && !STORAGE_CLASSES.includes(storageClass)) {
    throw invalidArgument('x-oss-storage-class', storageClass, 'no such storage class exists.');
  }
  return storageClass;
}

/** The encryption that the request asks for. @throws {OssError} InvalidEncryptionAlgorithmError */
export function readEncryption(context: ActionContext): Encryption | undefined {
  const algorithm = context.headers['x-oss-server-side-encryption'];
  if (algorithm === undefined) return undefined;
  return checkEncryption(algorithm, context.headers['x-oss-server-side-encryption-key-id']);
}

/** @throws {OssError} InvalidEncryptionAlgorithmError */
export function checkEncryption(algorithm: string, kmsKeyId: string | undefined): Encryption {
  if (!ENCRYPTION_ALGORITHMS.has(algorithm)) {
    throw new OssError('InvalidEncryptionAlgorithmError', {
      elements: { EncryptionAlgorithm: algorithm },
    });
  }
  return { algorithm, ...(kmsKeyId === undefined ? {} : { kmsKeyId }) };
}

/** Whether the request forbids overwriting. @throws {OssError} InvalidArgument for other values */
export function readForbidOverwrite(context: ActionContext): boolean {
  const value = context.headers['x-oss-forbid-overwrite'];
  if (value === undefined || value === 'false') return false;
  if (value === 'true') return true;
  throw new OssError('InvalidArgument', {
    message: 'The value of x-oss-forbid-overwrite must be true or false.',
    ec: '0017-00000279',
    elements: { ArgumentName: 'x-oss-forbid-overwrite', ArgumentValue: value },
  });
}

/** Tags in the form `a=1&b=2`, URL-encoded. @throws {OssError} InvalidTag */
export function parseTags(text: string): Record<string, string> {
  const pairs = text.split('&').filter((pair) => pair !== '');
  return checkTags(
    pairs.map((pair) => {
      const [key, value = ''] = splitOnce(pair.replaceAll('+', ' '), '=');
      return [decode(key), decode(value)];
    }),
  );
}

/** Tags of one object. @throws {OssError} InvalidTag when too many, too long or named twice */
export function checkTags(pairs: readonly (readonly [string, string])[]): Record<string, string> {
  const tags = Object.fromEntries(pairs);
  const allowed = /^[\p{L}\p{N} +\-=._:/@]*$/u;
  const invalid = pairs.some(
    ([key, value]) =>
      key === '' ||
      key.length > TAG_KEY_MAX ||
      value.length > TAG_VALUE_MAX ||
      !allowed.test(key) ||
      !allowed.test(value),
  );
  if (invalid || pairs.length > TAGS_MAX || Object.keys(tags).length < pairs.length) {
    throw new OssError('InvalidTag');
  }
  return tags;
}

/** @throws {OssError} InvalidObjectState for an object that would have to be restored first */
export function refuseUnreadable(object: StoredObject, key: string): void {
  if (!UNREADABLE_CLASSES.has(object.storageClass)) return;
  throw new OssError('InvalidObjectState', { elements: { ObjectName: key } });
}

/** `x-oss-server-side-encryption` and its key. */
export function encryptionHeaders(encryption: Encryption | undefined): Record<string, string> {
  if (encryption === undefined) return {};
  const { algorithm, kmsKeyId } = encryption;
  return {
    'x-oss-server-side-encryption': algorithm,
    ...(kmsKeyId === undefined ? {} : { 'x-oss-server-side-encryption-key-id': kmsKeyId }),
  };
}

/** An ETag as it is on the wire. */
export function quoted(etag: string): string {
  return `"${etag}"`;
}

/** Headers that HeadObject and GetObject show, length and range left out. */
export function objectHeaders(object: StoredObject): Record<string, string> {
  const userMeta = Object.entries(object.userMeta).map(([name, value]) => [
    USER_META_PREFIX + name,
    value,
  ]);
  const tagCount = Object.keys(object.tags).length;
  return {
    ...object.headers,
    ...(Object.fromEntries(userMeta) as Record<string, string>),
    'accept-ranges': 'bytes',
    etag: quoted(object.etag),
    'last-modified': new Date(object.lastModifiedMs).toUTCString(),
    'x-oss-hash-crc64ecma': object.crc64,
    'x-oss-object-type': object.objectType,
    'x-oss-storage-class': object.storageClass,
    ...(object.contentMd5 === undefined ? {} : { 'content-md5': object.contentMd5 }),
    ...(tagCount === 0 ? {} : { 'x-oss-tagging-count': String(tagCount) }),
    ...encryptionHeaders(object.encryption),
  };
}

function readUserMeta(context: ActionContext): Record<string, string> {
  const userMeta: Record<string, string> = {};
  let sizeBytes = 0;
  for (const [name, value] of Object.entries(context.headers)) {
    if (!name.startsWith(USER_META_PREFIX)) continue;
    userMeta[name.slice(USER_META_PREFIX.length)] = value;
    sizeBytes += name.length + value.length;
  }
  if (sizeBytes > USER_META_BYTES_MAX) {
    throw new OssError('InvalidArgument', {
      message: `The user metadata is ${sizeBytes} bytes, more than ${USER_META_BYTES_MAX}.`,
    });
  }
  return userMeta;
}
