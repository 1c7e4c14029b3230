import { type Action, type ActionContext, readableNamed } from '../action-context.ts';
import { NO_COST } from '../capacity.ts';
import { invalid, TablestoreError } from '../errors.ts';
import { BATCH_GET_ROWS_MAX } from '../limits.ts';
import { BatchGetRowRequest, BatchResponse, type RowInBatchMessage } from '../messages.ts';
import { checkTableName } from '../names.ts';
import { decodeRow } from '../plain-buffer.ts';
import { readRow, readRowKey } from '../row-reader.ts';
import { readSelection, type Selection } from '../row-selection.ts';
import type { KeyColumn } from '../values.ts';

/** Reads rows by their keys; each has an outcome of its own. */
export const batchGetRow: Action = async (context, body) => {
  const request = BatchGetRowRequest.decode(body);
  if (request.tables.length === 0) {
    throw invalid('No row specified in the request of BatchGetRow.');
  }
  const count = request.tables.reduce((sum, table) => sum + table.primaryKey.length, 0);
  if (count > BATCH_GET_ROWS_MAX) {
    throw invalid(`Rows count exceeds the upper limit: ${BATCH_GET_ROWS_MAX}.`);
  }
  const seen = new Set<string>();
  const wanted = request.tables.map((table) => {
    checkTableName(table.tableName);
    if (seen.has(table.tableName)) throw invalid(`Duplicated table name: '${table.tableName}'.`);
    seen.add(table.tableName);
    return {
      tableName: table.tableName,
      selection: readSelection(table),
      keys: table.primaryKey.map((key) => readRowKey(decodeRow(key))),
    };
  });
  context.counters.reads.requests += 1;
  const tables = [];
  for (const { tableName, selection, keys } of wanted) {
    const rows = [];
    for (const key of keys) rows.push(await readOne(context, tableName, key, selection));
    tables.push({ tableName, rows });
  }
  return BatchResponse.encode({ tables });
};

async function readOne(
  context: ActionContext,
  tableName: string,
  key: readonly KeyColumn[],
  selection: Selection,
): Promise<RowInBatchMessage> {
  try {
    const readable = await readableNamed(context, tableName);
    return { isOk: true, ...readRow(context, { readable }, key, selection) };
  } catch (error) {
    if (!(error instanceof TablestoreError)) throw error;
    return {
      isOk: false,
      error: { code: error.code, message: error.message },
      consumed: NO_COST,
    };
  }
}
