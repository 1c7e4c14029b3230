import { createWriteStream, type Stats } from 'node:fs';
import { chmod, lchown, lstat, mkdir, rename, rm, symlink, utimes } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { ConflictPolicy, FailedItem, PathRules } from '../records.ts';
import type { BlobStore } from './blob-store.ts';
import type { BucketAccess } from './capture.ts';
import type { Manifest, ManifestEntry } from './manifest.ts';
import { takesPath } from './path-rules.ts';

/** What a restore job wrote. */
export interface Restored {
  readonly bytesTotal: number;
  readonly bytesDone: number;
  readonly itemsTotal: number;
  readonly itemsDone: number;
  readonly failed: readonly FailedItem[];
  /** Left alone by the conflict policy. */
  readonly skipped: number;
}

/** What is written, and how. */
export interface RestoreOptions {
  readonly manifest: Manifest;
  readonly blobs: BlobStore;
  readonly policy: ConflictPolicy;
  readonly rules: PathRules;
  readonly isUnwritable: (path: string) => boolean;
  /** Names the files being written, so that a job begun again after a kill leaves none behind. */
  readonly jobId: string;
}

/** Writes a snapshot into a directory; `undefined` when it is not there. */
export async function restoreDirectory(
  target: string,
  options: RestoreOptions,
): Promise<Restored | undefined> {
  const stats = await lstat(`${target}/`).catch(() => undefined);
  if (stats === undefined || !stats.isDirectory()) return undefined;
  const writer = new DirectoryWriter(target, options);
  const tally = new Tally(options);
  for (const entry of tally.entries) await tally.count(entry, () => writer.write(entry));
  await writer.finishDirectories();
  return tally;
}

/** Writes a snapshot into a bucket; `undefined` when there is none. */
export async function restoreBucket(
  buckets: BucketAccess,
  place: { readonly bucket: string; readonly prefix: string },
  options: RestoreOptions,
): Promise<Restored | undefined> {
  const present = await buckets.list(place.bucket, place.prefix);
  if (present === undefined) return undefined;
  const tally = new Tally(options);
  for (const entry of tally.entries) {
    await tally.count(entry, async () => {
      const key = `${place.prefix}${entry.path}`;
      if (entry.kind !== 'file') return false;
      if (options.policy === 'SKIP_THE_FILE' && present.includes(key)) return false;
      const chunks: Buffer[] = [];
      const bytes: AsyncIterable<Buffer> = options.blobs.read(options.manifest.vaultId, entry.hash);
      for await (const chunk of bytes) chunks.push(chunk);
      await buckets.put(place.bucket, key, Buffer.concat(chunks));
      return true;
    });
  }
  return tally;
}

class Tally implements Restored {
  readonly entries: readonly ManifestEntry[];
  readonly bytesTotal: number;
  readonly itemsTotal: number;
  readonly failed: FailedItem[] = [];
  bytesDone = 0;
  itemsDone = 0;
  skipped = 0;
  private readonly options: RestoreOptions;

  constructor(options: RestoreOptions) {
    this.options = options;
    this.entries = options.manifest.entries.filter((e) => takesPath(options.rules, e.path));
    this.itemsTotal = this.entries.filter((e) => e.kind !== 'directory').length;
    this.bytesTotal = this.entries.reduce((sum, e) => sum + sizeOf(e), 0);
  }

  /** Runs one write, which says whether it wrote; a failure is listed, and the job goes on. */
  async count(entry: ManifestEntry, write: () => Promise<boolean>): Promise<void> {
    try {
      if (this.options.isUnwritable(entry.path)) throw new Error('Access is denied.');
      const wrote = await write();
      if (entry.kind === 'directory') return;
      if (!wrote) {
        this.skipped += 1;
        return;
      }
      this.itemsDone += 1;
      this.bytesDone += sizeOf(entry);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      this.failed.push({ path: entry.path, message });
    }
  }
}

function sizeOf(entry: ManifestEntry): number {
  return entry.kind === 'file' ? entry.size : 0;
}

class DirectoryWriter {
  private readonly target: string;
  private readonly options: RestoreOptions;
  private readonly directories: ManifestEntry[] = [];

  constructor(target: string, options: RestoreOptions) {
    this.target = target;
    this.options = options;
  }

  async write(entry: ManifestEntry): Promise<boolean> {
    const path = join(this.target, entry.path);
    await this.ensureParents(entry.path);
    if (entry.kind === 'directory') {
      await this.ensureDirectory(path);
      this.directories.push(entry);
      return true;
    }
    const existing = await lstat(path).catch(() => undefined);
    if (existing !== undefined) {
      if (!this.mayReplace(existing, entry)) return false;
      if (existing.isDirectory()) await rm(path, { recursive: true });
    }
    const part = join(dirname(path), `.${this.options.jobId}.part`);
    await rm(part, { force: true });
    if (entry.kind === 'link') {
      await symlink(entry.target, part);
      await this.giveAway(part, entry);
    } else {
      const bytes = this.options.blobs.read(this.options.manifest.vaultId, entry.hash);
      await pipeline(bytes, createWriteStream(part));
      await this.applyAttributes(part, entry);
    }
    await rename(part, path);
    return true;
  }

  /** Directories get their times last: writing into them changed these. */
  async finishDirectories(): Promise<void> {
    for (const entry of this.directories.reverse()) {
      await this.applyAttributes(join(this.target, entry.path), entry);
    }
  }

  private mayReplace(existing: Stats, entry: ManifestEntry): boolean {
    switch (this.options.policy) {
      case 'OVERWRITE_EXISTING':
        return true;
      case 'SKIP_THE_FILE':
        return false;
      case 'OVERWRITE_OLDER':
        return existing.mtimeMs < entry.mtimeMs;
    }
  }

  /** Parents that the rules left out are made; a link in their place is never followed. */
  private async ensureParents(path: string): Promise<void> {
    const parts = path.split('/').slice(0, -1);
    for (let depth = 1; depth <= parts.length; depth += 1) {
      await this.ensureDirectory(join(this.target, ...parts.slice(0, depth)));
    }
  }

  private async ensureDirectory(path: string): Promise<void> {
    const existing = await lstat(path).catch(() => undefined);
    if (existing?.isDirectory() === true) return;
    if (existing !== undefined) {
      if (this.options.policy !== 'OVERWRITE_EXISTING') throw new Error('Not a directory.');
      await rm(path);
    }
    await mkdir(path);
  }

  private async applyAttributes(path: string, entry: ManifestEntry): Promise<void> {
    await this.giveAway(path, entry);
    await chmod(path, entry.mode);
    await utimes(path, entry.mtimeMs / 1000, entry.mtimeMs / 1000);
  }

  /** Only root may give files away; elsewhere the emulator's user owns what is restored. */
  private async giveAway(path: string, entry: ManifestEntry): Promise<void> {
    if (process.getuid?.() === 0) await lchown(path, entry.uid, entry.gid);
  }
}
