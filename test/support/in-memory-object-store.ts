import { createHash } from 'node:crypto';
import {
  AlreadyExistsError,
  BackupCentreError,
  NotFoundError,
} from '../../shared/domain/errors.ts';
import type {
  BucketInfo,
  ObjectInfo,
  ObjectPage,
  ObjectStore,
  ObjectStores,
  PutOptions,
  UploadedPart,
} from '../../shared/ports/object-store.ts';
import { type Intercept, passThrough } from './interception.ts';

/** OSS: a part but the last has at least this many bytes. */
const PART_BYTES_MIN = 100 * 1024;
/** Keys per page of a list at most. */
const PAGE_MAX = 1000;
/** Bytes per chunk of a streamed read. */
const CHUNK_BYTES = 64 * 1024;

interface StoredObject {
  readonly info: ObjectInfo;
  readonly body: Uint8Array;
  readonly encrypted: boolean;
  /** The upload that made it, if one did. */
  readonly uploadId?: string;
}

interface Upload {
  readonly key: string;
  readonly encrypt: boolean;
  readonly parts: Map<number, { readonly body: Uint8Array; readonly etag: string }>;
}

/** Facts of a double's bucket; a test may change them. */
export interface InMemoryBucket {
  region: string;
  storageClass: string;
  versioning: BucketInfo['versioning'];
  encrypted: boolean;
  /** Objects cannot be removed or replaced for this long after they were written, ms. */
  retentionMs: number;
  /** Whether the bucket is there at all. */
  exists: boolean;
}

/** ObjectStore over maps: versions, multipart uploads, forbid-overwrite and retention included. */
export class InMemoryObjectStore implements ObjectStore {
  readonly bucket: string;
  readonly facts: InMemoryBucket;
  /** Replace to see, refuse or lose calls. */
  intercept: Intercept = passThrough;
  private readonly now: () => number;
  /** Versions by key, oldest first; an unversioned bucket keeps one. */
  private readonly objects = new Map<string, StoredObject[]>();
  private readonly uploads = new Map<string, Upload>();
  private counter = 0;

  constructor(
    bucket = 'bucket',
    options: Partial<InMemoryBucket> & { readonly now?: () => number } = {},
  ) {
    const { now, ...facts } = options;
    this.bucket = bucket;
    this.now = now ?? Date.now;
    this.facts = {
      region: 'cn-hangzhou',
      storageClass: 'Standard',
      versioning: 'disabled',
      encrypted: false,
      retentionMs: 0,
      exists: true,
      ...facts,
    };
  }

  put(key: string, body: Uint8Array, options: PutOptions = {}): Promise<ObjectInfo> {
    const bytes = Uint8Array.from(body);
    return this.call('put', key, async () => {
      this.refuseOverwrite(key, options);
      return this.store(key, bytes, md5(bytes), options.encrypt ?? false);
    });
  }

  get(
    key: string,
    options: {
      readonly offset?: number;
      readonly length?: number;
      readonly versionId?: string;
    } = {},
  ): Promise<Uint8Array> {
    return this.call('get', key, async () => {
      const { body } = this.mustFind(key, options.versionId);
      const offset = options.offset ?? 0;
      return body.slice(offset, options.length === undefined ? undefined : offset + options.length);
    });
  }

  read(
    key: string,
    options: { readonly offset?: number } = {},
  ): Promise<AsyncIterable<Uint8Array>> {
    return this.call('read', key, async () => {
      const { body } = this.mustFind(key);
      return chunksOf(body, options.offset ?? 0);
    });
  }

  head(key: string): Promise<ObjectInfo | undefined> {
    return this.call('head', key, async () => this.objects.get(key)?.at(-1)?.info);
  }

  list(
    prefix: string,
    options: { readonly next?: string; readonly limit?: number; readonly delimiter?: string } = {},
  ): Promise<ObjectPage> {
    return this.call('list', prefix, async () => {
      const limit = Math.min(options.limit ?? PAGE_MAX, PAGE_MAX);
      const { delimiter } = options;
      const entries = new Map<string, ObjectInfo | undefined>();
      const keys = [...this.objects.keys()].filter((k) => k.startsWith(prefix)).sort(byBytes);
      for (const key of keys) {
        const end = delimiter === undefined ? -1 : key.indexOf(delimiter, prefix.length);
        if (end >= 0) entries.set(key.slice(0, end + (delimiter ?? '').length), undefined);
        else entries.set(key, this.objects.get(key)?.at(-1)?.info);
      }
      const after = options.next;
      const names = [...entries.keys()].filter((n) => after === undefined || byBytes(n, after) > 0);
      const page = names.slice(0, limit);
      const last = page.at(-1);
      const infos = page.map((name) => ({ name, info: entries.get(name) }));
      return {
        objects: infos.flatMap((e) => (e.info === undefined ? [] : [e.info])),
        prefixes: infos.flatMap((e) => (e.info === undefined ? [e.name] : [])),
        ...(names.length > page.length && last !== undefined ? { next: last } : {}),
      };
    });
  }

