import type { Action } from '../action-context.ts';
import { ListTableResponse } from '../messages.ts';

/** The names of all tables; indexes are not among them. */
export const listTable: Action = async (context) =>
  ListTableResponse.encode({ tableNames: context.state.allTables().map((table) => table.name) });
