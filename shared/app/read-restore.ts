/** What a restore did, object by object, and its log: from the run while it works, from the vault after. */
import { NotFoundError, ValidationError } from '../domain/errors.ts';
import { isTerminal } from '../domain/phase.ts';
import type { RestoreItem, RestoreRecord } from '../domain/restore-record.ts';
import { unpackMember } from '../format/gzip-member.ts';
import { parseRestoreItems, restoreItemOf } from '../format/restore-items.ts';
import type { ObjectStore } from '../ports/object-store.ts';
import { type RestoreServices, restorePlace } from './restore-services.ts';
import { RunScratch } from './run-scratch.ts';
import { parseItemsIndex } from './steps/restore/items-file.ts';

/** The part of the centre's services that reading needs. */
type ReadServices = Pick<RestoreServices, 'records' | 'stores' | 'accountId'> & {
  readonly control: ObjectStore;
};

/** A page of outcomes; the cursor stays good when the restore ends in between. */
export interface RestoreItemPage {
  readonly items: readonly RestoreItem[];
  readonly nextCursor?: string;
}

/** Outcomes in the order they came about. @throws ValidationError a cursor that is none of ours */
export async function readRestoreItems(
  services: ReadServices,
  record: RestoreRecord,
  page: { readonly limit: number; readonly cursor?: string },
): Promise<RestoreItemPage> {
  let at = parseCursor(page.cursor);
  const items: RestoreItem[] = [];
  const chunks = await openChunks(services, record);
  for (;;) {
    const chunk = await chunks(at.chunk);
    if (chunk === undefined) return { items };
    const lines = parseRestoreItems(chunk);
    const rest = lines.slice(at.line, at.line + page.limit - items.length);
    items.push(...rest.map(restoreItemOf));
    at = { chunk: at.chunk, line: at.line + rest.length };
    if (at.line >= lines.length) at = { chunk: at.chunk + 1, line: 0 };
    if (items.length >= page.limit) break;
  }
  const more = at.line > 0 || (await chunks(at.chunk)) !== undefined;
  return more ? { items, nextCursor: `${at.chunk}.${at.line}` } : { items };
}

interface Cursor {
  readonly chunk: number;
  readonly line: number;
}

function parseCursor(cursor: string | undefined): Cursor {
  if (cursor === undefined) return { chunk: 0, line: 0 };
  const match = /^(\d{1,9})\.(\d{1,9})$/.exec(cursor);
  if (match === null) {
    throw new ValidationError('Cannot read items of the restore', [
      { path: 'cursor', rule: 'must be the nextCursor of an earlier reply' },
    ]);
  }
  return { chunk: Number(match[1]), line: Number(match[2]) };
}

/** Chunk by number; undefined beyond the end. */
async function openChunks(
  services: ReadServices,
  record: RestoreRecord,
): Promise<(chunk: number) => Promise<Uint8Array | undefined>> {
  if (!isTerminal(record.phase)) {
    const scratch = new RunScratch(services.control, record.runId);
    return (chunk) => orNothing(scratch.chunk('items', chunk));
  }
  const { store, keys } = await restorePlace(services, record);
  const index = await orNothing(store.get(keys.itemsIndex));
  const members = index === undefined ? [] : parseItemsIndex(index, keys.itemsIndex);
  return async (chunk) => {
    const member = members[chunk];
    if (member === undefined) return undefined;
    return await unpackMember(await store.get(keys.items, member), keys.items);
  };
}

/** The log so far, as text in pieces. */
export async function* readRestoreLog(
  services: ReadServices,
  record: RestoreRecord,
): AsyncGenerator<string> {
  if (!isTerminal(record.phase)) {
    const scratch = new RunScratch(services.control, record.runId);
    for await (const chunk of scratch.read('logs')) yield Buffer.from(chunk).toString('utf8');
    return;
  }
  const { store, keys } = await restorePlace(services, record);
  const packed = await orNothing(store.get(keys.logs));
  if (packed !== undefined) yield (await unpackMember(packed, keys.logs)).toString('utf8');
}

async function orNothing<T>(found: Promise<T>): Promise<T | undefined> {
  try {
    return await found;
  } catch (error) {
    if (error instanceof NotFoundError) return undefined;
    throw error;
  }
}
