import { type Action, writableNamed } from '../action-context.ts';
import { invalid, TablestoreError } from '../errors.ts';
import { StartLocalTransactionRequest, StartLocalTransactionResponse } from '../messages.ts';
import { decodeRow } from '../plain-buffer.ts';
import { knownColumns, readKey } from '../primary-key.ts';
import { partitionOf } from '../transactions.ts';

/** Locks a partition key for up to a minute. */
export const startLocalTransaction: Action = async (context, body) => {
  const request = StartLocalTransactionRequest.decode(body);
  const table = writableNamed(context, request.tableName);
  if (table.key.some((column) => column.autoIncrement)) {
    throw invalid(
      'Try to call method using explicit transaction on explicit-transaction-disabled table.',
    );
  }
  const key = knownColumns(readKey(decodeRow(request.key).key, {}));
  if (key.length > 1) throw invalid('StartLocalTransaction support only one primary key.');
  const [first] = key;
  const [column] = table.key;
  if (first?.name !== column?.name || first?.value.type !== column?.type) {
    throw new TablestoreError('OTSInvalidPK', 'Primary key schema mismatch.');
  }
  const partition = partitionOf(table.space, key);
  const transaction = context.transactions.start(table.name, partition, context.now());
  return StartLocalTransactionResponse.encode({ transactionId: transaction.id });
};
