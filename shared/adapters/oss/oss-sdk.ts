/**
 * The calls of ali-oss that the adapter makes: its type package lacks half of them. Loaded with the
 * first call, so that a cold start does not wait for the SDK.
 */
import type { Readable } from 'node:stream';
import OSS from 'ali-oss';
import type { CloudCredentials, CredentialsProvider } from '../credentials.ts';

/** How long one request may take, ms: a part of 16 MiB at 3 Mbit/s. */
const REQUEST_TIMEOUT_MS = 60_000;
/** The SDK refreshes temporary keys by itself after this; ours are renewed by building a client. */
const NEVER_MS = 2 ** 31 - 1;

interface SdkResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | undefined>>;
}

interface Done {
  readonly res: SdkResponse;
}

/** Options of one call; the SDK writes into them, so each call gets its own. */
export interface SdkCallOptions {
  headers?: Record<string, string>;
  mime?: string;
  versionId?: string;
  quiet?: boolean;
}

type SdkQuery = Record<string, string | number>;

/** An object in a list, key URL-encoded as asked for. */
interface SdkListedObject {
  readonly name: string;
  readonly etag: string;
  readonly size: number;
  readonly lastModified: string;
}

interface SdkVersion {
  readonly name: string;
  readonly versionId: string;
}

/** One part or several: the SDK's XML parser shows a list of one as its item. */
export type SdkParts<T> = T | readonly T[];

/** The SDK's client, as far as the adapter uses it. */
export interface OssSdk {
  getBucketInfo(name: string): Promise<{ bucket: Readonly<Record<string, unknown>> }>;
  getBucketWorm(name: string): Promise<{ days: string | number }>;
  put(name: string, body: Buffer, options: SdkCallOptions): Promise<Done>;
  get(name: string, options: SdkCallOptions): Promise<Done & { content: Buffer }>;
  getStream(name: string, options: SdkCallOptions): Promise<Done & { stream: Readable }>;
  head(name: string, options?: SdkCallOptions): Promise<Done>;
  delete(name: string, options?: SdkCallOptions): Promise<Done>;
  deleteMulti(
    names: readonly (string | { key: string; versionId?: string })[],
    options: SdkCallOptions,
  ): Promise<Done & { deleted: readonly { Key: string; VersionId?: string }[] }>;
  listV2(query: SdkQuery): Promise<{
    objects: readonly SdkListedObject[];
    prefixes: readonly string[] | null;
    isTruncated: boolean;
    nextContinuationToken: string | null;
  }>;
  getBucketVersions(query: SdkQuery): Promise<{
    objects: readonly SdkVersion[];
    deleteMarker: readonly SdkVersion[];
    isTruncated: boolean;
    nextKeyMarker: string | null;
    nextVersionIdMarker: string | null;
  }>;
  initMultipartUpload(name: string, options: SdkCallOptions): Promise<{ uploadId: string }>;
  uploadPart(
    name: string,
    uploadId: string,
    partNumber: number,
    body: Buffer,
    start: number,
    end: number,
    options: SdkCallOptions,
  ): Promise<Done & { etag: string }>;
  completeMultipartUpload(
    name: string,
    uploadId: string,
    parts: readonly { number: number; etag: string }[],
    options: SdkCallOptions,
  ): Promise<Done & { etag: string }>;
  abortMultipartUpload(name: string, uploadId: string): Promise<Done>;
  listParts(
    name: string,
    uploadId: string,
    query: SdkQuery,
  ): Promise<{
    parts: SdkParts<{ readonly PartNumber: string; readonly ETag: string }>;
    isTruncated: string;
    nextPartNumberMarker: string;
  }>;
  listUploads(query: SdkQuery): Promise<{
    uploads: readonly { name: string; uploadId: string }[];
    isTruncated: boolean;
    nextKeyMarker: string;
    nextUploadIdMarker: string;
  }>;
}

/** Where a bucket is reached. */
export interface BucketAddress {
  readonly region: string;
  readonly name: string;
  /** `https://oss-cn-hangzhou.aliyuncs.com`, or a loopback address. */
  readonly endpoint: string;
}

/** A client for one bucket and one pair of keys. */
export function buildOssClient(
  address: BucketAddress,
  credentials: CloudCredentials,
  provide: CredentialsProvider,
): OssSdk {
  const { endpoint, isLoopback } = normalise(address.endpoint);
  const options: OSS.Options & { readonly sldEnable?: boolean } = {
    endpoint,
    region: `oss-${address.region}`,
    bucket: address.name,
    accessKeyId: credentials.accessKeyId,
    accessKeySecret: credentials.accessKeySecret,
    authorizationV4: true,
    timeout: REQUEST_TIMEOUT_MS,
    // Path style: `<bucket>.localhost` would have to resolve.
    ...(isLoopback ? { sldEnable: true } : {}),
    ...(credentials.securityToken === undefined
      ? {}
      : {
          stsToken: credentials.securityToken,
          // Never called; without it the SDK warns on the console.
          refreshSTSToken: async () => {
            const fresh = provide();
            return { ...fresh, stsToken: fresh.securityToken ?? '' };
          },
          refreshSTSTokenInterval: NEVER_MS,
        }),
  };
  const client: unknown = new OSS(options);
  if (isOssSdk(client)) return client;
  throw new TypeError('ali-oss lacks the calls that the adapter makes');
}

/** By IP address the SDK would forge the Host header and cannot build URLs: `localhost` it is. */
function normalise(endpoint: string): { endpoint: string; isLoopback: boolean } {
  const url = new URL(endpoint);
  if (url.hostname === '127.0.0.1') url.hostname = 'localhost';
  return { endpoint: url.origin, isLoopback: url.hostname === 'localhost' };
}

function isOssSdk(client: unknown): client is OssSdk {
  return client instanceof OSS && 'getBucketVersions' in client;
}
