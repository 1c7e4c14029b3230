import type { Action } from '../action-context.ts';
import { invalid } from '../errors.ts';
import { CreateTableRequest, EmptyMessage } from '../messages.ts';
import type { MessageOf } from '../protobuf.ts';
import { checkNewNames, nextSpace } from '../table-names.ts';
import {
  checkIndexCount,
  type IndexedTable,
  readDefinedColumns,
  readIndex,
  readKeySchema,
  readSettings,
} from '../table-schema.ts';

/** Makes a table, and indexes of it. */
export const createTable: Action = async (context, body) => {
  const request = CreateTableRequest.decode(body);
  if (request.streamSpec?.enableStream) throw invalid('The emulator has no streams.');
  const schema = readSchema(request);
  const indexes = request.indexMetas.map((meta) => readIndex(meta, schema));
  checkIndexCount(indexes.length);
  const { read = 0, write = 0 } = request.reservedThroughput.capacityUnit;
  if (read < 0 || write < 0) {
    throw invalid(
      `Invalid Capacity Unit:${Math.min(read, write)} . Capacity Unit must be nonnegative.`,
    );
  }
  await context.state.write(() => {
    const { tableName } = request.tableMeta;
    checkNewNames(context.state, [tableName, ...indexes.map((index) => index.name)]);
    const nowMs = Math.floor(context.now());
    context.state.putTable({
      ...schema,
      name: tableName,
      space: nextSpace(context.state),
      indexes: indexes.map((index) => ({
        ...index,
        space: nextSpace(context.state),
        completeAtMs: nowMs,
      })),
      throughput: { read, write },
      throughputIncreasedAtMs: nowMs,
      createdAtMs: nowMs,
    });
  });
  return EmptyMessage.encode({});
};

function readSchema(request: MessageOf<typeof CreateTableRequest>): IndexedTable {
  return {
    key: readKeySchema(request.tableMeta),
    definedColumns: readDefinedColumns(request.tableMeta),
    indexes: [],
    ...readSettings(request.tableOptions),
  };
}
