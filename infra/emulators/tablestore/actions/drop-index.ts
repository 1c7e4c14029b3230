import type { Action } from '../action-context.ts';
import { noSuchTable } from '../errors.ts';
import { DropIndexRequest, EmptyMessage } from '../messages.ts';
import { checkTableName } from '../names.ts';

/** Drops an index and its rows. */
export const dropIndex: Action = async (context, body) => {
  const request = DropIndexRequest.decode(body);
  checkTableName(request.mainTableName);
  checkTableName(request.indexName);
  await context.state.write(() => {
    const table = context.state.table(request.mainTableName);
    const index = table?.indexes.find((one) => one.name === request.indexName);
    if (table === undefined || index === undefined) throw noSuchTable();
    context.state.putTable({ ...table, indexes: table.indexes.filter((one) => one !== index) });
    context.state.removeSpace(index.space);
  });
  return EmptyMessage.encode({});
};
