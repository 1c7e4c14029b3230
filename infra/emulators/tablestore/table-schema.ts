/** What CreateTable, UpdateTable and CreateIndex say, checked, as what the emulator keeps. */
import { invalid } from './errors.ts';
import {
  DEFINED_COLUMNS_MAX,
  INDEX_ATTRIBUTES_MAX,
  INDEX_FULL_KEY_COLUMNS_MAX,
  INDEX_KEY_COLUMNS_MAX,
  INDEXES_PER_TABLE_MAX,
  KEY_COLUMNS_MAX,
  TTL_SECONDS_MIN,
  VERSION_DEVIATION_SECONDS,
} from './limits.ts';
import {
  AUTO_INCREMENT,
  DEFINED_TYPE,
  INDEX_TYPE,
  type IndexMetaMessage,
  KEY_TYPE,
  type TableMetaMessage,
  type TableOptionsMessage,
  UPDATE_MODE,
} from './messages.ts';
import { checkColumnName, checkTableName } from './names.ts';
import type { KeySchemaColumn } from './row-key.ts';
import type { DefinedColumn, IndexRecord, TableKeyColumn, TableRecord } from './table-record.ts';
import type { ColumnValue, KeyValue } from './values.ts';

/** The options of a table. */
export type TableSettings = Pick<
  TableRecord,
  'ttlSeconds' | 'versionDeviationSeconds' | 'allowUpdate'
>;

/** @throws {TablestoreError} OTSParameterInvalid */
export function readKeySchema(meta: TableMetaMessage): TableKeyColumn[] {
  checkTableName(meta.tableName);
  const count = meta.primaryKey.length;
  if (count < 1 || count > KEY_COLUMNS_MAX) {
    throw invalid(`The number of primary key columns must be in range: [1, ${KEY_COLUMNS_MAX}].`);
  }
  const seen = new Set<string>();
  const columns = meta.primaryKey.map(({ name, type, option }) => {
    checkColumnName(name);
    if (seen.has(name)) throw invalid(`Duplicated primary key name: '${name}'.`);
    seen.add(name);
    return { name, type: keyType(type), autoIncrement: option === AUTO_INCREMENT };
  });
  const numbered = columns.filter((column) => column.autoIncrement);
  if (numbered.length > 1) {
    throw invalid('the count of auto-incremental primary keys can not be more than 1.');
  }
  for (const { type } of numbered) {
    if (type !== 'integer') throw invalid('AUTO_INCREMENT primary key must be integer.');
  }
  if (columns[0]?.autoIncrement) throw invalid('PkAutoIncr cannot be set as first pk column.');
  return columns;
}

/** @throws {TablestoreError} OTSParameterInvalid */
export function readDefinedColumns(meta: TableMetaMessage): DefinedColumn[] {
  if (meta.definedColumn.length > DEFINED_COLUMNS_MAX) {
    throw invalid(`The number of defined columns must be in range: [0, ${DEFINED_COLUMNS_MAX}].`);
  }
  const keyNames = new Set(meta.primaryKey.map((column) => column.name));
  return meta.definedColumn.map(({ name, type }) => {
    checkColumnName(name);
    if (keyNames.has(name)) {
      throw invalid(`Duplicated attribute column name with primary key column: '${name}'.`);
    }
    return { name, type: definedType(type) };
  });
}

/**
 * The options after a request, from those before it; without those, what a new table needs is
 * asked for.
 * @throws {TablestoreError} OTSParameterInvalid
 */
export function readSettings(
  options: TableOptionsMessage | undefined,
  before?: TableSettings,
): TableSettings {
  const ttlSeconds = options?.timeToLive ?? before?.ttlSeconds;
  if (ttlSeconds === undefined) throw invalid('Time-to-live is missing while creating table.');
  if (ttlSeconds === 0 || ttlSeconds < -1) {
    throw invalid('TimeToLive cannot be 0 or less than -1.');
  }
  if (ttlSeconds > 0 && ttlSeconds < TTL_SECONDS_MIN) {
    throw invalid(`Time-to-live must be -1 or at least ${TTL_SECONDS_MIN}.`);
  }
  checkMaxVersions(options?.maxVersions, before !== undefined);
  const deviation = options?.deviationSeconds;
  if (deviation !== undefined && deviation < 0n) {
    throw invalid('The maximum deviation must be in range [0, INT64_MAX/1000000].');
  }
  return {
    ttlSeconds,
    versionDeviationSeconds:
      deviation === undefined
        ? (before?.versionDeviationSeconds ?? VERSION_DEVIATION_SECONDS)
        : Number(deviation),
    allowUpdate: options?.allowUpdate ?? before?.allowUpdate ?? true,
  };
}

function checkMaxVersions(maxVersions: number | undefined, known: boolean): void {
  if (maxVersions === undefined) {
    if (known) return;
    throw invalid('MaxVersions is missing while creating table.');
  }
  if (maxVersions <= 0) throw invalid('The maximum versions cannot be less than or equal to 0.');
  if (maxVersions > 1) {
    throw invalid(`The emulator keeps one version of a column; ${maxVersions} were asked for.`);
  }
}

