/** Structural schemas of custom resources: pruning, coercion and defaulting. */
import { copyValue, isObject, type JsonObject, objectAt } from '../json-tree.ts';
import { decodeStruct } from '../schema/decode.ts';
import { structNamed } from '../schema/struct-table.ts';

/** A node of an `openAPIV3Schema`. */
export type Schema = JsonObject;

/** What keeps fields that the schema does not name. */
export function preservesUnknown(schema: Schema): boolean {
  return schema['x-kubernetes-preserve-unknown-fields'] === true;
}

/** The schema of a field of an object, if the schema says anything about it. */
export function fieldSchema(schema: Schema, key: string): Schema | undefined {
  const named = objectAt(schema, 'properties', key);
  return named ?? objectAt(schema, 'additionalProperties');
}

function knowsAny(schema: Schema): boolean {
  return schema.additionalProperties === true;
}

const objectMeta = structNamed('meta/v1.ObjectMeta');
const rootFields = new Set(['apiVersion', 'kind', 'metadata']);

function pruneObject(
  value: JsonObject,
  schema: Schema,
  at: string,
  unknown: string[],
  isResource: boolean,
): JsonObject {
  const kept: JsonObject = {};
  for (const [key, item] of Object.entries(value)) {
    const path = at === '' ? key : `${at}.${key}`;
    if (isResource && rootFields.has(key)) {
      kept[key] = key === 'metadata' ? pruneMetadata(item, path, unknown) : item;
      continue;
    }
    const below = fieldSchema(schema, key);
    if (below !== undefined) kept[key] = pruneValue(item, below, path, unknown);
    else if (preservesUnknown(schema) || knowsAny(schema)) kept[key] = item;
    else unknown.push(path);
  }
  return kept;
}

function pruneMetadata(value: unknown, at: string, unknown: string[]): unknown {
  if (!isObject(value)) return value;
  const decoded = decodeStruct(objectMeta, value);
  unknown.push(...decoded.unknownFields.map((path) => `${at}.${path}`));
  return decoded.object;
}

function pruneValue(value: unknown, schema: Schema, at: string, unknown: string[]): unknown {
  if (Array.isArray(value)) {
    const items = objectAt(schema, 'items');
    if (items === undefined) return value;
    return (value as unknown[]).map((item, i) => pruneValue(item, items, `${at}[${i}]`, unknown));
  }
  if (!isObject(value)) return value;
  const embedded = schema['x-kubernetes-embedded-resource'] === true;
  return pruneObject(value, schema, at, unknown, embedded);
}

/** The object without what the schema does not know, and the paths of what went. */
export function pruneResource(
  object: JsonObject,
  schema: Schema,
): { readonly object: JsonObject; readonly unknownFields: readonly string[] } {
  const unknownFields: string[] = [];
  const pruned = pruneObject(object, schema, '', unknownFields, true);
  return { object: pruned, unknownFields: unknownFields.sort() };
}

function isForbiddenNull(value: unknown, schema: Schema | undefined): boolean {
  return value === null && schema !== undefined && schema.nullable !== true;
}

/** Drops nulls that the schema neither allows nor has a default for. */
export function dropForbiddenNulls(value: unknown, schema: Schema | undefined): void {
  if (Array.isArray(value)) {
    const items = objectAt(schema, 'items');
    for (const item of value) dropForbiddenNulls(item, items);
  }
  if (!isObject(value)) return;
  for (const [key, item] of Object.entries(value)) {
    const below = schema === undefined ? undefined : fieldSchema(schema, key);
    if (isForbiddenNull(item, below) && below?.default === undefined) delete value[key];
    else dropForbiddenNulls(item, below);
  }
}

/** Fills in defaults, parents before children: a default may itself be completed. */
export function applySchemaDefaults(value: unknown, schema: Schema): void {
  if (Array.isArray(value)) {
    const items = objectAt(schema, 'items');
    if (items !== undefined) for (const item of value) applySchemaDefaults(item, items);
  }
  if (!isObject(value)) return;
  for (const [key, below] of Object.entries(objectAt(schema, 'properties') ?? {})) {
    if (!isObject(below) || below.default === undefined) continue;
    const absent = value[key] === undefined || isForbiddenNull(value[key], below);
    if (absent) value[key] = copyValue(below.default);
  }
  for (const [key, item] of Object.entries(value)) {
    const below = fieldSchema(schema, key);
    if (below !== undefined) applySchemaDefaults(item, below);
  }
}
