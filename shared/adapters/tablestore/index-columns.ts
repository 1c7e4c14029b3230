/**
 * Which values of a document stand in columns of their own, so that a secondary index can be keyed by
 * them. A row that lacks one of an index's columns is not in that index.
 */
import type { TableName, TableValues } from '../../ports/record-store.ts';

/** Index columns by name. */
export type IndexColumns = Readonly<Record<string, string>>;

type Columns = { readonly [T in TableName]?: (value: TableValues[T]) => IndexColumns };

const columns: Columns = {
  backups: (v) => ({
    phase: v.phase,
    vault: v.vaultIdentity,
    ...(v.plan === undefined ? {} : { plan: v.plan }),
  }),
  restores: (v) => ({ phase: v.phase, vault: v.vaultIdentity }),
};

/** The index columns of a value of `table`; none for tables without an index. */
export function indexColumnsOf<T extends TableName>(table: T, value: TableValues[T]): IndexColumns {
  return columns[table]?.(value) ?? {};
}
