/**
 * Validation of custom resources against their OpenAPI schema, in the words of kube-openapi.
 * CEL rules (`x-kubernetes-validations`) are not evaluated.
 */
import { isIP } from 'node:net';
import {
  duplicateField,
  type FieldError,
  invalidField,
  invalidType,
  requiredField,
  tooLong,
  unsupportedValue,
} from '../field-error.ts';
import {
  deepEqual,
  isObject,
  type JsonObject,
  listAt,
  numberAt,
  objectAt,
  objectsAt,
  textAt,
  textsAt,
} from '../json-tree.ts';
import { canonicalTime } from '../schema/scalars.ts';
import { fieldSchema, type Schema } from './structural-schema.ts';

function typeOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number';
  return typeof value;
}

function matchesType(value: unknown, type: string): boolean {
  const actual = typeOf(value);
  return actual === type || (type === 'number' && actual === 'integer');
}

function typeError(value: unknown, expected: string, at: string): FieldError {
  const actual = typeOf(value);
  const why = `${at} in body must be of type ${expected}: ${JSON.stringify(actual)}`;
  return invalidType(at, actual, why);
}

function validateType(value: unknown, schema: Schema, at: string): FieldError[] {
  if (value === null && schema.nullable === true) return [];
  if (schema['x-kubernetes-int-or-string'] === true) {
    const fits = typeof value === 'string' || Number.isInteger(value);
    return fits ? [] : [typeError(value, 'integer,string', at)];
  }
  const type = textAt(schema, 'type');
  return type === '' || matchesType(value, type) ? [] : [typeError(value, type, at)];
}

function validateNumber(value: number, schema: Schema, at: string): FieldError[] {
  const wrong: FieldError[] = [];
  const refuse = (why: string): number =>
    wrong.push(invalidField(at, value, `${at} in body should be ${why}`));
  const minimum = numberAt(schema, 'minimum');
  const maximum = numberAt(schema, 'maximum');
  const step = numberAt(schema, 'multipleOf');
  if (minimum !== undefined) {
    const exclusive = schema.exclusiveMinimum === true;
    if (exclusive && value <= minimum) refuse(`greater than ${minimum}`);
    if (!exclusive && value < minimum) refuse(`greater than or equal to ${minimum}`);
  }
  if (maximum !== undefined) {
    const exclusive = schema.exclusiveMaximum === true;
    if (exclusive && value >= maximum) refuse(`less than ${maximum}`);
    if (!exclusive && value > maximum) refuse(`less than or equal to ${maximum}`);
  }
  if (step !== undefined && !Number.isInteger(value / step)) refuse(`a multiple of ${step}`);
  return wrong;
}

const formats: Readonly<Record<string, (value: string) => boolean>> = {
  'date-time': (value) => canonicalTime(value) !== undefined,
  datetime: (value) => canonicalTime(value) !== undefined,
  date: (value) => /^\d{4}-\d{2}-\d{2}$/.test(value) && !Number.isNaN(Date.parse(value)),
  byte: (value) => /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(value),
  ipv4: (value) => isIP(value) === 4,
  ipv6: (value) => isIP(value) === 6,
  uuid: (value) => /^[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}$/i.test(value),
};

function compilePattern(pattern: string): RegExp | undefined {
  try {
    // Go's RE2 knows inline flags that JavaScript writes apart.
    return pattern.startsWith('(?i)')
      ? new RegExp(pattern.slice(4), 'i')
      : new RegExp(pattern, 'u');
  } catch {
    return undefined;
  }
}

const patterns = new Map<string, RegExp | undefined>();

function patternOf(text: string): RegExp | undefined {
  if (!patterns.has(text)) patterns.set(text, compilePattern(text));
  return patterns.get(text);
}

function validateText(value: string, schema: Schema, at: string): FieldError[] {
  const wrong: FieldError[] = [];
  const maximum = numberAt(schema, 'maxLength');
  const minimum = numberAt(schema, 'minLength');
  const length = [...value].length;
  if (maximum !== undefined && length > maximum) wrong.push(tooLong(at, maximum));
  if (minimum !== undefined && length < minimum) {
    const why = `${at} in body should be at least ${minimum} chars long`;
    wrong.push(invalidField(at, value, why));
  }
  const pattern = textAt(schema, 'pattern');
  if (pattern !== '' && patternOf(pattern)?.test(value) === false) {
    wrong.push(invalidField(at, value, `${at} in body should match '${pattern}'`));
  }
  const format = textAt(schema, 'format');
  if (formats[format]?.(value) === false) {
    const why = `${at} in body must be of type ${format}: ${JSON.stringify(value)}`;
    wrong.push(invalidType(at, value, why));
  }
  return wrong;
}

function countError(at: string, count: number, maximum: number): FieldError {
  return {
    reason: 'FieldValueTooMany',
    field: at,
    message: `Too many: ${count}: must have at most ${maximum} items`,
  };
}