  remove(keys: readonly string[]): Promise<void> {
    return this.call('remove', keys.join(','), async () => {
      for (const key of keys) {
        this.refuseIfRetained(key, `remove ${this.bucket}/${key}`);
        this.objects.delete(key);
      }
    });
  }

  retainedUntil(key: string): Promise<number | undefined> {
    return this.call('retainedUntil', key, async () => {
      const { retentionMs } = this.facts;
      const info = this.objects.get(key)?.at(-1)?.info;
      return info === undefined || retentionMs === 0 ? undefined : info.modifiedAtMs + retentionMs;
    });
  }

  startUpload(key: string, options: PutOptions = {}): Promise<string> {
    return this.call('startUpload', key, async () => {
      this.refuseOverwrite(key, options);
      this.counter += 1;
      const id = `upload-${String(this.counter).padStart(6, '0')}`;
      this.uploads.set(id, { key, encrypt: options.encrypt ?? false, parts: new Map() });
      return id;
    });
  }

  uploadPart(
    key: string,
    uploadId: string,
    number: number,
    body: Uint8Array,
  ): Promise<UploadedPart> {
    const bytes = Uint8Array.from(body);
    return this.call('uploadPart', key, async () => {
      const etag = md5(bytes);
      this.mustFindUpload(key, uploadId).parts.set(number, { body: bytes, etag });
      return { number, etag };
    });
  }

  listParts(key: string, uploadId: string): Promise<readonly UploadedPart[]> {
    return this.call('listParts', key, async () =>
      [...this.mustFindUpload(key, uploadId).parts]
        .map(([number, part]) => ({ number, etag: part.etag }))
        .sort((a, b) => a.number - b.number),
    );
  }

  completeUpload(
    key: string,
    uploadId: string,
    parts: readonly UploadedPart[],
    options: PutOptions = {},
  ): Promise<ObjectInfo> {
    return this.call('completeUpload', key, async () => {
      const etag = multipartEtag(parts);
      const there = this.objects.get(key)?.at(-1);
      if (there?.uploadId === uploadId) return there.info;
      const upload = this.mustFindUpload(key, uploadId);
      const bodies = parts.map((part, index) => {
        const held = upload.parts.get(part.number);
        const small = index < parts.length - 1 && (held?.body.length ?? 0) < PART_BYTES_MIN;
        if (held === undefined || held.etag !== part.etag || small) {
          const found = held === undefined ? 'no part' : `etag ${held.etag}, ${held.body.length} B`;
          throw new BackupCentreError(
            'bundle_invalid',
            `Cannot complete upload ${uploadId} of ${this.bucket}/${key}: part ${part.number} ` +
              `(etag ${part.etag}) is refused, the service holds ${found}`,
          );
        }
        return held.body;
      });
      this.refuseOverwrite(key, options);
      this.uploads.delete(uploadId);
      return this.store(key, Buffer.concat(bodies), etag, upload.encrypt, uploadId);
    });
  }

  abortUpload(key: string, uploadId: string): Promise<void> {
    return this.call('abortUpload', key, async () => {
      this.uploads.delete(uploadId);
    });
  }

  listUploads(
    prefix: string,
  ): Promise<readonly { readonly key: string; readonly uploadId: string }[]> {
    return this.call('listUploads', prefix, async () =>
      [...this.uploads]
        .filter(([, upload]) => upload.key.startsWith(prefix))
        .map(([uploadId, upload]) => ({ key: upload.key, uploadId }))
        .sort((a, b) => byBytes(a.key, b.key)),
    );
  }

  bucketInfo(): Promise<BucketInfo> {
    return this.call('bucketInfo', this.bucket, async () => ({
      region: this.facts.region,
      storageClass: this.facts.storageClass,
      versioning: this.facts.versioning,
      encrypted: this.facts.encrypted,
    }));
  }

