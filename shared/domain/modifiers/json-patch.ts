/** JSON Patch (RFC 6902) on objects that may hold exact numbers, which libraries would copy away. */
import type { Json, JsonObject } from '../json.ts';
import { copyOf, isEqual, isFields, setField } from './json-value.ts';

/** One operation, with the names of Velero's rules (`operation` where the RFC says `op`). */
export interface PatchOperation {
  readonly operation: 'add' | 'remove' | 'replace' | 'move' | 'copy' | 'test';
  readonly path: string;
  readonly from?: string;
  readonly value?: Json;
}

/** Applies one operation in place; returns in words why it cannot be, undefined where it was. */
export function applyOperation(object: JsonObject, patch: PatchOperation): string | undefined {
  const { operation, path, from = '' } = patch;
  switch (operation) {
    case 'add':
      return put(object, path, copyOf(patch.value));
    case 'remove':
      return take(object, path);
    case 'replace': {
      const missing = valueAt(object, path).found ? undefined : `${path} is not there`;
      return missing ?? replace(object, path, copyOf(patch.value));
    }
    case 'test':
      return holds(object, path, patch.value ?? null) ? undefined : `${path} has another value`;
    case 'copy':
    case 'move': {
      const source = valueAt(object, from);
      if (!source.found) return `${from} is not there`;
      if (operation === 'copy') return put(object, path, copyOf(source.value));
      if (path.startsWith(`${from}/`)) return `${from} cannot move into itself`;
      return take(object, from) ?? put(object, path, source.value);
    }
  }
}

/** Whether the value at a path is there and equal. */
export function holds(object: JsonObject, path: string, value: Json): boolean {
  const { found, value: there } = valueAt(object, path);
  return found && isEqual(there, value);
}

function valueAt(object: JsonObject, path: string): { found: boolean; value?: unknown } {
  let value: unknown = object;
  for (const token of tokensOf(path)) {
    if (Array.isArray(value)) {
      const at = indexOf(token);
      if (at === undefined || at >= value.length) return { found: false };
      value = value[at];
    } else if (isFields(value) && Object.hasOwn(value, token)) value = value[token];
    else return { found: false };
  }
  return { found: true, value };
}

function put(object: JsonObject, path: string, value: unknown): string | undefined {
  const { holder, token } = holderOf(object, path);
  if (Array.isArray(holder)) {
    const at = token === '-' ? holder.length : indexOf(token);
    if (at === undefined || at > holder.length) return `${path} is no place in the list`;
    holder.splice(at, 0, value);
    return undefined;
  }
  if (!isFields(holder)) return `the holder of ${path} is not there`;
  setField(holder, token, value);
  return undefined;
}

function replace(object: JsonObject, path: string, value: unknown): string | undefined {
  const { holder, token } = holderOf(object, path);
  if (!Array.isArray(holder)) return put(object, path, value);
  holder[Number(token)] = value;
  return undefined;
}

function take(object: JsonObject, path: string): string | undefined {
  if (!valueAt(object, path).found) return `${path} is not there`;
  const { holder, token } = holderOf(object, path);
  if (Array.isArray(holder)) holder.splice(Number(token), 1);
  else if (isFields(holder)) delete holder[token];
  return undefined;
}

function holderOf(object: JsonObject, path: string): { holder: unknown; token: string } {
  const cut = path.lastIndexOf('/');
  const token = tokensOf(path.slice(cut))[0] ?? '';
  return { holder: valueAt(object, path.slice(0, Math.max(cut, 0))).value, token };
}

/** The parts of a JSON pointer (RFC 6901). */
function tokensOf(path: string): readonly string[] {
  return path
    .split('/')
    .slice(1)
    .map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function indexOf(token: string): number | undefined {
  return /^(?:0|[1-9]\d{0,8})$/.test(token) ? Number(token) : undefined;
}
