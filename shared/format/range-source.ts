/** Bytes of a stored file by range: all that reading a backup asks of the place it lies in. */
export interface RangeSource {
  /** What it is, for messages. */
  readonly name: string;
  /** Exactly these bytes, or fewer where the file ends before. */
  read(offset: number, length: number): Promise<Uint8Array>;
}
