/** The messages of protocol version 2015-12-31: only what the emulator reads or says. */
import {
  bool,
  bytes,
  int32,
  int64,
  type MessageOf,
  message,
  optional,
  repeated,
  required,
  string,
} from './protobuf.ts';

/** The body of every reply that is not 200, and of a failed row. */
export const ErrorMessage = message({ code: required(1, string), message: optional(2, string) });

/** Types of primary key columns. */
export const KEY_TYPE = { integer: 1, string: 2, binary: 3 } as const;
/** Types of predefined columns. */
export const DEFINED_TYPE = { integer: 1, double: 2, boolean: 3, string: 4, binary: 7 } as const;
/** The only option of a primary key column. */
export const AUTO_INCREMENT = 1;
/** Kinds of secondary index. */
export const INDEX_TYPE = { global: 0, local: 1 } as const;
/** How an index follows its table. */
export const UPDATE_MODE = { async: 0, sync: 1 } as const;
/** Whether an index still takes in old rows or only follows new writes. */
export const SYNC_PHASE = { full: 1, incremental: 2 } as const;
/** Whether a table serves requests. */
export const TABLE_STATUS = { active: 1, loading: 3 } as const;

const PrimaryKeySchema = message({
  name: required(1, string),
  type: required(2, int32),
  option: optional(3, int32),
});
const DefinedColumnSchema = message({ name: required(1, string), type: required(2, int32) });

const IndexMeta = message({
  name: required(1, string),
  primaryKey: repeated(2, string),
  definedColumn: repeated(3, string),
  updateMode: required(4, int32),
  type: required(5, int32),
  syncPhase: optional(6, int32),
});
/** An index as a request declares it. */
export type IndexMetaMessage = MessageOf<typeof IndexMeta>;

const TableMeta = message({
  tableName: required(1, string),
  primaryKey: repeated(2, PrimaryKeySchema),
  definedColumn: repeated(3, DefinedColumnSchema),
});
/** A table as a request declares it. */
export type TableMetaMessage = MessageOf<typeof TableMeta>;

const TableOptions = message({
  timeToLive: optional(1, int32),
  maxVersions: optional(2, int32),
  deviationSeconds: optional(5, int64),
  allowUpdate: optional(6, bool),
});
/** Options of a table, each of them or not. */
export type TableOptionsMessage = MessageOf<typeof TableOptions>;

const CapacityUnit = message({ read: optional(1, int32), write: optional(2, int32) });
const ReservedThroughput = message({ capacityUnit: required(1, CapacityUnit) });
const ReservedThroughputDetails = message({
  capacityUnit: required(1, CapacityUnit),
  lastIncreaseTime: required(2, int64),
  lastDecreaseTime: optional(3, int64),
});
const ConsumedCapacity = message({ capacityUnit: required(1, CapacityUnit) });
/** What a request cost. */
export type Consumed = MessageOf<typeof ConsumedCapacity>;

const StreamSpecification = message({
  enableStream: required(1, bool),
  expirationTime: optional(2, int32),
});

/** Body of CreateTable. */
export const CreateTableRequest = message({
  tableMeta: required(1, TableMeta),
  reservedThroughput: required(2, ReservedThroughput),
  tableOptions: optional(3, TableOptions),
  streamSpec: optional(5, StreamSpecification),
  indexMetas: repeated(7, IndexMeta),
});
/** Body of CreateIndex. */
export const CreateIndexRequest = message({
  mainTableName: required(1, string),
  indexMeta: required(2, IndexMeta),
  includeBaseData: optional(3, bool),
});
/** Body of DropIndex. */
export const DropIndexRequest = message({
  mainTableName: required(1, string),
  indexName: required(2, string),
});
/** Body of UpdateTable. */
export const UpdateTableRequest = message({
  tableName: required(1, string),
  reservedThroughput: optional(2, ReservedThroughput),
  tableOptions: optional(3, TableOptions),
  streamSpec: optional(4, StreamSpecification),
});
/** Reply to UpdateTable. */
export const UpdateTableResponse = message({
  reservedThroughputDetails: required(1, ReservedThroughputDetails),
  tableOptions: required(2, TableOptions),
});
/** DescribeTable and DeleteTable. */
export const TableNameRequest = message({ tableName: required(1, string) });
/** Reply to DescribeTable. */
export const DescribeTableResponse = message({
  tableMeta: required(1, TableMeta),
  reservedThroughputDetails: required(2, ReservedThroughputDetails),
  tableOptions: required(3, TableOptions),
  tableStatus: required(4, int32),
  indexMetas: repeated(8, IndexMeta),
});
/** Reply to ListTable. */
export const ListTableResponse = message({ tableNames: repeated(1, string) });
/** Reply of the operations that have nothing to say. */
export const EmptyMessage = message({});

const Condition = message({
  rowExistence: required(1, int32),
  columnCondition: optional(2, bytes),
});
/** The condition of a write. */
export type ConditionMessage = MessageOf<typeof Condition>;

/** What a write expects of its row. */
export const EXPECTATION = { ignore: 0, exist: 1, notExist: 2 } as const;

