/** RecordStore over Tablestore: one table per TableName, one conditional write per change. */
import { ConditionFailedError } from '../../domain/errors.ts';
import {
  type IndexName,
  type ListOptions,
  type RecordStore,
  type RowPage,
  type StoredRow,
  TABLE_INDEXES,
  type TableName,
  type TableValues,
  type WriteCondition,
} from '../../ports/record-store.ts';
import { type Pacing, STORE_RETRIES, withRetries } from '../bounded-retry.ts';
import type { CredentialsProvider } from '../credentials.ts';
import { type RangePage, readRange } from './range-reading.ts';
import {
  checkList,
  decodeParts,
  encodeKey,
  indexSpace,
  type KeySpace,
  tableSpace,
} from './row-key.ts';
import {
  documentText,
  readDocument,
  type StoredDocument,
  storedIndexColumns,
  wasWrittenBy,
} from './stored-document.ts';
import { TablestoreCalls } from './tablestore-calls.ts';
import { TablestoreFailure } from './tablestore-errors.ts';
import type { RowWrite, TablestoreLocation } from './tablestore-session.ts';

/** Writers that get in between before an unconditional write gives up. */
const RACES_MAX = 10;
/** Rows of one BatchGetRow (Tablestore limit, F1). */
const BATCH_ROWS_MAX = 100;

/** RecordStore over the `tablestore` SDK. */
export class TablestoreRecordStore implements RecordStore {
  private readonly calls: TablestoreCalls;
  private readonly pacing: Pacing;

  constructor(location: TablestoreLocation, credentials: CredentialsProvider, pacing: Pacing) {
    this.calls = new TablestoreCalls(location, credentials, pacing);
    this.pacing = pacing;
  }

  async get<T extends TableName>(
    table: T,
    key: readonly string[],
  ): Promise<StoredRow<TableValues[T]> | undefined> {
    const document = await this.document(table, key);
    return document === undefined ? undefined : rowOf<T>(key, document);
  }

  async put<T extends TableName>(
    table: T,
    key: readonly string[],
    value: TableValues[T],
    condition: WriteCondition,
  ): Promise<number> {
    const json = documentText(`write ${describeRow(table, key)}`, value);
    const write = { table, key, value, json, writeId: this.pacing.entropy.hex(8) };
    if (condition === 'absent') return await this.write({ ...write, version: 1 });
    if (condition !== 'any') return await this.write({ ...write, version: condition.version + 1 });
    for (let race = 1; ; race += 1) {
      const current = await this.document(table, key);
      try {
        return await this.write({ ...write, version: (current?.version ?? 0) + 1 });
      } catch (error) {
        if (!(error instanceof ConditionFailedError) || race >= RACES_MAX) throw error;
      }
    }
  }

  async remove(table: TableName, key: readonly string[], condition: WriteCondition): Promise<void> {
    if (condition === 'absent') {
      const found = await this.document(table, key);
      if (found === undefined) return;
      throw conditionFailed(`remove ${describeRow(table, key)}`, 'no row', found);
    }
    const version = condition === 'any' ? undefined : condition.version;
    await this.removeAt(table, key, version);
  }

  async list<T extends TableName>(
    table: T,
    options: ListOptions,
  ): Promise<RowPage<TableValues[T]>> {
    const space = tableSpace(table);
    checkList(space, options);
    return pageOf<T>(space, space, await readRange(this.calls, space, options));
  }

  /**
   * A local index answers by itself. A global one yields keys only; the documents are read from the
   * table by BatchGetRow. Documents inside it would be written again with every progress update of a run
   * (three indexes on backups), and would be stale; so a row costs one point read more, and is as fresh
   * as `get`. A row that has moved on since the index was written is left out.
   */
  async listIndex<I extends IndexName>(
    index: I,
    options: ListOptions,
  ): Promise<RowPage<TableValues[(typeof TABLE_INDEXES)[I]['table']]>> {
    type T = (typeof TABLE_INDEXES)[I]['table'];
    const table: T = TABLE_INDEXES[index].table;
    const space = indexSpace(index);
    checkList(space, options);
    const page = await readRange(this.calls, space, options);
    if (TABLE_INDEXES[index].kind === 'local') return pageOf<T>(space, tableSpace(table), page);
    const keys = page.rows.map(({ columns }) =>
      decodeParts(space, columns, tableSpace(table).columns),
    );
    const rows = await this.getMany<T>(table, keys);
    return {
      rows: rows.filter((row) => matchesIndex(space, table, row, options.prefix)),
      ...(page.next === undefined ? {} : { next: page.next }),
    };
  }

  private async document(
    table: TableName,
    key: readonly string[],
  ): Promise<StoredDocument | undefined> {
    const attempt = `read ${describeRow(table, key)}`;
    return readDocument(
      await this.calls.read(attempt, async (session) => await session.read(table, key)),
    );
  }

