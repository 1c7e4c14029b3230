import { type Action, findReadable, isReady } from '../action-context.ts';
import { noSuchTable } from '../errors.ts';
import { DescribeTableResponse, TABLE_STATUS, TableNameRequest } from '../messages.ts';
import { checkTableName } from '../names.ts';
import { describeIndex, describeMeta, describeSettings } from '../table-description.ts';

/** A table's columns, settings and indexes; also of an index, as the table it can be read as. */
export const describeTable: Action = async (context, body) => {
  const { tableName } = TableNameRequest.decode(body);
  checkTableName(tableName);
  const readable = findReadable(context.state, tableName);
  if (readable === undefined) throw noSuchTable();
  const indexes = readable.index === undefined ? readable.table.indexes : [];
  return DescribeTableResponse.encode({
    tableMeta: describeMeta(readable),
    ...describeSettings(readable.table),
    tableStatus: isReady(context, readable.table) ? TABLE_STATUS.active : TABLE_STATUS.loading,
    indexMetas: indexes.map((index) => describeIndex(index, context.now())),
  });
};
