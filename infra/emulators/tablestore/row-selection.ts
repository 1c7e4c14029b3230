/** Which columns of which rows a read returns. */
import { passes, type ReadFilter, readFilter } from './conditions.ts';
import { invalid } from './errors.ts';
import { COLUMNS_TO_GET_MAX } from './limits.ts';
import type { GetRowRequest } from './messages.ts';
import { checkColumnName } from './names.ts';
import type { MessageOf } from './protobuf.ts';
import type { StoredRow } from './stored-row.ts';
import type { Cell, KeyColumn } from './values.ts';

type ReadParameters = Pick<
  MessageOf<typeof GetRowRequest>,
  'columnsToGet' | 'timeRange' | 'maxVersions' | 'filter' | 'startColumn' | 'endColumn'
>;

/** What a read asks of each row, checked. */
export interface Selection {
  readonly columns?: ReadonlySet<string>;
  readonly startColumn?: Buffer;
  readonly endColumn?: Buffer;
  readonly fromMs?: bigint;
  readonly untilMs?: bigint;
  readonly filter: ReadFilter;
}

/** @throws {TablestoreError} OTSParameterInvalid */
export function readSelection(request: ReadParameters): Selection {
  const count = request.columnsToGet.length;
  if (count > COLUMNS_TO_GET_MAX) {
    throw invalid(
      `The number of columns from the request exceeds the limit, limit count: ` +
        `${COLUMNS_TO_GET_MAX}, column count: ${count}.`,
    );
  }
  for (const name of request.columnsToGet) checkColumnName(name);
  if (request.maxVersions === undefined && request.timeRange === undefined) {
    throw invalid('No version condition is specified while querying row.');
  }
  if (request.maxVersions !== undefined && request.maxVersions <= 0) {
    throw invalid(
      `Invalid max versions: ${request.maxVersions} . Reason: Max versions must be positive.`,
    );
  }
  return {
    ...(count === 0 ? {} : { columns: new Set(request.columnsToGet) }),
    ...(request.startColumn ? { startColumn: Buffer.from(request.startColumn) } : {}),
    ...(request.endColumn ? { endColumn: Buffer.from(request.endColumn) } : {}),
    ...readTimeRange(request.timeRange),
    filter: request.filter?.length ? readFilter(request.filter) : {},
  };
}

/**
 * The columns of a row that the read returns, or undefined when it does not return the row: the
 * filter fails, or nothing asked for is there. The filter sees only what columns_to_get and the
 * other limits leave, as the vendor's does.
 */
export function selectCells(
  selection: Selection,
  key: readonly KeyColumn[],
  row: StoredRow,
): readonly Cell[] | undefined {
  const cells = row.cells.filter((cell) => isSelected(selection, cell));
  const { test, window } = selection.filter;
  if (test !== undefined && !passes(test, cells)) return undefined;
  const shown =
    window === undefined ? cells : cells.slice(window.offset, window.offset + window.limit);
  if (shown.length > 0) return shown;
  const asksForKey = key.some(({ name }) => selection.columns?.has(name));
  return row.cells.length === 0 && selection.columns === undefined
    ? []
    : asksForKey
      ? []
      : undefined;
}

function isSelected(selection: Selection, cell: Cell): boolean {
  const { columns, startColumn, endColumn, fromMs, untilMs } = selection;
  if (columns !== undefined && !columns.has(cell.name)) return false;
  if (fromMs !== undefined && BigInt(cell.timestampMs) < fromMs) return false;
  if (untilMs !== undefined && BigInt(cell.timestampMs) >= untilMs) return false;
  if (startColumn === undefined && endColumn === undefined) return true;
  const name = Buffer.from(cell.name);
  if (startColumn !== undefined && Buffer.compare(name, startColumn) < 0) return false;
  return endColumn === undefined || Buffer.compare(name, endColumn) < 0;
}

function readTimeRange(range: ReadParameters['timeRange']): {
  readonly fromMs?: bigint;
  readonly untilMs?: bigint;
} {
  if (range === undefined) return {};
  const { startTime, endTime, specificTime } = range;
  if (specificTime !== undefined) {
    if (startTime !== undefined || endTime !== undefined) {
      throw invalid('Specific tiemstamp and time range cannot be given at the same time.');
    }
    if (specificTime < 0n) throw invalid('Specific timestamp cannot be less than 0.');
    return { fromMs: specificTime, untilMs: specificTime + 1n };
  }
  if (startTime === undefined || endTime === undefined) {
    throw invalid('Start and end time must be given at the same time.');
  }
  return { fromMs: startTime, untilMs: endTime };
}
