/**
 * The bytes of disks and snapshots, a directory each. A directory appears whole under its name or
 * not at all: it is filled elsewhere on the same file system and renamed.
 */
import { randomUUID } from 'node:crypto';
import { constants, existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import {
  chmod,
  copyFile,
  lstat,
  mkdir,
  readdir,
  readlink,
  rm,
  symlink,
  utimes,
} from 'node:fs/promises';
import { join } from 'node:path';

/** The directories of one kind of resource, named by id. */
export class ByteDirectories {
  private readonly dir: string;
  /** Beside it: what is not whole yet, or not any more. */
  private readonly partial: string;

  constructor(dir: string) {
    this.dir = dir;
    this.partial = `${dir}.partial`;
    mkdirSync(this.dir, { recursive: true });
    mkdirSync(this.partial, { recursive: true });
  }

  path(id: string): string {
    return join(this.dir, id);
  }

  /** Makes `id` empty, or a copy of `source`. Returns the bytes of its files. */
  async create(id: string, source?: string): Promise<number> {
    const filled = join(this.partial, randomUUID());
    await mkdir(filled);
    const sizeBytes = source === undefined ? 0 : await copyTree(source, filled);
    renameSync(filled, this.path(id));
    return sizeBytes;
  }

  /** Puts a copy of `source` in the place of what `id` holds; done again, it ends the same. */
  async replace(id: string, source: string): Promise<void> {
    const filled = join(this.partial, randomUUID());
    await mkdir(filled);
    await copyTree(source, filled);
    const old = join(this.partial, randomUUID());
    if (existsSync(this.path(id))) renameSync(this.path(id), old);
    renameSync(filled, this.path(id));
    await rm(old, { recursive: true, force: true });
  }

  /** Removes `id`; at once out of sight, as a removal that is cut short must not leave half. */
  async remove(id: string): Promise<void> {
    if (!existsSync(this.path(id))) return;
    const old = join(this.partial, randomUUID());
    renameSync(this.path(id), old);
    await rm(old, { recursive: true, force: true });
  }

  /** Removes what a killed process left: partial directories, and whole ones that no record names. */
  sweep(isNamed: (id: string) => boolean): void {
    for (const name of readdirSync(this.partial)) {
      rmSync(join(this.partial, name), { recursive: true, force: true });
    }
    for (const id of readdirSync(this.dir)) {
      if (!isNamed(id)) rmSync(this.path(id), { recursive: true, force: true });
    }
  }
}

/**
 * Copies what is in `from` into the existing directory `to`: files (cloned where the file system
 * can), directories, symbolic links, with modes and times. What vanishes meanwhile is left out, as
 * on a disk in use. Sockets and pipes hold no bytes and are left out too.
 */
async function copyTree(from: string, to: string): Promise<number> {
  let sizeBytes = 0;
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const source = join(from, entry.name);
    const target = join(to, entry.name);
    try {
      const { mode, size, atime, mtime } = await lstat(source);
      if (entry.isDirectory()) {
        // Written to before its own mode counts: a read-only directory could not be filled.
        await mkdir(target);
        sizeBytes += await copyTree(source, target);
        await copyModeAndTimes(target, mode, atime, mtime);
      } else if (entry.isSymbolicLink()) {
        await symlink(await readlink(source), target);
      } else if (entry.isFile()) {
        await copyFile(source, target, constants.COPYFILE_FICLONE);
        await utimes(target, atime, mtime);
        sizeBytes += size;
      }
    } catch (error) {
      if (!isMissing(error, source)) throw error;
    }
  }
  return sizeBytes;
}

async function copyModeAndTimes(
  path: string,
  mode: number,
  atime: Date,
  mtime: Date,
): Promise<void> {
  // The owner keeps all rights: a directory without them could not be removed.
  await chmod(path, (mode & 0o7777) | 0o700);
  await utimes(path, atime, mtime);
}

/** Whether an error says that `source` is gone (and not, say, the directory copied to). */
function isMissing(error: unknown, source: string): boolean {
  return (
    error instanceof Error && 'code' in error && error.code === 'ENOENT' && !existsSync(source)
  );
}
