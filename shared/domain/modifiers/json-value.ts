/** Copies and comparisons of JSON that leave exact numbers as they are. */
import { isJsonObject, type JsonObject } from '../json.ts';

/** Whether a value is an object of fields, and not a number that a double cannot hold. */
export function isFields(value: unknown): value is JsonObject {
  return isJsonObject(value) && value.isLosslessNumber !== true;
}

/** A copy that shares no list and no object of fields with the value. */
export function copyOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(copyOf);
  if (!isFields(value)) return value;
  const copy: JsonObject = {};
  for (const [field, inside] of Object.entries(value)) setField(copy, field, copyOf(inside));
  return copy;
}

/** Sets an own field, whatever its name: `__proto__` too is but a name. */
export function setField(holder: JsonObject, field: string, value: unknown): void {
  Object.defineProperty(holder, field, {
    value,
    writable: true,
    enumerable: true,
    configurable: true,
  });
}

/** Whether two values are equal as JSON: order of fields does not matter. */
export function isEqual(a: unknown, b: unknown): boolean {
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((value, at) => isEqual(value, b[at]));
  }
  if (isFields(a) && isFields(b)) {
    const fields = Object.keys(a);
    return (
      fields.length === Object.keys(b).length &&
      fields.every((field) => Object.hasOwn(b, field) && isEqual(a[field], b[field]))
    );
  }
  return a === b || (numberText(a) !== undefined && numberText(a) === numberText(b));
}

function numberText(value: unknown): string | undefined {
  if (typeof value === 'number') return String(value);
  return isJsonObject(value) && value.isLosslessNumber === true ? String(value.value) : undefined;
}
