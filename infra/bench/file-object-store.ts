/**
 * An object store on the local disk, in this process: cheap (no HTTP, no signature, no checksum) and
 * honest (every byte is written and can be read back), so that a capture's time is the capture's own
 * and its memory holds no archive. Counts what is read, for the figures about reading.
 */
import { createReadStream } from 'node:fs';
import { mkdir, open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AlreadyExistsError, NotFoundError } from '../../shared/domain/errors.ts';
import type {
  BucketInfo,
  ObjectInfo,
  ObjectPage,
  ObjectStore,
  ObjectStores,
  PutOptions,
  UploadedPart,
} from '../../shared/ports/object-store.ts';

interface Segment {
  readonly path: string;
  readonly sizeBytes: number;
}

interface StoredFile {
  readonly info: ObjectInfo;
  readonly segments: readonly Segment[];
}

/** One bucket in a folder. */
export class FileObjectStore implements ObjectStore {
  readonly bucket: string;
  /** GETs with a range, GETs without, and the bytes of both since `resetReads`. */
  reads = { ranged: 0, whole: 0, bytes: 0 };
  private readonly dir: string;
  private readonly files = new Map<string, StoredFile>();
  private readonly uploads = new Map<string, { key: string; parts: Map<number, Segment> }>();
  private counter = 0;

  constructor(dir: string, bucket: string) {
    this.dir = join(dir, bucket);
    this.bucket = bucket;
  }

  resetReads(): void {
    this.reads = { ranged: 0, whole: 0, bytes: 0 };
  }

  async put(key: string, body: Uint8Array, options: PutOptions = {}): Promise<ObjectInfo> {
    this.refuseOverwrite(key, options);
    return this.keep(key, [await this.writeSegment(body)]);
  }

  async get(key: string, options: { offset?: number; length?: number } = {}): Promise<Uint8Array> {
    const { segments, info } = this.mustFind(key);
    const offset = options.offset ?? 0;
    const end = Math.min(info.sizeBytes, offset + (options.length ?? info.sizeBytes));
    if (options.offset === undefined && options.length === undefined) this.reads.whole += 1;
    else this.reads.ranged += 1;
    const bytes = Buffer.alloc(Math.max(0, end - offset));
    let segmentFrom = 0;
    for (const { path, sizeBytes } of segments) {
      const from = Math.max(offset, segmentFrom);
      const to = Math.min(end, segmentFrom + sizeBytes);
      if (from < to) {
        const file = await open(path);
        try {
          await file.read(bytes, from - offset, to - from, from - segmentFrom);
        } finally {
          await file.close();
        }
      }
      segmentFrom += sizeBytes;
    }
    this.reads.bytes += bytes.length;
    return bytes;
  }

  async read(key: string, options: { offset?: number } = {}): Promise<AsyncIterable<Uint8Array>> {
    await Promise.resolve();
    return streamOf(this.mustFind(key).segments, options.offset ?? 0);
  }

  async head(key: string): Promise<ObjectInfo | undefined> {
    await Promise.resolve();
    return this.files.get(key)?.info;
  }

  async list(
    prefix: string,
    options: { next?: string; limit?: number; delimiter?: string } = {},
  ): Promise<ObjectPage> {
    await Promise.resolve();
    const { next = '', limit = 1000, delimiter } = options;
    const entries = new Set<string>();
    for (const key of this.files.keys()) {
      if (!key.startsWith(prefix)) continue;
      const cut = delimiter === undefined ? -1 : key.indexOf(delimiter, prefix.length);
      entries.add(cut < 0 ? key : key.slice(0, cut + 1));
    }
    const after = [...entries].filter((entry) => entry > next).sort();
    const page = after.slice(0, limit);
    const last = page.at(-1);
    return {
      objects: page.flatMap((entry) => this.files.get(entry)?.info ?? []),
      prefixes: page.filter((entry) => !this.files.has(entry)),
      ...(after.length > limit && last !== undefined ? { next: last } : {}),
    };
  }

  async remove(keys: readonly string[]): Promise<void> {
    await Promise.resolve();
    for (const key of keys) this.files.delete(key);
  }

  async retainedUntil(): Promise<undefined> {
    await Promise.resolve();
  }

