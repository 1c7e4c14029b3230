import type { Action } from './action-context.ts';
import { abortTransaction } from './actions/abort-transaction.ts';
import { batchGetRow } from './actions/batch-get-row.ts';
import { batchWriteRow } from './actions/batch-write-row.ts';
import { commitTransaction } from './actions/commit-transaction.ts';
import { createIndex } from './actions/create-index.ts';
import { createTable } from './actions/create-table.ts';
import { deleteRow } from './actions/delete-row.ts';
import { deleteTable } from './actions/delete-table.ts';
import { describeTable } from './actions/describe-table.ts';
import { dropIndex } from './actions/drop-index.ts';
import { getRange } from './actions/get-range.ts';
import { getRow } from './actions/get-row.ts';
import { listTable } from './actions/list-table.ts';
import { putRow } from './actions/put-row.ts';
import { startLocalTransaction } from './actions/start-local-transaction.ts';
import { updateRow } from './actions/update-row.ts';
import { updateTable } from './actions/update-table.ts';

/** The operations by the name in the request's path. */
export const OPERATIONS: ReadonlyMap<string, Action> = new Map<string, Action>([
  ['AbortTransaction', abortTransaction],
  ['BatchGetRow', batchGetRow],
  ['BatchWriteRow', batchWriteRow],
  ['CommitTransaction', commitTransaction],
  ['CreateIndex', createIndex],
  ['CreateTable', createTable],
  ['DeleteRow', deleteRow],
  ['DeleteTable', deleteTable],
  ['DescribeTable', describeTable],
  ['DropIndex', dropIndex],
  ['GetRange', getRange],
  ['GetRow', getRow],
  ['ListTable', listTable],
  ['PutRow', putRow],
  ['StartLocalTransaction', startLocalTransaction],
  ['UpdateRow', updateRow],
  ['UpdateTable', updateTable],
]);
