/**
 * PlainBuffer: the row encoding inside the protobuf messages. Written from the vendor's description
 * of the format, apart from the SDK's own reader, which refuses range bounds and update cells.
 *
 * header | PK tag, cells | attribute tag, cells | delete marker? | row checksum
 * cell = name, value?, operation?, version?, checksum
 *
 * A cell's checksum runs over name, value (type byte and what follows), version, operation, in that
 * order; a row's over its cells' checksums and one byte that says whether the marker is there.
 */
import { isUtf8 } from 'node:buffer';
import { crc8, crc8Byte } from './crc8.ts';
import { invalid } from './errors.ts';
import type { Cell, ColumnValue, KeyColumn, Placeholder, WireKeyValue } from './values.ts';

const HEADER = 0x75;
const TAG_KEY = 1;
const TAG_ATTRIBUTES = 2;
const TAG_CELL = 3;
const TAG_NAME = 4;
const TAG_VALUE = 5;
const TAG_OPERATION = 6;
const TAG_TIMESTAMP = 7;
const TAG_DELETE_MARKER = 8;
const TAG_ROW_CHECKSUM = 9;
const TAG_CELL_CHECKSUM = 10;

const TYPE_INTEGER = 0;
const TYPE_DOUBLE = 1;
const TYPE_BOOLEAN = 2;
const TYPE_STRING = 3;
const TYPE_BLOB = 7;
const PLACEHOLDERS: Readonly<Record<number, Placeholder>> = {
  9: { type: 'infMin' },
  10: { type: 'infMax' },
  11: { type: 'autoIncrement' },
};

/** What UpdateRow does to a column: the op type of a cell; without one it is a put. This one
 * deletes the column. */
export const OPERATION_DELETE_ALL = 1;
/** Deletes the version whose timestamp the cell carries. */
export const OPERATION_DELETE_ONE = 3;
/** Adds the cell's integer. */
export const OPERATION_INCREMENT = 4;

/** A cell as it came: only the name is sure. */
export interface WireCell {
  readonly name: string;
  readonly value?: ColumnValue | Placeholder;
  readonly operation?: number;
  readonly timestamp?: bigint;
}

/** A row as it came. */
export interface WireRow {
  readonly key: readonly WireCell[];
  readonly cells: readonly WireCell[];
  readonly deleteMarker: boolean;
}

/**
 * Reads one row. Zero bytes after it are allowed: the SDK's buffers are a byte too long for every
 * range bound.
 * @throws {TablestoreError} OTSParameterInvalid, as the vendor says what is broken
 */
export function decodeRow(bytes: Buffer): WireRow {
  const reader = new RowReader(bytes);
  const row = reader.readRow();
  reader.expectEnd();
  return row;
}

/**
 * A value by itself, as conditions carry it: a type byte and the payload.
 * @throws {TablestoreError} OTSParameterInvalid
 */
export function decodeValue(bytes: Buffer): ColumnValue | Placeholder {
  const type = bytes[0];
  switch (type) {
    case TYPE_INTEGER:
      if (bytes.length < 9) throw broken('wrong integer length');
      return { type: 'integer', value: bytes.readBigInt64LE(1) };
    case TYPE_DOUBLE:
      if (bytes.length < 9) throw broken('wrong double length');
      return { type: 'double', value: bytes.readDoubleLE(1) };
    case TYPE_BOOLEAN:
      if (bytes.length < 2) throw broken('wrong boolean length');
      return { type: 'boolean', value: bytes[1] !== 0 };
    case TYPE_STRING:
    case TYPE_BLOB: {
      const length = bytes.length < 5 ? -1 : bytes.readUInt32LE(1);
      if (length < 0 || bytes.length < 5 + length) {
        throw broken(`wrong string format, size: ${bytes.length}`);
      }
      const payload = bytes.subarray(5, 5 + length);
      if (type === TYPE_BLOB) return { type: 'binary', value: Buffer.from(payload) };
      if (!isUtf8(payload)) throw invalid('Value of column must be UTF8 encoding.');
      return { type: 'string', value: payload.toString('utf8') };
    }
    default: {
      const placeholder = PLACEHOLDERS[type ?? -1];
      if (placeholder !== undefined) return placeholder;
      throw invalid('data format is invalid, unknown variant type occured.');
    }
  }
}