const ReturnContent = message({
  returnType: optional(1, int32),
  returnColumnNames: repeated(2, string),
});
/** What a write is to answer with. */
export type ReturnContentMessage = MessageOf<typeof ReturnContent>;

/** Kinds of answer to a write. */
export const RETURN_TYPE = { none: 0, key: 1, afterModify: 2 } as const;

const TimeRange = message({
  startTime: optional(1, int64),
  endTime: optional(2, int64),
  specificTime: optional(3, int64),
});

/** PutRow, UpdateRow and DeleteRow look alike: for a deletion `row` is its primary key. */
export const WriteRowRequest = message({
  tableName: required(1, string),
  row: required(2, bytes),
  condition: required(3, Condition),
  returnContent: optional(4, ReturnContent),
  transactionId: optional(5, string),
});
/** Reply to PutRow, UpdateRow and DeleteRow. */
export const WriteRowResponse = message({
  consumed: required(1, ConsumedCapacity),
  row: optional(2, bytes),
});

/** Body of GetRow. */
export const GetRowRequest = message({
  tableName: required(1, string),
  primaryKey: required(2, bytes),
  columnsToGet: repeated(3, string),
  timeRange: optional(4, TimeRange),
  maxVersions: optional(5, int32),
  filter: optional(7, bytes),
  startColumn: optional(8, string),
  endColumn: optional(9, string),
  transactionId: optional(11, string),
});
/** Reply to GetRow. */
export const GetRowResponse = message({
  consumed: required(1, ConsumedCapacity),
  row: required(2, bytes),
});

const TableInBatchGetRow = message({
  tableName: required(1, string),
  primaryKey: repeated(2, bytes),
  columnsToGet: repeated(4, string),
  timeRange: optional(5, TimeRange),
  maxVersions: optional(6, int32),
  filter: optional(8, bytes),
  startColumn: optional(9, string),
  endColumn: optional(10, string),
});
/** Body of BatchGetRow. */
export const BatchGetRowRequest = message({ tables: repeated(1, TableInBatchGetRow) });

const RowInBatch = message({
  isOk: required(1, bool),
  error: optional(2, ErrorMessage),
  consumed: optional(3, ConsumedCapacity),
  row: optional(4, bytes),
});
/** The outcome of one row of a batch. */
export type RowInBatchMessage = MessageOf<typeof RowInBatch>;

/** BatchGetRow and BatchWriteRow answer alike. */
export const BatchResponse = message({
  tables: repeated(1, message({ tableName: required(1, string), rows: repeated(2, RowInBatch) })),
});

/** Kinds of change in a BatchWriteRow. */
export const CHANGE_TYPE = { put: 1, update: 2, delete: 3 } as const;

const RowInBatchWrite = message({
  type: required(1, int32),
  row: required(2, bytes),
  condition: required(3, Condition),
  returnContent: optional(4, ReturnContent),
});
/** Body of BatchWriteRow. */
export const BatchWriteRowRequest = message({
  tables: repeated(
    1,
    message({ tableName: required(1, string), rows: repeated(2, RowInBatchWrite) }),
  ),
  transactionId: optional(2, string),
});

/** Directions of a GetRange. */
export const DIRECTION = { forward: 0, backward: 1 } as const;

/** Body of GetRange. */
export const GetRangeRequest = message({
  tableName: required(1, string),
  direction: required(2, int32),
  columnsToGet: repeated(3, string),
  timeRange: optional(4, TimeRange),
  maxVersions: optional(5, int32),
  limit: optional(6, int32),
  start: required(7, bytes),
  end: required(8, bytes),
  filter: optional(10, bytes),
  startColumn: optional(11, string),
  endColumn: optional(12, string),
  transactionId: optional(14, string),
});
/** Reply to GetRange. */
export const GetRangeResponse = message({
  consumed: required(1, ConsumedCapacity),
  rows: required(2, bytes),
  nextStart: optional(3, bytes),
});

/** Body of StartLocalTransaction. */
export const StartLocalTransactionRequest = message({
  tableName: required(1, string),
  key: required(2, bytes),
});
/** Reply to StartLocalTransaction. */
export const StartLocalTransactionResponse = message({ transactionId: required(1, string) });
/** CommitTransaction and AbortTransaction. */
export const TransactionRequest = message({ transactionId: required(1, string) });

/** Kinds of filter. */
export const FILTER_TYPE = { single: 1, composite: 2, pagination: 3 } as const;

/** A filter or condition: its type, and the message of that type. */
export const FilterMessage = message({ type: required(1, int32), filter: required(2, bytes) });
/** Compares one column with a value. */
export const SingleFilterMessage = message({
  comparator: required(1, int32),
  columnName: required(2, string),
  columnValue: required(3, bytes),
  filterIfMissing: required(4, bool),
  latestVersionOnly: required(5, bool),
});
/** NOT, AND or OR of filters. */
export const CompositeFilterMessage = message({
  combinator: required(1, int32),
  subFilters: repeated(2, FilterMessage),
});
/** A window of a row's columns. */
export const PaginationFilterMessage = message({
  offset: required(1, int32),
  limit: required(2, int32),
});
