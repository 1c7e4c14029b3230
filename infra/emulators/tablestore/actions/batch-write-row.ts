import {
  type Action,
  type ActionContext,
  findReadable,
  transactionNamed,
  writableNamed,
} from '../action-context.ts';
import { NO_COST } from '../capacity.ts';
import { invalid, TablestoreError } from '../errors.ts';
import { BATCH_WRITE_ROWS_MAX, WRITE_BYTES_MAX } from '../limits.ts';
import { BatchResponse, BatchWriteRowRequest, type RowInBatchMessage } from '../messages.ts';
import { checkTableName } from '../names.ts';
import type { MessageOf } from '../protobuf.ts';
import { changeKind, type RowChange, readRowChange } from '../row-change.ts';
import { encodeKey } from '../row-key.ts';
import { applyChange } from '../row-writer.ts';
import type { LocalTransaction } from '../transactions.ts';

interface TableChanges {
  readonly tableName: string;
  readonly changes: readonly RowChange[];
}

/** Changes rows, each by itself: some may fail and the others hold. */
export const batchWriteRow: Action = async (context, body) => {
  const request = BatchWriteRowRequest.decode(body);
  const wanted = readTables(request);
  const tables = await context.state.write(() => {
    const transaction = transactionNamed(context, request.transactionId);
    for (const table of wanted) checkRepeatedRows(context, table);
    return wanted.map(({ tableName, changes }) => ({
      tableName,
      rows: changes.map((change) => writeOne(context, { tableName, change, transaction })),
    }));
  });
  context.counters.writes.requests += 1;
  for (const { changes } of wanted) context.counters.writes.rows += changes.length;
  return BatchResponse.encode({ tables });
};

function readTables(request: MessageOf<typeof BatchWriteRowRequest>): TableChanges[] {
  if (request.tables.length === 0) throw invalid('No row is specified in BatchWriteRow.');
  const seen = new Set<string>();
  let count = 0;
  for (const { tableName, rows } of request.tables) {
    checkTableName(tableName);
    if (seen.has(tableName)) throw invalid(`Duplicated table name: '${tableName}'.`);
    seen.add(tableName);
    if (rows.length === 0) throw invalid(`No operation is specified for table: '${tableName}'.`);
    count += rows.length;
  }
  if (count > BATCH_WRITE_ROWS_MAX) {
    throw invalid(`Rows count exceeds the upper limit: ${BATCH_WRITE_ROWS_MAX}.`);
  }
  const tables = request.tables.map(({ tableName, rows }) => ({
    tableName,
    changes: rows.map((row) => readRowChange(changeKind(row.type), row)),
  }));
  const sizeBytes = tables
    .flatMap((table) => table.changes)
    .reduce((sum, change) => sum + change.sizeBytes, 0);
  if (sizeBytes <= WRITE_BYTES_MAX) return tables;
  throw invalid(
    `The total data size of BatchWriteRow request exceeds the limit, limit size: ` +
      `${WRITE_BYTES_MAX}, data size: ${sizeBytes}.`,
  );
}

/** A row may come twice, but then without conditions, and not in a table with indexes. */
function checkRepeatedRows(context: ActionContext, { tableName, changes }: TableChanges): void {
  const hasIndexes = (findReadable(context.state, tableName)?.table.indexes.length ?? 0) > 0;
  const byKey = new Map<string, RowChange[]>();
  for (const change of changes) {
    const values = change.key.map((column) => column.value);
    if (values.some((value) => value.type === 'autoIncrement')) continue;
    const key = encodeKey(0, values).toString('hex');
    byKey.set(key, [...(byKey.get(key) ?? []), change]);
  }
  for (const repeated of byKey.values()) {
    if (repeated.length < 2) continue;
    if (repeated.some(({ condition }) => condition.expects !== 'anything')) {
      throw invalid('Repeated rows do not support row exist expectation check in BatchModify.');
    }
    if (repeated.some(({ condition }) => condition.test !== undefined)) {
      throw invalid('Repeated rows do not support row condition check in BatchModify.');
    }
    if (hasIndexes) throw invalid('Duplicate rows detected in MultiPut.');
  }
}

function writeOne(
  context: ActionContext,
  row: {
    readonly tableName: string;
    readonly change: RowChange;
    readonly transaction: LocalTransaction | undefined;
  },
): RowInBatchMessage {
  try {
    const table = writableNamed(context, row.tableName);
    const { transaction } = row;
    return { isOk: true, ...applyChange({ context, table, transaction }, row.change) };
  } catch (error) {
    if (!(error instanceof TablestoreError)) throw error;
    return {
      isOk: false,
      error: { code: error.code, message: error.message },
      consumed: NO_COST,
    };
  }
}