/** Rows of one reply: one header, then row after row. Nothing at all for no rows. */
export function encodeRows(
  rows: readonly {
    readonly key: readonly { readonly name: string; readonly value: WireKeyValue }[];
    readonly cells: readonly Cell[];
  }[],
): Buffer {
  if (rows.length === 0) return Buffer.alloc(0);
  const writer = new RowWriter();
  for (const row of rows) writer.writeRow(row.key, row.cells);
  return writer.bytes();
}

/** A reply of one row. */
export function encodeRow(key: readonly KeyColumn[], cells: readonly Cell[]): Buffer {
  return encodeRows([{ key, cells }]);
}

function broken(what: string): Error {
  return invalid(`Cell data broken, ${what}.`);
}

class RowReader {
  private at = 0;
  private readonly bytes: Buffer;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  readRow(): WireRow {
    if (this.bytes.length < 5) throw invalid('Cannot deserialize the request data.');
    const header = this.bytes.readUInt32LE(0);
    if (header !== HEADER) throw broken(`mismatch header, actual: ${header}, expect: ${HEADER}`);
    this.at = 4;
    if (!this.skipTag(TAG_KEY)) throw broken('PK is empty');
    const checksum = { value: 0 };
    const key = this.readCells(checksum);
    const cells = this.skipTag(TAG_ATTRIBUTES) ? this.readCells(checksum) : [];
    const deleteMarker = this.skipTag(TAG_DELETE_MARKER);
    if (!this.skipTag(TAG_ROW_CHECKSUM)) throw broken('row is not end with checksum tag');
    const expected = crc8Byte(checksum.value, deleteMarker ? 1 : 0);
    this.expectChecksum(expected);
    return { key, cells, deleteMarker };
  }

  expectEnd(): void {
    for (let i = this.at; i < this.bytes.length; i += 1) {
      if (this.bytes[i] !== 0) {
        throw broken('has more data in cell, but they can not be parsed');
      }
    }
  }

  private readCells(rowChecksum: { value: number }): WireCell[] {
    const cells: WireCell[] = [];
    while (this.skipTag(TAG_CELL)) {
      const { cell, checksum } = this.readCell();
      rowChecksum.value = crc8Byte(rowChecksum.value, checksum);
      cells.push(cell);
    }
    return cells;
  }

  private readCell(): { cell: WireCell; checksum: number } {
    if (!this.skipTag(TAG_NAME)) throw broken('attr has no name');
    const nameBytes = this.readBlock();
    if (!isUtf8(nameBytes)) throw broken(`wrong string format, size: ${nameBytes.length}`);
    const name = nameBytes.toString('utf8');
    let checksum = crc8(0, nameBytes);
    let cell: WireCell = { name };
    if (this.skipTag(TAG_VALUE)) {
      const value = this.readBlock();
      checksum = crc8(checksum, value);
      cell = { ...cell, value: decodeValue(value) };
    }
    if (this.skipTag(TAG_OPERATION)) cell = { ...cell, operation: this.readByte() };
    if (this.skipTag(TAG_TIMESTAMP)) {
      const raw = this.take(8);
      checksum = crc8(checksum, raw);
      cell = { ...cell, timestamp: raw.readBigInt64LE(0) };
    }
    if (cell.operation !== undefined) checksum = crc8Byte(checksum, cell.operation);
    if (!this.skipTag(TAG_CELL_CHECKSUM)) throw broken('cell is not end with checksum[0x0A] tag');
    this.expectChecksum(checksum);
    return { cell, checksum };
  }

  private expectChecksum(expected: number): void {
    const actual = this.readByte();
    if (actual !== expected) throw broken(`checksum is mismatch, ${actual} : ${expected}`);
  }

  private skipTag(tag: number): boolean {
    if (this.bytes[this.at] !== tag) return false;
    this.at += 1;
    return true;
  }

  private readByte(): number {
    return this.take(1)[0] ?? 0;
  }

  private readBlock(): Buffer {
    return this.take(this.take(4).readUInt32LE(0));
  }

