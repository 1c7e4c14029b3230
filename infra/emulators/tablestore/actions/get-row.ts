import { type Action, readableNamed, transactionNamed } from '../action-context.ts';
import { GetRowRequest, GetRowResponse } from '../messages.ts';
import { decodeRow } from '../plain-buffer.ts';
import { readRow, readRowKey } from '../row-reader.ts';
import { readSelection } from '../row-selection.ts';

/** Reads one row by its whole key. */
export const getRow: Action = async (context, body) => {
  const request = GetRowRequest.decode(body);
  const key = readRowKey(decodeRow(request.primaryKey));
  const selection = readSelection(request);
  const readable = await readableNamed(context, request.tableName);
  const transaction = transactionNamed(context, request.transactionId);
  context.counters.reads.requests += 1;
  return GetRowResponse.encode(readRow(context, { readable, transaction }, key, selection));
};
