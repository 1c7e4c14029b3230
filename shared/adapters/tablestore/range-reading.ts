/** Lists of a table or an index: GetRange between the bounds that a prefix gives. */
import TableStore, { type AttributesOutput, type PrimaryKeyOutput } from 'tablestore';
import type { ListOptions } from '../../ports/record-store.ts';
import { decodeCursor, encodeCursor, encodeParts, type KeySpace } from './row-key.ts';
import type { TablestoreCalls } from './tablestore-calls.ts';

/** One row: key columns as stored, and its attributes. */
interface RangeRow {
  readonly columns: ReadonlyMap<string, string>;
  readonly attributes: AttributesOutput;
}

/** Up to `limit` rows and where the next page starts. */
export interface RangePage {
  readonly rows: readonly RangeRow[];
  readonly next: string | undefined;
}

/**
 * Reads a page. The service may answer fewer rows than asked for (4 MB per reply), so it is asked
 * until the page is full or the range is read; each reply brings at least one row, which bounds this.
 */
export async function readRange(
  calls: TablestoreCalls,
  space: KeySpace,
  options: ListOptions,
): Promise<RangePage> {
  const fixed = encodeParts(space, options.prefix).map(({ value }) => value);
  const exclusiveEndPrimaryKey = keyFrom(
    space,
    options.before === undefined ? fixed : [...fixed, options.before],
    options.before === undefined ? TableStore.INF_MAX : TableStore.INF_MIN,
  );
  let start = keyFrom(
    space,
    options.after === undefined ? fixed : decodeCursor(space, options.prefix, options.after),
    TableStore.INF_MIN,
  );
  const rows: RangeRow[] = [];
  for (;;) {
    const limit = options.limit - rows.length;
    const reply = await calls.read(
      `list ${space.name}/${options.prefix.join('/')}`,
      async (client) =>
        client.getRange({
          tableName: space.name,
          direction: TableStore.Direction.FORWARD,
          inclusiveStartPrimaryKey: start,
          exclusiveEndPrimaryKey,
          maxVersions: 1,
          limit,
        }),
    );
    for (const row of reply.rows) {
      rows.push({ columns: columnsOf(row.primaryKey), attributes: row.attributes ?? [] });
    }
    const next = reply.nextStartPrimaryKey;
    if (next === undefined || next === null) return { rows, next: undefined };
    const key = next.map(({ value }) => String(value));
    if (rows.length >= options.limit) return { rows, next: encodeCursor(key) };
    start = keyFrom(space, key, TableStore.INF_MIN);
  }
}

type KeyBound = { [name: string]: string | typeof TableStore.INF_MIN | typeof TableStore.INF_MAX };

/** A bound: the given parts, then `rest` in every further column. */
function keyFrom(
  space: KeySpace,
  parts: readonly string[],
  rest: typeof TableStore.INF_MIN | typeof TableStore.INF_MAX,
): KeyBound[] {
  return space.columns.map((name, i) => ({ [name]: parts[i] ?? rest }));
}

function columnsOf(key: PrimaryKeyOutput | null): ReadonlyMap<string, string> {
  return new Map((key ?? []).map(({ name, value }) => [name, String(value)]));
}
