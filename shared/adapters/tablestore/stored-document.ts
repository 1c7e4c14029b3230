/** A row's attributes: the document, its version, its index columns and who wrote the last versions. */
import type { AttributesOutput, CellValue } from 'tablestore';
import { assert, BackupCentreError } from '../../domain/errors.ts';
import type { TableName, TableValues } from '../../ports/record-store.ts';
import { type IndexColumns, indexColumnsOf } from './index-columns.ts';
import { spreadIndexColumns, spreadPart } from './row-key.ts';

/** Largest document, bytes: longer lists belong in OSS (design §3); Tablestore's own limit is 2 MB. */
const DOCUMENT_BYTES_MAX = 1024 * 1024;

/**
 * Writers of the last versions that a row remembers, by version modulo this. A writer whose reply was
 * lost finds its own id here even when others have written since.
 */
const WRITERS_KEPT = 8;

/** A row's attributes as read. */
export interface StoredDocument {
  readonly version: number;
  readonly json: string;
  /** Ids of the writes that made the last versions. */
  readonly writers: ReadonlyMap<string, string>;
}

/** Index columns of a value as stored, hashes included. */
export function storedIndexColumns<T extends TableName>(
  table: T,
  value: TableValues[T],
): IndexColumns {
  const spread = spreadIndexColumns(table);
  return Object.fromEntries(
    Object.entries(indexColumnsOf(table, value)).map(([name, part]) => [
      name,
      spread.includes(name) ? spreadPart(part) : part,
    ]),
  );
}

/** The document's text. @throws BackupCentreError where it is too large, before anything is sent */
export function documentText(attempt: string, value: unknown): string {
  const json = JSON.stringify(value);
  const size = Buffer.byteLength(json);
  if (size <= DOCUMENT_BYTES_MAX) return json;
  throw new BackupCentreError(
    'internal',
    `Cannot ${attempt}: the document has ${size} bytes, more than 1 MiB`,
  );
}

/** Reads a row's attributes; undefined where the reply holds no row. */
export function readDocument(
  attributes: AttributesOutput | null | undefined,
): StoredDocument | undefined {
  if (attributes === null || attributes === undefined || attributes.length === 0) return undefined;
  const cells = new Map(attributes.map((cell) => [cell.columnName, cell.columnValue]));
  const json = cells.get('doc');
  const version = integerOf(cells.get('version'));
  assert(typeof json === 'string' && version !== undefined, 'a row has doc and version');
  const writers = [...cells].flatMap(([name, value]): [string, string][] =>
    name.startsWith('writer_') && typeof value === 'string' ? [[name, value]] : [],
  );
  return { version, json, writers: new Map(writers) };
}

/** Whether the write `writeId` made `version` of this row, or of an earlier state of it. */
export function wasWrittenBy(document: StoredDocument, version: number, writeId: string): boolean {
  return document.writers.get(writerColumn(version)) === writeId;
}

/** The column that keeps the id of the write which made `version`. */
export function writerColumn(version: number): string {
  return `writer_${version % WRITERS_KEPT}`;
}

/** The SDK reads integers as objects of its own. */
function integerOf(value: CellValue | undefined): number | undefined {
  if (typeof value === 'number') return value;
  const isLong = typeof value === 'object' && value !== null && 'toNumber' in value;
  return isLong ? value.toNumber() : undefined;
}
