import { type Action, writableNamed } from '../action-context.ts';
import { EmptyMessage, TransactionRequest } from '../messages.ts';
import { storeRow } from '../row-writer.ts';

/** Writes what a transaction has planned, all of it at once, and frees its partition. */
export const commitTransaction: Action = async (context, body) => {
  const { transactionId } = TransactionRequest.decode(body);
  await context.state.write(() => {
    const transaction = context.transactions.named(transactionId, context.now());
    const table = writableNamed(context, transaction.tableName);
    for (const planned of transaction.rows.values()) storeRow(context, table, planned);
    context.transactions.end(transaction);
  });
  return EmptyMessage.encode({});
};
