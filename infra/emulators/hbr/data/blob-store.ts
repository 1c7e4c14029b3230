/**
 * The bytes of backed-up files, once per vault and content, named by their SHA-256. Only the job
 * runner adds and releases, one job at a time.
 */
import { createHash, randomUUID } from 'node:crypto';
import { createReadStream, type ReadStream, rmSync } from 'node:fs';
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import type { Manifest } from './manifest.ts';

/** Bytes that were added. */
export interface AddedBlob {
  readonly hash: string;
  readonly size: number;
}

interface Blob {
  readonly size: number;
  references: number;
}

export class BlobStore {
  private readonly dir: string;
  private readonly blobs = new Map<string, Map<string, Blob>>();

  private constructor(dir: string) {
    this.dir = dir;
  }

  /** Opens the folder; what a kill left half-written goes. */
  static async open(dir: string): Promise<BlobStore> {
    const store = new BlobStore(dir);
    await mkdir(dir, { recursive: true });
    rmSync(join(dir, 'incoming'), { recursive: true, force: true });
    await mkdir(join(dir, 'incoming'));
    for (const vaultId of await readdir(dir)) {
      if (vaultId === 'incoming') continue;
      const known = new Map<string, Blob>();
      for (const hash of await readdir(join(dir, vaultId))) {
        const { size } = await stat(join(dir, vaultId, hash));
        known.set(hash, { size, references: 0 });
      }
      store.blobs.set(vaultId, known);
    }
    return store;
  }

  /** Keeps bytes under the hash of what was really read. */
  async add(vaultId: string, source: AsyncIterable<Buffer>): Promise<AddedBlob> {
    const incoming = join(this.dir, 'incoming', randomUUID());
    const hash = createHash('sha256');
    let size = 0;
    try {
      const file = await open(incoming, 'wx');
      try {
        for await (const chunk of source) {
          hash.update(chunk);
          size += chunk.length;
          await file.writeFile(chunk);
        }
      } finally {
        await file.close();
      }
      const name = hash.digest('hex');
      const known = this.vault(vaultId);
      if (!known.has(name)) {
        await mkdir(join(this.dir, vaultId), { recursive: true });
        await rename(incoming, join(this.dir, vaultId, name));
        known.set(name, { size, references: 0 });
      }
      return { hash: name, size };
    } finally {
      await rm(incoming, { force: true });
    }
  }

  /** Keeps small bytes; those that are known cost no write. */
  async addSmall(vaultId: string, bytes: Buffer): Promise<AddedBlob> {
    const hash = createHash('sha256').update(bytes).digest('hex');
    if (this.vault(vaultId).has(hash)) return { hash, size: bytes.length };
    return await this.add(vaultId, Readable.from([bytes]));
  }

  /** The bytes of a blob, as a stream of buffers. */
  read(vaultId: string, hash: string): ReadStream {
    return createReadStream(join(this.dir, vaultId, hash));
  }

  /** Whether some manifest of the vault already holds these bytes. */
  isReferenced(vaultId: string, hash: string): boolean {
    return (this.blobs.get(vaultId)?.get(hash)?.references ?? 0) > 0;
  }

  /** Counts a manifest's references. */
  retain(manifest: Manifest): void {
    for (const blob of this.blobsOf(manifest)) blob.references += 1;
  }

  /** Gives a manifest's references back; bytes that nothing needs go with the next sweep. */
  release(manifest: Manifest): void {
    for (const blob of this.blobsOf(manifest)) blob.references -= 1;
  }

  /** Deletes what no manifest refers to. */
  async sweep(): Promise<void> {
    for (const [vaultId, known] of this.blobs) {
      for (const [hash, { references }] of known) {
        if (references > 0) continue;
        known.delete(hash);
        await rm(join(this.dir, vaultId, hash), { force: true });
      }
    }
  }

  /** Bytes that a vault stores. */
  storageSize(vaultId: string): number {
    let bytes = 0;
    for (const { size } of this.blobs.get(vaultId)?.values() ?? []) bytes += size;
    return bytes;
  }

  private vault(vaultId: string): Map<string, Blob> {
    const known = this.blobs.get(vaultId) ?? new Map<string, Blob>();
    this.blobs.set(vaultId, known);
    return known;
  }

  private *blobsOf(manifest: Manifest): Generator<Blob> {
    const known = this.blobs.get(manifest.vaultId);
    for (const entry of manifest.entries) {
      const blob = entry.kind === 'file' ? known?.get(entry.hash) : undefined;
      if (blob !== undefined) yield blob;
    }
  }
}
