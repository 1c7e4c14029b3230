import { indexColumnsOf } from '../../shared/adapters/tablestore/index-columns.ts';
import { assert, ConditionFailedError, ValidationError } from '../../shared/domain/errors.ts';
import {
  type IndexName,
  type ListOptions,
  type RecordStore,
  type RowPage,
  type StoredRow,
  TABLE_INDEXES,
  TABLE_KEYS,
  type TableName,
  type TableValues,
  type WriteCondition,
} from '../../shared/ports/record-store.ts';
import { type Intercept, passThrough } from './interception.ts';

interface Row {
  readonly key: readonly string[];
  readonly version: number;
  readonly json: string;
}

/** Where a row stands in an index; undefined where it is not in it. */
type SortKey = readonly string[] | undefined;

/** Largest document of a row, bytes; the adapter's limit. */
const ROW_BYTES_MAX = 1024 * 1024;

/**
 * RecordStore over maps. Values are kept as JSON text, so that no caller shares an object with the
 * store. Indexes follow at once unless `holdIndexes` makes the global ones lag.
 */
export class InMemoryRecordStore implements RecordStore {
  private readonly tables = new Map<TableName, Map<string, Row>>();
  /** By row: a row is never changed, only replaced. */
  private readonly sortKeys = new Map<IndexName, WeakMap<Row, SortKey>>();
  private heldIndexes: Map<TableName, Row[]> | undefined;
  /** Replace to see, refuse or lose calls. */
  intercept: Intercept = passThrough;

  /** Everything is gone, as with an instance that was deleted. */
  lose(): void {
    this.tables.clear();
  }

  /** Global indexes show the present rows until `releaseIndexes`. */
  holdIndexes(): void {
    this.heldIndexes = new Map([...this.tables].map(([name, rows]) => [name, [...rows.values()]]));
  }

  /** Indexes follow again. */
  releaseIndexes(): void {
    this.heldIndexes = undefined;
  }

  get<T extends TableName>(
    table: T,
    key: readonly string[],
  ): Promise<StoredRow<TableValues[T]> | undefined> {
    checkKey(table, key);
    return this.intercept({ method: 'get', subject: subjectOf(table, key) }, async () => {
      const row = this.rows(table).get(mapKey(key));
      return row === undefined ? undefined : stored<T>(row);
    });
  }

  put<T extends TableName>(
    table: T,
    key: readonly string[],
    value: TableValues[T],
    condition: WriteCondition,
  ): Promise<number> {
    checkKey(table, key);
    const json = JSON.stringify(value);
    assert(
      Buffer.byteLength(json) <= ROW_BYTES_MAX,
      `row ${subjectOf(table, key)} is at most 1 MiB`,
    );
    return this.intercept({ method: 'put', subject: subjectOf(table, key) }, async () => {
      const rows = this.rows(table);
      const found = rows.get(mapKey(key));
      check(`write ${subjectOf(table, key)}`, found, condition);
      const version = (found?.version ?? 0) + 1;
      rows.set(mapKey(key), { key: [...key], version, json });
      return version;
    });
  }

  remove(table: TableName, key: readonly string[], condition: WriteCondition): Promise<void> {
    checkKey(table, key);
    return this.intercept({ method: 'remove', subject: subjectOf(table, key) }, async () => {
      const rows = this.rows(table);
      check(`remove ${subjectOf(table, key)}`, rows.get(mapKey(key)), condition);
      rows.delete(mapKey(key));
    });
  }

  list<T extends TableName>(table: T, options: ListOptions): Promise<RowPage<TableValues[T]>> {
    checkList(TABLE_KEYS[table], options);
    return this.intercept(
      { method: 'list', subject: subjectOf(table, options.prefix) },
      async () => {
        const entries = [...this.rows(table).values()].map((row) => ({ sortKey: row.key, row }));
        const page = pageOf(entries, options);
        return { rows: page.rows.map((row) => stored<T>(row)), ...nextOf(page.next) };
      },
    );
  }

  listIndex<I extends IndexName>(
    index: I,
    options: ListOptions,
  ): Promise<RowPage<TableValues[(typeof TABLE_INDEXES)[I]['table']]>> {
    type T = (typeof TABLE_INDEXES)[I]['table'];
    const table: T = TABLE_INDEXES[index].table;
    const columns: readonly string[] = TABLE_INDEXES[index].columns;
    const keyNames = TABLE_KEYS[table];
    const all = [...columns, ...keyNames.filter((k) => !columns.includes(k))];
    checkList(all, options);
    return this.intercept(
      { method: 'listIndex', subject: subjectOf(index, options.prefix) },
      async () => {
        const held = TABLE_INDEXES[index].kind === 'local' ? undefined : this.heldIndexes;
        const seen = held?.get(table) ?? [...this.rows(table).values()];
        const known = this.sortKeys.get(index) ?? new WeakMap<Row, SortKey>();
        this.sortKeys.set(index, known);
        const sortKeyOf = (row: Row): SortKey => {
          if (known.has(row)) return known.get(row);
          const values = {
            ...Object.fromEntries(keyNames.map((name, i) => [name, row.key[i] ?? ''])),
            ...indexColumnsOf(table, parse<T>(row)),
          };
          const parts = all.map((name) => values[name]);
          const sortKey = parts.every((p) => p !== undefined) ? parts : undefined;
          known.set(row, sortKey);
          return sortKey;
        };
        const entries = seen.flatMap((row) => {
          const sortKey = sortKeyOf(row);
          return sortKey === undefined ? [] : [{ sortKey, row }];
        });
        const page = pageOf(entries, options);
        // As the adapter does: what the index names is read from the table, and must still match.
        const fresh = page.rows.flatMap((row) => {
          const now = this.rows(table).get(mapKey(row.key));
          const sortKey = now === undefined ? undefined : sortKeyOf(now);
          const matches = options.prefix.every((part, i) => sortKey?.[i] === part);
          return now !== undefined && matches ? [stored<T>(now)] : [];
        });
        return { rows: fresh, ...nextOf(page.next) };
      },
    );
  }

