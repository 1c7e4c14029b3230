import {
  type Action,
  type ActionContext,
  changeBucket,
  readXml,
  targetBucket,
} from '../action-context.ts';
import { invalidArgument, OssError } from '../errors.ts';
import { BUCKETS_MAX, PAGE_DEFAULT, PAGE_MAX } from '../limits.ts';
import { checkEncryption, STORAGE_CLASSES } from '../object-attributes.ts';
import { emptyReply, xmlReply } from '../reply.ts';
import { type BucketRecord, type OssState, rangeOfPrefix } from '../state.ts';
import { sizeOf } from '../versions.ts';
import { child, childText, element, leaf, optionalLeaf } from '../xml.ts';
import { readCount } from './list-parameters.ts';

const DATA_REDUNDANCY_TYPES: readonly string[] = ['LRS', 'ZRS'];
const ACLS: readonly string[] = ['private', 'public-read', 'public-read-write'];

/** PutBucket: by the same owner again it is a success, unless it asks for another class. */
export const putBucket: Action = async (context) => {
  const { state } = context.service;
  const asked = await readBucketRequest(context);
  await state.transaction(() => {
    const existing = state.buckets.get(context.bucketName);
    if (existing !== undefined) return refuseDifferent(context, existing, asked);
    const owned = bucketsOf(state, context.principal.accountId).length;
    if (owned >= BUCKETS_MAX) throw new OssError('TooManyBuckets');
    state.buckets.putSync(context.bucketName, {
      name: context.bucketName,
      accountId: context.principal.accountId,
      region: context.service.region,
      createdAtMs: context.service.now(),
      storageClass: asked.storageClass ?? 'Standard',
      dataRedundancy: asked.dataRedundancy ?? 'LRS',
      acl: asked.acl ?? 'private',
    });
  });
  return emptyReply(200, { location: `/${context.bucketName}` });
};

interface BucketRequest {
  readonly storageClass: string | undefined;
  readonly dataRedundancy: string | undefined;
  readonly acl: string | undefined;
}

async function readBucketRequest(context: ActionContext): Promise<BucketRequest> {
  const { headers } = context;
  const hasBody = (headers['content-length'] ?? '0') !== '0' || 'transfer-encoding' in headers;
  const body = hasBody ? await readXml(context, 'CreateBucketConfiguration') : undefined;
  const read = (name: string) => (body === undefined ? undefined : childText(body, name));
  const storageClass = read('StorageClass') ?? headers['x-oss-storage-class'];
  const dataRedundancy = read('DataRedundancyType') ?? headers['x-oss-data-redundancy-type'];
  const acl = headers['x-oss-acl'];
  if (storageClass !== undefined && !STORAGE_CLASSES.includes(storageClass)) {
    throw new OssError('MalformedXML');
  }
  if (dataRedundancy !== undefined && !DATA_REDUNDANCY_TYPES.includes(dataRedundancy)) {
    throw new OssError('MalformedXML');
  }
  if (acl !== undefined && !ACLS.includes(acl)) {
    throw invalidArgument('x-oss-acl', acl, 'no such bucket access control exists');
  }
  return { storageClass, dataRedundancy, acl };
}

function refuseDifferent(
  context: ActionContext,
  existing: BucketRecord,
  asked: BucketRequest,
): void {
  if (existing.accountId !== context.principal.accountId) {
    throw new OssError('BucketAlreadyExists', { elements: { BucketName: existing.name } });
  }
  if (asked.storageClass !== undefined && asked.storageClass !== existing.storageClass) {
    throw new OssError('BucketAlreadyExists', {
      message: "Cannot modify existing bucket's storage class.",
    });
  }
  if (asked.dataRedundancy !== undefined && asked.dataRedundancy !== existing.dataRedundancy) {
    throw new OssError('BucketAlreadyExists', {
      message: "Bucket already exists can't modify data redundancy type.",
    });
  }
}

/** DeleteBucket: versions, delete markers and open uploads count as content. */
export const deleteBucket: Action = async (context) => {
  const { state } = context.service;
  await state.transaction(() => {
    const { name } = targetBucket(context);
    const range = { ...rangeOfPrefix(name, ''), limit: 1 };
    if ([...state.versions.getKeys(range), ...state.uploads.getKeys(range)].length > 0) {
      throw new OssError('BucketNotEmpty', { elements: { BucketName: name } });
    }
    state.buckets.removeSync(name);
  });
  return emptyReply(204);
};

/** ListBuckets (GetService): the caller's account's buckets in this region. */
export const listBuckets: Action = async (context) => {
  const { query, principal, service } = context;
  const prefix = query.get('prefix') ?? '';
  const marker = query.get('marker') ?? '';
  const limit = readCount(query, 'max-keys', PAGE_DEFAULT, PAGE_MAX);
  const matching = bucketsOf(service.state, principal.accountId).filter(
    ({ name }) => name.startsWith(prefix) && name > marker,
  );
  const page = matching.slice(0, limit);
  const truncated = matching.length > page.length;
  return xmlReply(
    element(
      'ListAllMyBucketsResult',
      leaf('Prefix', prefix),
      leaf('Marker', marker),
      leaf('MaxKeys', limit),
      leaf('IsTruncated', truncated),
      optionalLeaf('NextMarker', truncated ? page.at(-1)?.name : undefined),
      ownerElement(principal.accountId),
      element('Buckets', ...page.map((bucket) => element('Bucket', ...commonElements(bucket)))),
    ),
  );
};

