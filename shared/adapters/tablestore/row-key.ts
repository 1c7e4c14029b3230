/**
 * Keys as stored. The first column of a table decides the partition, so it starts with 4 hex digits of
 * a hash: clusters whose ids share a beginning do not share a hot partition. An index holds the same
 * text in the same column, and hashes its own first column too.
 */
import { createHash } from 'node:crypto';
import { assert, ValidationError } from '../../domain/errors.ts';
import {
  type IndexName,
  type ListOptions,
  TABLE_INDEXES,
  TABLE_KEYS,
  type TableName,
} from '../../ports/record-store.ts';

/** One key column with its value. */
export interface KeyColumn {
  readonly name: string;
  readonly value: string;
}

/** Key columns of a table or an index: a list reads one of them. */
export interface KeySpace {
  /** Name of the table or index. */
  readonly name: string;
  readonly columns: readonly string[];
  /** Columns whose values carry the hash. */
  readonly spread: readonly string[];
}

/** Bytes of a key column at most (Tablestore limits on the wide column model, D19). */
const KEY_PART_BYTES_MAX = 1024;
const HASH_LENGTH = 5;

/** The key space of a table. */
export function tableSpace(table: TableName): KeySpace {
  const columns = TABLE_KEYS[table];
  return { name: table, columns, spread: columns.slice(0, 1) };
}

/** The key space of an index: its own columns, then what is left of the table's key. */
export function indexSpace(index: IndexName): KeySpace {
  const { table, columns } = TABLE_INDEXES[index];
  const own: readonly string[] = columns;
  const keys = TABLE_KEYS[table];
  return {
    name: index,
    columns: [...own, ...keys.filter((k) => !own.includes(k))],
    spread: [...new Set([...own.slice(0, 1), ...keys.slice(0, 1)])],
  };
}

/** Columns of documents that carry the hash because some index begins with them. */
export function spreadIndexColumns(table: TableName): readonly string[] {
  return Object.values(TABLE_INDEXES)
    .filter((index) => index.table === table)
    .map((index) => index.columns[0])
    .filter((column) => !TABLE_KEYS[table].includes(column));
}

/** `1f3a:<part>` */
export function spreadPart(part: string): string {
  return `${createHash('sha256').update(part).digest('hex').slice(0, 4)}:${part}`;
}

/** A whole key as stored. */
export function encodeKey(space: KeySpace, key: readonly string[]): KeyColumn[] {
  assert(
    key.length === space.columns.length,
    `a key of ${space.name} has the parts ${space.columns.join(', ')}, got [${key.join(', ')}]`,
  );
  return encodeParts(space, key);
}

/** Leading parts of a key as stored. */
export function encodeParts(space: KeySpace, parts: readonly string[]): KeyColumn[] {
  return parts.map((part, i) => {
    const name = space.columns[i] ?? '';
    const value = space.spread.includes(name) ? spreadPart(part) : part;
    assert(
      Buffer.byteLength(value) <= KEY_PART_BYTES_MAX,
      `key column ${space.name}.${name} has at most ${KEY_PART_BYTES_MAX} bytes`,
    );
    return { name, value };
  });
}

/** Values of the named columns, hashes taken off. */
export function decodeParts(
  space: KeySpace,
  stored: ReadonlyMap<string, string>,
  columns: readonly string[],
): string[] {
  return columns.map((name) => {
    const value = stored.get(name);
    assert(value !== undefined, `a row of ${space.name} has the key column ${name}`);
    return space.spread.includes(name) ? value.slice(HASH_LENGTH) : value;
  });
}

/** Refuses lists that would scan or ask for too much. */
export function checkList(space: KeySpace, options: ListOptions): void {
  const depth = options.prefix.length;
  assert(
    depth >= 1 && depth < space.columns.length,
    `a list fixes 1 to ${space.columns.length - 1} of ${space.columns.join(', ')}, got ${depth}`,
  );
  assert(options.limit >= 1 && options.limit <= 1000, 'a list asks for 1 to 1000 rows');
}

/** A stored key as an opaque text that a later list starts at. */
export function encodeCursor(key: readonly string[]): string {
  return Buffer.from(JSON.stringify(key)).toString('base64url');
}

/**
 * The stored key in a cursor. Cursors come back from API callers, so one that points outside the list
 * it is used for is refused: it would read rows of others.
 * @throws ValidationError
 */
export function decodeCursor(space: KeySpace, prefix: readonly string[], cursor: string): string[] {
  const key = parseJson(Buffer.from(cursor, 'base64url').toString());
  const fixed = encodeParts(space, prefix);
  const isKey =
    Array.isArray(key) &&
    key.length === space.columns.length &&
    key.every((part): part is string => typeof part === 'string') &&
    fixed.every((column, i) => key[i] === column.value);
  if (isKey) return key;
  throw new ValidationError(
    `Cannot go on listing ${space.name}: the cursor is not one of this list`,
    [{ path: 'cursor', rule: 'must be the nextCursor of the page before' }],
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
