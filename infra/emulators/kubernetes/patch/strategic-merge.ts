/**
 * Strategic merge patches: lists of built-in kinds are merged by their merge keys, with the
 * directives `$patch`, `$retainKeys`, `$deleteFromPrimitiveList` and `$setElementOrder`.
 * @see k8s.io/apimachinery/pkg/util/strategicpatch, v0.34
 */
import { deepEqual, isObject, type JsonObject } from '../json-tree.ts';
import { type Field, type FieldType, type Struct, structNamed } from '../schema/struct-table.ts';
import { badRequest, StatusError } from '../status-error.ts';

const orderPrefix = '$setElementOrder/';
const deletePrefix = '$deleteFromPrimitiveList/';

function structOf(type: FieldType | undefined): Struct | undefined {
  return type?.form === 'struct' ? structNamed(type.name) : undefined;
}

function isDirective(key: string): boolean {
  return key.startsWith('$');
}

function withoutDirectives(value: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(value).filter(([key]) => !isDirective(key)));
}

function texts(value: unknown): unknown[] {
  return Array.isArray(value) ? (value as unknown[]) : [];
}

type IdOf = (item: unknown) => string;

function rankOf(items: readonly unknown[], idOf: IdOf): ReadonlyMap<string, number> {
  return new Map(items.map((item, index) => [idOf(item), index]));
}

/**
 * Items that `order` names follow it; the others keep the server's order and come where the server
 * had them, or after the named ones. @see normalizeElementOrder
 */
function normaliseOrder(
  merged: readonly unknown[],
  order: readonly unknown[],
  server: readonly unknown[],
  idOf: IdOf,
): unknown[] {
  const [orderRank, serverRank] = [rankOf(order, idOf), rankOf(server, idOf)];
  const byRank = (rank: ReadonlyMap<string, number>) => (a: unknown, b: unknown) =>
    (rank.get(idOf(a)) ?? rank.size) - (rank.get(idOf(b)) ?? rank.size);
  const named = merged.filter((item) => orderRank.has(idOf(item))).sort(byRank(orderRank));
  const others = merged.filter((item) => !orderRank.has(idOf(item))).sort(byRank(serverRank));
  const result: unknown[] = [];
  for (const item of named) {
    const at = serverRank.get(idOf(item));
    while (at !== undefined && others.length > 0) {
      const next = serverRank.get(idOf(others[0]));
      if (next === undefined || next > at) break;
      result.push(others.shift());
    }
    result.push(item);
  }
  return [...result, ...others];
}

function mergePrimitives(original: unknown[], patch: unknown[]): unknown[] {
  const merged = [...original];
  for (const value of patch) if (!merged.some((m) => deepEqual(m, value))) merged.push(value);
  return merged;
}

function mergeKeyed(
  original: unknown[],
  patch: unknown[],
  field: Field,
  itemStruct: Struct | undefined,
): unknown[] {
  const key = field.patchMergeKey;
  const replacing = patch.some((item) => isObject(item) && item.$patch === 'replace');
  if (replacing) {
    const kept = patch.filter((item) => !(isObject(item) && item.$patch === 'replace'));
    return kept.map((item) => (isObject(item) ? mergeObject({}, item, itemStruct) : item));
  }
  const merged = [...original];
  for (const item of patch) {
    if (!isObject(item))
      throw badRequest(`invalid patch of ${field.name}: a list item is no object`);
    const id = item[key];
    if (id === undefined) {
      const shown = Object.entries(item).map(([k, v]) => `${k}:${String(v)}`);
      throw new StatusError({
        code: 500,
        message: `map: map[${shown.join(' ')}] does not contain declared merge key: ${key}`,
      });
    }
    const at = merged.findIndex((m) => isObject(m) && deepEqual(m[key], id));
    const before = merged[at];
    if (item.$patch === 'delete') {
      if (at !== -1) merged.splice(at, 1);
    } else if (isObject(before)) merged[at] = mergeObject(before, item, itemStruct);
    else merged.push(mergeObject({}, item, itemStruct));
  }
  return merged;
}

function idBy(mergeKey: string): IdOf {
  return (item) => JSON.stringify(mergeKey !== '' && isObject(item) ? item[mergeKey] : item) ?? '';
}

function mergeList(original: unknown, patch: unknown[], field: Field | undefined): unknown[] {
  if (field?.patchMerge !== true) return patch;
  const before = texts(original);
  const itemType = field.type.form === 'list' ? field.type.item : undefined;
  const idOf = idBy(field.patchMergeKey);
  const merged =
    field.patchMergeKey === ''
      ? mergePrimitives(before, patch)
      : mergeKeyed(before, patch, field, structOf(itemType));
  return normaliseOrder(merged, patch, before, idOf);
}

function deleteFromLists(merged: JsonObject, patch: JsonObject): void {
  for (const [key, value] of Object.entries(patch)) {
    if (!key.startsWith(deletePrefix)) continue;
    const name = key.slice(deletePrefix.length);
    const gone = texts(value);
    merged[name] = texts(merged[name]).filter((item) => !gone.some((g) => deepEqual(g, item)));
  }
}

function orderLists(
  merged: JsonObject,
  original: JsonObject,
  patch: JsonObject,
  struct: Struct | undefined,
): void {
  for (const [key, value] of Object.entries(patch)) {
    if (!key.startsWith(orderPrefix)) continue;
    const name = key.slice(orderPrefix.length);
    const idOf = idBy(struct?.byName.get(name)?.patchMergeKey ?? '');
    if (!Array.isArray(merged[name])) continue;
    merged[name] = normaliseOrder(texts(merged[name]), texts(value), texts(original[name]), idOf);
  }
}

function mergeObject(
  original: JsonObject,
  patch: JsonObject,
  struct: Struct | undefined,
): JsonObject {
  if (patch.$patch === 'replace') return withoutDirectives(patch);
  if (patch.$patch === 'delete') return {};
  let merged: JsonObject = { ...original };
  if (Array.isArray(patch.$retainKeys)) {
    const retained = new Set(texts(patch.$retainKeys));
    merged = Object.fromEntries(Object.entries(merged).filter(([key]) => retained.has(key)));
  }
  deleteFromLists(merged, patch);
  for (const [key, value] of Object.entries(patch)) {
    if (isDirective(key)) continue;
    const field = struct?.byName.get(key);
    const before = merged[key];
    if (value === null) delete merged[key];
    else if (Array.isArray(value)) merged[key] = mergeList(before, value, field);
    else if (isObject(value)) {
      const below = structOf(field?.type);
      const valueType = field?.type.form === 'map' ? structOf(field.type.value) : undefined;
      merged[key] = mergeObject(isObject(before) ? before : {}, value, below ?? valueType);
    } else merged[key] = value;
  }
  orderLists(merged, original, patch, struct);
  return merged;
}

/** Applies a strategic merge patch to an object of a built-in kind. @throws StatusError 400 */
export function applyStrategicMerge(
  document: JsonObject,
  patch: JsonObject,
  struct: Struct,
): JsonObject {
  return mergeObject(document, patch, struct);
}
