import { type Action, readableNamed, transactionNamed } from '../action-context.ts';
import { readCost } from '../capacity.ts';
import { invalid } from '../errors.ts';
import { RANGE_BYTES_MAX, RANGE_ROWS_MAX } from '../limits.ts';
import { DIRECTION, GetRangeRequest, GetRangeResponse } from '../messages.ts';
import { decodeRow, encodeRow, encodeRows } from '../plain-buffer.ts';
import { checkKey, readKey, type WireKeyColumn } from '../primary-key.ts';
import type { MessageOf } from '../protobuf.ts';
import { decodeKey, encodeKey } from '../row-key.ts';
import { readSelection, type Selection, selectCells } from '../row-selection.ts';
import type { KeyedRow, KeyRange } from '../state.ts';
import { liveRow } from '../stored-row.ts';
import type { Readable } from '../table-record.ts';
import { scanWithin } from '../transactions.ts';
import { type Cell, type KeyColumn, sumColumnBytes } from '../values.ts';

/** One page: what it shows, what it cost, where the next one starts. */
interface Page {
  readonly rows: { readonly key: readonly KeyColumn[]; readonly cells: readonly Cell[] }[];
  readonly rowsRead: number;
  readonly bytesRead: number;
  readonly next?: readonly KeyColumn[];
}

/** Reads rows of a range of keys, a page of them. */
export const getRange: Action = async (context, body) => {
  const request = GetRangeRequest.decode(body);
  const selection = readSelection(request);
  const start = readKey(decodeRow(request.start).key, { bounds: true, read: true });
  const end = readKey(decodeRow(request.end).key, { bounds: true, read: true });
  if (request.limit !== undefined && request.limit <= 0) {
    throw invalid('The limit must be greater than 0.');
  }
  const readable = await readableNamed(context, request.tableName);
  const transaction = transactionNamed(context, request.transactionId);
  const range = keyRange(readable, request.direction, start, end);
  const page = readPage(scanWithin(context.state, transaction, range), {
    readable,
    selection,
    rowsMax: request.limit ?? RANGE_ROWS_MAX,
    nowMs: context.now(),
  });
  context.counters.reads.requests += 1;
  context.counters.reads.rows += page.rowsRead;
  return encodePage(page);
};

function keyRange(
  readable: Readable,
  direction: number,
  start: readonly WireKeyColumn[],
  end: readonly WireKeyColumn[],
): KeyRange {
  checkKey(readable.key, start);
  checkKey(readable.key, end);
  const from = encodeKey(
    readable.space,
    start.map((column) => column.value),
  );
  const to = encodeKey(
    readable.space,
    end.map((column) => column.value),
  );
  const backward = direction === DIRECTION.backward;
  const order = Buffer.compare(from, to);
  if (!backward && order >= 0) throw invalid('Begin key must less than end key in FORWARD');
  if (backward && order <= 0) throw invalid('Begin key must more than end key in BACKWARD');
  return { from, to, backward };
}

function readPage(
  entries: Iterable<KeyedRow>,
  query: { readable: Readable; selection: Selection; rowsMax: number; nowMs: number },
): Page {
  const { readable, selection } = query;
  const rows: Page['rows'] = [];
  let rowsRead = 0;
  let bytesRead = 0;
  for (const entry of entries) {
    const key = decodeKey(readable.key, entry.key);
    const isFull =
      rows.length >= query.rowsMax || rowsRead >= RANGE_ROWS_MAX || bytesRead >= RANGE_BYTES_MAX;
    if (isFull) return { rows, rowsRead, bytesRead, next: key };
    rowsRead += 1;
    const row = liveRow(entry.row, readable.table.ttlSeconds, query.nowMs);
    if (row === undefined) continue;
    bytesRead += sumColumnBytes(key) + sumColumnBytes(row.cells);
    const cells = selectCells(selection, key, row);
    if (cells !== undefined) rows.push({ key, cells });
  }
  return { rows, rowsRead, bytesRead };
}

function encodePage(page: Page): Buffer {
  const message: MessageOf<typeof GetRangeResponse> = {
    consumed: readCost(page.bytesRead),
    rows: encodeRows(page.rows),
  };
  if (page.next === undefined) return GetRangeResponse.encode(message);
  return GetRangeResponse.encode({ ...message, nextStart: encodeRow(page.next, []) });
}
