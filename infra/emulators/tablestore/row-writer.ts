/** Applies one change to one row: condition, columns, indexes. Only inside `write`. */
import type { ActionContext } from './action-context.ts';
import { writeCost } from './capacity.ts';
import { checkCondition } from './conditions.ts';
import { invalid, TablestoreError } from './errors.ts';
import type { Consumed } from './messages.ts';
import { encodeRow } from './plain-buffer.ts';
import { checkKey, knownColumns } from './primary-key.ts';
import type { ColumnChange, RowChange } from './row-change.ts';
import { encodeKey } from './row-key.ts';
import { applyIndexChanges, indexChanges } from './secondary-index.ts';
import { liveRow, type StoredRow } from './stored-row.ts';
import type { TableRecord } from './table-record.ts';
import { type LocalTransaction, type PlannedRow, partitionOf } from './transactions.ts';
import { type Cell, type ColumnValue, type KeyColumn, sumColumnBytes } from './values.ts';

/** Where a change goes. */
export interface WriteTarget {
  readonly context: ActionContext;
  readonly table: TableRecord;
  readonly transaction: LocalTransaction | undefined;
}

/** What a change came to. */
export interface WriteOutcome {
  readonly consumed: Consumed;
  /** The row that the request wants back. */
  readonly row?: Buffer;
}

const INT64_MAX = 2n ** 63n - 1n;
const INT64_MIN = -(2n ** 63n);

/**
 * @throws {TablestoreError} OTSInvalidPK, OTSConditionCheckFail, OTSRowOperationConflict,
 *   OTSDataOutOfRange, OTSParameterInvalid; nothing is written then
 */
export function applyChange(target: WriteTarget, change: RowChange): WriteOutcome {
  const { context, table, transaction } = target;
  checkKey(table.key, change.key);
  if (change.kind === 'update' && !table.allowUpdate) {
    throw invalid('Update operation is not allowed in this table');
  }
  const nowMs = Math.floor(context.now());
  const columns = numberedKey(target, change, nowMs);
  const key = encodeKey(
    table.space,
    columns.map((column) => column.value),
  );
  checkPartition(target, columns, nowMs);
  const planned = transaction?.rows.get(key.toString('hex'));
  const stored = planned === undefined ? context.state.row(key) : planned.row;
  const live = liveRow(stored, table.ttlSeconds, nowMs);
  checkCondition(change.condition, live?.cells);
  const next = nextRow(table, change, live, nowMs);
  if (transaction === undefined) storeRow(target.context, table, { key, columns, row: next });
  else planRow(table, transaction, { key, columns, row: next });
  return outcome(change, columns, next);
}

/** Writes a row and what its change does to the indexes. Only inside `write`. */
export function storeRow(context: ActionContext, table: TableRecord, next: PlannedRow): void {
  const { state } = context;
  if (table.indexes.length > 0) {
    const nowMs = Math.floor(context.now());
    const changes = indexChanges(table, next.columns, state.row(next.key), next.row);
    state.takeInDue(nowMs);
    applyIndexChanges(state, changes, nowMs);
  }
  if (next.row === undefined) state.removeRow(next.key);
  else state.putRow(next.key, next.row);
}

/** Refuses now what the commit could not store. */
function planRow(table: TableRecord, transaction: LocalTransaction, planned: PlannedRow): void {
  indexChanges(table, planned.columns, undefined, planned.row);
  transaction.rows.set(planned.key.toString('hex'), planned);
}

function numberedKey(target: WriteTarget, change: RowChange, nowMs: number): KeyColumn[] {
  const { context, table } = target;
  const numbered = table.key.find((column) => column.autoIncrement);
  if (numbered === undefined) return knownColumns(change.key);
  const { expects, test } = change.condition;
  const given = change.key.find((column) => column.name === numbered.name);
  if (given?.value.type !== 'autoIncrement') {
    if (change.kind !== 'delete' && expects !== 'row') {
      throw invalid(
        `Invalid expect: ${expectName(expects)} when modify a specific row for table with pk ` +
          'auto increment.',
      );
    }
    return knownColumns(change.key);
  }
  if (expects !== 'anything') {
    throw invalid(`Invalid expect:${expectName(expects)} when modify row with pk auto increment.`);
  }
  if (test !== undefined) {
    throw invalid("Can't set condition when modify row with pk auto increment.");
  }
  // The service's numbers look like microseconds since the epoch; they only ever grow.
  const number = context.state.nextNumber(`key ${table.space}`, nowMs * 1000);
  return knownColumns(
    change.key.map((column) =>
      column.name === numbered.name
        ? { name: column.name, value: { type: 'integer', value: BigInt(number) } }
        : column,
    ),
  );
}

