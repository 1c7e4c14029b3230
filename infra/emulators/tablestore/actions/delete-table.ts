import { type Action, findReadable } from '../action-context.ts';
import { invalid, noSuchTable } from '../errors.ts';
import { EmptyMessage, TableNameRequest } from '../messages.ts';
import { checkTableName } from '../names.ts';

/** Deletes a table and its rows; its indexes must be dropped first. */
export const deleteTable: Action = async (context, body) => {
  const { tableName } = TableNameRequest.decode(body);
  checkTableName(tableName);
  await context.state.write(() => {
    const readable = findReadable(context.state, tableName);
    if (readable === undefined) throw noSuchTable();
    if (readable.index !== undefined) throw invalid("Can't write index table directly.");
    if (readable.table.indexes.length > 0) {
      throw invalid(`Table ${tableName} who has at least one index cannot be deleted.`);
    }
    context.state.removeTable(tableName);
    context.state.removeSpace(readable.space);
    context.transactions.endOf(tableName);
  });
  return EmptyMessage.encode({});
};