  /** Keys of all current objects, sorted: for assertions. */
  keys(): string[] {
    return [...this.objects.keys()].sort(byBytes);
  }

  /** Whether the object was written with server-side encryption asked for. */
  isEncrypted(key: string): boolean {
    return this.mustFind(key).encrypted;
  }

  private async call<T>(method: string, subject: string, proceed: () => Promise<T>): Promise<T> {
    return await this.intercept({ method, subject }, async () => {
      if (!this.facts.exists) {
        throw new BackupCentreError(
          'bucket_unavailable',
          `Cannot ${method} ${subject} in bucket ${this.bucket}: NoSuchBucket`,
          { details: { bucketGone: true } },
        );
      }
      return await proceed();
    });
  }

  private store(
    key: string,
    body: Uint8Array,
    etag: string,
    encrypted: boolean,
    uploadId?: string,
  ): ObjectInfo {
    this.refuseIfRetained(key, `replace ${this.bucket}/${key}`);
    this.counter += 1;
    const versioned = this.facts.versioning === 'enabled';
    const info: ObjectInfo = {
      key,
      sizeBytes: body.length,
      etag,
      modifiedAtMs: this.now(),
      ...(versioned ? { versionId: `v${String(this.counter).padStart(8, '0')}` } : {}),
    };
    const older = versioned ? (this.objects.get(key) ?? []) : [];
    const made = uploadId === undefined ? {} : { uploadId };
    this.objects.set(key, [...older, { info, body, encrypted, ...made }]);
    return info;
  }

  private refuseOverwrite(key: string, options: PutOptions): void {
    const there = this.objects.get(key)?.at(-1)?.info;
    if (options.ifAbsent !== true || there === undefined) return;
    throw new AlreadyExistsError(
      `Cannot write ${this.bucket}/${key}: an object is there already (etag ${there.etag})`,
      { etag: there.etag, sizeBytes: there.sizeBytes },
    );
  }

  private refuseIfRetained(key: string, attempt: string): void {
    if (this.facts.retentionMs === 0) return;
    const until = (this.objects.get(key) ?? []).map(
      (o) => o.info.modifiedAtMs + this.facts.retentionMs,
    );
    if (until.every((ms) => ms <= this.now())) return;
    throw new BackupCentreError(
      'file_immutable',
      `Cannot ${attempt}: FileImmutable: the object is immutable`,
    );
  }

  private mustFind(key: string, versionId?: string): StoredObject {
    const versions = this.objects.get(key) ?? [];
    const found =
      versionId === undefined
        ? versions.at(-1)
        : versions.find((o) => o.info.versionId === versionId);
    if (found === undefined) {
      throw new NotFoundError(`Cannot read ${this.bucket}/${key}: there is no such object`);
    }
    return found;
  }

  private mustFindUpload(key: string, uploadId: string): Upload {
    const upload = this.uploads.get(uploadId);
    if (upload === undefined || upload.key !== key) {
      throw new NotFoundError(`Upload ${uploadId} of ${this.bucket}/${key} does not exist`);
    }
    return upload;
  }
}

/** Buckets by name, each made at first use. */
export class InMemoryObjectStores implements ObjectStores {
  private readonly stores = new Map<string, InMemoryObjectStore>();
  private readonly now: () => number;

  constructor(now: () => number = Date.now) {
    this.now = now;
  }

  open(bucket: { readonly region: string; readonly name: string }): InMemoryObjectStore {
    const store =
      this.stores.get(bucket.name) ??
      new InMemoryObjectStore(bucket.name, { region: bucket.region, now: this.now });
    this.stores.set(bucket.name, store);
    return store;
  }
}

async function* chunksOf(body: Uint8Array, offset: number): AsyncIterable<Uint8Array> {
  for (let at = offset; at < body.length; at += CHUNK_BYTES) {
    yield body.slice(at, at + CHUNK_BYTES);
  }
}

function md5(bytes: Uint8Array): string {
  return createHash('md5').update(bytes).digest('hex').toUpperCase();
}

function multipartEtag(parts: readonly UploadedPart[]): string {
  const sums = Buffer.concat(parts.map((p) => Buffer.from(p.etag, 'hex')));
  return `${md5(sums)}-${parts.length}`;
}

function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
