/**
 * Protocol Buffers (proto2) for the few messages of this service: each message is described by its
 * fields, and its TypeScript type follows from the description. Apart from the SDK's own compiled
 * messages on purpose, so that the two can disagree.
 */
import { isUtf8 } from 'node:buffer';
import { invalid } from './errors.ts';

const WIRE_VARINT = 0;
const WIRE_FIXED64 = 1;
const WIRE_BYTES = 2;
const WIRE_FIXED32 = 5;
const VARINT_BYTES_MAX = 10;

type Rule = 'required' | 'optional' | 'repeated';

/** How one kind of value is written after a field's number. */
export interface Codec<V> {
  readonly wireType: number;
  read(cursor: Cursor): V;
  write(parts: Buffer[], value: V): void;
}

/** One field of a message. */
export interface Field<R extends Rule, V> {
  readonly id: number;
  readonly rule: R;
  readonly codec: Codec<V>;
}

type Fields = Readonly<Record<string, Field<Rule, unknown>>>;
type Value<F> = F extends Field<Rule, infer V> ? V : never;
type NamesOf<F extends Fields, R extends Rule> = {
  [K in keyof F]: F[K]['rule'] extends R ? K : never;
}[keyof F];

/** The values of a message with these fields. */
type Values<F extends Fields> = {
  readonly [K in NamesOf<F, 'required'>]: Value<F[K]>;
} & { readonly [K in NamesOf<F, 'repeated'>]: readonly Value<F[K]>[] } & {
  readonly [K in NamesOf<F, 'optional'>]?: Value<F[K]> | undefined;
};

/** A message: read and written whole, or inside another one. */
export interface Message<V> extends Codec<V> {
  /** @throws {TablestoreError} OTSParameterInvalid: not such a message */
  decode(bytes: Buffer): V;
  encode(value: V): Buffer;
}

/** The values of this type of message. */
export type MessageOf<M> = M extends Message<infer V> ? V : never;

/** A field that must be there. */
export function required<V>(id: number, codec: Codec<V>): Field<'required', V> {
  return { id, rule: 'required', codec };
}

/** A field that may be missing. */
export function optional<V>(id: number, codec: Codec<V>): Field<'optional', V> {
  return { id, rule: 'optional', codec };
}

/** A field that may come any number of times. */
export function repeated<V>(id: number, codec: Codec<V>): Field<'repeated', V> {
  return { id, rule: 'repeated', codec };
}

/** Where a reader stands in a message. */
class Cursor {
  at = 0;
  readonly bytes: Buffer;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  get atEnd(): boolean {
    return this.at >= this.bytes.length;
  }

  varint(): bigint {
    let value = 0n;
    for (let i = 0; i < VARINT_BYTES_MAX; i += 1) {
      const byte = this.take(1)[0] ?? 0;
      value |= BigInt(byte & 0x7f) << BigInt(7 * i);
      if (byte < 0x80) return BigInt.asUintN(64, value);
    }
    throw unreadable();
  }

  /** The low 32 bits of a varint; enough for tags, lengths, enumerations and int32. */
  varint32(): number {
    let value = 0;
    for (let i = 0; i < VARINT_BYTES_MAX; i += 1) {
      const byte = this.bytes[this.at];
      if (byte === undefined) throw unreadable();
      this.at += 1;
      if (i < 5) value |= (byte & 0x7f) << (7 * i);
      if (byte < 0x80) return value | 0;
    }
    throw unreadable();
  }

  block(): Buffer {
    return this.take(this.varint32() >>> 0);
  }

  skip(wireType: number): void {
    if (wireType === WIRE_VARINT) this.varint();
    else if (wireType === WIRE_FIXED64) this.take(8);
    else if (wireType === WIRE_BYTES) this.block();
    else if (wireType === WIRE_FIXED32) this.take(4);
    else throw unreadable();
  }

  private take(length: number): Buffer {
    const end = this.at + length;
    if (end > this.bytes.length) throw unreadable();
    const taken = this.bytes.subarray(this.at, end);
    this.at = end;
    return taken;
  }
}