  private take(length: number): Buffer {
    const end = this.at + length;
    if (end > this.bytes.length) throw invalid('data format is invalid.');
    const taken = this.bytes.subarray(this.at, end);
    this.at = end;
    return taken;
  }
}

const FIRST_BYTES = 1024;

class RowWriter {
  private buffer = Buffer.allocUnsafe(FIRST_BYTES);
  private at = 0;

  constructor() {
    this.buffer.writeUInt32LE(HEADER, 0);
    this.at = 4;
  }

  bytes(): Buffer {
    return this.buffer.subarray(0, this.at);
  }

  writeRow(
    key: readonly { readonly name: string; readonly value: WireKeyValue }[],
    cells: readonly Cell[],
  ): void {
    let checksum = 0;
    this.byte(TAG_KEY);
    for (const column of key) {
      checksum = crc8Byte(checksum, this.cell(column.name, column.value, undefined));
    }
    if (cells.length > 0) this.byte(TAG_ATTRIBUTES);
    for (const cell of cells) {
      checksum = crc8Byte(checksum, this.cell(cell.name, cell.value, cell.timestampMs));
    }
    this.byte(TAG_ROW_CHECKSUM);
    this.byte(crc8Byte(checksum, 0));
  }

  private cell(
    name: string,
    value: ColumnValue | Placeholder,
    timestampMs: number | undefined,
  ): number {
    this.byte(TAG_CELL);
    this.byte(TAG_NAME);
    const nameBytes = Buffer.byteLength(name);
    this.uint32(nameBytes);
    this.reserve(nameBytes);
    this.buffer.write(name, this.at, 'utf8');
    let checksum = crc8(0, this.buffer, this.at, this.at + nameBytes);
    this.at += nameBytes;
    this.byte(TAG_VALUE);
    checksum = this.value(value, checksum);
    if (timestampMs !== undefined) {
      this.byte(TAG_TIMESTAMP);
      this.reserve(8);
      this.buffer.writeBigInt64LE(BigInt(timestampMs), this.at);
      checksum = crc8(checksum, this.buffer, this.at, this.at + 8);
      this.at += 8;
    }
    this.byte(TAG_CELL_CHECKSUM);
    this.byte(checksum);
    return checksum;
  }

  private value(value: ColumnValue | Placeholder, checksum: number): number {
    const lengthAt = this.at;
    this.uint32(0);
    const start = this.at;
    switch (value.type) {
      case 'integer':
        this.byte(TYPE_INTEGER);
        this.reserve(8);
        this.at = this.buffer.writeBigInt64LE(value.value, this.at);
        break;
      case 'double':
        this.byte(TYPE_DOUBLE);
        this.reserve(8);
        this.at = this.buffer.writeDoubleLE(value.value, this.at);
        break;
      case 'boolean':
        this.byte(TYPE_BOOLEAN);
        this.byte(value.value ? 1 : 0);
        break;
      case 'string':
        this.byte(TYPE_STRING);
        this.block(Buffer.from(value.value));
        break;
      case 'binary':
        this.byte(TYPE_BLOB);
        this.block(value.value);
        break;
      default:
        this.byte({ infMin: 9, infMax: 10, autoIncrement: 11 }[value.type]);
    }
    this.buffer.writeUInt32LE(this.at - start, lengthAt);
    return crc8(checksum, this.buffer, start, this.at);
  }

  private block(bytes: Buffer): void {
    this.uint32(bytes.length);
    this.reserve(bytes.length);
    bytes.copy(this.buffer, this.at);
    this.at += bytes.length;
  }

  private byte(value: number): void {
    this.reserve(1);
    this.buffer[this.at] = value;
    this.at += 1;
  }

  private uint32(value: number): void {
    this.reserve(4);
    this.at = this.buffer.writeUInt32LE(value, this.at);
  }

  private reserve(bytes: number): void {
    if (this.at + bytes <= this.buffer.length) return;
    const grown = Buffer.allocUnsafe(Math.max(this.buffer.length * 2, this.at + bytes));
    this.buffer.copy(grown, 0, 0, this.at);
    this.buffer = grown;
  }
}
