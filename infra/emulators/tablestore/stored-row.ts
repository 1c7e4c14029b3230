import { decodeRow, encodeRow } from './plain-buffer.ts';
import type { Cell, ColumnValue } from './values.ts';

/** A row of a table or an index, without its key. */
export interface StoredRow {
  /** When the row was last written; a row without cells lives by it. */
  readonly writtenAtMs: number;
  /** In the order of their names' bytes. */
  readonly cells: readonly Cell[];
}

const WRITTEN_AT_BYTES = 8;

/** A row as the store holds it. */
export function encodeStoredRow(row: StoredRow): Buffer {
  const writtenAt = Buffer.allocUnsafe(WRITTEN_AT_BYTES);
  writtenAt.writeDoubleLE(row.writtenAtMs);
  return Buffer.concat([writtenAt, encodeRow([], row.cells)]);
}

/** Reads what `encodeStoredRow` wrote. */
export function decodeStoredRow(bytes: Buffer): StoredRow {
  const cells: Cell[] = [];
  for (const { name, value, timestamp } of decodeRow(bytes.subarray(WRITTEN_AT_BYTES)).cells) {
    if (!isColumnValue(value) || timestamp === undefined) {
      throw new Error(`Cannot read a stored row: column ${name} has no value`);
    }
    cells.push({ name, value, timestampMs: Number(timestamp) });
  }
  return { writtenAtMs: bytes.readDoubleLE(0), cells };
}

/** What of a row is there at `nowMs`: cells older than the time to live are not, nor is the row. */
export function liveRow(
  row: StoredRow | undefined,
  ttlSeconds: number,
  nowMs: number,
): StoredRow | undefined {
  if (row === undefined || ttlSeconds < 0) return row;
  const bornAfterMs = nowMs - ttlSeconds * 1000;
  const cells = row.cells.filter((cell) => cell.timestampMs > bornAfterMs);
  if (cells.length === 0 && row.writtenAtMs <= bornAfterMs) return undefined;
  return { writtenAtMs: row.writtenAtMs, cells };
}

function isColumnValue(value: unknown): value is ColumnValue {
  return value !== undefined;
}
