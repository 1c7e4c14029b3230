/**
 * Requests to Tablestore in the SDK's own types. The only module that loads the SDK: it is loaded with
 * the first call, so that a cold start does not wait for it.
 */
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import TableStore, {
  type AttributesInput,
  type AttributesOutput,
  type Client,
  type Condition,
  type GetRangeResult,
} from 'tablestore';
import type { ListOptions, TableName, TableValues } from '../../ports/record-store.ts';
import type { CloudCredentials } from '../credentials.ts';
import { indexColumnNames } from './index-columns.ts';
import { decodeCursor, encodeKey, encodeParts, type KeySpace, tableSpace } from './row-key.ts';
import { storedIndexColumns, writerColumn } from './stored-document.ts';

/** How long one request may take, ms; a socket silent for this long is given up. */
const REQUEST_TIMEOUT_MS = 8_000;
/** Connections to the instance at most, per function instance. */
const CONNECTIONS_MAX = 64;

/** Where the tables are. */
export interface TablestoreLocation {
  readonly endpoint: string;
  readonly instance: string;
}

/** A conditional write: `version` over the one before it, 1 over no row. */
export interface RowWrite<T extends TableName> {
  readonly table: T;
  readonly key: readonly string[];
  readonly value: TableValues[T];
  readonly json: string;
  /** Version the row will have. */
  readonly version: number;
  readonly writeId: string;
}

/** A client of the SDK as this house sets it up. */
export function buildTablestoreClient(
  location: TablestoreLocation,
  credentials: CloudCredentials,
): Client {
  const agentOptions = { keepAlive: true, maxSockets: CONNECTIONS_MAX };
  // The SDK's own agent for https does not keep connections alive; its types do not know `agent`.
  const httpOptions = {
    timeout: REQUEST_TIMEOUT_MS,
    maxSockets: CONNECTIONS_MAX,
    agent: location.endpoint.startsWith('https:')
      ? new HttpsAgent(agentOptions)
      : new HttpAgent(agentOptions),
  };
  return new TableStore.Client({
    endpoint: location.endpoint,
    instancename: location.instance,
    accessKeyId: credentials.accessKeyId,
    secretAccessKey: credentials.accessKeySecret,
    ...(credentials.securityToken === undefined ? {} : { stsToken: credentials.securityToken }),
    // Process-wide in the SDK, and blind to its own error codes: retries are ours.
    maxRetries: 0,
    httpOptions,
  });
}

/** One pair of keys' way to the tables: single attempts, the SDK's own errors. */
export class TablestoreSession {
  private readonly client: Client;

  constructor(location: TablestoreLocation, credentials: CloudCredentials) {
    this.client = buildTablestoreClient(location, credentials);
  }

  /** The row's attributes; undefined or null where there is none. */
  async read(
    table: TableName,
    key: readonly string[],
  ): Promise<AttributesOutput | null | undefined> {
    const primaryKey = primaryKeyOf(table, key);
    const { row } = await this.client.getRow({ tableName: table, primaryKey, maxVersions: 1 });
    return row?.attributes;
  }

  /** The attributes of up to 100 rows, in the order of the keys. */
  async readMany(
    table: TableName,
    keys: readonly (readonly string[])[],
  ): Promise<(AttributesOutput | null)[]> {
    const primaryKey = keys.map((key) => primaryKeyOf(table, key));
    const reply = await this.client.batchGetRow({ tables: [{ tableName: table, primaryKey }] });
    const items = reply.tables[0] ?? [];
    const failed = items.find((item) => !item.isOk);
    if (failed !== undefined) {
      throw new Error(`${failed.errorCode ?? ''} ${failed.errorMessage ?? ''}`);
    }
    return items.map((item) => item.attributes);
  }

  /** A first version is put whole; a later one is an update, so that ids of earlier writers stay. */
  async write<T extends TableName>(write: RowWrite<T>): Promise<void> {
    const row = { tableName: write.table, primaryKey: primaryKeyOf(write.table, write.key) };
    const attributes = attributesOf(write);
    if (write.version === 1) {
      const absent = TableStore.RowExistenceExpectation.EXPECT_NOT_EXIST;
      const condition = new TableStore.Condition(absent, null);
      await this.client.putRow({ ...row, condition, attributeColumns: attributes });
      return;
    }
    const present = storedIndexColumns(write.table, write.value);
    const lost = indexColumnNames(write.table).filter((name) => !(name in present));
    await this.client.updateRow({
      ...row,
      condition: expectVersion(write.version - 1),
      updateOfAttributeColumns: [
        { PUT: attributes },
        ...(lost.length === 0 ? [] : [{ DELETE_ALL: lost }]),
      ],
    });
  }

  /** Removes that version, or whatever is there. */
  async remove(
    table: TableName,
    key: readonly string[],
    version: number | undefined,
  ): Promise<void> {
    const whatever = TableStore.RowExistenceExpectation.IGNORE;
    await this.client.deleteRow({
      tableName: table,
      primaryKey: primaryKeyOf(table, key),
      condition:
        version === undefined ? new TableStore.Condition(whatever, null) : expectVersion(version),
    });
  }

  /** One reply of a list, from its cursor on. @throws ValidationError for a cursor of another list */
  async range(space: KeySpace, options: ListOptions): Promise<GetRangeResult> {
    const fixed = encodeParts(space, options.prefix).map(({ value }) => value);
    const start =
      options.after === undefined ? fixed : decodeCursor(space, options.prefix, options.after);
    return await this.client.getRange({
      tableName: space.name,
      direction: TableStore.Direction.FORWARD,
      inclusiveStartPrimaryKey: boundOf(space, start, TableStore.INF_MIN),
      exclusiveEndPrimaryKey:
        options.before === undefined
          ? boundOf(space, fixed, TableStore.INF_MAX)
          : boundOf(space, [...fixed, options.before], TableStore.INF_MIN),
      maxVersions: 1,
      limit: options.limit,
    });
  }
}

function primaryKeyOf(table: TableName, key: readonly string[]): { [name: string]: string }[] {
  return encodeKey(tableSpace(table), key).map(({ name, value }) => ({ [name]: value }));
}

type Infinity = typeof TableStore.INF_MIN | typeof TableStore.INF_MAX;

/** A bound of a range: the given parts, then `rest` in every further column. */
function boundOf(
  space: KeySpace,
  parts: readonly string[],
  rest: Infinity,
): { [name: string]: string | Infinity }[] {
  return space.columns.map((name, i) => ({ [name]: parts[i] ?? rest }));
}

function attributesOf<T extends TableName>(write: RowWrite<T>): AttributesInput {
  return [
    { doc: write.json },
    { version: TableStore.Long.fromNumber(write.version) },
    { [writerColumn(write.version)]: write.writeId },
    ...Object.entries(storedIndexColumns(write.table, write.value)).map(([name, value]) => ({
      [name]: value,
    })),
  ];
}

function expectVersion(version: number): Condition {
  return new TableStore.Condition(
    TableStore.RowExistenceExpectation.EXPECT_EXIST,
    new TableStore.SingleColumnCondition(
      'version',
      TableStore.Long.fromNumber(version),
      TableStore.ComparatorType.EQUAL,
      false,
      true,
    ),
  );
}
