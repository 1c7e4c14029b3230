import type { Action } from '../action-context.ts';
import { invalid, noSuchTable } from '../errors.ts';
import { UpdateTableRequest, UpdateTableResponse } from '../messages.ts';
import { checkTableName } from '../names.ts';
import { describeSettings } from '../table-description.ts';
import type { TableRecord } from '../table-record.ts';
import { checkIndexedTable, readSettings } from '../table-schema.ts';

/** Changes settings of a table: time to live, allowed deviation, update, throughput. */
export const updateTable: Action = async (context, body) => {
  const request = UpdateTableRequest.decode(body);
  checkTableName(request.tableName);
  if (request.streamSpec?.enableStream) throw invalid('The emulator has no streams.');
  const updated = await context.state.write(() => {
    const table = context.state.table(request.tableName);
    if (table === undefined) throw noSuchTable();
    const settings = readSettings(request.tableOptions, table);
    if (table.indexes.length > 0) checkIndexedTable(settings);
    const next = {
      ...table,
      ...settings,
      ...changedThroughput(table, request.reservedThroughput?.capacityUnit, context.now()),
    };
    context.state.putTable(next);
    return next;
  });
  return UpdateTableResponse.encode(describeSettings(updated));
};

function changedThroughput(
  table: TableRecord,
  wanted: { readonly read?: number | undefined; readonly write?: number | undefined } | undefined,
  nowMs: number,
): Partial<TableRecord> {
  if (wanted === undefined) return {};
  const { read = table.throughput.read, write = table.throughput.write } = wanted;
  if (read < 0 || write < 0) {
    throw invalid(
      `Invalid Capacity Unit for UpdateTable: Either read(${read}) or write(${write}) should be ` +
        'non-negative.',
    );
  }
  const isIncreased = read > table.throughput.read || write > table.throughput.write;
  const isDecreased = read < table.throughput.read || write < table.throughput.write;
  return {
    throughput: { read, write },
    ...(isIncreased ? { throughputIncreasedAtMs: nowMs } : {}),
    ...(isDecreased ? { throughputDecreasedAtMs: nowMs } : {}),
  };
}