function bucketsOf(state: OssState, accountId: string): BucketRecord[] {
  return [...state.buckets.getRange()]
    .map(({ value }) => value)
    .filter((bucket) => bucket.accountId === accountId);
}

/** GetBucketInfo. */
export const getBucketInfo: Action = async (context) => {
  const bucket = targetBucket(context);
  const { encryption } = bucket;
  return xmlReply(
    element(
      'BucketInfo',
      element(
        'Bucket',
        ...commonElements(bucket),
        leaf('AccessMonitor', 'Disabled'),
        leaf('CrossRegionReplication', 'Disabled'),
        leaf('DataRedundancyType', bucket.dataRedundancy),
        leaf('TransferAcceleration', 'Disabled'),
        leaf('BlockPublicAccess', false),
        optionalLeaf('Versioning', bucket.versioning),
        ownerElement(bucket.accountId),
        element('AccessControlList', leaf('Grant', bucket.acl)),
        element(
          'ServerSideEncryptionRule',
          leaf('SSEAlgorithm', encryption?.algorithm ?? 'None'),
          optionalLeaf('KMSMasterKeyID', encryption?.kmsKeyId),
        ),
      ),
    ),
  );
};

/** GetBucketLocation. */
export const getBucketLocation: Action = async (context) =>
  xmlReply(leaf('LocationConstraint', `oss-${targetBucket(context).region}`));

/** GetBucketAcl. */
export const getBucketAcl: Action = async (context) => {
  const bucket = targetBucket(context);
  return xmlReply(
    element(
      'AccessControlPolicy',
      ownerElement(bucket.accountId),
      element('AccessControlList', leaf('Grant', bucket.acl)),
    ),
  );
};

/** GetBucketStat: exact at once, where the vendor lags by more than an hour. */
export const getBucketStat: Action = async (context) => {
  const { name } = targetBucket(context);
  const { state } = context.service;
  let storageBytes = 0;
  let objects = 0;
  for (const { value } of state.versions.getRange(rangeOfPrefix(name, ''))) {
    storageBytes += sizeOf(value);
    if (value.kind === 'object') objects += 1;
  }
  const uploads = [...state.uploads.getKeys(rangeOfPrefix(name, ''))].length;
  return xmlReply(
    element(
      'BucketStat',
      leaf('Storage', storageBytes),
      leaf('ObjectCount', objects),
      leaf('MultipartUploadCount', uploads),
      leaf('LastModifiedTime', Math.floor(context.service.now() / 1000)),
    ),
  );
};

/** PutBucketEncryption. */
export const putBucketEncryption: Action = async (context) => {
  const root = await readXml(context, 'ServerSideEncryptionRule');
  const rule = child(root, 'ApplyServerSideEncryptionByDefault');
  const algorithm = rule === undefined ? undefined : childText(rule, 'SSEAlgorithm');
  if (rule === undefined || algorithm === undefined) throw new OssError('MalformedXML');
  const encryption = checkEncryption(algorithm, childText(rule, 'KMSMasterKeyID'));
  await changeBucket(context, (bucket) => ({ ...bucket, encryption }));
  return emptyReply(200);
};

/** GetBucketEncryption. */
export const getBucketEncryption: Action = async (context) => {
  const { encryption } = targetBucket(context);
  if (encryption === undefined) throw new OssError('NoSuchServerSideEncryptionRule');
  return xmlReply(
    element(
      'ServerSideEncryptionRule',
      element(
        'ApplyServerSideEncryptionByDefault',
        leaf('SSEAlgorithm', encryption.algorithm),
        optionalLeaf('KMSMasterKeyID', encryption.kmsKeyId),
      ),
    ),
  );
};

/** DeleteBucketEncryption. */
export const deleteBucketEncryption: Action = async (context) => {
  await changeBucket(context, ({ encryption: _, ...bucket }) => bucket);
  return emptyReply(204);
};

/** PutBucketVersioning: once on, it can only be suspended; not while a retention policy exists. */
export const putBucketVersioning: Action = async (context) => {
  const status = childText(await readXml(context, 'VersioningConfiguration'), 'Status');
  if (status !== 'Enabled' && status !== 'Suspended') throw new OssError('MalformedXML');
  await changeBucket(context, (bucket) => {
    if (bucket.worm !== undefined && status !== bucket.versioning) {
      throw new OssError('InvalidBucketState', {
        message: 'Versioning cannot be changed while the bucket has a retention policy.',
        ec: '0012-00000006',
      });
    }
    return { ...bucket, versioning: status };
  });
  return emptyReply(200);
};

/** GetBucketVersioning: an empty element when it was never enabled. */
export const getBucketVersioning: Action = async (context) =>
  xmlReply(
    element('VersioningConfiguration', optionalLeaf('Status', targetBucket(context).versioning)),
  );

function commonElements(bucket: BucketRecord): string[] {
  const location = `oss-${bucket.region}`;
  return [
    leaf('CreationDate', new Date(bucket.createdAtMs).toISOString()),
    leaf('ExtranetEndpoint', `${location}.aliyuncs.com`),
    leaf('IntranetEndpoint', `${location}-internal.aliyuncs.com`),
    leaf('Location', location),
    leaf('Name', bucket.name),
    leaf('Region', bucket.region),
    leaf('StorageClass', bucket.storageClass),
  ];
}

/** The owner as OSS shows it: the account's number, twice. */
export function ownerElement(accountId: string): string {
  return element('Owner', leaf('ID', accountId), leaf('DisplayName', accountId));
}
