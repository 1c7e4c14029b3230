/** Tables in the words of the protocol. */
import {
  AUTO_INCREMENT,
  DEFINED_TYPE,
  type DescribeTableResponse,
  INDEX_TYPE,
  KEY_TYPE,
  SYNC_PHASE,
  UPDATE_MODE,
  type UpdateTableResponse,
} from './messages.ts';
import type { MessageOf } from './protobuf.ts';
import type { IndexRecord, Readable, TableRecord } from './table-record.ts';

type Description = MessageOf<typeof DescribeTableResponse>;

/** The columns of a table, or of an index as the table that it can be read as. */
export function describeMeta({ table, index, key }: Readable): Description['tableMeta'] {
  const attributes = index === undefined ? undefined : new Set(index.attributes);
  return {
    tableName: index?.name ?? table.name,
    primaryKey: key.map(({ name, type }) => ({
      name,
      type: KEY_TYPE[type],
      ...(isNumbered(table, index, name) ? { option: AUTO_INCREMENT } : {}),
    })),
    definedColumn: table.definedColumns
      .filter(({ name }) => attributes?.has(name) ?? true)
      .map(({ name, type }) => ({ name, type: DEFINED_TYPE[type] })),
  };
}

/** An index of a table. */
export function describeIndex(index: IndexRecord, nowMs: number): Description['indexMetas'][0] {
  const isLocal = index.kind === 'local';
  return {
    name: index.name,
    primaryKey: index.key.map((column) => column.name),
    definedColumn: index.attributes,
    updateMode: isLocal ? UPDATE_MODE.sync : UPDATE_MODE.async,
    type: isLocal ? INDEX_TYPE.local : INDEX_TYPE.global,
    syncPhase: nowMs < index.completeAtMs ? SYNC_PHASE.full : SYNC_PHASE.incremental,
  };
}

/** The settings of a table, as UpdateTable and DescribeTable answer them. */
export function describeSettings(table: TableRecord): MessageOf<typeof UpdateTableResponse> {
  return {
    reservedThroughputDetails: {
      capacityUnit: table.throughput,
      lastIncreaseTime: seconds(table.throughputIncreasedAtMs),
      ...(table.throughputDecreasedAtMs === undefined
        ? {}
        : { lastDecreaseTime: seconds(table.throughputDecreasedAtMs) }),
    },
    tableOptions: {
      timeToLive: table.ttlSeconds,
      maxVersions: 1,
      deviationSeconds: BigInt(table.versionDeviationSeconds),
      allowUpdate: table.allowUpdate,
    },
  };
}

function isNumbered(table: TableRecord, index: IndexRecord | undefined, name: string): boolean {
  if (index !== undefined) return false;
  return table.key.some((column) => column.name === name && column.autoIncrement);
}

function seconds(timeMs: number): bigint {
  return BigInt(Math.floor(timeMs / 1000));
}
