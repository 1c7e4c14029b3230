/** Plain JSON, as stored in checkpoints, details and documents. */
export type Json =
  | string
  | number
  | boolean
  | null
  | readonly Json[]
  | { readonly [key: string]: Json };

/** A JSON object whose fields are not known yet. */
export type JsonObject = Record<string, unknown>;

/** Whether a parsed value is a JSON object (not an array, not null). */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The object at a path, undefined where there is none. */
export function objectAt(value: unknown, ...path: readonly string[]): JsonObject | undefined {
  let at = value;
  for (const field of path) at = isJsonObject(at) ? at[field] : undefined;
  return isJsonObject(at) ? at : undefined;
}

/** The objects of the list at a path; other elements are left out. */
export function objectsAt(value: unknown, ...path: readonly string[]): JsonObject[] {
  const list = objectAt(value, ...path.slice(0, -1))?.[path[path.length - 1] ?? ''];
  return Array.isArray(list) ? list.filter(isJsonObject) : [];
}

/** The text at a path, undefined where there is none. */
export function textAt(value: unknown, ...path: readonly string[]): string | undefined {
  const text = objectAt(value, ...path.slice(0, -1))?.[path[path.length - 1] ?? ''];
  return typeof text === 'string' ? text : undefined;
}
