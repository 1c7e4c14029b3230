/**
 * The bytes of objects and parts, as files. A file is written once and belongs to exactly one row;
 * a file that is being read is not removed before the reader is done.
 */
import { createHash, randomUUID } from 'node:crypto';
import { createReadStream, mkdirSync, readdirSync } from 'node:fs';
import { link, open, unlink } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { createCRC64, type IHasher } from 'hash-wasm';

/** A whole file that is a stretch of an object. */
export interface Segment {
  readonly file: string;
  readonly sizeBytes: number;
}

/** Bytes that were received and stored. */
export interface ReceivedBytes {
  readonly segments: readonly Segment[];
  readonly sizeBytes: number;
  readonly md5: Buffer;
  readonly crc64: string;
}

/** More bytes came than are allowed. */
export class TooLargeError extends Error {}

/** ECMA-182, bits reversed: the polynomial of `x-oss-hash-crc64ecma` (the one of xz). */
const CRC64_POLYNOMIAL = 'c96c5795d7870f42';

/** Bytes per read from disk. */
const READ_BYTES = 256 * 1024;

/** A directory of object bytes. */
export class ObjectFiles {
  private readonly dir: string;
  private readonly readers = new Map<string, number>();
  private readonly discardedWhileRead = new Set<string>();
  /** Checksum machines between uses: making one costs more than a small object. */
  private readonly idleCrcs: IHasher[] = [];

  constructor(dir: string) {
    this.dir = dir;
    mkdirSync(dir, { recursive: true });
  }

  /**
   * Stores what `source` yields.
   * @throws {TooLargeError} when more than `bytesMax` come; nothing is kept then, nor when `source` fails
   */
  async receive(source: AsyncIterable<unknown>, bytesMax: number): Promise<ReceivedBytes> {
    const file = randomUUID();
    const md5 = createHash('md5');
    const crc = (this.idleCrcs.pop() ?? (await createCRC64(CRC64_POLYNOMIAL))).init();
    let sizeBytes = 0;
    const handle = await open(this.path(file), 'w');
    try {
      for await (const chunk of source) {
        const bytes = chunk as Buffer;
        sizeBytes += bytes.length;
        if (sizeBytes > bytesMax) throw new TooLargeError(`More than ${bytesMax} bytes`);
        md5.update(bytes);
        crc.update(bytes);
        await handle.writeFile(bytes);
      }
    } catch (error) {
      await handle.close();
      await unlink(this.path(file));
      throw error;
    }
    await handle.close();
    if (sizeBytes === 0) await unlink(this.path(file));
    const crc64 = BigInt(`0x${crc.digest('hex')}`).toString();
    this.idleCrcs.push(crc);
    return {
      segments: sizeBytes === 0 ? [] : [{ file, sizeBytes }],
      sizeBytes,
      md5: md5.digest(),
      crc64,
    };
  }

  /** The same bytes under files of their own, so that either side can be discarded. */
  async duplicate(segments: readonly Segment[]): Promise<Segment[]> {
    const files = segments.map((segment) => segment.file);
    const copies: Segment[] = [];
    this.hold(files);
    try {
      for (const { file, sizeBytes } of segments) {
        const copy = randomUUID();
        await link(this.path(file), this.path(copy));
        copies.push({ file: copy, sizeBytes });
      }
    } finally {
      this.release(files);
    }
    return copies;
  }

  /**
   * Bytes `first` to `last`, inclusive. The stream must be read to its end or destroyed: its files
   * stay until then.
   */
  read(segments: readonly Segment[], first: number, last: number): Readable {
    const files = segments.map((segment) => segment.file);
    this.hold(files);
    const stream = Readable.from(this.chunks(segments, first, last), { objectMode: false });
    stream.once('close', () => this.release(files));
    return stream;
  }

  /** Removes files that no row names any more. */
  async discard(segments: readonly Segment[]): Promise<void> {
    for (const { file } of segments) {
      if (this.readers.has(file)) this.discardedWhileRead.add(file);
      else await unlink(this.path(file));
    }
  }

  /** Removes every file that is not in `named`: what a killed process left behind. */
  async sweep(named: ReadonlySet<string>): Promise<number> {
    const orphans = readdirSync(this.dir).filter((file) => !named.has(file));
    for (const file of orphans) await unlink(this.path(file));
    return orphans.length;
  }

  private async *chunks(
    segments: readonly Segment[],
    first: number,
    last: number,
  ): AsyncGenerator<unknown> {
    let offset = 0;
    for (const { file, sizeBytes } of segments) {
      const start = Math.max(first - offset, 0);
      const end = Math.min(last - offset, sizeBytes - 1);
      if (start <= end)
        yield* createReadStream(this.path(file), { start, end, highWaterMark: READ_BYTES });
      offset += sizeBytes;
      if (offset > last) return;
    }
  }

  private hold(files: readonly string[]): void {
    for (const file of files) this.readers.set(file, (this.readers.get(file) ?? 0) + 1);
  }

  private release(files: readonly string[]): void {
    for (const file of files) {
      const left = (this.readers.get(file) ?? 1) - 1;
      if (left > 0) {
        this.readers.set(file, left);
        continue;
      }
      this.readers.delete(file);
      if (this.discardedWhileRead.delete(file)) {
        unlink(this.path(file)).catch((error: unknown) => {
          process.stderr.write(`oss emulator: cannot remove ${file}: ${String(error)}\n`);
        });
      }
    }
  }

  private path(file: string): string {
    return `${this.dir}/${file}`;
  }
}
