/**
 * Objects in one bucket. Contract for every method: `UnavailableError('bucket_unavailable')`,
 * `ThrottledError` or `BackupCentreError('credentials_expired')` where the temporary keys ended (all
 * retryable) after the adapter's own bounded retries;
 * `BackupCentreError('bucket_unavailable', retryable: false)` where the bucket is gone or refused,
 * with the vendor's words in the message and, where it is gone, the detail `bucketGone: true`.
 */

/** What HEAD and lists tell of an object. */
export interface ObjectInfo {
  readonly key: string;
  readonly sizeBytes: number;
  readonly etag: string;
  readonly modifiedAtMs: number;
  readonly versionId?: string;
}

/** Facts of the bucket that decide whether a vault may live there. */
export interface BucketInfo {
  readonly region: string;
  /** `Standard`, `IA`, `Archive`, ... */
  readonly storageClass: string;
  readonly versioning: 'disabled' | 'enabled' | 'suspended';
  /** Whether the bucket encrypts by default. */
  readonly encrypted: boolean;
}

/** One finished part of an upload. */
export interface UploadedPart {
  readonly number: number;
  readonly etag: string;
}

/** How an object is written. */
export interface PutOptions {
  /**
   * Refuse to replace an object: AlreadyExistsError, with its `etag` and `sizeBytes` as details. In a
   * versioned bucket the vendor's header has no effect, so the adapter looks first (HEAD).
   */
  readonly ifAbsent?: boolean;
  readonly contentType?: string;
  /** Ask for server-side encryption AES256 (the bucket has no default). */
  readonly encrypt?: boolean;
}

/** A page of a listing, in key order; `next` continues it. */
export interface ObjectPage {
  readonly objects: readonly ObjectInfo[];
  /** Common prefixes, where a delimiter was given. */
  readonly prefixes: readonly string[];
  readonly next?: string;
}

/** Objects of one bucket. */
export interface ObjectStore {
  readonly bucket: string;
  put(key: string, body: Uint8Array, options?: PutOptions): Promise<ObjectInfo>;
  /** Whole object, or the range. @throws NotFoundError */
  get(
    key: string,
    options?: { readonly offset?: number; readonly length?: number; readonly versionId?: string },
  ): Promise<Uint8Array>;
  /** The object as a stream of chunks, from `offset`. @throws NotFoundError */
  read(key: string, options?: { readonly offset?: number }): Promise<AsyncIterable<Uint8Array>>;
  head(key: string): Promise<ObjectInfo | undefined>;
  list(
    prefix: string,
    options?: { readonly next?: string; readonly limit?: number; readonly delimiter?: string },
  ): Promise<ObjectPage>;
  /** Absent keys count as removed. @throws BackupCentreError `file_immutable` under WORM */
  remove(keys: readonly string[]): Promise<void>;
  /**
   * When the bucket's retention policy lets go of an object, ms since the epoch; undefined where there is
   * no object, no policy, or no right to read it.
   */
  retainedUntil(key: string): Promise<number | undefined>;
  startUpload(key: string, options?: PutOptions): Promise<string>;
  /** Parts are 1 to 10,000 and at least 100 KiB, except the last; the same number replaces. */
  uploadPart(
    key: string,
    uploadId: string,
    number: number,
    body: Uint8Array,
  ): Promise<UploadedPart>;
  /** Parts the service holds for this upload. @throws NotFoundError when the upload is gone */
  listParts(key: string, uploadId: string): Promise<readonly UploadedPart[]>;
  /**
   * Makes the object visible. Repeating it after success is fine: the object that this upload made counts.
   * @throws AlreadyExistsError with `ifAbsent`; NotFoundError when the upload is gone;
   * BackupCentreError `bundle_invalid` when a part differs from what the service holds
   */
  completeUpload(
    key: string,
    uploadId: string,
    parts: readonly UploadedPart[],
    options?: PutOptions,
  ): Promise<ObjectInfo>;
  /** An unknown upload counts as aborted. */
  abortUpload(key: string, uploadId: string): Promise<void>;
  listUploads(
    prefix: string,
  ): Promise<readonly { readonly key: string; readonly uploadId: string }[]>;
  /** @throws BackupCentreError `bucket_unavailable` (not retryable) where it does not exist or is refused */
  bucketInfo(): Promise<BucketInfo>;
}

/** Opens buckets; cheap, does no request. */
export interface ObjectStores {
  open(bucket: { readonly region: string; readonly name: string }): ObjectStore;
}
