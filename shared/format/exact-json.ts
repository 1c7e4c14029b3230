/**
 * JSON in and out without changing a number: integers beyond 2^53 and fractions that a double would
 * print otherwise stay as they were written. Most objects have neither and take the fast way.
 */
import { isLosslessNumber, LosslessNumber, parse, stringify } from 'lossless-json';
import { isJsonObject, type JsonObject } from '../domain/json.ts';

/** A number that a double may not hold or print as it stands; may also match inside a string. */
const RISKY_NUMBER = /[[:,\s]-?(?:\d{16,}|\d+\.|\d+[eE])/;

/** The object in these bytes, undefined where they are no JSON object. */
export function parseExact(bytes: Uint8Array): JsonObject | undefined {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8');
  try {
    const value: unknown = RISKY_NUMBER.test(text)
      ? parse(text, undefined, exactNumber)
      : JSON.parse(text);
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** The object's bytes, numbers as they were parsed. */
export function formatExact(object: JsonObject): Uint8Array {
  const text = hasLosslessNumber(object) ? stringify(object) : JSON.stringify(object);
  return Buffer.from(text ?? '');
}

function exactNumber(text: string): number | LosslessNumber {
  const number = Number(text);
  return String(number) === text ? number : new LosslessNumber(text);
}

function hasLosslessNumber(value: unknown): boolean {
  if (isLosslessNumber(value)) return true;
  if (Array.isArray(value)) return value.some(hasLosslessNumber);
  return isJsonObject(value) && Object.values(value).some(hasLosslessNumber);
}
