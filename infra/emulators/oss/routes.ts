/** Which API action a request is, and what does it. */
import type { Action } from './action-context.ts';
import * as bucket from './actions/bucket.ts';
import * as lifecycle from './actions/bucket-lifecycle.ts';
import * as worm from './actions/bucket-worm.ts';
import { completeMultipartUpload } from './actions/complete-multipart-upload.ts';
import { copyObject } from './actions/copy-object.ts';
import { deleteMultipleObjects, deleteObject } from './actions/delete-object.ts';
import { getObject, getObjectMeta, headObject } from './actions/get-object.ts';
import { listObjects, listObjectsV2 } from './actions/list-objects.ts';
import { listMultipartUploads } from './actions/list-uploads.ts';
import { listObjectVersions } from './actions/list-versions.ts';
import * as multipart from './actions/multipart-upload.ts';
import { getObjectAcl } from './actions/object-acl.ts';
import * as tagging from './actions/object-tagging.ts';
import { putObject } from './actions/put-object.ts';
import { OssError } from './errors.ts';
import type { Target } from './target.ts';

/** Every action by its name in the vendor's API reference; faults are planned by these names. */
export const ACTIONS = {
  AbortBucketWorm: worm.abortBucketWorm,
  AbortMultipartUpload: multipart.abortMultipartUpload,
  CompleteBucketWorm: worm.completeBucketWorm,
  CompleteMultipartUpload: completeMultipartUpload,
  CopyObject: copyObject,
  DeleteBucket: bucket.deleteBucket,
  DeleteBucketEncryption: bucket.deleteBucketEncryption,
  DeleteBucketLifecycle: lifecycle.deleteBucketLifecycle,
  DeleteMultipleObjects: deleteMultipleObjects,
  DeleteObject: deleteObject,
  DeleteObjectTagging: tagging.deleteObjectTagging,
  ExtendBucketWorm: worm.extendBucketWorm,
  GetBucketAcl: bucket.getBucketAcl,
  GetBucketEncryption: bucket.getBucketEncryption,
  GetBucketInfo: bucket.getBucketInfo,
  GetBucketLifecycle: lifecycle.getBucketLifecycle,
  GetBucketLocation: bucket.getBucketLocation,
  GetBucketStat: bucket.getBucketStat,
  GetBucketVersioning: bucket.getBucketVersioning,
  GetBucketWorm: worm.getBucketWorm,
  GetObject: getObject,
  GetObjectACL: getObjectAcl,
  GetObjectMeta: getObjectMeta,
  GetObjectTagging: tagging.getObjectTagging,
  HeadObject: headObject,
  InitiateBucketWorm: worm.initiateBucketWorm,
  InitiateMultipartUpload: multipart.initiateMultipartUpload,
  ListBuckets: bucket.listBuckets,
  ListMultipartUploads: listMultipartUploads,
  ListObjects: listObjects,
  ListObjectsV2: listObjectsV2,
  ListObjectVersions: listObjectVersions,
  ListParts: multipart.listParts,
  PutBucket: bucket.putBucket,
  PutBucketEncryption: bucket.putBucketEncryption,
  PutBucketLifecycle: lifecycle.putBucketLifecycle,
  PutBucketVersioning: bucket.putBucketVersioning,
  PutObject: putObject,
  PutObjectTagging: tagging.putObjectTagging,
  UploadPart: multipart.uploadPart,
  UploadPartCopy: multipart.uploadPartCopy,
} as const satisfies Record<string, Action>;

/** Name of an action that exists here. */
export type ActionName = keyof typeof ACTIONS;

/** Actions that may be about a bucket that does not exist. */
export const WITHOUT_BUCKET: ReadonlySet<ActionName> = new Set(['ListBuckets', 'PutBucket']);

/** `METHOD` + the parameter that makes it another action; the first that fits is taken. */
type Routes = readonly (readonly [method: string, parameters: string, action: ActionName])[];

