/**
 * The few facts of an object that capturing needs, read from its bytes in one pass: `managedFields`,
 * often half of an object, is stepped over, and the rest is parsed only where somebody asks for it.
 */
import { isJsonObject, type JsonObject } from '../domain/json.ts';
import { skipBlanks, skipString, skipValue } from './json-skip.ts';

type Range = readonly [from: number, to: number];

/** One object's bytes with the places of its fields. */
export class ObjectScan {
  /** `metadata` without `managedFields`. */
  readonly metadata: JsonObject;
  private readonly bytes: Buffer;
  private readonly fields: ReadonlyMap<string, Range>;

  constructor(bytes: Buffer, fields: ReadonlyMap<string, Range>, metadata: JsonObject) {
    this.bytes = bytes;
    this.fields = fields;
    this.metadata = metadata;
  }

  /** Whether the object has this field at its top level. */
  has(field: string): boolean {
    return this.fields.has(field);
  }

  /** The object without the fields `but`; empty where a field is no JSON, which writing it finds out. */
  parse(but: readonly string[]): JsonObject {
    const object: JsonObject = {};
    for (const [field, [from, to]] of this.fields) {
      if (field === 'metadata' || but.includes(field)) continue;
      try {
        object[field] = JSON.parse(this.bytes.toString('utf8', from, to));
      } catch {
        return {};
      }
    }
    object.metadata = this.metadata;
    return object;
  }
}

/** Looks at the bytes of one JSON object; undefined where they are not one, or have no metadata. */
export function scanObject(object: Uint8Array): ObjectScan | undefined {
  const bytes = Buffer.from(object.buffer, object.byteOffset, object.length);
  const fields = new Map<string, Range>();
  const end = forEachMember(bytes, 0, (key, from, to) => fields.set(key, [from, to]));
  const place = fields.get('metadata');
  if (end < 0 || skipBlanks(bytes, end) !== bytes.length || place === undefined) return undefined;
  const metadata = readMetadata(bytes, place);
  return metadata === undefined ? undefined : new ObjectScan(bytes, fields, metadata);
}

function readMetadata(bytes: Buffer, [from, to]: Range): JsonObject | undefined {
  const kept: string[] = [];
  let runFrom = -1;
  let runTo = -1;
  const flush = () => {
    if (runFrom >= 0) kept.push(bytes.toString('utf8', runFrom, runTo));
    runFrom = -1;
  };
  const end = forEachMember(bytes, from, (key, _valueFrom, valueTo, keyFrom) => {
    if (key === 'managedFields') {
      flush();
      return;
    }
    if (runFrom < 0) runFrom = keyFrom;
    runTo = valueTo;
  });
  if (end !== to) return undefined;
  flush();
  return parseObject(`{${kept.join(',')}}`);
}

function parseObject(json: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(json);
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Calls `visit` with each member of the object that begins at `from`: its key, where its value begins
 * and ends, where its key begins. Returns the index after the object, -1 where it is none.
 */
function forEachMember(
  bytes: Buffer,
  from: number,
  visit: (key: string, valueFrom: number, valueTo: number, keyFrom: number) => void,
): number {
  let at = skipBlanks(bytes, from);
  if (bytes[at] !== 0x7b) return -1;
  at = skipBlanks(bytes, at + 1);
  if (bytes[at] === 0x7d) return at + 1;
  for (;;) {
    const keyFrom = at;
    if (bytes[at] !== 0x22) return -1;
    const keyTo = skipString(bytes, at);
    if (keyTo < 0) return -1;
    at = skipBlanks(bytes, keyTo);
    if (bytes[at] !== 0x3a) return -1;
    const valueFrom = skipBlanks(bytes, at + 1);
    const valueTo = skipValue(bytes, valueFrom);
    if (valueTo < 0) return -1;
    visit(bytes.toString('latin1', keyFrom + 1, keyTo - 1), valueFrom, valueTo, keyFrom);
    at = skipBlanks(bytes, valueTo);
    if (bytes[at] === 0x7d) return at + 1;
    if (bytes[at] !== 0x2c) return -1;
    at = skipBlanks(bytes, at + 1);
  }
}
