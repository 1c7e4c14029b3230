import type { Action } from '../action-context.ts';
import { EmptyMessage, TransactionRequest } from '../messages.ts';

/** Forgets what a transaction has planned and frees its partition. */
export const abortTransaction: Action = async (context, body) => {
  const { transactionId } = TransactionRequest.decode(body);
  context.transactions.end(context.transactions.named(transactionId, context.now()));
  return EmptyMessage.encode({});
};
