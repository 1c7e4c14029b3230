/** Looking into JSON whose shape is not known: every access is checked, nothing is assumed. */

/** A JSON object whose fields are not known yet. */
export type JsonObject = Record<string, unknown>;

/** Whether a value is a JSON object (not an array, not null). */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What stands at a path of field names; undefined where the path ends early. */
function valueAt(root: unknown, ...path: string[]): unknown {
  let here = root;
  for (const name of path) {
    if (!isObject(here)) return undefined;
    here = here[name];
  }
  return here;
}

/** The object at a path, if there is one. */
export function objectAt(root: unknown, ...path: string[]): JsonObject | undefined {
  const found = valueAt(root, ...path);
  return isObject(found) ? found : undefined;
}

/** The text at a path; '' where there is none, as Go's zero value. */
export function textAt(root: unknown, ...path: string[]): string {
  const found = valueAt(root, ...path);
  return typeof found === 'string' ? found : '';
}

/** The number at a path, if there is one. */
export function numberAt(root: unknown, ...path: string[]): number | undefined {
  const found = valueAt(root, ...path);
  return typeof found === 'number' ? found : undefined;
}

/** The list at a path; empty where there is none. */
export function listAt(root: unknown, ...path: string[]): unknown[] {
  const found = valueAt(root, ...path);
  return Array.isArray(found) ? found : [];
}

/** The objects in the list at a path. */
export function objectsAt(root: unknown, ...path: string[]): JsonObject[] {
  return listAt(root, ...path).filter(isObject);
}

/** The texts in the list at a path. */
export function textsAt(root: unknown, ...path: string[]): string[] {
  return listAt(root, ...path).filter((v) => typeof v === 'string');
}

/** The map of texts at a path (labels, annotations, selectors); empty where there is none. */
export function textMapAt(root: unknown, ...path: string[]): Record<string, string> {
  const found = objectAt(root, ...path) ?? {};
  const texts: Record<string, string> = {};
  for (const [key, value] of Object.entries(found))
    if (typeof value === 'string') texts[key] = value;
  return texts;
}

/** The object in a field, created when the field is empty. */
export function ensureObject(parent: JsonObject, field: string): JsonObject {
  const found = parent[field];
  if (isObject(found)) return found;
  const made: JsonObject = {};
  parent[field] = made;
  return made;
}

/** Sets a field that is still unset. */
export function setDefault(parent: JsonObject, field: string, value: unknown): void {
  if (parent[field] === undefined) parent[field] = value;
}

/** Equality of JSON values; the order of fields does not matter. */
export function deepEqual(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (Array.isArray(a)) {
    if (!Array.isArray(b) || a.length !== b.length) return false;
    return a.every((item, index) => deepEqual(item, b[index]));
  }
  if (!isObject(a) || !isObject(b)) return false;
  const keys = Object.keys(a);
  if (keys.length !== Object.keys(b).length) return false;
  return keys.every((key) => key in b && deepEqual(a[key], b[key]));
}

/** A copy that shares nothing with the original. */
export function copyValue(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(copyValue);
  return isObject(value) ? copyObject(value) : value;
}

/** A copy of an object that shares nothing with the original. */
export function copyObject(object: JsonObject): JsonObject {
  const copy: JsonObject = {};
  for (const key of Object.keys(object)) copy[key] = copyValue(object[key]);
  return copy;
}