/** The parts of a table that decide whether an index fits. */
export type IndexedTable = Pick<TableRecord, 'key' | 'definedColumns' | 'indexes'> & TableSettings;

/**
 * Checks an index and completes its key with the table's.
 * @throws {TablestoreError} OTSParameterInvalid
 */
export function readIndex(
  meta: IndexMetaMessage,
  table: IndexedTable,
): Pick<IndexRecord, 'name' | 'kind' | 'key' | 'attributes'> {
  checkTableName(meta.name);
  checkIndexedTable(table);
  const kind = meta.type === INDEX_TYPE.local ? 'local' : 'global';
  checkIndexMode(meta, kind, table);
  const declared = indexKey(meta, table);
  const names = new Set(declared.map((column) => column.name));
  const key = [...declared, ...table.key.filter((column) => !names.has(column.name))];
  if (key.length > INDEX_FULL_KEY_COLUMNS_MAX) {
    throw invalid(`The primary key of index ${meta.name} has ${key.length} columns.`);
  }
  return {
    name: meta.name,
    kind,
    key: key.map(({ name, type }) => ({ name, type })),
    attributes: indexAttributes(meta, table),
  };
}

/** One more index than allowed is refused. */
export function checkIndexCount(count: number): void {
  if (count <= INDEXES_PER_TABLE_MAX) return;
  throw invalid(`Number of index per table exceeds the quota:${INDEXES_PER_TABLE_MAX}.`);
}

/** A table with an index lives for ever or is never updated. */
export function checkIndexedTable(table: TableSettings): void {
  if (table.ttlSeconds === -1 || !table.allowUpdate) return;
  throw invalid('Time-to-live of a table with indexes must be -1, or its update must be disabled.');
}

function checkIndexMode(
  meta: IndexMetaMessage,
  kind: IndexRecord['kind'],
  table: IndexedTable,
): void {
  const expected = kind === 'local' ? UPDATE_MODE.sync : UPDATE_MODE.async;
  if (meta.updateMode !== expected) {
    throw invalid(`Index update mode does not go with a ${kind} index: '${meta.name}'.`);
  }
  if (kind === 'local' && meta.primaryKey[0] !== table.key[0]?.name) {
    throw invalid(
      `The first primary key column of a local index must be that of the table: '${meta.name}'.`,
    );
  }
}

function indexKey(meta: IndexMetaMessage, table: IndexedTable): KeySchemaColumn[] {
  const count = meta.primaryKey.length;
  if (count < 1 || count > INDEX_KEY_COLUMNS_MAX) {
    throw invalid(
      `The number of primary key columns must be in range: [1, ${INDEX_KEY_COLUMNS_MAX}] in index.`,
    );
  }
  if (new Set(meta.primaryKey).size !== count) {
    throw invalid(`Duplicated primary key name in index: '${meta.name}'.`);
  }
  return meta.primaryKey.map((name, position) => {
    const own = table.key.find((column) => column.name === name);
    if (own?.autoIncrement && position === 0) {
      throw invalid('PkAutoIncr cannot be set as first pk column.');
    }
    const type = own?.type ?? table.definedColumns.find((column) => column.name === name)?.type;
    if (type === undefined) throw invalid(`Column does not exist:'${name}'.`);
    if (type === 'double' || type === 'boolean') {
      throw invalid('Invalid column type, only STRING,INTEGER,BINARY is allowed.');
    }
    return { name, type };
  });
}

function indexAttributes(meta: IndexMetaMessage, table: IndexedTable): string[] {
  if (meta.definedColumn.length > INDEX_ATTRIBUTES_MAX) {
    throw invalid(
      `The number of attribute columns must be in range: [0, ${INDEX_ATTRIBUTES_MAX}] in index.`,
    );
  }
  for (const name of meta.definedColumn) {
    if (!table.definedColumns.some((column) => column.name === name)) {
      throw invalid(`Column does not exist:'${name}'.`);
    }
  }
  return [...meta.definedColumn];
}

function keyType(wire: number): KeyValue['type'] {
  if (wire === KEY_TYPE.integer) return 'integer';
  if (wire === KEY_TYPE.string) return 'string';
  if (wire === KEY_TYPE.binary) return 'binary';
  throw invalid(`${wire} is an invalid type for the primary key.`);
}

function definedType(wire: number): ColumnValue['type'] {
  if (wire === DEFINED_TYPE.integer) return 'integer';
  if (wire === DEFINED_TYPE.double) return 'double';
  if (wire === DEFINED_TYPE.boolean) return 'boolean';
  if (wire === DEFINED_TYPE.string) return 'string';
  if (wire === DEFINED_TYPE.binary) return 'binary';
  throw invalid(`${wire} is an invalid type for the attribute column.`);
}