function expectName(expects: RowChange['condition']['expects']): string {
  return { anything: 'IGNORE', row: 'EXPECT_EXIST', noRow: 'EXPECT_NOT_EXIST' }[expects];
}

function checkPartition(target: WriteTarget, columns: readonly KeyColumn[], nowMs: number): void {
  const { context, table, transaction } = target;
  if (context.transactions.idle) return;
  const partition = partitionOf(table.space, columns);
  if (transaction !== undefined && transaction.partition !== partition) {
    throw new TablestoreError('OTSDataOutOfRange', 'Data out of scope of atomic.');
  }
  context.transactions.checkFree(partition, transaction, nowMs);
}

function nextRow(
  table: TableRecord,
  change: RowChange,
  live: StoredRow | undefined,
  nowMs: number,
): StoredRow | undefined {
  if (change.kind === 'delete') return undefined;
  for (const column of change.columns) checkColumn(table, column, nowMs);
  const cells = new Map<string, Cell>();
  if (change.kind === 'update') for (const cell of live?.cells ?? []) cells.set(cell.name, cell);
  for (const column of change.columns) changeCell(cells, column, nowMs);
  // Deleting columns of a row that is not there does not make one.
  const makes = change.kind === 'put' || change.columns.some(({ kind }) => !isDeletion(kind));
  if (live === undefined && !makes) return undefined;
  return { writtenAtMs: nowMs, cells: [...cells.values()].sort(byName) };
}

function isDeletion(kind: ColumnChange['kind']): boolean {
  return kind === 'deleteOne' || kind === 'deleteAll';
}

function byName(a: Cell, b: Cell): number {
  return Buffer.compare(Buffer.from(a.name), Buffer.from(b.name));
}

function changeCell(cells: Map<string, Cell>, change: ColumnChange, nowMs: number): void {
  const { name } = change;
  const before = cells.get(name);
  // A version that the service gives is never older than what is there, even if the clock was set
  // back: the write would be lost.
  const freshMs = Math.max(nowMs, before?.timestampMs ?? 0);
  switch (change.kind) {
    case 'put': {
      const timestampMs = change.timestampMs ?? freshMs;
      if (before !== undefined && before.timestampMs > timestampMs) return;
      cells.set(name, { name, value: change.value, timestampMs });
      return;
    }
    case 'increment':
      cells.set(name, {
        name,
        value: { type: 'integer', value: increased(name, before?.value, change.delta) },
        timestampMs: freshMs,
      });
      return;
    case 'deleteOne':
      if (before?.timestampMs === change.timestampMs) cells.delete(name);
      return;
    case 'deleteAll':
      cells.delete(name);
  }
}

function increased(name: string, before: ColumnValue | undefined, delta: bigint): bigint {
  if (before !== undefined && before.type !== 'integer') {
    throw invalid(`Column '${name}' can not be incremented: it is not an integer.`);
  }
  const sum = (before?.value ?? 0n) + delta;
  if (sum >= INT64_MIN && sum <= INT64_MAX) return sum;
  throw invalid(`Column '${name}' can not be incremented: it would leave the range of int64.`);
}

function checkColumn(table: TableRecord, change: ColumnChange, nowMs: number): void {
  const defined = table.definedColumns.find((column) => column.name === change.name);
  const type = change.kind === 'put' ? change.value.type : 'integer';
  if (defined !== undefined && !isDeletion(change.kind) && defined.type !== type) {
    throw invalid(
      `The type of column '${change.name}' is ${type}, but it is predefined as ${defined.type}.`,
    );
  }
  if (change.kind !== 'put' || change.timestampMs === undefined) return;
  if (table.indexes.length > 0) {
    throw invalid(`Timestamp can not be given for a table with indexes. Cell:'${change.name}'.`);
  }
  const deviationMs = table.versionDeviationSeconds * 1000;
  if (change.timestampMs < nowMs - deviationMs || change.timestampMs >= nowMs + deviationMs) {
    throw invalid(`Invalid timestamp. Cell:'${change.name}'.`);
  }
}

function outcome(
  change: RowChange,
  columns: readonly KeyColumn[],
  next: StoredRow | undefined,
): WriteOutcome {
  const { expects, test } = change.condition;
  const isChecked = expects !== 'anything' || test !== undefined;
  const consumed = writeCost(change.sizeBytes, isChecked ? sumColumnBytes(columns) : undefined);
  if (change.returns.key) return { consumed, row: encodeRow(columns, []) };
  if (change.returns.columns.length === 0) return { consumed };
  const names = new Set(change.returns.columns);
  const cells = next?.cells.filter((cell) => names.has(cell.name)) ?? [];
  return { consumed, row: encodeRow([], cells) };
}
