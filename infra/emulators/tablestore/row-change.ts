/** What a write asks for, read from the wire and checked as far as no table is needed for it. */
import { type Condition, readCondition } from './conditions.ts';
import { invalid } from './errors.ts';
import { VALUE_BYTES_MAX, VERSION_MS_MAX, WRITE_BYTES_MAX, WRITE_COLUMNS_MAX } from './limits.ts';
import {
  CHANGE_TYPE,
  type ConditionMessage,
  RETURN_TYPE,
  type ReturnContentMessage,
} from './messages.ts';
import { checkColumnName } from './names.ts';
import {
  decodeRow,
  OPERATION_DELETE_ALL,
  OPERATION_DELETE_ONE,
  OPERATION_INCREMENT,
  type WireCell,
} from './plain-buffer.ts';
import { readKey, type WireKeyColumn } from './primary-key.ts';
import { type ColumnValue, columnBytes, valueBytes, WIRE_TYPE_NAMES } from './values.ts';

/** One step of a change to a row's columns. */
export type ColumnChange =
  | {
      readonly kind: 'put';
      readonly name: string;
      readonly value: ColumnValue;
      readonly timestampMs?: number;
    }
  | { readonly kind: 'deleteOne'; readonly name: string; readonly timestampMs: number }
  | { readonly kind: 'deleteAll'; readonly name: string }
  | { readonly kind: 'increment'; readonly name: string; readonly delta: bigint };

/** A change of one row. */
export interface RowChange {
  readonly kind: 'put' | 'update' | 'delete';
  readonly key: readonly WireKeyColumn[];
  readonly columns: readonly ColumnChange[];
  readonly condition: Condition;
  readonly returns: { readonly key: boolean; readonly columns: readonly string[] };
  /** As billed and limited: names and values, of deletions the names only. */
  readonly sizeBytes: number;
}

/** The parts of a request that describe one change. */
export interface RowChangeRequest {
  readonly row: Buffer;
  readonly condition: ConditionMessage;
  readonly returnContent?: ReturnContentMessage | undefined;
}

/** @throws {TablestoreError} OTSParameterInvalid */
export function readRowChange(kind: RowChange['kind'], request: RowChangeRequest): RowChange {
  const row = decodeRow(request.row);
  const key = readKey(row.key, { autoIncrement: kind !== 'delete' });
  checkShape(kind, row.cells, row.deleteMarker);
  const columns = row.cells.map((cell) => readColumnChange(kind, cell));
  checkColumns(columns, key);
  const keyBytes = key.reduce((sum, column) => sum + keyColumnBytes(column), 0);
  const sizeBytes = columns.reduce((sum, column) => sum + changeBytes(column), keyBytes);
  if (sizeBytes > WRITE_BYTES_MAX) {
    throw invalid(
      `The total data size of ${kind === 'put' ? 'PutRow' : 'UpdateRow'} request exceeds the ` +
        `limit, limit size: ${WRITE_BYTES_MAX}, data size: ${sizeBytes}.`,
    );
  }
  return {
    kind,
    key,
    columns,
    condition: readCondition(request.condition),
    returns: readReturns(request.returnContent, columns),
    sizeBytes,
  };
}

/** @throws {TablestoreError} OTSParameterInvalid */
export function changeKind(wire: number): RowChange['kind'] {
  if (wire === CHANGE_TYPE.put) return 'put';
  if (wire === CHANGE_TYPE.update) return 'update';
  if (wire === CHANGE_TYPE.delete) return 'delete';
  throw invalid('The modify type is invalid.');
}

function checkShape(kind: RowChange['kind'], cells: readonly WireCell[], marker: boolean): void {
  if (kind === 'delete') {
    if (!marker) {
      throw invalid('Invalid request of delete row: missing RowDeleteMarker in request.');
    }
    if (cells.length > 0) {
      throw invalid('Invalid delete row request: unexpected cells in request.');
    }
    return;
  }
  if (marker) {
    throw invalid('Invalid request of put/update row: unexpected RowDeleteMarker in request.');
  }
  if (kind === 'update' && cells.length === 0) throw invalid('Attribute column is missing.');
  if (cells.length > WRITE_COLUMNS_MAX) {
    throw invalid(
      `The number of attribute columns exceeds the limit, limit count: ${WRITE_COLUMNS_MAX}, ` +
        `column count: ${cells.length}.`,
    );
  }
}

