import type { Action, ActionContext } from '../action-context.ts';
import { noSuchTable } from '../errors.ts';
import { CreateIndexRequest, EmptyMessage } from '../messages.ts';
import { checkTableName } from '../names.ts';
import { decodeKey, spacePrefix } from '../row-key.ts';
import { applyIndexChanges, indexEntry } from '../secondary-index.ts';
import { liveRow } from '../stored-row.ts';
import { checkNewNames, nextSpace } from '../table-names.ts';
import type { IndexRecord, TableRecord } from '../table-record.ts';
import { checkIndexCount, readIndex } from '../table-schema.ts';

/** Makes an index of a table that is there, with or without the rows that are in it already. */
export const createIndex: Action = async (context, body) => {
  const request = CreateIndexRequest.decode(body);
  checkTableName(request.mainTableName);
  await context.state.write(() => {
    const table = context.state.table(request.mainTableName);
    if (table === undefined) throw noSuchTable();
    const declared = readIndex(request.indexMeta, table);
    checkIndexCount(table.indexes.length + 1);
    checkNewNames(context.state, [declared.name]);
    const nowMs = Math.floor(context.now());
    const lagMs = request.includeBaseData && declared.kind === 'global' ? context.indexDelayMs : 0;
    const index = {
      ...declared,
      space: nextSpace(context.state),
      completeAtMs: nowMs + lagMs,
    };
    context.state.putTable({ ...table, indexes: [...table.indexes, index] });
    if (request.includeBaseData) takeInBaseData(context, table, index, nowMs);
  });
  return EmptyMessage.encode({});
};

function takeInBaseData(
  context: ActionContext,
  table: TableRecord,
  index: IndexRecord,
  nowMs: number,
): void {
  const range = {
    from: spacePrefix(table.space),
    to: spacePrefix(table.space + 1),
    backward: false,
  };
  const changes = [...context.state.scan(range)].flatMap(({ key, row }) => {
    const live = liveRow(row, table.ttlSeconds, nowMs);
    const put = live && indexEntry(index, decodeKey(table.key, key), live);
    return put === undefined ? [] : [{ index, put }];
  });
  applyIndexChanges(context.state, changes, nowMs);
}
