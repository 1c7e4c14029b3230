import type { Action } from '../action-context.ts';
import { writeRow } from '../write-row.ts';

/** Deletes a row; one that is not there too, unless the condition says otherwise. */
export const deleteRow: Action = (context, body) => writeRow(context, 'delete', body);
