/**
 * Primary keys as bytes whose order is the vendor's: column by column, integers by value, strings
 * by their UTF-8 bytes, binaries by their bytes, INF_MIN before and INF_MAX after every value.
 *
 * space (uint32) | per column: 1 INF_MIN, 3 INF_MAX, 2 value
 * integer: 8 bytes big endian, sign flipped; string and binary: 0 escaped as 00 FF, ended by 00 00
 */
import { invalid } from './errors.ts';
import { ENCODED_KEY_BYTES_MAX } from './limits.ts';
import type { KeyColumn, KeyValue, WireKeyValue } from './values.ts';

const MARK_INF_MIN = 1;
const MARK_VALUE = 2;
const MARK_INF_MAX = 3;
const SIGN = 1n << 63n;
const SPACE_BYTES = 4;

/** A column of a key, as far as order and decoding need it. */
export interface KeySchemaColumn {
  readonly name: string;
  readonly type: KeyValue['type'];
}

/**
 * The bytes under which a row is stored, or a bound of a range. `space` is a table or an index.
 * @throws {TablestoreError} OTSParameterInvalid: longer than the store can hold
 */
export function encodeKey(space: number, values: readonly WireKeyValue[]): Buffer {
  const parts: Buffer[] = [spacePrefix(space)];
  for (const value of values) parts.push(encodeColumn(value));
  const key = Buffer.concat(parts);
  if (key.length <= ENCODED_KEY_BYTES_MAX) return key;
  throw invalid(
    `The emulator cannot hold this primary key: ${key.length} encoded bytes, at most ` +
      `${ENCODED_KEY_BYTES_MAX}.`,
  );
}

/** The first bytes of every key of a space. */
export function spacePrefix(space: number): Buffer {
  const prefix = Buffer.allocUnsafe(SPACE_BYTES);
  prefix.writeUInt32BE(space);
  return prefix;
}

/** The columns of a stored row's key. */
export function decodeKey(schema: readonly KeySchemaColumn[], key: Buffer): KeyColumn[] {
  let at = SPACE_BYTES;
  return schema.map(({ name, type }) => {
    at += 1;
    if (type === 'integer') {
      const value = BigInt.asIntN(64, key.readBigUInt64BE(at) ^ SIGN);
      at += 8;
      return { name, value: { type, value } };
    }
    const { bytes, next } = unescapeZeros(key, at);
    at = next;
    if (type === 'string') return { name, value: { type, value: bytes.toString('utf8') } };
    return { name, value: { type, value: bytes } };
  });
}

function encodeColumn(value: WireKeyValue): Buffer {
  switch (value.type) {
    case 'infMin':
      return Buffer.from([MARK_INF_MIN]);
    case 'infMax':
      return Buffer.from([MARK_INF_MAX]);
    case 'autoIncrement':
      throw new Error('Cannot encode a key: its number is not given yet');
    case 'integer': {
      const bytes = Buffer.allocUnsafe(9);
      bytes[0] = MARK_VALUE;
      bytes.writeBigUInt64BE(BigInt.asUintN(64, value.value) ^ SIGN, 1);
      return bytes;
    }
    case 'string':
      return escapeZeros(Buffer.from(value.value));
    case 'binary':
      return escapeZeros(value.value);
  }
}

function escapeZeros(bytes: Buffer): Buffer {
  const out = Buffer.alloc(bytes.length * 2 + 3);
  let at = 0;
  out[at++] = MARK_VALUE;
  for (const byte of bytes) {
    out[at++] = byte;
    if (byte === 0) out[at++] = 0xff;
  }
  return out.subarray(0, at + 2);
}

function unescapeZeros(key: Buffer, start: number): { bytes: Buffer; next: number } {
  const bytes = Buffer.allocUnsafe(key.length - start);
  let length = 0;
  for (let at = start; at < key.length; at += 1) {
    const byte = key[at] ?? 0;
    if (byte !== 0) {
      bytes[length++] = byte;
      continue;
    }
    if (key[at + 1] === 0) return { bytes: bytes.subarray(0, length), next: at + 2 };
    bytes[length++] = 0;
    at += 1;
  }
  throw new Error('Cannot read a stored key: a string has no end');
}
