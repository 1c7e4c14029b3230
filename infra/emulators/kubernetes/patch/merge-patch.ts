import { isObject, type JsonObject } from '../json-tree.ts';

/** Applies an RFC 7386 merge patch; null removes a field. */
export function applyMergePatch(document: JsonObject, patch: JsonObject): JsonObject {
  const merged: JsonObject = { ...document };
  for (const [key, value] of Object.entries(patch)) {
    const before = merged[key];
    if (value === null) delete merged[key];
    else if (isObject(value)) merged[key] = applyMergePatch(isObject(before) ? before : {}, value);
    else merged[key] = value;
  }
  return merged;
}