  private rows(table: TableName): Map<string, Row> {
    const rows = this.tables.get(table) ?? new Map<string, Row>();
    this.tables.set(table, rows);
    return rows;
  }
}

function parse<T extends TableName>(row: Row): TableValues[T] {
  return JSON.parse(row.json) as TableValues[T];
}

function stored<T extends TableName>(row: Row): StoredRow<TableValues[T]> {
  return { key: row.key, version: row.version, value: parse<T>(row) };
}

function check(attempt: string, found: Row | undefined, condition: WriteCondition): void {
  if (condition === 'any') return;
  const holds = condition === 'absent' ? found === undefined : found?.version === condition.version;
  if (holds) return;
  const wanted = condition === 'absent' ? 'no row' : `version ${condition.version}`;
  const was = found === undefined ? 'no row' : `version ${found.version}`;
  const value: unknown = found === undefined ? undefined : JSON.parse(found.json);
  throw new ConditionFailedError(
    `Cannot ${attempt}: expected ${wanted}, found ${was}`,
    found === undefined ? undefined : { version: found.version, value },
  );
}

function pageOf(
  entries: readonly { readonly sortKey: readonly string[]; readonly row: Row }[],
  options: ListOptions,
): { rows: Row[]; next: string | undefined } {
  const depth = options.prefix.length;
  const after = options.after === undefined ? undefined : decodeCursor(options.after);
  const matching = entries
    .filter((e) => options.prefix.every((part, i) => e.sortKey[i] === part))
    .filter((e) => options.before === undefined || below(e.sortKey[depth] ?? '', options.before))
    .filter((e) => after === undefined || compareKeys(e.sortKey, after) > 0)
    .sort((a, b) => compareKeys(a.sortKey, b.sortKey));
  const page = matching.slice(0, options.limit);
  const last = page.at(-1);
  return {
    rows: page.map((e) => e.row),
    next:
      last !== undefined && matching.length > page.length ? encodeCursor(last.sortKey) : undefined,
  };
}

function nextOf(next: string | undefined): { next?: string } {
  return next === undefined ? {} : { next };
}

function encodeCursor(key: readonly string[]): string {
  return Buffer.from(JSON.stringify(key)).toString('base64url');
}

/** @throws ValidationError a cursor that is none of ours */
function decodeCursor(cursor: string): string[] {
  try {
    const key: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString());
    if (Array.isArray(key)) return key.map(String);
  } catch {
    // Refused below, like any other text that is no key.
  }
  throw new ValidationError('Cannot go on listing: the cursor is not one of this list', [
    { path: 'cursor', rule: 'must be the nextCursor of the page before' },
  ]);
}

/** By bytes of UTF-8, as the vendor sorts. */
function compareKeys(a: readonly string[], b: readonly string[]): number {
  for (let i = 0; i < a.length; i += 1) {
    const order = Buffer.compare(Buffer.from(a[i] ?? ''), Buffer.from(b[i] ?? ''));
    if (order !== 0) return order;
  }
  return 0;
}

function below(part: string, bound: string): boolean {
  return Buffer.compare(Buffer.from(part), Buffer.from(bound)) < 0;
}

function subjectOf(table: string, key: readonly string[]): string {
  return `${table}/${key.join('/')}`;
}

function mapKey(key: readonly string[]): string {
  return JSON.stringify(key);
}

function checkKey(table: TableName, key: readonly string[]): void {
  assert(
    key.length === TABLE_KEYS[table].length,
    `a key of ${table} has the parts ${TABLE_KEYS[table].join(', ')}, got [${key.join(', ')}]`,
  );
}

function checkList(columns: readonly string[], options: ListOptions): void {
  const depth = options.prefix.length;
  assert(
    depth >= 1 && depth < columns.length,
    `a list fixes 1 to ${columns.length - 1} of ${columns.join(', ')}, got ${depth}`,
  );
  assert(options.limit >= 1 && options.limit <= 1000, 'a list asks for 1 to 1000 rows');
}
