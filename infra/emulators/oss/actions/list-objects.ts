import { type Action, type ActionContext, targetBucket } from '../action-context.ts';
import { invalidArgument } from '../errors.ts';
import { PAGE_DEFAULT, PAGE_MAX } from '../limits.ts';
import { quoted } from '../object-attributes.ts';
import { type Reply, xmlReply } from '../reply.ts';
import {
  keyOfVersionRow,
  type OssState,
  rangeOfKey,
  rangeOfPrefix,
  type StoredObject,
} from '../state.ts';
import { element, leaf, optionalLeaf } from '../xml.ts';
import { ownerElement } from './bucket.ts';
import { readCount, readEncoding, readText } from './list-parameters.ts';

/** Which keys a page may hold. */
interface PageRequest {
  readonly bucket: string;
  readonly prefix: string;
  readonly delimiter: string;
  /** Only keys and common prefixes above this one. */
  readonly after: string;
  readonly limit: number;
}

/** One page of current objects. */
interface ObjectPage {
  readonly objects: readonly { readonly key: string; readonly object: StoredObject }[];
  readonly commonPrefixes: readonly string[];
  /** The last key or common prefix of the page, when there is more. */
  readonly nextAfter: string | undefined;
}

/** Current objects in the order of their keys' UTF-8 bytes; delete markers hide their key. */
function pageOfObjects(state: OssState, page: PageRequest): ObjectPage {
  const objects: { key: string; object: StoredObject }[] = [];
  const commonPrefixes: string[] = [];
  let last = '';
  let start = firstRow(page);
  const { end } = rangeOfPrefix(page.bucket, page.prefix);
  for (;;) {
    const row = firstVersionFrom(state, start, end);
    if (row === undefined) return { objects, commonPrefixes, nextAfter: undefined };
    const key = keyOfVersionRow(page.bucket, row.key);
    start = rangeOfKey(page.bucket, key).end;
    if (row.value.kind === 'deleteMarker') continue;
    const group = groupOf(key, page);
    if (group !== undefined) start = rangeOfPrefix(page.bucket, group).end;
    if (group !== undefined && group === page.after) continue;
    if (objects.length + commonPrefixes.length === page.limit) {
      return { objects, commonPrefixes, nextAfter: last };
    }
    if (group === undefined) objects.push({ key, object: row.value });
    else commonPrefixes.push(group);
    last = group ?? key;
  }
}

function firstVersionFrom(state: OssState, start: Buffer, end: Buffer) {
  for (const row of state.versions.getRange({ start, end, limit: 1 })) return row;
  return undefined;
}

function firstRow({ bucket, prefix, after }: PageRequest): Buffer {
  const atPrefix = rangeOfPrefix(bucket, prefix).start;
  if (after === '') return atPrefix;
  const afterMarker = rangeOfKey(bucket, after).end;
  return Buffer.compare(atPrefix, afterMarker) > 0 ? atPrefix : afterMarker;
}

/** The common prefix that a key is folded into. */
export function groupOf(
  key: string,
  { prefix, delimiter }: { readonly prefix: string; readonly delimiter: string },
): string | undefined {
  if (delimiter === '') return undefined;
  const at = key.indexOf(delimiter, prefix.length);
  return at < 0 ? undefined : key.slice(0, at + delimiter.length);
}

/** ListObjects (GetBucket), version 1. */
export const listObjects: Action = async (context) => {
  const { query } = context;
  const encode = readEncoding(query);
  const marker = readText(query, 'marker');
  const request = readPageRequest(context, marker);
  const page = pageOfObjects(context.service.state, request);
  return listReply(context, request, page, [
    leaf('Marker', encode(marker)),
    optionalLeaf('NextMarker', page.nextAfter === undefined ? undefined : encode(page.nextAfter)),
  ]);
};

/** ListObjectsV2. */
export const listObjectsV2: Action = async (context) => {
  const { query } = context;
  const encode = readEncoding(query);
  const token = query.get('continuation-token');
  const startAfter = readText(query, 'start-after');
  const request = readPageRequest(context, token ? readToken(token) : startAfter);
  const page = pageOfObjects(context.service.state, request);
  const next = page.nextAfter;
  return listReply(context, request, page, [
    startAfter === '' ? '' : leaf('StartAfter', encode(startAfter)),
    optionalLeaf('ContinuationToken', token),
    optionalLeaf('NextContinuationToken', next === undefined ? undefined : writeToken(next)),
    leaf('KeyCount', page.objects.length + page.commonPrefixes.length),
  ]);
};

function readPageRequest(context: ActionContext, after: string): PageRequest {
  const { query } = context;
  return {
    bucket: targetBucket(context).name,
    prefix: readText(query, 'prefix'),
    delimiter: readText(query, 'delimiter'),
    after,
    limit: readCount(query, 'max-keys', PAGE_DEFAULT, PAGE_MAX),
  };
}

const TOKEN_PREFIX = 'k:';

function writeToken(after: string): string {
  return Buffer.from(TOKEN_PREFIX + after).toString('base64');
}

function readToken(token: string): string {
  const text = Buffer.from(token, 'base64').toString('utf8');
  if (!text.startsWith(TOKEN_PREFIX) || writeToken(text.slice(TOKEN_PREFIX.length)) !== token) {
    throw invalidArgument('continuation-token', token, 'The continuation token is not valid.');
  }
  return text.slice(TOKEN_PREFIX.length);
}

function listReply(
  context: ActionContext,
  request: PageRequest,
  page: ObjectPage,
  extra: readonly string[],
): Reply {
  const { query } = context;
  const encode = readEncoding(query);
  const isV2 = query.get('list-type') === '2';
  const withOwner = !isV2 || query.get('fetch-owner') === 'true';
  const owner = withOwner ? ownerElement(targetBucket(context).accountId) : '';
  return xmlReply(
    element(
      'ListBucketResult',
      leaf('Name', request.bucket),
      leaf('Prefix', encode(request.prefix)),
      leaf('MaxKeys', request.limit),
      leaf('Delimiter', encode(request.delimiter)),
      leaf('IsTruncated', page.nextAfter !== undefined),
      optionalLeaf('EncodingType', query.get('encoding-type')),
      ...extra,
      ...page.objects.map(({ key, object }) =>
        element('Contents', leaf('Key', encode(key)), ...objectElements(object), owner),
      ),
      ...page.commonPrefixes.map((prefix) =>
        element('CommonPrefixes', leaf('Prefix', encode(prefix))),
      ),
    ),
  );
}

/** What lists show of an object. */
export function objectElements(object: StoredObject): string[] {
  return [
    leaf('LastModified', isoSeconds(object.lastModifiedMs)),
    leaf('ETag', quoted(object.etag)),
    leaf('Type', object.objectType),
    leaf('Size', object.sizeBytes),
    leaf('StorageClass', object.storageClass),
  ];
}

/** OSS counts in seconds and writes the milliseconds as zeros. */
export function isoSeconds(timeMs: number): string {
  return new Date(Math.floor(timeMs / 1000) * 1000).toISOString();
}
