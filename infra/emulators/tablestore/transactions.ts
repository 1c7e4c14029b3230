/**
 * Local transactions: one lock per partition key, writes kept aside until the commit. They live in
 * memory: a restart aborts them, as their lock's end would.
 */
import { randomUUID } from 'node:crypto';
import { invalid, rowConflict, TablestoreError } from './errors.ts';
import { TRANSACTION_MS_MAX } from './limits.ts';
import { encodeKey } from './row-key.ts';
import type { KeyedRow, KeyRange, TablestoreState } from './state.ts';
import type { StoredRow } from './stored-row.ts';
import type { KeyColumn } from './values.ts';

/** A row as a transaction wants it; `row` undefined: deleted. */
export interface PlannedRow {
  readonly key: Buffer;
  readonly columns: readonly KeyColumn[];
  readonly row: StoredRow | undefined;
}

/** A transaction that is neither committed nor aborted. */
export interface LocalTransaction {
  readonly id: string;
  readonly tableName: string;
  /** The partition that it has locked. */
  readonly partition: string;
  readonly expiresAtMs: number;
  /** By the key's bytes in hex, whose order is the keys'. */
  readonly rows: Map<string, PlannedRow>;
}

/** The transactions that are under way. */
export class LocalTransactions {
  private readonly byId = new Map<string, LocalTransaction>();
  private readonly byPartition = new Map<string, LocalTransaction>();

  /** @throws {TablestoreError} OTSRowOperationConflict: the partition is locked */
  start(tableName: string, partition: string, nowMs: number): LocalTransaction {
    this.checkFree(partition, undefined, nowMs);
    const transaction: LocalTransaction = {
      id: randomUUID(),
      tableName,
      partition,
      expiresAtMs: nowMs + TRANSACTION_MS_MAX,
      rows: new Map(),
    };
    this.byId.set(transaction.id, transaction);
    this.byPartition.set(partition, transaction);
    return transaction;
  }

  /**
   * The transaction of a request that names one.
   * @throws {TablestoreError} OTSParameterInvalid, OTSSessionNotExist
   */
  named(id: string, nowMs: number): LocalTransaction {
    if (id === '') throw invalid('TransactionID is invalid.');
    const transaction = this.byId.get(id);
    if (transaction !== undefined && transaction.expiresAtMs > nowMs) return transaction;
    if (transaction !== undefined) this.end(transaction);
    throw new TablestoreError('OTSSessionNotExist', 'Session not exist or may be timeout.');
  }

  /** @throws {TablestoreError} OTSRowOperationConflict: another transaction has the partition */
  checkFree(partition: string, own: LocalTransaction | undefined, nowMs: number): void {
    const holder = this.byPartition.get(partition);
    if (holder === undefined || holder === own) return;
    if (holder.expiresAtMs > nowMs) throw rowConflict();
    this.end(holder);
  }

  /** Forgets it and frees its partition. */
  end(transaction: LocalTransaction): void {
    this.byId.delete(transaction.id);
    if (this.byPartition.get(transaction.partition) === transaction) {
      this.byPartition.delete(transaction.partition);
    }
  }

  /** Forgets those of a table that is deleted. */
  endOf(tableName: string): void {
    for (const transaction of [...this.byId.values()]) {
      if (transaction.tableName === tableName) this.end(transaction);
    }
  }

  /** Whether nobody holds a lock: the usual case. */
  get idle(): boolean {
    return this.byId.size === 0;
  }
}

/** What locks: the table and the first column of the key. */
export function partitionOf(space: number, key: readonly KeyColumn[]): string {
  const [first] = key;
  return encodeKey(space, first === undefined ? [] : [first.value]).toString('hex');
}

/** The rows of a range as a transaction sees them: the stored ones under its own changes. */
export function* scanWithin(
  state: TablestoreState,
  transaction: LocalTransaction | undefined,
  range: KeyRange,
): Generator<KeyedRow> {
  const planned = transaction === undefined ? [] : plannedWithin(transaction, range);
  let at = 0;
  for (const entry of state.scan(range)) {
    let next = planned[at];
    while (next !== undefined && isBefore(next.key, entry.key, range)) {
      if (next.row !== undefined) yield { key: next.key, row: next.row };
      at += 1;
      next = planned[at];
    }
    if (!next?.key.equals(entry.key)) {
      yield entry;
      continue;
    }
    at += 1;
    if (next.row !== undefined) yield { key: next.key, row: next.row };
  }
  for (const { key, row } of planned.slice(at)) if (row !== undefined) yield { key, row };
}

function plannedWithin(transaction: LocalTransaction, range: KeyRange): PlannedRow[] {
  return [...transaction.rows.values()]
    .filter(({ key }) => !isBefore(key, range.from, range) && isBefore(key, range.to, range))
    .sort((a, b) => (isBefore(a.key, b.key, range) ? -1 : 1));
}

function isBefore(a: Buffer, b: Buffer, range: KeyRange): boolean {
  const order = Buffer.compare(a, b);
  return range.backward ? order > 0 : order < 0;
}
