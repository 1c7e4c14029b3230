import { invalid, TablestoreError } from './errors.ts';
import { INDEX_FULL_KEY_COLUMNS_MAX, KEY_COLUMNS_MAX, KEY_VALUE_BYTES_MAX } from './limits.ts';
import type { WireCell } from './plain-buffer.ts';
import type { KeySchemaColumn } from './row-key.ts';
import {
  type KeyColumn,
  type KeyValue,
  valueBytes,
  WIRE_TYPE_NAMES,
  type WireKeyValue,
} from './values.ts';

/** A column of a primary key as a request gives it. */
export interface WireKeyColumn {
  readonly name: string;
  readonly value: WireKeyValue;
}

/** Which placeholders a key may hold. A read may be of an index, whose key is longer. */
export interface KeyUse {
  readonly bounds?: boolean;
  readonly autoIncrement?: boolean;
  readonly read?: boolean;
}

/**
 * Checks a key by itself.
 * @throws {TablestoreError} OTSParameterInvalid
 */
export function readKey(cells: readonly WireCell[], use: KeyUse): WireKeyColumn[] {
  const most = use.read ? INDEX_FULL_KEY_COLUMNS_MAX : KEY_COLUMNS_MAX;
  if (cells.length < 1 || cells.length > most) {
    throw invalid(`The number of primary key columns must be in range: [1, ${KEY_COLUMNS_MAX}].`);
  }
  const seen = new Set<string>();
  return cells.map((cell) => {
    const { name } = cell;
    if (name === '') throw invalid('No name is given for primary key.');
    if (seen.has(name)) throw invalid(`Duplicated primary key name: '${name}'.`);
    seen.add(name);
    if (cell.operation !== undefined) {
      throw invalid(`OpType cannot be given for primary key name :'${name}'.`);
    }
    if (cell.timestamp !== undefined) {
      throw invalid(`Timestamp cannot be given for primary key name:'${name}'.`);
    }
    return { name, value: readKeyValue(cell, use) };
  });
}

/**
 * Checks a key against a table's or an index's.
 * @throws {TablestoreError} OTSInvalidPK
 */
export function checkKey(schema: readonly KeySchemaColumn[], key: readonly WireKeyColumn[]): void {
  if (key.length !== schema.length) {
    throw mismatch(`Validate PK size fail. Input: ${key.length}, Meta: ${schema.length}.`);
  }
  for (const [position, column] of schema.entries()) {
    const given = key[position];
    if (given?.name !== column.name) {
      throw mismatch(`Validate PK name fail. Input: ${given?.name}, Meta: ${column.name}.`);
    }
    if (isKeyValue(given.value) && given.value.type !== column.type) {
      throw mismatch(
        `Validate PK type fail. Input: ${WIRE_TYPE_NAMES[given.value.type]}, ` +
          `Meta: ${WIRE_TYPE_NAMES[column.type]}.`,
      );
    }
  }
}

/**
 * The columns of a key that holds no placeholder.
 * @throws {TablestoreError} OTSParameterInvalid
 */
export function knownColumns(key: readonly WireKeyColumn[]): KeyColumn[] {
  return key.map(({ name, value }) => {
    if (isKeyValue(value)) return { name, value };
    throw invalid(`${WIRE_TYPE_NAMES[value.type]} is an invalid type for the primary key.`);
  });
}

function isKeyValue(value: WireKeyValue): value is KeyValue {
  return value.type === 'integer' || value.type === 'string' || value.type === 'binary';
}

function readKeyValue({ name, value }: WireCell, use: KeyUse): WireKeyValue {
  if (value === undefined) throw invalid(`No value is given for primary key name:'${name}'.`);
  switch (value.type) {
    case 'double':
    case 'boolean':
      throw invalid(`${WIRE_TYPE_NAMES[value.type]} is an invalid type for the primary key.`);
    case 'infMin':
    case 'infMax':
      if (use.bounds) return value;
      throw invalid(`${WIRE_TYPE_NAMES[value.type]} is an invalid type for the primary key.`);
    case 'autoIncrement':
      if (use.autoIncrement) return value;
      if (use.read) throw invalid("PKAutoIncr can't be used for read operations.");
      throw invalid('Invalid row to delete which with pk auto increment.');
    default: {
      const length = valueBytes(value);
      if (length <= KEY_VALUE_BYTES_MAX || value.type === 'integer') return value;
      throw invalid(
        `The length of primary key column: '${name}' exceeds the MaxLength:` +
          `${KEY_VALUE_BYTES_MAX} with CurrentLength:${length}.`,
      );
    }
  }
}

function mismatch(message: string): TablestoreError {
  return new TablestoreError('OTSInvalidPK', message);
}
