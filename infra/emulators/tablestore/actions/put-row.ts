import type { Action } from '../action-context.ts';
import { writeRow } from '../write-row.ts';

/** Writes a whole row, whatever was there. */
export const putRow: Action = (context, body) => writeRow(context, 'put', body);
