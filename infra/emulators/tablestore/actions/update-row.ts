import type { Action } from '../action-context.ts';
import { writeRow } from '../write-row.ts';

/** Writes, deletes and increments columns of a row; makes the row if it was not there. */
export const updateRow: Action = (context, body) => writeRow(context, 'update', body);
