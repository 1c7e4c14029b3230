/**
 * Which values of a document stand in columns of their own, so that a secondary index can be keyed by
 * them. A row that lacks one of an index's columns is not in that index.
 */
import { timeKey } from '../../domain/ids.ts';
import {
  TABLE_INDEXES,
  TABLE_KEYS,
  type TableName,
  type TableValues,
} from '../../ports/record-store.ts';

/** Index columns by name. */
export type IndexColumns = Readonly<Record<string, string>>;

type Columns = { readonly [T in TableName]?: (value: TableValues[T]) => IndexColumns };

const columns: Columns = {
  backups: (v) => ({
    phase: v.phase,
    vault: v.vaultIdentity,
    ...(v.plan === undefined ? {} : { plan: v.plan }),
  }),
  plans: ({ dueAtMs }) => (dueAtMs === undefined ? {} : { due_at: timeKey(dueAtMs) }),
  restores: (v) => ({ phase: v.phase, vault: v.vaultIdentity }),
};

/** The index columns of a value of `table`; none for tables without an index. */
export function indexColumnsOf<T extends TableName>(table: T, value: TableValues[T]): IndexColumns {
  return columns[table]?.(value) ?? {};
}

/** All columns that the indexes of a table need besides its key, whether a row has them or not. */
export function indexColumnNames(table: TableName): readonly string[] {
  const own = Object.values(TABLE_INDEXES)
    .filter((index) => index.table === table)
    .flatMap((index): readonly string[] => index.columns)
    .filter((column) => !TABLE_KEYS[table].includes(column));
  return [...new Set(own)].sort();
}
