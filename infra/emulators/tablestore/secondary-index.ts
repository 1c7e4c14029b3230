import { invalid } from './errors.ts';
import { KEY_VALUE_BYTES_MAX } from './limits.ts';
import { encodeKey } from './row-key.ts';
import type { TablestoreState } from './state.ts';
import { encodeStoredRow, type StoredRow } from './stored-row.ts';
import type { IndexRecord, TableRecord } from './table-record.ts';
import { type KeyColumn, type KeyValue, valueBytes } from './values.ts';

/** What a change of a row does to one index. */
export interface IndexChange {
  readonly index: IndexRecord;
  readonly remove?: Buffer;
  readonly put?: { readonly key: Buffer; readonly row: StoredRow };
}

/**
 * What the change of a row from `before` to `after` does to the table's indexes.
 * @throws {TablestoreError} OTSParameterInvalid: a value is too long for an index's key
 */
export function indexChanges(
  table: TableRecord,
  key: readonly KeyColumn[],
  before: StoredRow | undefined,
  after: StoredRow | undefined,
): IndexChange[] {
  return table.indexes.flatMap((index) => {
    const old = before && indexEntry(index, key, before);
    const put = after && indexEntry(index, key, after);
    const moved = old !== undefined && (put === undefined || !old.key.equals(put.key));
    if (!moved && put === undefined) return [];
    return [{ index, ...(moved ? { remove: old.key } : {}), ...(put ? { put } : {}) }];
  });
}

/** Applies changes: to a local index at once, to a global one when it is due. Inside `write`. */
export function applyIndexChanges(
  state: TablestoreState,
  changes: readonly IndexChange[],
  nowMs: number,
): void {
  for (const { index, remove, put } of changes) {
    if (index.kind === 'local') {
      if (remove !== undefined) state.removeRow(remove);
      if (put !== undefined) state.putRow(put.key, put.row);
      continue;
    }
    state.addPending({
      writtenAtMs: nowMs,
      space: index.space,
      ...(remove === undefined ? {} : { remove }),
      ...(put === undefined ? {} : { put: { key: put.key, row: encodeStoredRow(put.row) } }),
    });
  }
}

/** The row of an index for a row of its table; none when a column of the index's key is missing. */
export function indexEntry(
  index: IndexRecord,
  key: readonly KeyColumn[],
  row: StoredRow,
): { readonly key: Buffer; readonly row: StoredRow } | undefined {
  const values: KeyValue[] = [];
  for (const { name, type } of index.key) {
    const value =
      key.find((column) => column.name === name)?.value ??
      row.cells.find((cell) => cell.name === name)?.value;
    if (value === undefined || value.type !== type) return undefined;
    checkLength(name, value);
    values.push(value);
  }
  const attributes = new Set(index.attributes);
  const cells = row.cells.filter((cell) => attributes.has(cell.name));
  return { key: encodeKey(index.space, values), row: { writtenAtMs: row.writtenAtMs, cells } };
}

function checkLength(name: string, value: KeyValue): void {
  const length = valueBytes(value);
  if (value.type === 'integer' || length <= KEY_VALUE_BYTES_MAX) return;
  throw invalid(
    `The length of primary key column: '${name}' exceeds the MaxLength:${KEY_VALUE_BYTES_MAX} ` +
      `with CurrentLength:${length}.`,
  );
}
