/** Reads a file from front to back in large ranges, one ahead of the reader. */
import type { RangeSource } from './range-source.ts';

/** Bytes of a range. */
const RANGE_BYTES = 8 * 1024 * 1024;

/** Sequential reading over a range source. */
export class ReadAhead {
  private readonly source: RangeSource;
  private readonly sizeBytes: number;
  private held: Uint8Array = new Uint8Array(0);
  private offset: number;
  private fetchAt: number;
  private next: Promise<Uint8Array> | undefined;

  constructor(source: RangeSource, sizeBytes: number, offset: number) {
    this.source = source;
    this.sizeBytes = sizeBytes;
    this.offset = offset;
    this.fetchAt = offset;
  }

  /** Where the next byte comes from. */
  get position(): number {
    return this.offset;
  }

  /** The next bytes; fewer where the file ends before. */
  async take(length: number): Promise<Uint8Array> {
    while (
      this.held.length < length &&
      (this.next !== undefined || this.fetchAt < this.sizeBytes)
    ) {
      const bytes = await (this.next ?? this.fetch());
      this.next = undefined;
      this.held = this.held.length === 0 ? bytes : Buffer.concat([this.held, bytes]);
      if (bytes.length === 0) break;
      if (this.fetchAt < this.sizeBytes) {
        this.next = this.fetch();
        this.next.catch(() => undefined);
      }
    }
    const taken = this.held.subarray(0, length);
    this.held = this.held.subarray(taken.length);
    this.offset += taken.length;
    return taken;
  }

  private fetch(): Promise<Uint8Array> {
    const at = this.fetchAt;
    const length = Math.min(RANGE_BYTES, this.sizeBytes - at);
    this.fetchAt += length;
    return this.source.read(at, length);
  }
}
