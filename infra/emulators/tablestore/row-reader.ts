import type { ActionContext } from './action-context.ts';
import { readCost } from './capacity.ts';
import type { Consumed } from './messages.ts';
import { encodeRow, type WireRow } from './plain-buffer.ts';
import { checkKey, knownColumns, readKey } from './primary-key.ts';
import { encodeKey } from './row-key.ts';
import { type Selection, selectCells } from './row-selection.ts';
import { liveRow } from './stored-row.ts';
import type { Readable } from './table-record.ts';
import type { LocalTransaction } from './transactions.ts';
import { type KeyColumn, sumColumnBytes } from './values.ts';

/** The key of a row to be read, checked by itself. */
export function readRowKey(row: WireRow): KeyColumn[] {
  return knownColumns(readKey(row.key, { read: true }));
}

/**
 * Reads one row; an empty buffer when there is none, or nothing of it is asked for.
 * @throws {TablestoreError} OTSInvalidPK
 */
export function readRow(
  context: ActionContext,
  from: { readonly readable: Readable; readonly transaction?: LocalTransaction | undefined },
  key: readonly KeyColumn[],
  selection: Selection,
): { readonly consumed: Consumed; readonly row: Buffer } {
  const { readable, transaction } = from;
  checkKey(readable.key, key);
  const bytes = encodeKey(
    readable.space,
    key.map((column) => column.value),
  );
  const planned = transaction?.rows.get(bytes.toString('hex'));
  const stored = planned === undefined ? context.state.row(bytes) : planned.row;
  const row = liveRow(stored, readable.table.ttlSeconds, context.now());
  context.counters.reads.rows += 1;
  if (row === undefined) return { consumed: readCost(0), row: Buffer.alloc(0) };
  const cells = selectCells(selection, key, row);
  if (cells === undefined) {
    return { consumed: readCost(sumColumnBytes(key)), row: Buffer.alloc(0) };
  }
  return {
    consumed: readCost(sumColumnBytes(key) + sumColumnBytes(cells)),
    row: encodeRow(key, cells),
  };
}