  private async getMany<T extends TableName>(
    table: T,
    keys: readonly (readonly string[])[],
  ): Promise<StoredRow<TableValues[T]>[]> {
    const rows: StoredRow<TableValues[T]>[] = [];
    for (let start = 0; start < keys.length; start += BATCH_ROWS_MAX) {
      const batch = keys.slice(start, start + BATCH_ROWS_MAX);
      const found = await this.calls.read(
        `read ${batch.length} rows of ${table}`,
        async (session) => await session.readMany(table, batch),
      );
      batch.forEach((key, i) => {
        const document = readDocument(found[i]);
        if (document !== undefined) rows.push(rowOf<T>(key, document));
      });
    }
    return rows;
  }

  /**
   * Writes `version` over `version - 1`. A write whose fate is unclear is repeated under the same id:
   * either the repetition succeeds, or its condition fails and the row tells who wrote that version.
   */
  private async write<T extends TableName>(write: RowWrite<T>): Promise<number> {
    const attempt = `write ${describeRow(write.table, write.key)}`;
    await withRetries(this.pacing, STORE_RETRIES, async () => {
      try {
        await this.calls.once(attempt, async (session) => await session.write(write));
      } catch (error) {
        if (!(error instanceof TablestoreFailure)) throw error;
        if (error.outcome === 'notApplied') throw error.shown;
        const found = await this.document(write.table, write.key);
        if (found !== undefined && wasWrittenBy(found, write.version, write.writeId)) return;
        if (error.outcome === 'unclear') throw error.shown;
        const wanted = write.version === 1 ? 'no row' : `version ${write.version - 1}`;
        throw conditionFailed(attempt, wanted, found);
      }
    });
    return write.version;
  }

  /** Removes the row, whatever its version when none is given. */
  private async removeAt(
    table: TableName,
    key: readonly string[],
    version: number | undefined,
  ): Promise<void> {
    const attempt = `remove ${describeRow(table, key)}`;
    let wasUnclear = false;
    await withRetries(this.pacing, STORE_RETRIES, async () => {
      try {
        await this.calls.once(
          attempt,
          async (session) => await session.remove(table, key, version),
        );
      } catch (error) {
        if (!(error instanceof TablestoreFailure)) throw error;
        if (error.outcome === 'unclear') wasUnclear = true;
        if (error.outcome !== 'condition') throw error.shown;
        const found = await this.document(table, key);
        // Gone after an attempt of ours that got no reply: that attempt removed it.
        if (found === undefined && wasUnclear) return;
        throw conditionFailed(attempt, `version ${version}`, found);
      }
    });
  }
}

/** What a range of `read` says of the rows of `table`: the table itself, or an index with documents. */
function pageOf<T extends TableName>(
  read: KeySpace,
  table: KeySpace,
  page: RangePage,
): RowPage<TableValues[T]> {
  return {
    rows: page.rows.flatMap(({ columns, attributes }) => {
      const document = readDocument(attributes);
      const key = decodeParts(read, columns, table.columns);
      return document === undefined ? [] : [rowOf<T>(key, document)];
    }),
    ...(page.next === undefined ? {} : { next: page.next }),
  };
}

function rowOf<T extends TableName>(
  key: readonly string[],
  document: StoredDocument,
): StoredRow<TableValues[T]> {
  return { key, version: document.version, value: parseDocument<T>(document) };
}

/** What `put` accepted is what comes back: the store writes no other documents. */
function parseDocument<T extends TableName>(document: StoredDocument): TableValues[T] {
  return JSON.parse(document.json) as TableValues[T];
}

function matchesIndex<T extends TableName>(
  space: KeySpace,
  table: T,
  row: StoredRow<TableValues[T]>,
  prefix: readonly string[],
): boolean {
  const stored = new Map([
    ...Object.entries(storedIndexColumns(table, row.value)),
    ...encodeKey(tableSpace(table), row.key).map(({ name, value }): [string, string] => [
      name,
      value,
    ]),
  ]);
  const columns = space.columns.slice(0, prefix.length);
  if (!columns.every((name) => stored.has(name))) return false;
  const parts = decodeParts(space, stored, columns);
  return parts.every((part, i) => part === prefix[i]);
}

function conditionFailed(
  attempt: string,
  wanted: string,
  found: StoredDocument | undefined,
): ConditionFailedError {
  const was = found === undefined ? 'no row' : `version ${found.version}`;
  const value: unknown = found === undefined ? undefined : JSON.parse(found.json);
  return new ConditionFailedError(
    `Cannot ${attempt}: expected ${wanted}, found ${was}`,
    found === undefined ? undefined : { version: found.version, value },
  );
}

function describeRow(table: TableName, key: readonly string[]): string {
  return `${table}/${key.join('/')}`;
}
