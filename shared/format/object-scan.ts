/**
 * The few facts of an object that capturing needs, read from its bytes in one pass: `managedFields`,
 * often half of an object, is stepped over.
 */
import { isJsonObject, type JsonObject } from '../domain/json.ts';
import { skipBlanks, skipString, skipValue } from './json-skip.ts';

/** What a look at an object's bytes tells. */
export interface ObjectScan {
  readonly hasApiVersion: boolean;
  readonly hasKind: boolean;
  /** `metadata` without `managedFields`. */
  readonly metadata: JsonObject;
}

/** Looks at the bytes of one JSON object; undefined where they are not one, or have no metadata. */
export function scanObject(bytes: Uint8Array): ObjectScan | undefined {
  let hasApiVersion = false;
  let hasKind = false;
  let metadata: JsonObject | undefined;
  const end = forEachMember(bytes, 0, (key, from, to) => {
    if (key === 'apiVersion') hasApiVersion = true;
    else if (key === 'kind') hasKind = true;
    else if (key === 'metadata') metadata = readMetadata(bytes, from, to);
  });
  if (end < 0 || skipBlanks(bytes, end) !== bytes.length || metadata === undefined)
    return undefined;
  return { hasApiVersion, hasKind, metadata };
}

function readMetadata(bytes: Uint8Array, from: number, to: number): JsonObject | undefined {
  const kept: string[] = [];
  let runFrom = -1;
  let runTo = -1;
  const flush = () => {
    if (runFrom >= 0) kept.push(textOf(bytes, runFrom, runTo));
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
  bytes: Uint8Array,
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
    visit(textOf(bytes, keyFrom + 1, keyTo - 1), valueFrom, valueTo, keyFrom);
    at = skipBlanks(bytes, valueTo);
    if (bytes[at] === 0x7d) return at + 1;
    if (bytes[at] !== 0x2c) return -1;
    at = skipBlanks(bytes, at + 1);
  }
}

function textOf(bytes: Uint8Array, from: number, to: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from).toString('utf8');
}
