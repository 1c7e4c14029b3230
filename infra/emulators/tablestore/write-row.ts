import { type ActionContext, transactionNamed, writableNamed } from './action-context.ts';
import { WriteRowRequest, WriteRowResponse } from './messages.ts';
import { type RowChange, readRowChange } from './row-change.ts';
import { applyChange } from './row-writer.ts';

/** What PutRow, UpdateRow and DeleteRow have in common: all but the kind of change. */
export async function writeRow(
  context: ActionContext,
  kind: RowChange['kind'],
  body: Buffer,
): Promise<Buffer> {
  const request = WriteRowRequest.decode(body);
  const change = readRowChange(kind, request);
  const outcome = await context.state.write(() => {
    const transaction = transactionNamed(context, request.transactionId);
    const table = writableNamed(context, request.tableName);
    return applyChange({ context, table, transaction }, change);
  });
  context.counters.writes.requests += 1;
  context.counters.writes.rows += 1;
  return WriteRowResponse.encode(outcome);
}
