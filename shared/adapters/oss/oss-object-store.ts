/** ObjectStore over OSS: one bucket, through ali-oss with V4 signatures. */
import { AlreadyExistsError, BackupCentreError, UnavailableError } from '../../domain/errors.ts';
import type {
  BucketInfo,
  ObjectInfo,
  ObjectPage,
  ObjectStore,
  ObjectStores,
  PutOptions,
  UploadedPart,
} from '../../ports/object-store.ts';
import type { Pacing } from '../bounded-retry.ts';
import type { CredentialsProvider } from '../credentials.ts';
import { readBucketInfo } from './bucket-facts.ts';
import { MultipartUploads } from './multipart-uploads.ts';
import { contentMd5, hasContent, infoFromHeaders, plainEtag } from './object-info.ts';
import { removeObjects } from './object-removal.ts';
import { OssCalls } from './oss-calls.ts';
import { ossCode, ossStatus } from './oss-errors.ts';
import type { BucketAddress, SdkCallOptions } from './oss-sdk.ts';
import { type OpenedStream, readResuming } from './resuming-read.ts';
import { asBuffer, WriteRules } from './write-rules.ts';

/** Keys of one list reply (OSS limit). */
const PAGE_MAX = 1000;
/** Retention policies count in days. */
const DAY_MS = 86_400_000;

/** ObjectStore over one OSS bucket. */
export class OssObjectStore implements ObjectStore {
  readonly bucket: string;
  private readonly calls: OssCalls;
  private readonly rules: WriteRules;
  private readonly uploads: MultipartUploads;

  constructor(address: BucketAddress, credentials: CredentialsProvider, pacing: Pacing) {
    this.bucket = address.name;
    this.calls = new OssCalls(address, credentials, pacing);
    this.rules = new WriteRules(this.calls, async () => await this.bucketInfo());
    this.uploads = new MultipartUploads(this.calls, this.rules);
  }

  async put(key: string, body: Uint8Array, options: PutOptions = {}): Promise<ObjectInfo> {
    await this.rules.refuseIfPresent(key, options);
    const headers = {
      ...(await this.rules.headers(options)),
      'Content-MD5': contentMd5(body),
    };
    return await this.calls.guarded(
      `write ${key}`,
      async (sdk) => {
        const mime = this.rules.mimeOf(options);
        const { res } = await sdk.put(key, asBuffer(body), { headers: { ...headers }, mime });
        return infoFromHeaders(key, res.headers, body.length);
      },
      async (error, wasUnclear) => {
        if (error instanceof AlreadyExistsError && wasUnclear) {
          // An attempt of ours got no reply: the same bytes there are its work.
          const there = await this.rules.headersOf(key);
          if (there !== undefined && hasContent(there, body)) {
            return infoFromHeaders(key, there, body.length);
          }
        }
        throw await this.rules.withPresent(key, error);
      },
    );
  }

  async get(
    key: string,
    options: {
      readonly offset?: number;
      readonly length?: number;
      readonly versionId?: string;
    } = {},
  ): Promise<Uint8Array> {
    const range = rangeHeaders(options.offset ?? 0, options.length);
    const call: SdkCallOptions = {
      ...(range === undefined ? {} : { headers: range }),
      ...(options.versionId === undefined ? {} : { versionId: options.versionId }),
    };
    return await this.calls.repeat(`read ${key}`, async (sdk) => {
      try {
        const { content, res } = await sdk.get(key, { ...call, headers: { ...call.headers } });
        const announced = Number(res.headers['content-length'] ?? content.length);
        if (content.length === announced) return content.subarray(0, options.length);
        throw this.cutShort(key, content.length, announced);
      } catch (error) {
        if (isBeyondEnd(error)) return new Uint8Array(0);
        throw error;
      }
    });
  }

  async read(
    key: string,
    options: { readonly offset?: number } = {},
  ): Promise<AsyncIterable<Uint8Array>> {
    const offset = options.offset ?? 0;
    const open = async (at: number, etag: string | undefined) => await this.open(key, at, etag);
    const first = await open(offset, undefined);
    if (first === undefined) return noBytes();
    return readResuming(this.calls.describe(`read ${key}`), first, offset, async (at, etag) => {
      const stream = await open(at, etag);
      if (stream !== undefined) return stream;
      throw this.cutShort(key, at, offset + first.lengthBytes);
    });
  }

  async head(key: string): Promise<ObjectInfo | undefined> {
    const headers = await this.rules.headersOf(key);
    return headers === undefined
      ? undefined
      : infoFromHeaders(key, headers, Number(headers['content-length']));
  }

  async list(
    prefix: string,
    options: { readonly next?: string; readonly limit?: number; readonly delimiter?: string } = {},
  ): Promise<ObjectPage> {
    const query = {
      // An empty one is left out: the SDK signs it unlike it sends it.
      ...(prefix === '' ? {} : { prefix }),
      'max-keys': Math.min(options.limit ?? PAGE_MAX, PAGE_MAX),
      'encoding-type': 'url',
      ...(options.delimiter === undefined ? {} : { delimiter: options.delimiter }),
      ...(options.next === undefined ? {} : { 'continuation-token': options.next }),
    };
    const reply = await this.calls.repeat(`list '${prefix}'`, async (sdk) =>
      sdk.listV2({ ...query }),
    );
    return {
      objects: reply.objects.map((object) => ({
        key: decodeURIComponent(object.name),
        sizeBytes: object.size,
        etag: plainEtag(object.etag),
        modifiedAtMs: Date.parse(object.lastModified),
      })),
      prefixes: (reply.prefixes ?? []).map((name) => decodeURIComponent(name)),
      ...(reply.isTruncated && reply.nextContinuationToken !== null
        ? { next: reply.nextContinuationToken }
        : {}),
    };
  }

