import { type Action, targetBucket } from '../action-context.ts';
import { invalidArgument } from '../errors.ts';
import { PAGE_DEFAULT, PAGE_MAX } from '../limits.ts';
import { xmlReply } from '../reply.ts';
import {
  keyOfVersionRow,
  type ObjectVersion,
  type OssState,
  rangeOfKey,
  rangeOfPrefix,
} from '../state.ts';
import { versionsOf } from '../versions.ts';
import { element, leaf, optionalLeaf } from '../xml.ts';
import { ownerElement } from './bucket.ts';
import { groupOf, isoSeconds, objectElements } from './list-objects.ts';
import { readCount, readEncoding, readText } from './list-parameters.ts';

interface VersionPageRequest {
  readonly bucket: string;
  readonly prefix: string;
  readonly delimiter: string;
  readonly keyMarker: string;
  readonly versionIdMarker: string;
  readonly limit: number;
}

interface ListedVersion {
  readonly key: string;
  readonly version: ObjectVersion;
  readonly isLatest: boolean;
}

interface VersionPage {
  readonly versions: readonly ListedVersion[];
  readonly commonPrefixes: readonly string[];
  readonly next: { readonly key: string; readonly versionId: string } | undefined;
}

/** ListObjectVersions (GetBucketVersions): keys ascending, the newest version of each first. */
export const listObjectVersions: Action = async (context) => {
  const { query } = context;
  const bucket = targetBucket(context);
  const encode = readEncoding(query);
  const request: VersionPageRequest = {
    bucket: bucket.name,
    prefix: readText(query, 'prefix'),
    delimiter: readText(query, 'delimiter'),
    keyMarker: readText(query, 'key-marker'),
    versionIdMarker: readText(query, 'version-id-marker'),
    limit: readCount(query, 'max-keys', PAGE_DEFAULT, PAGE_MAX),
  };
  if (request.versionIdMarker !== '' && request.keyMarker === '') {
    throw invalidArgument(
      'version-id-marker',
      request.versionIdMarker,
      'A version-id marker cannot be specified without a key marker.',
    );
  }
  const page = pageOfVersions(context.service.state, request);
  const owner = ownerElement(bucket.accountId);
  return xmlReply(
    element(
      'ListVersionsResult',
      leaf('Name', request.bucket),
      leaf('Prefix', encode(request.prefix)),
      leaf('KeyMarker', encode(request.keyMarker)),
      leaf('VersionIdMarker', request.versionIdMarker),
      leaf('MaxKeys', request.limit),
      leaf('Delimiter', encode(request.delimiter)),
      leaf('IsTruncated', page.next !== undefined),
      optionalLeaf('EncodingType', query.get('encoding-type')),
      optionalLeaf('NextKeyMarker', page.next && encode(page.next.key)),
      optionalLeaf('NextVersionIdMarker', page.next?.versionId),
      ...page.versions.map((listed) => versionElement(listed, encode, owner)),
      ...page.commonPrefixes.map((prefix) =>
        element('CommonPrefixes', leaf('Prefix', encode(prefix))),
      ),
    ),
  );
};

function versionElement(
  { key, version, isLatest }: ListedVersion,
  encode: (name: string) => string,
  owner: string,
): string {
  const common = [
    leaf('Key', encode(key)),
    leaf('VersionId', version.versionId),
    leaf('IsLatest', isLatest),
  ];
  return version.kind === 'object'
    ? element('Version', ...common, ...objectElements(version), owner)
    : element(
        'DeleteMarker',
        ...common,
        leaf('LastModified', isoSeconds(version.lastModifiedMs)),
        owner,
      );
}

function pageOfVersions(state: OssState, request: VersionPageRequest): VersionPage {
  const versions: ListedVersion[] = [];
  const commonPrefixes: string[] = [];
  let last = { key: '', versionId: '' };
  const isFull = () => versions.length + commonPrefixes.length === request.limit;
  for (const key of keysFrom(state, request)) {
    const group = groupOf(key, request);
    if (group !== undefined) {
      if (group === request.keyMarker || commonPrefixes.at(-1) === group) continue;
      if (isFull()) return { versions, commonPrefixes, next: last };
      commonPrefixes.push(group);
      last = { key: group, versionId: '' };
      continue;
    }
    for (const listed of versionsAfterMarker(state, key, request)) {
      if (isFull()) return { versions, commonPrefixes, next: last };
      versions.push(listed);
      last = { key, versionId: listed.version.versionId };
    }
  }
  return { versions, commonPrefixes, next: undefined };
}

function* keysFrom(state: OssState, request: VersionPageRequest): Generator<string> {
  const { bucket, prefix, keyMarker, versionIdMarker } = request;
  const { start: atPrefix, end } = rangeOfPrefix(bucket, prefix);
  const marker = rangeOfKey(bucket, keyMarker);
  // With a version marker the key itself is looked at again, for its older versions.
  const afterMarker = versionIdMarker === '' ? marker.end : marker.start;
  const beyond = keyMarker !== '' && Buffer.compare(afterMarker, atPrefix) > 0;
  let start = beyond ? afterMarker : atPrefix;
  for (;;) {
    const [row] = [...state.versions.getKeys({ start, end, limit: 1 })];
    if (row === undefined) return;
    const key = keyOfVersionRow(bucket, row);
    yield key;
    start = rangeOfKey(bucket, key).end;
  }
}

function versionsAfterMarker(
  state: OssState,
  key: string,
  { bucket, keyMarker, versionIdMarker }: VersionPageRequest,
): ListedVersion[] {
  const all = versionsOf(state, bucket, key).map(({ version }, index) => ({
    key,
    version,
    isLatest: index === 0,
  }));
  if (key !== keyMarker || versionIdMarker === '') return all;
  const at = all.findIndex(({ version }) => version.versionId === versionIdMarker);
  return all.slice(at + 1);
}
