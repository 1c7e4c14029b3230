/**
 * The outcome list in the vault: the run's chunks of items become the members of one file, with an index
 * that says where each begins, so that a page is one ranged GET.
 */
import { BackupCentreError } from '../../../domain/errors.ts';
import { isJsonObject } from '../../../domain/json.ts';
import { packMember } from '../../../format/gzip-member.ts';

/** A member of the file. */
export interface ItemsMember {
  readonly offset: number;
  readonly length: number;
}

/** The file's bytes; fills `members` as it goes. */
export async function* itemsFile(
  chunks: AsyncIterable<Uint8Array>,
  members: ItemsMember[],
): AsyncGenerator<Uint8Array> {
  let offset = 0;
  for await (const chunk of chunks) {
    const member = await packMember(chunk);
    members.push({ offset, length: member.length });
    offset += member.length;
    yield member;
  }
}

/** The index as stored. */
export function formatItemsIndex(members: readonly ItemsMember[]): Uint8Array {
  return Buffer.from(JSON.stringify({ members }));
}

/** Reads the index. @throws BackupCentreError `bundle_invalid` */
export function parseItemsIndex(bytes: Uint8Array, key: string): readonly ItemsMember[] {
  const value: unknown = JSON.parse(Buffer.from(bytes).toString('utf8'));
  const members = isJsonObject(value) ? value.members : undefined;
  if (Array.isArray(members) && members.every(isMember)) return members;
  throw new BackupCentreError('bundle_invalid', `Cannot read ${key}: found no list of members`);
}

function isMember(value: unknown): value is ItemsMember {
  return (
    isJsonObject(value) && Number.isSafeInteger(value.offset) && Number.isSafeInteger(value.length)
  );
}