  async remove(keys: readonly string[]): Promise<void> {
    if (keys.length === 0) return;
    await removeObjects(this.calls, keys, await this.rules.overwritesSilently());
  }

  async startUpload(key: string, options: PutOptions = {}): Promise<string> {
    return await this.uploads.start(key, options);
  }

  async uploadPart(
    key: string,
    uploadId: string,
    number: number,
    body: Uint8Array,
  ): Promise<UploadedPart> {
    return await this.uploads.uploadPart(key, uploadId, number, body);
  }

  async listParts(key: string, uploadId: string): Promise<readonly UploadedPart[]> {
    return await this.uploads.listParts(key, uploadId);
  }

  async completeUpload(
    key: string,
    uploadId: string,
    parts: readonly UploadedPart[],
    options: PutOptions = {},
  ): Promise<ObjectInfo> {
    return await this.uploads.complete(key, uploadId, parts, options);
  }

  async abortUpload(key: string, uploadId: string): Promise<void> {
    await this.uploads.abort(key, uploadId);
  }

  async listUploads(
    prefix: string,
  ): Promise<readonly { readonly key: string; readonly uploadId: string }[]> {
    return await this.uploads.list(prefix);
  }

  async retainedUntil(key: string): Promise<number | undefined> {
    const info = await this.head(key);
    if (info === undefined) return undefined;
    const days = await this.calls.guarded(
      'read the retention policy',
      async (sdk) => Number((await sdk.getBucketWorm(this.bucket)).days),
      // No policy, or no right to read it: what needs to know goes on without.
      async () => undefined,
    );
    return days === undefined ? undefined : info.modifiedAtMs + days * DAY_MS;
  }

  async bucketInfo(): Promise<BucketInfo> {
    const reply = await this.calls.repeat('describe the facts', async (sdk) =>
      sdk.getBucketInfo(this.bucket),
    );
    const info = readBucketInfo(reply.bucket);
    this.rules.learn(info);
    return info;
  }

  /** The object from `offset` on; undefined where that is at or beyond its end. */
  private async open(
    key: string,
    offset: number,
    etag: string | undefined,
  ): Promise<OpenedStream | undefined> {
    const headers = {
      ...rangeHeaders(offset, undefined),
      ...(etag === undefined ? {} : { 'If-Match': `"${etag}"` }),
    };
    return await this.calls.repeat(`read ${key}`, async (sdk) => {
      try {
        const { stream, res } = await sdk.getStream(key, { headers: { ...headers } });
        return {
          stream,
          etag: plainEtag(res.headers.etag),
          lengthBytes: Number(res.headers['content-length']),
        };
      } catch (error) {
        if (isBeyondEnd(error)) return undefined;
        if (ossCode(error) !== 'PreconditionFailed') throw error;
        throw new BackupCentreError(
          'bundle_invalid',
          `Cannot ${this.calls.describe(`read ${key}`)}: it was replaced while being read`,
        );
      }
    });
  }

  private cutShort(key: string, read: number, announced: number): UnavailableError {
    return new UnavailableError(
      'bucket_unavailable',
      `Cannot ${this.calls.describe(`read ${key}`)}: the reply ended at byte ${read} of ${announced}`,
    );
  }
}

/** Opens buckets of any region. */
export class OssObjectStores implements ObjectStores {
  private readonly endpointOf: (region: string) => string;
  private readonly credentials: CredentialsProvider;
  private readonly pacing: Pacing;
  private readonly stores = new Map<string, OssObjectStore>();

  /** `endpointOf`: where a region's OSS is reached, e.g. `https://oss-<region>.aliyuncs.com`. */
  constructor(
    endpointOf: (region: string) => string,
    credentials: CredentialsProvider,
    pacing: Pacing,
  ) {
    this.endpointOf = endpointOf;
    this.credentials = credentials;
    this.pacing = pacing;
  }

  open(bucket: { readonly region: string; readonly name: string }): ObjectStore {
    const id = `${bucket.region}/${bucket.name}`;
    const held = this.stores.get(id);
    if (held !== undefined) return held;
    const address = { ...bucket, endpoint: this.endpointOf(bucket.region) };
    const store = new OssObjectStore(address, this.credentials, this.pacing);
    this.stores.set(id, store);
    return store;
  }
}

/**
 * Without the second header OSS answers a range outside the object with the whole object.
 * @see https://help.aliyun.com/en/oss/developer-reference/getobject (Range), read through D16
 */
function rangeHeaders(
  offset: number,
  length: number | undefined,
): Record<string, string> | undefined {
  if (offset === 0 && length === undefined) return undefined;
  const last = length === undefined ? '' : String(offset + Math.max(1, length) - 1);
  return { Range: `bytes=${offset}-${last}`, 'x-oss-range-behavior': 'standard' };
}

/** By status: the SDK does not read the code of a refused stream. */
function isBeyondEnd(error: unknown): boolean {
  return ossStatus(error) === 416;
}

async function* noBytes(): AsyncGenerator<Uint8Array> {
  // An object that ends before the offset.
}
