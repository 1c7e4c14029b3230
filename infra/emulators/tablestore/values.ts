/** A value that a primary key column may hold. */
export type KeyValue =
  | { readonly type: 'integer'; readonly value: bigint }
  | { readonly type: 'string'; readonly value: string }
  | { readonly type: 'binary'; readonly value: Buffer };

/** A value that an attribute column may hold. */
export type ColumnValue =
  | KeyValue
  | { readonly type: 'double'; readonly value: number }
  | { readonly type: 'boolean'; readonly value: boolean };

/** Stands where a primary key value does: the ends of a range, or a number yet to be given. */
export type Placeholder =
  | { readonly type: 'infMin' }
  | { readonly type: 'infMax' }
  | { readonly type: 'autoIncrement' };

/** What may stand in a primary key on the wire. */
export type WireKeyValue = KeyValue | Placeholder;

/** A named column of a primary key whose value is known. */
export interface KeyColumn {
  readonly name: string;
  readonly value: KeyValue;
}

/** One version of an attribute column. The emulator keeps one version per column. */
export interface Cell {
  readonly name: string;
  readonly value: ColumnValue;
  /** The version: milliseconds since the epoch. */
  readonly timestampMs: number;
}

/** What the vendor calls a type in its messages. */
export const WIRE_TYPE_NAMES = {
  integer: 'VT_INTEGER',
  double: 'VT_DOUBLE',
  boolean: 'VT_BOOLEAN',
  string: 'VT_STRING',
  binary: 'VT_BLOB',
  infMin: 'VT_INF_MIN',
  infMax: 'VT_INF_MAX',
  autoIncrement: 'VT_AUTO_INCREMENT',
} as const;

/** Bytes of a value as the vendor bills and limits it. */
export function valueBytes(value: ColumnValue): number {
  switch (value.type) {
    case 'integer':
    case 'double':
      return 8;
    case 'boolean':
      return 1;
    case 'string':
      return Buffer.byteLength(value.value);
    case 'binary':
      return value.value.length;
  }
}

/** Bytes of a named column: the name and the value. */
export function columnBytes(column: {
  readonly name: string;
  readonly value: ColumnValue;
}): number {
  return Buffer.byteLength(column.name) + valueBytes(column.value);
}

/** Bytes of all the columns given. */
export function sumColumnBytes(
  columns: readonly { readonly name: string; readonly value: ColumnValue }[],
): number {
  let sum = 0;
  for (const column of columns) sum += columnBytes(column);
  return sum;
}

/** Negative, zero or positive; undefined when the types differ, for those have no order. */
export function compareValues(a: ColumnValue, b: ColumnValue): number | undefined {
  if (a.type === 'integer' && b.type === 'integer') return order(a.value, b.value);
  if (a.type === 'double' && b.type === 'double') return order(a.value, b.value);
  if (a.type === 'boolean' && b.type === 'boolean') return Number(a.value) - Number(b.value);
  if (a.type === 'binary' && b.type === 'binary') return Buffer.compare(a.value, b.value);
  if (a.type === 'string' && b.type === 'string') {
    if (a.value === b.value) return 0;
    return Buffer.compare(Buffer.from(a.value), Buffer.from(b.value));
  }
  return undefined;
}

function order<T extends bigint | number>(a: T, b: T): number {
  if (a < b) return -1;
  return a > b ? 1 : 0;
}
