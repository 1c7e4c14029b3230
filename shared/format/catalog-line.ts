/** A line of the catalogue: one object of a backup, where it lies and why it was taken. */
import { BackupCentreError } from '../domain/errors.ts';
import { isJsonObject } from '../domain/json.ts';

/** What is known of an object before its place in the archive is. */
export interface CatalogSubject {
  readonly apiVersion: string;
  /** Plural with group: `deployments.apps`. */
  readonly resource: string;
  readonly kind: string;
  readonly namespace?: string;
  readonly name: string;
  /** '' where the server gave none. */
  readonly uid: string;
  /** `selected`, or `related:<rule>`. */
  readonly why: string;
}

/** An object in an archive. */
export interface CatalogLine extends CatalogSubject {
  /** Hex SHA-256 of the normalised object. */
  readonly sha256: string;
  /** Where the gzip member that holds the object begins in the archive, and its length; bytes. */
  readonly memberOffset: number;
  readonly memberLength: number;
  /** Where the object's JSON begins in the unpacked member, and its length; bytes. */
  readonly offset: number;
  readonly length: number;
}

/** Lines in one gzip member of the catalogue. */
export const CATALOG_CHUNK_LINES = 1000;

/** Path of an object in the archive: Velero's layout. */
export function archivePath(object: {
  readonly resource: string;
  readonly namespace?: string;
  readonly name: string;
}): string {
  const place = object.namespace === undefined ? 'cluster' : `namespaces/${object.namespace}`;
  return `resources/${object.resource}/${place}/${object.name}.json`;
}

/** A line as text, without the line feed. */
export function formatCatalogLine(line: CatalogLine): string {
  return JSON.stringify(line);
}

/** Reads a line back. @throws BackupCentreError `bundle_invalid` */
export function parseCatalogLine(text: string): CatalogLine {
  const value = parse(text);
  if (isCatalogLine(value)) return value;
  throw new BackupCentreError(
    'bundle_invalid',
    `Cannot read a catalogue line: found ${text.slice(0, 120)}`,
  );
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

const TEXTS = ['apiVersion', 'resource', 'kind', 'name', 'uid', 'why', 'sha256'] as const;
const NUMBERS = ['memberOffset', 'memberLength', 'offset', 'length'] as const;

function isCatalogLine(value: unknown): value is CatalogLine {
  if (!isJsonObject(value)) return false;
  return (
    TEXTS.every((field) => typeof value[field] === 'string') &&
    NUMBERS.every((field) => Number.isSafeInteger(value[field])) &&
    (value.namespace === undefined || typeof value.namespace === 'string')
  );
}
