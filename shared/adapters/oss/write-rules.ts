/**
 * What must hold when something is written. `x-oss-forbid-overwrite` has no effect in a bucket that is
 * or was versioned, so there we look first; two writers at the same moment are then both let through,
 * and names that must be unique are claimed in Tablestore.
 */
import { AlreadyExistsError, type BackupCentreError, NotFoundError } from '../../domain/errors.ts';
import type { BucketInfo, PutOptions } from '../../ports/object-store.ts';
import { plainEtag, type ReplyHeaders } from './object-info.ts';
import type { OssCalls } from './oss-calls.ts';

const DEFAULT_MIME = 'application/octet-stream';

/** Rules of writing into one bucket. */
export class WriteRules {
  private readonly calls: OssCalls;
  private readonly bucketInfo: () => Promise<BucketInfo>;
  private versioned: boolean | undefined;

  constructor(calls: OssCalls, bucketInfo: () => Promise<BucketInfo>) {
    this.calls = calls;
    this.bucketInfo = bucketInfo;
  }

  /** Whether the bucket ignores forbid-overwrite; asked once, and learnt from every later look. */
  async overwritesSilently(): Promise<boolean> {
    return this.versioned ?? this.learn(await this.bucketInfo());
  }

  /** Takes note of the bucket's facts. */
  learn(info: BucketInfo): boolean {
    this.versioned = info.versioning !== 'disabled';
    return this.versioned;
  }

  /** Headers of PutObject, InitiateMultipartUpload and CompleteMultipartUpload. */
  async headers(options: PutOptions): Promise<Record<string, string>> {
    const forbid = options.ifAbsent === true && !(await this.overwritesSilently());
    return {
      ...(forbid ? { 'x-oss-forbid-overwrite': 'true' } : {}),
      ...(options.encrypt === true ? { 'x-oss-server-side-encryption': 'AES256' } : {}),
    };
  }

  mimeOf(options: PutOptions): string {
    return options.contentType ?? DEFAULT_MIME;
  }

  /** @throws AlreadyExistsError for `ifAbsent` in a bucket that would not refuse by itself */
  async refuseIfPresent(key: string, options: PutOptions): Promise<void> {
    if (options.ifAbsent !== true || !(await this.overwritesSilently())) return;
    const headers = await this.headersOf(key);
    if (headers !== undefined) throw this.alreadyExists(key, headers);
  }

  /** The refusal with what is there now; any other error as it is. */
  async withPresent(key: string, error: BackupCentreError): Promise<BackupCentreError> {
    if (!(error instanceof AlreadyExistsError)) return error;
    const headers = await this.headersOf(key);
    return headers === undefined ? error : this.alreadyExists(key, headers);
  }

  /** Headers of HEAD, undefined where there is no such object. */
  async headersOf(key: string): Promise<ReplyHeaders | undefined> {
    return await this.calls.guarded<ReplyHeaders | undefined>(
      `look at ${key}`,
      async (sdk) => (await sdk.head(key)).res.headers,
      async (error) => {
        if (error instanceof NotFoundError) return undefined;
        throw error;
      },
    );
  }

  private alreadyExists(key: string, headers: ReplyHeaders): AlreadyExistsError {
    const etag = plainEtag(headers.etag);
    return new AlreadyExistsError(
      `Cannot ${this.calls.describe(`write ${key}`)}: an object is there already (etag ${etag})`,
      { etag, sizeBytes: Number(headers['content-length']) },
    );
  }
}

/** The same memory as a Buffer. */
export function asBuffer(body: Uint8Array): Buffer {
  return Buffer.from(body.buffer, body.byteOffset, body.byteLength);
}