const BUCKET_ROUTES: Routes = [
  ['GET', 'acl', 'GetBucketAcl'],
  ['GET', 'bucketInfo', 'GetBucketInfo'],
  ['GET', 'encryption', 'GetBucketEncryption'],
  ['GET', 'lifecycle', 'GetBucketLifecycle'],
  ['GET', 'location', 'GetBucketLocation'],
  ['GET', 'stat', 'GetBucketStat'],
  ['GET', 'uploads', 'ListMultipartUploads'],
  ['GET', 'versioning', 'GetBucketVersioning'],
  ['GET', 'versions', 'ListObjectVersions'],
  ['GET', 'worm', 'GetBucketWorm'],
  ['GET', '', 'ListObjects'],
  ['PUT', 'encryption', 'PutBucketEncryption'],
  ['PUT', 'lifecycle', 'PutBucketLifecycle'],
  ['PUT', 'versioning', 'PutBucketVersioning'],
  ['PUT', '', 'PutBucket'],
  ['POST', 'delete', 'DeleteMultipleObjects'],
  ['POST', 'wormExtend', 'ExtendBucketWorm'],
  ['POST', 'wormId', 'CompleteBucketWorm'],
  ['POST', 'worm', 'InitiateBucketWorm'],
  ['DELETE', 'encryption', 'DeleteBucketEncryption'],
  ['DELETE', 'lifecycle', 'DeleteBucketLifecycle'],
  ['DELETE', 'worm', 'AbortBucketWorm'],
  ['DELETE', '', 'DeleteBucket'],
];

const OBJECT_ROUTES: Routes = [
  ['GET', 'acl', 'GetObjectACL'],
  ['GET', 'objectMeta', 'GetObjectMeta'],
  ['GET', 'tagging', 'GetObjectTagging'],
  ['GET', 'uploadId', 'ListParts'],
  ['GET', '', 'GetObject'],
  ['HEAD', 'objectMeta', 'GetObjectMeta'],
  ['HEAD', '', 'HeadObject'],
  ['PUT', 'partNumber', 'UploadPart'],
  ['PUT', 'tagging', 'PutObjectTagging'],
  ['PUT', '', 'PutObject'],
  ['POST', 'uploads', 'InitiateMultipartUpload'],
  ['POST', 'uploadId', 'CompleteMultipartUpload'],
  ['DELETE', 'tagging', 'DeleteObjectTagging'],
  ['DELETE', 'uploadId', 'AbortMultipartUpload'],
  ['DELETE', '', 'DeleteObject'],
];

/** Parameters that make a request an action that OSS has and this emulator has not. */
const ABSENT: readonly string[] = (
  'accessPoint accessmonitor append archiveDirectRead asyncFetch bucketArchiveDirectRead ' +
  'callback cname comp cors httpsConfig img inventory live logging metaQuery objectWorm policy ' +
  'policyStatus publicAccessBlock qos referer replication replicationLocation ' +
  'replicationProgress requestPayment resourceGroup restore retention rtc style symlink ' +
  'transferAcceleration vod website x-oss-process x-oss-async-process'
).split(' ');

/**
 * The action of a request.
 * @throws {OssError} NotImplemented for one that is absent here, MethodNotAllowed for one OSS has not
 */
export function actionOf(
  method: string,
  { bucket: bucketName, key, query }: Target,
  headers: Readonly<Record<string, string>>,
): ActionName {
  const absent = ABSENT.find((name) => query.has(name));
  const isBucketTagging = key === '' && query.has('tagging');
  const setsAcl = method === 'PUT' && query.has('acl');
  if (absent !== undefined || isBucketTagging || setsAcl) {
    throw new OssError('NotImplemented', {
      elements: { ResourceType: absent ?? (setsAcl ? 'acl' : 'tagging') },
    });
  }
  if (bucketName === '') {
    if (method === 'GET') return 'ListBuckets';
    throw notAllowed(method);
  }
  const routes = key === '' ? BUCKET_ROUTES : OBJECT_ROUTES;
  const route = routes.find(
    ([routeMethod, parameter]) =>
      routeMethod === method && (parameter === '' || query.has(parameter)),
  );
  if (route === undefined) throw notAllowed(method);
  return refine(route[2], query.get('list-type'), 'x-oss-copy-source' in headers);
}

/** Actions that differ in a header or in the value of a parameter only. */
function refine(action: ActionName, listType: string | undefined, isCopy: boolean): ActionName {
  if (action === 'ListObjects' && listType === '2') return 'ListObjectsV2';
  if (action === 'PutObject' && isCopy) return 'CopyObject';
  if (action === 'UploadPart' && isCopy) return 'UploadPartCopy';
  return action;
}

function notAllowed(method: string): OssError {
  return new OssError('MethodNotAllowed', { elements: { Method: method } });
}
