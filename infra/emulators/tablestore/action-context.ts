import { invalid, noSuchTable, TablestoreError } from './errors.ts';
import { checkTableName } from './names.ts';
import type { TablestoreState } from './state.ts';
import type { Readable, TableRecord } from './table-record.ts';
import type { LocalTransaction, LocalTransactions } from './transactions.ts';

/** How many late changes of indexes one transaction takes in before a read. */
const CHANGES_PER_READ = 1000;

/** Rows and requests of one direction; of a range, the rows that were looked at. */
export interface Count {
  rows: number;
  requests: number;
}

/** What actions work on. */
export interface ActionContext {
  readonly state: TablestoreState;
  readonly transactions: LocalTransactions;
  readonly counters: { readonly reads: Count; readonly writes: Count };
  readonly indexDelayMs: number;
  readonly tableReadyDelayMs: number;
  readonly now: () => number;
}

/** Does one operation: from the body of the request to the body of the reply. */
export type Action = (context: ActionContext, body: Buffer) => Promise<Buffer>;

/**
 * The table or index that a read names, ready to be read: a global index has taken in what is due.
 * @throws {TablestoreError} OTSParameterInvalid, OTSObjectNotExist, OTSTableNotReady
 */
export async function readableNamed(context: ActionContext, name: string): Promise<Readable> {
  checkTableName(name);
  const readable = findReadable(context.state, name);
  if (readable === undefined) throw noSuchTable();
  checkReady(context, readable.table);
  if (readable.index?.kind === 'global') {
    while (context.state.hasDue(context.now())) {
      await context.state.write(() => context.state.takeInDue(context.now(), CHANGES_PER_READ));
    }
  }
  return readable;
}

/**
 * The table that a write names; only inside `write` does it stay as it is.
 * @throws {TablestoreError} OTSParameterInvalid, OTSObjectNotExist, OTSTableNotReady
 */
export function writableNamed(context: ActionContext, name: string): TableRecord {
  checkTableName(name);
  const readable = findReadable(context.state, name);
  if (readable === undefined) throw noSuchTable();
  if (readable.index !== undefined) throw invalid("Can't write index table directly.");
  checkReady(context, readable.table);
  return readable.table;
}

/** The table or index of that name. */
export function findReadable(state: TablestoreState, name: string): Readable | undefined {
  const own = state.table(name);
  if (own !== undefined) return { table: own, space: own.space, key: own.key };
  for (const table of state.allTables()) {
    const index = table.indexes.find((one) => one.name === name);
    if (index !== undefined) return { table, index, space: index.space, key: index.key };
  }
  return undefined;
}

/** Whether a table serves requests yet. */
export function isReady(context: ActionContext, table: TableRecord): boolean {
  return context.now() - table.createdAtMs >= context.tableReadyDelayMs;
}

/**
 * The transaction that a request names, if it names one.
 * @throws {TablestoreError} OTSParameterInvalid, OTSSessionNotExist
 */
export function transactionNamed(
  context: ActionContext,
  id: string | undefined,
): LocalTransaction | undefined {
  return id === undefined ? undefined : context.transactions.named(id, context.now());
}

function checkReady(context: ActionContext, table: TableRecord): void {
  if (isReady(context, table)) return;
  throw new TablestoreError('OTSTableNotReady', 'The table is not ready.');
}
