import { findReadable } from './action-context.ts';
import { TablestoreError } from './errors.ts';
import { TABLES_MAX } from './limits.ts';
import type { TablestoreState } from './state.ts';

/**
 * Names that tables or indexes are about to get; they share one set of names and one quota.
 * @throws {TablestoreError} OTSObjectAlreadyExist, OTSQuotaExhausted
 */
export function checkNewNames(state: TablestoreState, names: readonly string[]): void {
  const taken = names.some(
    (name, position) => findReadable(state, name) !== undefined || names.indexOf(name) !== position,
  );
  if (taken) throw new TablestoreError('OTSObjectAlreadyExist', 'Requested table already exists.');
  const count = state.allTables().reduce((sum, table) => sum + 1 + table.indexes.length, 0);
  if (count + names.length <= TABLES_MAX) return;
  throw new TablestoreError(
    'OTSQuotaExhausted',
    `Number of tables exceeds the quota:${TABLES_MAX}.`,
  );
}

/** A place for rows that nothing had before. Only inside `write`. */
export function nextSpace(state: TablestoreState): number {
  return state.nextNumber('space', 1);
}