/** int32 and every enumeration. */
export const int32: Codec<number> = {
  wireType: WIRE_VARINT,
  read: (cursor) => cursor.varint32(),
  write: (parts, value) => {
    parts.push(value < 0 ? varintBytes(BigInt.asUintN(64, BigInt(value))) : smallVarint(value));
  },
};

/** As bigint: a number would lose digits. */
export const int64: Codec<bigint> = {
  wireType: WIRE_VARINT,
  read: (cursor) => BigInt.asIntN(64, cursor.varint()),
  write: (parts, value) => {
    parts.push(varintBytes(BigInt.asUintN(64, value)));
  },
};

/** true and false. */
export const bool: Codec<boolean> = {
  wireType: WIRE_VARINT,
  read: (cursor) => cursor.varint32() !== 0,
  write: (parts, value) => {
    parts.push(smallVarint(value ? 1 : 0));
  },
};

/** Bytes of any meaning; read without a copy. */
export const bytes: Codec<Buffer> = {
  wireType: WIRE_BYTES,
  read: (cursor) => cursor.block(),
  write: (parts, value) => {
    parts.push(smallVarint(value.length), value);
  },
};

/** Text in UTF-8; other bytes are no message. */
export const string: Codec<string> = {
  wireType: WIRE_BYTES,
  read: (cursor) => {
    const block = cursor.block();
    if (!isUtf8(block)) throw unreadable();
    return block.toString('utf8');
  },
  write: (parts, value) => bytes.write(parts, Buffer.from(value)),
};

/** A message type from its fields; unknown fields are skipped, as proto2 wants. */
export function message<F extends Fields>(fields: F): Message<Values<F>> {
  const entries = Object.entries(fields);
  const byId = new Map(entries.map(([name, field]) => [field.id, { name, field }]));
  const decode = (buffer: Buffer): Values<F> => {
    const found = readFields(new Cursor(buffer), byId);
    for (const [name, field] of entries) {
      if (field.rule === 'repeated') found[name] ??= [];
      else if (field.rule === 'required' && !(name in found)) throw unreadable();
    }
    return found as Values<F>;
  };
  const encode = (value: Values<F>): Buffer => {
    const given: Readonly<Record<string, unknown>> = value;
    const parts: Buffer[] = [];
    for (const [name, field] of entries) writeField(parts, field, given[name]);
    return Buffer.concat(parts);
  };
  return {
    wireType: WIRE_BYTES,
    decode,
    encode,
    read: (cursor) => decode(cursor.block()),
    write: (parts, value) => bytes.write(parts, encode(value)),
  };
}

function readFields(
  cursor: Cursor,
  byId: ReadonlyMap<number, { name: string; field: Field<Rule, unknown> }>,
): Record<string, unknown> {
  const found: Record<string, unknown> = {};
  while (!cursor.atEnd) {
    const tag = cursor.varint32() >>> 0;
    const known = byId.get(tag >>> 3);
    if (known === undefined || known.field.codec.wireType !== (tag & 7)) {
      cursor.skip(tag & 7);
      continue;
    }
    const value = known.field.codec.read(cursor);
    if (known.field.rule !== 'repeated') {
      found[known.name] = value;
      continue;
    }
    const list = found[known.name];
    if (Array.isArray(list)) list.push(value);
    else found[known.name] = [value];
  }
  return found;
}

function writeField(parts: Buffer[], field: Field<Rule, unknown>, value: unknown): void {
  if (value === undefined) return;
  const values: readonly unknown[] =
    field.rule === 'repeated' && Array.isArray(value) ? value : [value];
  for (const one of values) {
    parts.push(smallVarint((field.id << 3) | field.codec.wireType));
    field.codec.write(parts, one);
  }
}

function smallVarint(value: number): Buffer {
  return value < 0x80 ? Buffer.from([value]) : varintBytes(BigInt(value));
}

function varintBytes(value: bigint): Buffer {
  const written: number[] = [];
  let rest = value;
  while (rest >= 0x80n) {
    written.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  written.push(Number(rest));
  return Buffer.from(written);
}

function unreadable(): Error {
  return invalid('Parse PBMessage from RawString failed.');
}
