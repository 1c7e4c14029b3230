/** Lists of a table or an index: GetRange between the bounds that a prefix gives. */
import type { AttributesOutput, PrimaryKeyOutput } from 'tablestore';
import type { ListOptions } from '../../ports/record-store.ts';
import { encodeCursor, type KeySpace } from './row-key.ts';
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
  const rows: RangeRow[] = [];
  let after = options.after;
  for (;;) {
    const rest: ListOptions = {
      ...options,
      limit: options.limit - rows.length,
      ...(after === undefined ? {} : { after }),
    };
    const attempt = `list ${space.name}/${options.prefix.join('/')}`;
    const reply = await calls.read(attempt, async (session) => await session.range(space, rest));
    for (const row of reply.rows) {
      rows.push({ columns: columnsOf(row.primaryKey), attributes: row.attributes ?? [] });
    }
    const next = reply.nextStartPrimaryKey;
    if (next === undefined || next === null) return { rows, next: undefined };
    after = encodeCursor(next.map(({ value }) => String(value)));
    if (rows.length >= options.limit) return { rows, next: after };
  }
}

function columnsOf(key: PrimaryKeyOutput | null): ReadonlyMap<string, string> {
  return new Map((key ?? []).map(({ name, value }) => [name, String(value)]));
}
