import { createReadStream, type Stats } from 'node:fs';
import { lstat, readdir, readFile, readlink } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { FILE_NAME_BYTES_MAX } from '../limits.ts';
import type { FailedItem, PathRules } from '../records.ts';
import type { AddedBlob } from './blob-store.ts';
import type { ManifestEntry } from './manifest.ts';
import { takesPath } from './path-rules.ts';

/** Files up to this size are read at once, larger ones as a stream. */
const SMALL_FILE_BYTES = 1_048_576;

/** What was read of a source. */
export interface Capture {
  readonly entries: readonly ManifestEntry[];
  readonly failed: readonly FailedItem[];
  /** Sockets, pipes and devices, which are not backed up. */
  readonly skipped: number;
}

/** How a source is read. */
export interface CaptureOptions {
  readonly rules: PathRules;
  /** Paths that a test wants to be unreadable. */
  readonly isUnreadable: (path: string) => boolean;
  readonly add: (bytes: AsyncIterable<Buffer>) => Promise<AddedBlob>;
  readonly addSmall: (bytes: Buffer) => Promise<AddedBlob>;
}

/** Objects of buckets, through plain callbacks of the emulator's host. */
export interface BucketAccess {
  /** Undefined when there is no such bucket. */
  list(bucket: string, prefix: string): Promise<readonly string[] | undefined>;
  /** Undefined when there is no such object. */
  get(bucket: string, key: string): Promise<Buffer | undefined>;
  put(bucket: string, key: string, body: Buffer): Promise<void>;
}

/** A path below a root; it cannot leave it. */
export function pathBelow(root: string, path: string): string {
  return join(root, posix.normalize(`/${path}`));
}

/** Reads a directory, or `undefined` when there is none. */
export async function captureDirectory(
  root: string,
  options: CaptureOptions,
): Promise<Capture | undefined> {
  const stats = await lstat(`${root}/`).catch(() => undefined);
  if (stats === undefined || !stats.isDirectory()) return undefined;
  const walk = new DirectoryWalk(root, options);
  await walk.directory('');
  return walk;
}

class DirectoryWalk implements Capture {
  readonly entries: ManifestEntry[] = [];
  readonly failed: FailedItem[] = [];
  skipped = 0;
  private readonly root: string;
  private readonly options: CaptureOptions;

  constructor(root: string, options: CaptureOptions) {
    this.root = root;
    this.options = options;
  }

  async directory(path: string): Promise<void> {
    const names = await this.attempt(path, () => readdir(join(this.root, path)));
    for (const name of (names ?? []).sort()) await this.item(posix.join(path, name));
  }

  private async item(path: string): Promise<void> {
    const full = join(this.root, path);
    const stats = await this.attempt(path, () => lstat(full));
    if (stats === undefined) return;
    const taken = takesPath(this.options.rules, path);
    const attributes = { path, ...attributesOf(stats) };
    if (stats.isDirectory()) {
      if (taken) this.entries.push({ ...attributes, kind: 'directory' });
      await this.directory(path);
      return;
    }
    if (!taken) return;
    if (Buffer.byteLength(posix.basename(path)) > FILE_NAME_BYTES_MAX) {
      this.failed.push({ path, message: `the name is longer than ${FILE_NAME_BYTES_MAX} bytes` });
    } else if (stats.isSymbolicLink()) {
      const target = await this.attempt(path, () => readlink(full));
      if (target !== undefined) this.entries.push({ ...attributes, kind: 'link', target });
    } else if (stats.isFile()) {
      const blob = await this.attempt(path, () => this.read(path, stats.size));
      if (blob !== undefined) this.entries.push({ ...attributes, kind: 'file', ...blob });
    } else {
      this.skipped += 1;
    }
  }

  private async read(path: string, size: number): Promise<AddedBlob> {
    if (this.options.isUnreadable(path)) throw new Error('Access is denied.');
    const full = join(this.root, path);
    if (size <= SMALL_FILE_BYTES) return await this.options.addSmall(await readFile(full));
    const stream: AsyncIterable<Buffer> = createReadStream(full);
    return await this.options.add(stream);
  }

  /** An item that cannot be read is listed, and the job goes on. */
  private async attempt<T>(path: string, read: () => Promise<T>): Promise<T | undefined> {
    try {
      return await read();
    } catch (error) {
      this.failed.push({ path, message: error instanceof Error ? error.message : String(error) });
      return undefined;
    }
  }
}

/** Reads the objects under a prefix, or `undefined` when there is no such bucket. */
export async function captureBucket(
  buckets: BucketAccess,
  place: { readonly bucket: string; readonly prefix: string; readonly atMs: number },
  options: CaptureOptions,
): Promise<Capture | undefined> {
  const keys = await buckets.list(place.bucket, place.prefix);
  if (keys === undefined) return undefined;
  const entries: ManifestEntry[] = [];
  const failed: FailedItem[] = [];
  for (const key of [...keys].sort()) {
    const path = key.slice(place.prefix.length);
    if (!takesPath(options.rules, path)) continue;
    const body = options.isUnreadable(path) ? undefined : await buckets.get(place.bucket, key);
    if (body === undefined) {
      failed.push({ path, message: 'The specified key does not exist.' });
      continue;
    }
    const blob = await options.addSmall(body);
    entries.push({ kind: 'file', path, mode: 0, mtimeMs: place.atMs, uid: 0, gid: 0, ...blob });
  }
  return { entries, failed, skipped: 0 };
}

function attributesOf(stats: Stats): { mode: number; mtimeMs: number; uid: number; gid: number } {
  return { mode: stats.mode & 0o7777, mtimeMs: stats.mtimeMs, uid: stats.uid, gid: stats.gid };
}