function validateList(value: readonly unknown[], schema: Schema, at: string): FieldError[] {
  const wrong: FieldError[] = [];
  const maximum = numberAt(schema, 'maxItems');
  const minimum = numberAt(schema, 'minItems');
  if (maximum !== undefined && value.length > maximum) {
    wrong.push(countError(at, value.length, maximum));
  }
  if (minimum !== undefined && value.length < minimum) {
    const why = `${at} in body should have at least ${minimum} items`;
    wrong.push(invalidField(at, value.length, why));
  }
  const items = objectAt(schema, 'items');
  if (items !== undefined) {
    for (const [index, item] of value.entries()) {
      wrong.push(...validateValue(item, items, `${at}[${index}]`));
    }
  }
  return [...wrong, ...validateUnique(value, schema, at)];
}

function validateUnique(value: readonly unknown[], schema: Schema, at: string): FieldError[] {
  const kind = textAt(schema, 'x-kubernetes-list-type');
  if (kind !== 'map' && kind !== 'set') return [];
  const keys = textsAt(schema, 'x-kubernetes-list-map-keys');
  const idOf = (item: unknown): unknown =>
    kind === 'set' || !isObject(item)
      ? item
      : Object.fromEntries(keys.map((key) => [key, item[key]]).filter(([, v]) => v !== undefined));
  const seen = new Set<string>();
  return value.flatMap((item, index) => {
    const id = idOf(item);
    const text = JSON.stringify(id);
    if (!seen.has(text)) {
      seen.add(text);
      return [];
    }
    return [duplicateField(`${at}[${index}]`, id)];
  });
}

function validateObject(value: JsonObject, schema: Schema, at: string): FieldError[] {
  const wrong: FieldError[] = [];
  const join = (key: string): string => (at === '' ? key : `${at}.${key}`);
  const count = Object.keys(value).length;
  const maximum = numberAt(schema, 'maxProperties');
  const minimum = numberAt(schema, 'minProperties');
  if (maximum !== undefined && count > maximum) wrong.push(countError(at, count, maximum));
  if (minimum !== undefined && count < minimum) {
    const why = `${at} in body should have at least ${minimum} properties`;
    wrong.push(invalidField(at, count, why));
  }
  for (const key of textsAt(schema, 'required')) {
    if (value[key] === undefined) wrong.push(requiredField(join(key)));
  }
  for (const [key, item] of Object.entries(value)) {
    const below = fieldSchema(schema, key);
    if (below !== undefined) wrong.push(...validateValue(item, below, join(key)));
  }
  return wrong;
}

function combinationError(at: string, why: string): FieldError {
  return invalidField('<nil>', '', `${JSON.stringify(at)} must validate ${why}`);
}

function validateCombinations(value: unknown, schema: Schema, at: string): FieldError[] {
  const wrong = objectsAt(schema, 'allOf').flatMap((part) => validateValue(value, part, at));
  const anyOf = objectsAt(schema, 'anyOf');
  const fits = (part: Schema): boolean => validateValue(value, part, at).length === 0;
  if (anyOf.length > 0 && !anyOf.some(fits)) {
    wrong.push(combinationError(at, 'at least one schema (anyOf)'));
  }
  const oneOf = objectsAt(schema, 'oneOf');
  const matching = oneOf.filter(fits).length;
  if (oneOf.length > 0 && matching !== 1) {
    const found = matching === 0 ? 'Found none valid' : `Found ${matching} valid alternatives`;
    wrong.push(combinationError(at, `one and only one schema (oneOf). ${found}`));
    const [first] = oneOf;
    if (matching === 0 && first !== undefined) wrong.push(...validateValue(value, first, at));
  }
  const not = objectAt(schema, 'not');
  if (not !== undefined && fits(not)) {
    wrong.push(
      invalidField('<nil>', '', `${JSON.stringify(at)} must not validate the schema (not)`),
    );
  }
  return wrong;
}

function validateEnum(value: unknown, schema: Schema, at: string): FieldError[] {
  const allowed = listAt(schema, 'enum');
  if (allowed.length === 0 || allowed.some((option) => deepEqual(option, value))) return [];
  if (value === null && schema.nullable === true) return [];
  return [unsupportedValue(at, value, allowed.map(String))];
}

function validateValue(value: unknown, schema: Schema, at: string): FieldError[] {
  const mistyped = validateType(value, schema, at);
  if (mistyped.length > 0) return mistyped;
  const wrong = validateEnum(value, schema, at);
  if (typeof value === 'number') wrong.push(...validateNumber(value, schema, at));
  if (typeof value === 'string') wrong.push(...validateText(value, schema, at));
  if (Array.isArray(value)) wrong.push(...validateList(value as unknown[], schema, at));
  else if (isObject(value)) wrong.push(...validateObject(value, schema, at));
  return [...wrong, ...validateCombinations(value, schema, at)];
}

/** What is wrong with a custom resource (without apiVersion, kind and metadata). */
export function validateResource(object: JsonObject, schema: Schema): FieldError[] {
  const { metadata: _metadata, ...rest } = object;
  const required = textsAt(schema, 'required').filter(
    (key) => !['apiVersion', 'kind', 'metadata'].includes(key),
  );
  return validateValue(rest, { ...schema, type: 'object', required }, '');
}