function readColumnChange(kind: RowChange['kind'], cell: WireCell): ColumnChange {
  const { name, operation } = cell;
  checkColumnName(name);
  const timestampMs = readTimestamp(cell.timestamp);
  if (operation === undefined) return readPut(cell, timestampMs);
  if (kind === 'put') throw invalid(`OpType cannot be given for column name:'${name}' in PutRow.`);
  if (operation === OPERATION_INCREMENT) {
    if (cell.value?.type !== 'integer') {
      throw invalid(`The value of column '${name}' to increment by must be an integer.`);
    }
    return { kind: 'increment', name, delta: cell.value.value };
  }
  if (operation !== OPERATION_DELETE_ALL && operation !== OPERATION_DELETE_ONE) {
    throw invalid(`Invalid op type of cell: ${operation}.`);
  }
  if (cell.value !== undefined) {
    throw invalid(
      'Column value cannot be given when type is DELETE_ONE_VERSION,DELETE_ALL_VERSION.',
    );
  }
  if (operation === OPERATION_DELETE_ALL) {
    if (timestampMs === undefined) return { kind: 'deleteAll', name };
    throw invalid('Timestamp cannot be given when type is DELETE_ALL_VERSION.');
  }
  if (timestampMs !== undefined) return { kind: 'deleteOne', name, timestampMs };
  throw invalid('Timestamp must be given when type is DELETE_ONE_VERSION.');
}

function readPut(cell: WireCell, timestampMs: number | undefined): ColumnChange {
  const { name, value } = cell;
  if (value === undefined) throw invalid('No value is given for column name.');
  switch (value.type) {
    case 'infMin':
    case 'infMax':
    case 'autoIncrement':
      throw invalid(`${WIRE_TYPE_NAMES[value.type]} is an invalid type for the attribute column.`);
    case 'double':
      if (Number.isNaN(value.value)) throw invalid("NaN can't be set to double value.");
      if (!Number.isFinite(value.value)) throw invalid("Infinity can't be set to double value.");
      break;
    default: {
      const length = valueBytes(value);
      if (length > VALUE_BYTES_MAX) {
        throw invalid(
          `The length of attribute column: '${name}' exceeds the MaxLength:${VALUE_BYTES_MAX} ` +
            `with CurrentLength:${length}.`,
        );
      }
    }
  }
  return { kind: 'put', name, value, ...(timestampMs === undefined ? {} : { timestampMs }) };
}

function readTimestamp(timestamp: bigint | undefined): number | undefined {
  if (timestamp === undefined) return undefined;
  if (timestamp < 0n || timestamp >= VERSION_MS_MAX) {
    throw invalid('Timestamp must be in range [0, INT64_MAX/1000).');
  }
  return Number(timestamp);
}

function checkColumns(columns: readonly ColumnChange[], key: readonly WireKeyColumn[]): void {
  const keyNames = new Set(key.map((column) => column.name));
  for (const { name } of columns) {
    if (keyNames.has(name)) {
      throw invalid(`Duplicated attribute column name with primary key column: '${name}'.`);
    }
  }
}

function readReturns(
  content: ReturnContentMessage | undefined,
  columns: readonly ColumnChange[],
): RowChange['returns'] {
  const type = content?.returnType ?? RETURN_TYPE.none;
  if (type === RETURN_TYPE.none) return { key: false, columns: [] };
  if (type === RETURN_TYPE.key) return { key: true, columns: [] };
  if (type !== RETURN_TYPE.afterModify) throw invalid(`Invalid return type: ${type}.`);
  const names = content?.returnColumnNames ?? [];
  for (const name of names) {
    if (!columns.some((column) => column.kind === 'increment' && column.name === name)) {
      throw invalid(`Only an incremented column can be returned: '${name}'.`);
    }
  }
  return { key: false, columns: names };
}

function keyColumnBytes({ name, value }: WireKeyColumn): number {
  const isValue = value.type === 'integer' || value.type === 'string' || value.type === 'binary';
  return isValue ? columnBytes({ name, value }) : Buffer.byteLength(name) + 8;
}

function changeBytes(change: ColumnChange): number {
  if (change.kind === 'put') return columnBytes(change);
  return Buffer.byteLength(change.name) + (change.kind === 'increment' ? 8 : 0);
}