  async startUpload(key: string, options: PutOptions = {}): Promise<string> {
    await Promise.resolve();
    this.refuseOverwrite(key, options);
    this.counter += 1;
    const uploadId = `upload-${this.counter}`;
    this.uploads.set(uploadId, { key, parts: new Map() });
    return uploadId;
  }

  async uploadPart(
    _key: string,
    uploadId: string,
    number: number,
    body: Uint8Array,
  ): Promise<UploadedPart> {
    const { parts } = this.mustFindUpload(uploadId);
    parts.set(number, await this.writeSegment(body));
    return { number, etag: `${uploadId}-${number}` };
  }

  async listParts(_key: string, uploadId: string): Promise<readonly UploadedPart[]> {
    await Promise.resolve();
    const { parts } = this.mustFindUpload(uploadId);
    return [...parts.keys()].map((number) => ({ number, etag: `${uploadId}-${number}` }));
  }

  async completeUpload(
    key: string,
    uploadId: string,
    parts: readonly UploadedPart[],
    options: PutOptions = {},
  ): Promise<ObjectInfo> {
    await Promise.resolve();
    this.refuseOverwrite(key, options);
    const upload = this.mustFindUpload(uploadId);
    const segments = parts.flatMap((part) => upload.parts.get(part.number) ?? []);
    this.uploads.delete(uploadId);
    return this.keep(key, segments);
  }

  async abortUpload(_key: string, uploadId: string): Promise<void> {
    await Promise.resolve();
    this.uploads.delete(uploadId);
  }

  async listUploads(prefix: string): Promise<readonly { key: string; uploadId: string }[]> {
    await Promise.resolve();
    return [...this.uploads]
      .filter(([, { key }]) => key.startsWith(prefix))
      .map(([uploadId, { key }]) => ({ key, uploadId }));
  }

  async bucketInfo(): Promise<BucketInfo> {
    await Promise.resolve();
    return {
      region: 'cn-hangzhou',
      storageClass: 'Standard',
      versioning: 'disabled',
      encrypted: false,
    };
  }

  private async writeSegment(body: Uint8Array): Promise<Segment> {
    await mkdir(this.dir, { recursive: true });
    this.counter += 1;
    const path = join(this.dir, String(this.counter));
    await writeFile(path, body);
    return { path, sizeBytes: body.length };
  }

  private keep(key: string, segments: readonly Segment[]): ObjectInfo {
    const sizeBytes = segments.reduce((sum, segment) => sum + segment.sizeBytes, 0);
    const info = { key, sizeBytes, etag: String(this.counter), modifiedAtMs: Date.now() };
    this.files.set(key, { info, segments });
    return info;
  }

  private refuseOverwrite(key: string, options: PutOptions): void {
    if (options.ifAbsent === true && this.files.has(key)) {
      throw new AlreadyExistsError(`Cannot write ${key}: it is there`);
    }
  }

  private mustFind(key: string): StoredFile {
    const file = this.files.get(key);
    if (file === undefined) throw new NotFoundError(`Cannot read ${key}: it is not there`);
    return file;
  }

  private mustFindUpload(uploadId: string) {
    const upload = this.uploads.get(uploadId);
    if (upload === undefined) throw new NotFoundError(`Cannot find upload ${uploadId}`);
    return upload;
  }
}

/** Buckets in folders of `dir`. */
export class FileObjectStores implements ObjectStores {
  private readonly dir: string;
  private readonly stores = new Map<string, FileObjectStore>();

  constructor(dir: string) {
    this.dir = dir;
  }

  open(bucket: { readonly name: string }): FileObjectStore {
    const store = this.stores.get(bucket.name) ?? new FileObjectStore(this.dir, bucket.name);
    this.stores.set(bucket.name, store);
    return store;
  }
}

async function* streamOf(segments: readonly Segment[], offset: number): AsyncGenerator<Uint8Array> {
  let skip = offset;
  for (const { path, sizeBytes } of segments) {
    if (skip < sizeBytes) {
      for await (const chunk of createReadStream(path, { start: skip })) yield chunk as Buffer;
    }
    skip = Math.max(0, skip - sizeBytes);
  }
}
