/**
 * The outcome list of a restore as bytes: a line of JSON per object, in chunks that are first objects of
 * the control bucket and at the end members of one file in the vault.
 */
import { BackupCentreError } from '../domain/errors.ts';
import { isJsonObject } from '../domain/json.ts';
import type { RestoreItem } from '../domain/restore-record.ts';

/** An outcome with what a worker that goes on must know of it. */
export interface RestoreItemLine extends RestoreItem {
  /** Number of the object in the restore's plan; -1 for objects that are not in it. */
  readonly n: number;
  /** Name in the source where it was another. */
  readonly was?: string;
  /** UID in the backup and in the target, of owners of other objects. */
  readonly uids?: readonly [string, string];
}

/** Lines as a chunk. */
export function formatRestoreItems(lines: readonly RestoreItemLine[]): Uint8Array {
  return Buffer.from(lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
}

/** The lines of a chunk. @throws BackupCentreError `bundle_invalid` */
export function parseRestoreItems(chunk: Uint8Array): readonly RestoreItemLine[] {
  return Buffer.from(chunk)
    .toString('utf8')
    .split('\n')
    .filter((text) => text !== '')
    .map(parseLine);
}

function parseLine(text: string): RestoreItemLine {
  const value: unknown = JSON.parse(text);
  if (isRestoreItemLine(value)) return value;
  throw new BackupCentreError(
    'bundle_invalid',
    `Cannot read an item of a restore: found ${text.slice(0, 120)}`,
  );
}

const TEXTS = ['apiVersion', 'resource', 'name', 'action', 'reason'] as const;

function isRestoreItemLine(value: unknown): value is RestoreItemLine {
  return (
    isJsonObject(value) &&
    TEXTS.every((field) => typeof value[field] === 'string') &&
    Array.isArray(value.changes) &&
    Number.isSafeInteger(value.n)
  );
}

/** What users see of a line. */
export function restoreItemOf(line: RestoreItemLine): RestoreItem {
  const { n: _n, was: _was, uids: _uids, ...item } = line;
  return item;
}
