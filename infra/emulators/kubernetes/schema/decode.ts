/**
 * From JSON to the form that Go would hold: unknown fields dropped, empty ones forgotten, scalars in
 * canonical form; and back, with Go's order of fields and its rules of what is left out.
 */
import { isObject, type JsonObject } from '../json-tree.ts';
import { canonicalMicroTime, canonicalQuantity, canonicalTime } from './scalars.ts';
import {
  type Field,
  type FieldType,
  type Scalar,
  type Struct,
  structNamed,
} from './struct-table.ts';

/** The JSON does not fit the struct; the message is Go's own. */
export class DecodeError extends Error {}

interface Place {
  /** Go name of the innermost struct and the path from the root: what Go's messages name. */
  readonly struct: string;
  readonly path: string;
  /** The path with indices, for unknown fields. */
  readonly exact: string;
}

function goName(struct: string): string {
  return struct.slice(struct.lastIndexOf('.') + 1);
}

function goType(type: FieldType): string {
  if (type.form === 'list') return `[]${goType(type.item)}`;
  if (type.form === 'map') return `map[string]${goType(type.value)}`;
  if (type.form === 'struct') {
    const slash = type.name.lastIndexOf('/');
    return type.name.slice(slash + 1);
  }
  if (type.scalar === 'float') return 'float64';
  if (type.scalar === 'bytes') return '[]uint8';
  return type.scalar;
}

function jsonKind(value: unknown): string {
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'boolean') return 'bool';
  return typeof value;
}

function mismatch(value: unknown, type: FieldType, at: Place): DecodeError {
  const shown =
    typeof value === 'number' && !Number.isInteger(value) ? `number ${value}` : jsonKind(value);
  return new DecodeError(
    `json: cannot unmarshal ${shown} into Go struct field ${at.struct}.${at.path} of type ${goType(type)}`,
  );
}

const base64Pattern = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

function decodeBytes(value: string): string {
  const joined =
    value.includes('\n') || value.includes('\r') ? value.replace(/[\r\n]/g, '') : value;
  if (base64Pattern.test(joined)) return joined;
  const bad = joined.search(/[^A-Za-z0-9+/]/);
  const at = bad === -1 ? joined.length - (joined.length % 4) : bad;
  throw new DecodeError(`illegal base64 data at input byte ${at}`);
}

function decodeText(value: string, scalar: Scalar): string {
  if (scalar === 'bytes') return decodeBytes(value);
  if (scalar === 'quantity') {
    const text = canonicalQuantity(value);
    if (text !== undefined) return text;
    throw new DecodeError(
      "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
    );
  }
  if (scalar === 'time' || scalar === 'microTime') {
    const text = scalar === 'time' ? canonicalTime(value) : canonicalMicroTime(value);
    if (text !== undefined) return text;
    throw new DecodeError(
      `parsing time "${value}" as "2006-01-02T15:04:05Z07:00": cannot parse "${value}" as "2006"`,
    );
  }
  return value;
}

const wholeScalars: ReadonlySet<Scalar> = new Set(['int32', 'int64', 'intOrString']);
const textScalars: ReadonlySet<Scalar> = new Set([
  'string',
  'bytes',
  'time',
  'microTime',
  'duration',
  'quantity',
  'intOrString',
]);

function decodeScalar(value: unknown, scalar: Scalar, at: Place): unknown {
  const type: FieldType = { form: 'scalar', scalar };
  if (scalar === 'raw') return value;
  if (typeof value === 'boolean' && scalar === 'bool') return value;
  if (typeof value === 'number') {
    if (scalar === 'float') return value;
    if (scalar === 'quantity') return decodeText(String(value), scalar);
    if (wholeScalars.has(scalar) && Number.isInteger(value)) return value;
  }
  if (typeof value === 'string' && textScalars.has(scalar)) return decodeText(value, scalar);
  throw mismatch(value, type, at);
}

/** What Go makes of a null inside a list or map. */
function zeroOf(type: FieldType): unknown {
  if (type.form === 'struct') return {};
  if (type.form !== 'scalar') return null;
  if (type.scalar === 'bool') return false;
  if (type.scalar === 'string' || type.scalar === 'bytes') return '';
  if (type.scalar === 'quantity') return '0';
  if (type.scalar === 'duration') return '0s';
  return ['int32', 'int64', 'float', 'intOrString'].includes(type.scalar) ? 0 : null;
}

