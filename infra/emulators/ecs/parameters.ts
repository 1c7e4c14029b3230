import { refuse } from './errors.ts';

/** The parameters of one call, flattened as they came (`Tag.1.Key`). */
export type Parameters = ReadonlyMap<string, string>;

/** @throws 400 `Missing<Name>` when it is absent or empty */
export function required(parameters: Parameters, name: string): string {
  const value = optional(parameters, name);
  if (value === undefined) throw refuse.missing(name);
  return value;
}

/** A parameter; an empty one is as good as absent. */
export function optional(parameters: Parameters, name: string): string | undefined {
  const value = parameters.get(name);
  return value === '' ? undefined : value;
}

/** A whole number, or nothing when absent. @throws 400 `InvalidParameter` for anything else */
export function optionalInteger(parameters: Parameters, name: string): number | undefined {
  const value = optional(parameters, name);
  if (value === undefined) return undefined;
  if (!/^-?\d{1,15}$/.test(value)) throw refuse.invalid(name);
  return Number(value);
}

/** `true` or `false` in any case; nothing when absent. */
export function optionalBoolean(parameters: Parameters, name: string): boolean | undefined {
  const value = optional(parameters, name)?.toLowerCase();
  if (value === undefined) return undefined;
  if (value !== 'true' && value !== 'false') throw refuse.invalid(name);
  return value === 'true';
}

/** `Name.1`, `Name.2`, ... in order, up to the first number that is absent. */
export function numbered(parameters: Parameters, name: string): string[] {
  const values: string[] = [];
  for (let n = 1; ; n += 1) {
    const value = parameters.get(`${name}.${n}`);
    if (value === undefined) return values;
    values.push(value);
  }
}

/**
 * Ids given as the text of a JSON array. `undefined` when the parameter is absent; an empty array
 * is a filter that nothing passes.
 */
export function idArray(
  parameters: Parameters,
  name: string,
  malformed: () => Error,
): string[] | undefined {
  const text = optional(parameters, name);
  if (text === undefined) return undefined;
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw malformed();
  }
  if (!Array.isArray(parsed) || !parsed.every((id) => typeof id === 'string')) throw malformed();
  return parsed;
}

/**
 * A name: 2 to 128 characters, first a letter, then letters, digits and `:_.-`; Chinese letters
 * count as letters.
 */
export function isResourceName(name: string): boolean {
  return /^\p{L}[\p{L}\p{N}:_.-]{1,127}$/u.test(name);
}

/** A description: 2 to 256 characters that do not begin like an address. */
export function isDescription(text: string): boolean {
  return text.length >= 2 && text.length <= 256 && !/^https?:\/\//.test(text);
}
