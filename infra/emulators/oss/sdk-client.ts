/**
 * The vendor's SDK as it behaves, for the suites of this folder: its type package leaves out half
 * of the calls used here and types replies as `any`.
 */
import type { Readable } from 'node:stream';
import OSS from 'ali-oss';

/** The HTTP side of a result. */
interface SdkResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
}

/** Options that nearly every call takes; the SDK writes into it, so each call needs its own. */
export interface CallOptions {
  headers?: Record<string, string>;
  meta?: Record<string, string>;
  versionId?: string;
  quiet?: boolean;
  mime?: string;
  partSize?: number;
  parallel?: number;
  contentLength?: number;
  storageClass?: string;
  dataRedundancyType?: string;
}

interface Done {
  readonly res: SdkResponse;
}

/** An object in a list. */
interface ListedObject {
  readonly name: string;
  readonly etag: string;
  readonly size: number;
  readonly type: string;
  readonly storageClass: string;
  readonly lastModified: string;
  readonly versionId?: string;
  readonly isLatest?: boolean;
  readonly owner: { readonly id: string } | null;
}

interface ListPage {
  readonly objects: readonly ListedObject[];
  readonly prefixes: readonly string[] | null;
  readonly isTruncated: boolean;
}

type QueryParameters = Record<string, string | number | boolean>;

/** The calls of the SDK that the suites use. */
export interface OssSdk {
  listBuckets(query?: QueryParameters): Promise<{ buckets: readonly { name: string }[] | null }>;
  putBucket(name: string, options?: CallOptions): Promise<Done & { bucket: string }>;
  deleteBucket(name: string): Promise<Done>;
  getBucketInfo(name: string): Promise<{ bucket: Readonly<Record<string, unknown>> }>;
  getBucketLocation(name: string): Promise<{ location: string }>;
  getBucketACL(name: string): Promise<{ acl: string }>;
  getBucketStat(name: string): Promise<{ stat: Readonly<Record<string, string>> }>;
  putBucketVersioning(name: string, status: string): Promise<Done>;
  getBucketVersioning(name: string): Promise<{ versionStatus?: string }>;
  putBucketEncryption(name: string, rule: { SSEAlgorithm: string }): Promise<Done>;
  getBucketEncryption(name: string): Promise<{ encryption: { SSEAlgorithm: string } }>;
  deleteBucketEncryption(name: string): Promise<Done>;
  putBucketLifecycle(name: string, rules: readonly object[]): Promise<Done>;
  getBucketLifecycle(name: string): Promise<{ rules: readonly Record<string, unknown>[] }>;
  deleteBucketLifecycle(name: string): Promise<Done>;
  initiateBucketWorm(name: string, days: number): Promise<{ wormId: string }>;
  completeBucketWorm(name: string, wormId: string): Promise<Done>;
  extendBucketWorm(name: string, wormId: string, days: number): Promise<Done>;
  abortBucketWorm(name: string): Promise<{ status: number }>;
  getBucketWorm(name: string): Promise<{ wormId: string; state: string; days: string }>;
  put(name: string, body: Buffer | string | Readable, options?: CallOptions): Promise<Done>;
  putStream(name: string, body: Readable, options?: CallOptions): Promise<Done>;
  get(name: string, options?: CallOptions): Promise<Done & { content: Buffer }>;
  getStream(name: string, options?: CallOptions): Promise<Done & { stream: Readable }>;
  head(
    name: string,
    options?: CallOptions,
  ): Promise<Done & { status: number; meta: Record<string, string> | null }>;
  getObjectMeta(name: string): Promise<Done>;
  getACL(name: string): Promise<{ acl: string }>;
  delete(name: string, options?: CallOptions): Promise<Done>;
  deleteMulti(
    names: readonly (string | { key: string; versionId?: string })[],
    options?: CallOptions,
  ): Promise<Done & { deleted: readonly { Key: string; DeleteMarker?: string }[] }>;
  copy(name: string, source: string, options?: CallOptions): Promise<{ data: { etag: string } }>;
  list(query: QueryParameters): Promise<ListPage & { nextMarker: string | null }>;
  listV2(
    query: QueryParameters,
  ): Promise<ListPage & { keyCount: number; nextContinuationToken: string | null }>;
  getBucketVersions(query?: QueryParameters): Promise<
    ListPage & {
      deleteMarker: readonly { name: string; versionId: string }[];
      nextKeyMarker: string | null;
      nextVersionIdMarker: string | null;
    }
  >;
  putObjectTagging(name: string, tags: Record<string, string>): Promise<Done>;
  getObjectTagging(name: string): Promise<{ tag: Record<string, string> }>;
  deleteObjectTagging(name: string): Promise<Done>;
  multipartUpload(
    name: string,
    body: Buffer | string,
    options?: CallOptions,
  ): Promise<Done & { etag: string }>;
  initMultipartUpload(name: string, options?: CallOptions): Promise<{ uploadId: string }>;
  uploadPart(
    name: string,
    uploadId: string,
    partNumber: number,
    body: Buffer,
    start: number,
    end: number,
  ): Promise<Done & { etag: string }>;
  uploadPartCopy(
    name: string,
    uploadId: string,
    partNumber: number,
    range: string,
    source: { sourceKey: string; sourceBucketName: string },
  ): Promise<{ etag: string }>;
  completeMultipartUpload(
    name: string,
    uploadId: string,
    parts: readonly { number: number; etag: string }[],
    options?: CallOptions,
  ): Promise<Done & { etag: string }>;
  abortMultipartUpload(name: string, uploadId: string): Promise<Done>;
  listParts(
    name: string,
    uploadId: string,
    query?: QueryParameters,
  ): Promise<{
    parts: readonly { PartNumber: string }[];
    isTruncated: string;
    nextPartNumberMarker: string;
  }>;
  listUploads(query: QueryParameters): Promise<{
    uploads: readonly { name: string; uploadId: string }[];
    isTruncated: boolean;
    nextKeyMarker: string;
    nextUploadIdMarker: string;
  }>;
  signatureUrl(name: string, options?: Record<string, unknown>): string;
  signatureUrlV4(
    method: string,
    expires: number,
    request: { headers?: Record<string, string>; queries?: Record<string, string> },
    name: string,
    additionalHeaders?: readonly string[],
  ): Promise<string>;
}

/** Options of the SDK; `sldEnable` is missing from its type package. */
export type SdkOptions = OSS.Options & { readonly sldEnable?: boolean };

/** An instance of the vendor's SDK. */
export function createSdk(options: SdkOptions): OssSdk {
  const client: unknown = new OSS(options);
  if (isOssSdk(client)) return client;
  throw new Error('Cannot use ali-oss: its client has not the calls that the suites need');
}

function isOssSdk(client: unknown): client is OssSdk {
  return client instanceof OSS && 'putBucketVersioning' in client;
}