function decodeValue(value: unknown, type: FieldType, at: Place, unknown: string[]): unknown {
  if (type.form === 'scalar') return decodeScalar(value, type.scalar, at);
  if (type.form === 'list') {
    if (!Array.isArray(value)) throw mismatch(value, type, at);
    return value.map((item: unknown, index) =>
      item === null
        ? zeroOf(type.item)
        : decodeValue(item, type.item, { ...at, exact: `${at.exact}[${index}]` }, unknown),
    );
  }
  if (!isObject(value)) throw mismatch(value, type, at);
  if (type.form === 'struct') return decodeFields(value, structNamed(type.name), at, unknown);
  const decoded: JsonObject = {};
  for (const [key, item] of Object.entries(value)) {
    decoded[key] =
      item === null
        ? zeroOf(type.value)
        : decodeValue(item, type.value, { ...at, exact: `${at.exact}.${key}` }, unknown);
  }
  return decoded;
}

function isEmpty(value: unknown): boolean {
  if (value === '' || value === 0 || value === false || value === null) return true;
  return Array.isArray(value) && value.length === 0;
}

function decodeFields(value: JsonObject, struct: Struct, at: Place, unknown: string[]): JsonObject {
  const decoded: JsonObject = {};
  const name = goName(struct.name);
  for (const [key, item] of Object.entries(value)) {
    const field = struct.byName.get(key);
    const exact = at.exact === '' ? key : `${at.exact}.${key}`;
    if (field === undefined) {
      unknown.push(exact);
      continue;
    }
    if (item === null) continue;
    const path = at.path === '' ? key : `${at.path}.${key}`;
    const result = decodeValue(item, field.type, { struct: name, path, exact }, unknown);
    // Go cannot tell an empty value from an absent one unless the field is a pointer.
    if (field.pointer || !isEmpty(result)) decoded[key] = result;
  }
  return decoded;
}

/** A decoded object, and the paths of fields that the kind does not have. */
export interface Decoded {
  readonly object: JsonObject;
  readonly unknownFields: readonly string[];
}

/** @throws DecodeError when a field has the wrong type */
export function decodeStruct(struct: Struct, value: JsonObject): Decoded {
  const unknownFields: string[] = [];
  const at = { struct: goName(struct.name), path: '', exact: '' };
  return { object: decodeFields(value, struct, at, unknownFields), unknownFields };
}

function encodeValue(value: unknown, type: FieldType): unknown {
  if (type.form === 'scalar') return value;
  if (type.form === 'list') {
    return Array.isArray(value) ? value.map((item) => encodeValue(item, type.item)) : value;
  }
  if (!isObject(value)) return value;
  if (type.form === 'struct') return encodeStruct(structNamed(type.name), value);
  const encoded: JsonObject = {};
  // Go writes maps in the order of their keys.
  for (const key of Object.keys(value).sort()) encoded[key] = encodeValue(value[key], type.value);
  return encoded;
}

const structScalars: ReadonlySet<Scalar> = new Set([
  'time',
  'microTime',
  'duration',
  'quantity',
  'intOrString',
  'raw',
]);

function encodeAbsent(field: Field): unknown {
  if (field.pointer) return field.omitEmpty ? undefined : null;
  if (field.type.form === 'struct') {
    return field.omitZero ? undefined : encodeStruct(structNamed(field.type.name), {});
  }
  const zero = zeroOf(field.type);
  // Times, quantities and their like are structs to Go: omitempty does not leave them out.
  const scalar = field.type.form === 'scalar' ? field.type.scalar : 'string';
  if (structScalars.has(scalar) && !field.omitZero) return zero;
  if (field.omitEmpty || field.omitZero) return undefined;
  return field.type.form === 'scalar' ? zero : null;
}

function isEmptyCollection(value: unknown): boolean {
  if (Array.isArray(value)) return value.length === 0;
  return isObject(value) && Object.keys(value).length === 0;
}

/** The object as Go would write it: fields in order, zero values where Go writes them. */
export function encodeStruct(struct: Struct, object: JsonObject): JsonObject {
  const encoded: JsonObject = {};
  for (const field of struct.fields) {
    const value = object[field.name];
    const collection = field.type.form === 'list' || field.type.form === 'map';
    // Storage is protobuf, which does not know empty collections from absent ones.
    const absent =
      value === undefined || value === null || (collection && isEmptyCollection(value));
    const text = absent ? encodeAbsent(field) : encodeValue(value, field.type);
    if (text !== undefined) encoded[field.name] = text;
  }
  return encoded;
}
