/**
 * Strategic merge patches: lists of built-in kinds are merged by their merge keys, with the
 * directives `$patch`, `$retainKeys`, `$deleteFromPrimitiveList` and `$setElementOrder`.
 * @see k8s.io/apimachinery/pkg/util/strategicpatch, v0.34
 */
import { deepEqual, isObject, type JsonObject } from '../json-tree.ts';
import { type Field, type FieldType, type Struct, structNamed } from '../schema/struct-table.ts';
import { badRequest } from '../status-error.ts';

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

function sortByOrder(
  items: unknown[],
  order: unknown[],
  idOf: (item: unknown) => unknown,
): unknown[] {
  const rank = new Map(order.map((entry, index) => [JSON.stringify(idOf(entry)), index]));
  // Items that the order does not name stay before the next one that it names.
  const ranked = items.filter((item) => rank.has(JSON.stringify(idOf(item))));
  ranked.sort(
    (a, b) => (rank.get(JSON.stringify(idOf(a))) ?? 0) - (rank.get(JSON.stringify(idOf(b))) ?? 0),
  );
  let next = 0;
  return items.map((item) => {
    if (!rank.has(JSON.stringify(idOf(item)))) return item;
    const taken = ranked[next];
    next += 1;
    return taken;
  });
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
      throw badRequest(
        `map: map[${Object.keys(item).join(' ')}] does not contain declared merge key: ${key}`,
      );
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

function mergeList(original: unknown, patch: unknown[], field: Field | undefined): unknown[] {
  if (field?.patchMerge !== true) return patch;
  const before = texts(original);
  const itemType = field.type.form === 'list' ? field.type.item : undefined;
  if (field.patchMergeKey === '') return mergePrimitives(before, patch);
  return mergeKeyed(before, patch, field, structOf(itemType));
}

function applyListDirectives(
  merged: JsonObject,
  patch: JsonObject,
  struct: Struct | undefined,
): void {
  for (const [key, value] of Object.entries(patch)) {
    if (key.startsWith(deletePrefix)) {
      const name = key.slice(deletePrefix.length);
      const gone = texts(value);
      merged[name] = texts(merged[name]).filter((item) => !gone.some((g) => deepEqual(g, item)));
    }
  }
  for (const [key, value] of Object.entries(patch)) {
    if (!key.startsWith(orderPrefix)) continue;
    const name = key.slice(orderPrefix.length);
    const mergeKey = struct?.byName.get(name)?.patchMergeKey ?? '';
    const idOf = (item: unknown): unknown =>
      mergeKey !== '' && isObject(item) ? item[mergeKey] : item;
    if (Array.isArray(merged[name]))
      merged[name] = sortByOrder(texts(merged[name]), texts(value), idOf);
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
  applyListDirectives(merged, patch, undefined);
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
  applyListDirectives(merged, onlyOrders(patch), struct);
  return merged;
}

function onlyOrders(patch: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(patch).filter(([key]) => key.startsWith(orderPrefix)));
}

/** Applies a strategic merge patch to an object of a built-in kind. @throws StatusError 400 */
export function applyStrategicMerge(
  document: JsonObject,
  patch: JsonObject,
  struct: Struct,
): JsonObject {
  return mergeObject(document, patch, struct);
}
