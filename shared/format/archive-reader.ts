/**
 * Reads objects out of an archive by their catalogue lines: only the members that hold wanted objects,
 * neighbours in one range, one range ahead of the reader. Memory is bounded by the size of a range.
 */
import { BackupCentreError } from '../domain/errors.ts';
import { describeReference } from '../domain/kube-object.ts';
import type { CatalogLine } from './catalog-line.ts';
import { unpackMember } from './gzip-member.ts';
import type { RangeSource } from './range-source.ts';

/** Largest range read at once, bytes (one larger member is read alone). */
const RANGE_MAX = 8 * 1024 * 1024;
/** A gap up to this size is read along: cheaper than another request. */
const GAP_MAX = 256 * 1024;

/** An object with its line; `bytes` are its JSON as captured. */
export interface ArchivedObject {
  readonly line: CatalogLine;
  readonly bytes: Uint8Array;
}

interface Range {
  readonly offset: number;
  end: number;
  readonly lines: CatalogLine[];
}

/** The one object, by one range. @throws BackupCentreError `bundle_invalid` */
export async function readArchivedObject(
  source: RangeSource,
  line: CatalogLine,
): Promise<Uint8Array> {
  const packed = await source.read(line.memberOffset, line.memberLength);
  const raw = await unpackMember(packed, `${source.name} at byte ${line.memberOffset}`);
  return cut(raw, line, source.name);
}

/**
 * The objects of `lines`, which come in the catalogue's order (any part of it).
 * @throws BackupCentreError `bundle_invalid`
 */
export async function* readArchivedObjects(
  source: RangeSource,
  lines: AsyncIterable<CatalogLine> | Iterable<CatalogLine>,
): AsyncGenerator<ArchivedObject> {
  let ahead: { range: Range; bytes: Promise<Uint8Array> } | undefined;
  for await (const range of ranges(lines)) {
    const bytes = source.read(range.offset, range.end - range.offset);
    bytes.catch(() => undefined);
    if (ahead !== undefined) yield* unpackRange(source, ahead.range, await ahead.bytes);
    ahead = { range, bytes };
  }
  if (ahead !== undefined) yield* unpackRange(source, ahead.range, await ahead.bytes);
}

async function* ranges(
  lines: AsyncIterable<CatalogLine> | Iterable<CatalogLine>,
): AsyncGenerator<Range> {
  let range: Range | undefined;
  for await (const line of lines) {
    const end = line.memberOffset + line.memberLength;
    const joins =
      range !== undefined &&
      line.memberOffset >= range.offset &&
      line.memberOffset - range.end <= GAP_MAX &&
      end - range.offset <= RANGE_MAX;
    if (range === undefined || !joins) {
      if (range !== undefined) yield range;
      range = { offset: line.memberOffset, end, lines: [] };
    }
    range.end = Math.max(range.end, end);
    range.lines.push(line);
  }
  if (range !== undefined) yield range;
}

async function* unpackRange(
  source: RangeSource,
  range: Range,
  bytes: Uint8Array,
): AsyncGenerator<ArchivedObject> {
  let memberOffset = -1;
  let raw: Uint8Array = new Uint8Array(0);
  for (const line of range.lines) {
    if (line.memberOffset !== memberOffset) {
      const from = line.memberOffset - range.offset;
      const packed = bytes.subarray(from, from + line.memberLength);
      raw = await unpackMember(packed, `${source.name} at byte ${line.memberOffset}`);
      memberOffset = line.memberOffset;
    }
    yield { line, bytes: cut(raw, line, source.name) };
  }
}

function cut(raw: Uint8Array, line: CatalogLine, archive: string): Uint8Array {
  const bytes = raw.subarray(line.offset, line.offset + line.length);
  if (bytes.length === line.length && bytes[0] === 0x7b) return bytes;
  throw new BackupCentreError(
    'bundle_invalid',
    `Cannot read ${describeReference(line)} from ${archive}: found no object at byte ${line.offset} of the member at ${line.memberOffset}`,
  );
}
