/**
 * What the emulator knows, on disk: tables, rows, rows of indexes, and the changes that global
 * indexes have not taken in yet. One lmdb transaction per request makes conditions atomic; the
 * reply waits for its commit, so what was answered survives the process.
 *
 * lmdb keeps what was written before a throw inside a transaction, so every change here checks
 * first and writes after.
 */
import { mkdirSync } from 'node:fs';
import { type Database, open, type RootDatabase } from 'lmdb';
import { spacePrefix } from './row-key.ts';
import { decodeStoredRow, encodeStoredRow, type StoredRow } from './stored-row.ts';
import type { TableRecord } from './table-record.ts';

/** What a write does to one global index, kept until the index may show it. */
export interface PendingIndexChange {
  /** The write's time; the index lags behind it. */
  readonly writtenAtMs: number;
  /** The rows' space; a change of a dropped index is thrown away. */
  readonly space: number;
  readonly remove?: Buffer;
  readonly put?: { readonly key: Buffer; readonly row: Buffer };
}

/** A range of keys: `from` is in it, `to` is not; backward when `from` is the greater. */
export interface KeyRange {
  readonly from: Buffer;
  readonly to: Buffer;
  readonly backward: boolean;
}

/** A stored row and its key. */
export interface KeyedRow {
  readonly key: Buffer;
  readonly row: StoredRow;
}

/** How many late index changes one write takes in on the way. */
const CHANGES_PER_WRITE_MAX = 64;

/** The emulator's state; one at a time per folder. */
export class TablestoreState {
  private readonly root: RootDatabase<unknown, string>;
  private readonly tableRecords: Database<TableRecord, string>;
  private readonly numbers: Database<number, string>;
  private readonly rows: Database<Buffer, Buffer>;
  private readonly pending: Database<PendingIndexChange, number>;
  private readonly tables = new Map<string, TableRecord>();
  private nextPending: number;
  private firstPendingAtMs: number | undefined;
  private readonly indexDelayMs: number;

  constructor(dir: string, indexDelayMs: number) {
    this.indexDelayMs = indexDelayMs;
    mkdirSync(dir, { recursive: true });
    // The larger page is what lets keys have 4026 bytes.
    this.root = open<unknown, string>({ path: dir, pageSize: 8192, noSubdir: false, maxDbs: 8 });
    this.tableRecords = this.root.openDB<TableRecord, string>({ name: 'tables' });
    this.numbers = this.root.openDB<number, string>({ name: 'numbers' });
    this.rows = this.root.openDB<Buffer, Buffer>({
      name: 'rows',
      keyEncoding: 'binary',
      encoding: 'binary',
    });
    this.pending = this.root.openDB<PendingIndexChange, number>({ name: 'pending' });
    for (const { value } of this.tableRecords.getRange()) this.tables.set(value.name, value);
    let last = 0;
    for (const key of this.pending.getKeys({ reverse: true, limit: 1 })) last = key;
    this.nextPending = last + 1;
    this.firstPendingAtMs = this.findFirstPending();
  }

  /** Runs `change` alone and atomically; resolves when it is committed. Rejects with its error. */
  async write<T>(change: () => T): Promise<T> {
    const outcome = await this.root.transaction(() => {
      try {
        return { done: true as const, value: change() };
      } catch (error) {
        return { done: false as const, error };
      }
    });
    if (outcome.done) return outcome.value;
    throw outcome.error;
  }

  /** Resolves when every write is committed and the folder is free. */
  async close(): Promise<void> {
    await this.root.close();
  }

  /** The table of that name; an index's name finds none. */
  table(name: string): TableRecord | undefined {
    return this.tables.get(name);
  }

  /** By name. */
  allTables(): TableRecord[] {
    return [...this.tables.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** Only inside `write`. */
  putTable(table: TableRecord): void {
    this.tableRecords.putSync(table.name, table);
    this.tables.set(table.name, table);
  }

  /** Forgets a table, not its rows. Only inside `write`. */
  removeTable(name: string): void {
    this.tableRecords.removeSync(name);
    this.tables.delete(name);
  }

  /** The next of a row of numbers that never repeats; at least `floor`. Only inside `write`. */
  nextNumber(series: string, floor: number): number {
    const next = Math.max((this.numbers.get(series) ?? 0) + 1, floor);
    this.numbers.putSync(series, next);
    return next;
  }

  /** The row under a key; inside `write`, as the write sees it. */
  row(key: Buffer): StoredRow | undefined {
    const bytes = this.rows.get(key);
    return bytes === undefined ? undefined : decodeStoredRow(bytes);
  }

  /** Only inside `write`. */
  putRow(key: Buffer, row: StoredRow): void {
    this.rows.putSync(key, encodeStoredRow(row));
  }

  /** Only inside `write`. */
  removeRow(key: Buffer): void {
    this.rows.removeSync(key);
  }

  /** Rows of a range in key order; stop reading it to stop the scan. */
  *scan(range: KeyRange): Generator<KeyedRow> {
    const entries = this.rows.getRange({
      start: range.from,
      end: range.to,
      reverse: range.backward,
    });
    for (const { key, value } of entries) yield { key, row: decodeStoredRow(value) };
  }

  /** Removes every row of a table or an index. Only inside `write`. */
  removeSpace(space: number): void {
    const keys = this.rows.getKeys({ start: spacePrefix(space), end: spacePrefix(space + 1) });
    for (const key of [...keys]) this.rows.removeSync(key);
  }

  /** Keeps a change for a global index until it is due. Only inside `write`. */
  addPending(change: PendingIndexChange): void {
    this.pending.putSync(this.nextPending, change);
    this.nextPending += 1;
    this.firstPendingAtMs ??= change.writtenAtMs;
  }

  /** Whether `takeInDue` has something to do. */
  hasDue(nowMs: number): boolean {
    return this.firstPendingAtMs !== undefined && this.isDue(this.firstPendingAtMs, nowMs);
  }

  /** A write from the future is due: the clock was set back, and no index waits for it again. */
  private isDue(writtenAtMs: number, nowMs: number): boolean {
    return nowMs < writtenAtMs || nowMs - writtenAtMs >= this.indexDelayMs;
  }

  /**
   * Shows in the global indexes what is due, in the order of the writes. Only inside `write`.
   */
  takeInDue(nowMs: number, changesMax = CHANGES_PER_WRITE_MAX): void {
    if (!this.hasDue(nowMs)) return;
    const spaces = this.indexSpaces();
    const due: { key: number; value: PendingIndexChange }[] = [];
    for (const entry of this.pending.getRange({ limit: changesMax })) {
      if (!this.isDue(entry.value.writtenAtMs, nowMs)) break;
      due.push(entry);
    }
    for (const { key, value } of due) {
      this.pending.removeSync(key);
      if (!spaces.has(value.space)) continue;
      if (value.remove !== undefined) this.rows.removeSync(value.remove);
      if (value.put !== undefined) this.rows.putSync(value.put.key, value.put.row);
    }
    this.firstPendingAtMs = this.findFirstPending();
  }

  private findFirstPending(): number | undefined {
    for (const { value } of this.pending.getRange({ limit: 1 })) return value.writtenAtMs;
    return undefined;
  }

  private indexSpaces(): Set<number> {
    const spaces = new Set<number>();
    for (const table of this.tables.values()) {
      for (const index of table.indexes) spaces.add(index.space);
    }
    return spaces;
  }
}
