/** The tables and secondary indexes that must exist in the Tablestore instance, as code. */
import TableStore, { type Client, type CreateTableParams, type IndexMeta } from 'tablestore';
import { withDeadline } from '../shared/adapters/deadline.ts';
import { indexColumnNames } from '../shared/adapters/tablestore/index-columns.ts';
import { indexSpace } from '../shared/adapters/tablestore/row-key.ts';
import { tablestoreCode } from '../shared/adapters/tablestore/tablestore-errors.ts';
import {
  type IndexName,
  TABLE_INDEXES,
  TABLE_KEYS,
  type TableName,
} from '../shared/ports/record-store.ts';

/** How long a new table may take to answer, ms; "a few seconds" by the manual. */
const READY_MS_MAX = 60_000;
const READY_POLL_MS = 500;

/** What an index must hold to answer without its table: the attributes that `readDocument` needs. */
const DOCUMENT_COLUMNS = [
  { name: 'doc', type: TableStore.DefinedColumnType.DCT_STRING },
  { name: 'version', type: TableStore.DefinedColumnType.DCT_INTEGER },
];

/** What ensureTables needs of the SDK's client. */
export type TableClient = Pick<Client, 'createTable' | 'createIndex' | 'describeTable' | 'getRow'>;

/** The CreateTable call of every table. */
function tableDefinitions(): CreateTableParams[] {
  return tableNames().map((table) => {
    const indexes = indexNames().filter((index) => TABLE_INDEXES[index].table === table);
    const definedColumn = [
      ...indexColumnNames(table).map((name) => ({
        name,
        type: TableStore.DefinedColumnType.DCT_STRING,
      })),
      ...(indexes.some((index) => TABLE_INDEXES[index].kind === 'local') ? DOCUMENT_COLUMNS : []),
    ];
    const indexMetas = indexes.map(indexMeta);
    return {
      tableMeta: {
        tableName: table,
        primaryKey: TABLE_KEYS[table].map((name) => ({
          name,
          type: TableStore.PrimaryKeyType.STRING,
        })),
        ...(definedColumn.length === 0 ? {} : { definedColumn }),
      },
      // Secondary indexes demand both: no expiry by the service, one version per column.
      tableOptions: { timeToLive: -1, maxVersions: 1 },
      // Capacity is paid per request: nothing is reserved, so nothing is billed while idle.
      reservedThroughput: { capacityUnit: { read: 0, write: 0 } },
      ...(indexMetas.length === 0 ? {} : { indexMetas }),
    };
  });
}

/** How an index is declared; see TablestoreRecordStore.listIndex for why only a local one has documents. */
function indexMeta(name: IndexName): IndexMeta {
  const primaryKey = [...indexSpace(name).columns];
  if (TABLE_INDEXES[name].kind === 'global') return { name, primaryKey, definedColumn: [] };
  return {
    name,
    primaryKey,
    definedColumn: DOCUMENT_COLUMNS.map((column) => column.name),
    indexType: TableStore.IndexType.IT_LOCAL_INDEX,
    indexUpdateMode: TableStore.IndexUpdateMode.IUM_SYNC_INDEX,
  };
}

/**
 * Creates what is missing and waits until every table answers. Safe to repeat and to run twice at once.
 * @throws Error naming the table that did not become ready
 */
export async function ensureTables(
  client: TableClient,
  sleep: (ms: number) => Promise<void> = async (ms) =>
    await new Promise((resolve) => setTimeout(resolve, ms)),
): Promise<void> {
  for (const definition of tableDefinitions()) await ensureTable(client, definition);
  const attempts = Math.ceil(READY_MS_MAX / READY_POLL_MS);
  for (const table of tableNames()) {
    for (let attempt = 1; !(await answers(client, table)); attempt += 1) {
      if (attempt >= attempts) {
        throw new Error(`Table ${table} was not ready within ${READY_MS_MAX / 1000} s`);
      }
      await sleep(READY_POLL_MS);
    }
  }
}

async function ensureTable(client: TableClient, definition: CreateTableParams): Promise<void> {
  const table = definition.tableMeta.tableName;
  try {
    await bounded(`create table ${table}`, client.createTable(definition));
    return;
  } catch (error) {
    if (tablestoreCode(error) !== 'OTSObjectAlreadyExist') throw error;
  }
  const found: unknown = await bounded(
    `describe table ${table}`,
    client.describeTable({ tableName: table }),
  );
  const existing = namesOf(found, 'indexMetas');
  for (const index of definition.indexMetas ?? []) {
    if (existing.includes(index.name)) continue;
    await bounded(
      `create index ${index.name}`,
      client.createIndex({ mainTableName: table, indexMeta: { ...index, includeBaseData: true } }),
    );
  }
}

/** A table is usable when a read of a row that cannot exist is answered. */
async function answers(client: TableClient, table: TableName): Promise<boolean> {
  try {
    const primaryKey = TABLE_KEYS[table].map((name) => ({ [name]: '-' }));
    await bounded(`probe table ${table}`, client.getRow({ tableName: table, primaryKey }));
    return true;
  } catch (error) {
    const code = tablestoreCode(error);
    if (code === 'OTSTableNotReady' || code === 'OTSPartitionUnavailable') return false;
    throw error;
  }
}

async function bounded<T>(attempt: string, call: Promise<T>): Promise<T> {
  return await withDeadline(call, 10_000, () => new Error(`Cannot ${attempt}: no reply in 10 s`));
}

function namesOf(reply: unknown, field: string): string[] {
  if (typeof reply !== 'object' || reply === null) return [];
  const list: unknown = Object.entries(reply).find(([name]) => name === field)?.[1];
  if (!Array.isArray(list)) return [];
  return list.flatMap((item: unknown) => {
    const hasName = typeof item === 'object' && item !== null && 'name' in item;
    return hasName && typeof item.name === 'string' ? [item.name] : [];
  });
}

function tableNames(): TableName[] {
  return Object.keys(TABLE_KEYS).filter((name): name is TableName => name in TABLE_KEYS);
}

function indexNames(): IndexName[] {
  return Object.keys(TABLE_INDEXES).filter((name): name is IndexName => name in TABLE_INDEXES);
}
