/** The three operations of server-side apply on values: fields of, merge, and remove. */
import { isObject, type JsonObject } from '../json-tree.ts';
import { deducedShape, listElement } from './compare.ts';
import { FieldSet } from './field-set.ts';
import type { ListShape, Shape } from './shape.ts';

function collect(value: unknown, shape: Shape, path: string[], set: FieldSet): void {
  const seen = deducedShape(shape, value);
  if (seen.form === 'map' && !seen.atomic) {
    if (!isObject(value)) return;
    for (const [key, item] of Object.entries(value)) {
      path.push(`f:${key}`);
      collect(item, seen.child(key), path, set);
      const empty = item === null || (isObject(item) && Object.keys(item).length === 0);
      if (empty || !seen.isField(key)) set.insert(path);
      path.pop();
    }
    return;
  }
  if (seen.form === 'list' && seen.relation !== 'atomic') {
    if (!Array.isArray(value)) return;
    for (const item of value as unknown[]) {
      path.push(listElement(seen, item));
      collect(item, seen.item, path, set);
      set.insert(path);
      path.pop();
    }
    return;
  }
  set.insert(path);
}

/** The fields that a configuration names. */
export function fieldSetOf(object: JsonObject, shape: Shape): FieldSet {
  const set = new FieldSet();
  collect(object, shape, [], set);
  return set;
}

function mergeLists(left: unknown[], right: unknown[], shape: ListShape): unknown[] {
  const rightItems = new Map(right.map((item) => [listElement(shape, item), item]));
  const leftItems = new Map(left.map((item) => [listElement(shape, item), item]));
  const merged: unknown[] = [];
  const done = new Set<string>();
  // The order of the applied list wins for its items; the others keep their place before them.
  const rightOrder = [...rightItems.keys()];
  let next = 0;
  const takeRight = (): void => {
    const element = rightOrder[next];
    next += 1;
    if (element === undefined || done.has(element)) return;
    done.add(element);
    const item = rightItems.get(element);
    merged.push(
      leftItems.has(element) ? mergeValues(leftItems.get(element), item, shape.item) : item,
    );
  };
  for (const [element, item] of leftItems) {
    if (!rightItems.has(element)) {
      merged.push(item);
      continue;
    }
    while (next < rightOrder.length && !done.has(element)) takeRight();
  }
  while (next < rightOrder.length) takeRight();
  return merged;
}

/** Puts a configuration over a value: what it does not name stays. */
export function mergeValues(left: unknown, right: unknown, shape: Shape): unknown {
  if (right === undefined) return left;
  const seen = deducedShape(shape, right);
  if (seen.form === 'map' && !seen.atomic && isObject(left) && isObject(right)) {
    const merged: JsonObject = { ...left };
    for (const [key, item] of Object.entries(right)) {
      merged[key] = mergeValues(left[key], item, seen.child(key));
    }
    return merged;
  }
  if (seen.form === 'list' && seen.relation !== 'atomic') {
    if (Array.isArray(left) && Array.isArray(right)) return mergeLists(left, right, seen);
  }
  return right;
}

/** The value without the paths of a set; undefined where nothing is left. */
export function removeFields(value: unknown, toRemove: FieldSet, shape: Shape): unknown {
  const seen = deducedShape(shape, value);
  if (seen.form === 'map') {
    if (seen.atomic || !isObject(value)) return undefined;
    const rest: JsonObject = {};
    for (const [key, item] of Object.entries(value)) {
      const element = `f:${key}`;
      if (toRemove.members.has(element)) continue;
      const below = toRemove.children.get(element);
      const kept = below === undefined ? item : removeFields(item, below, seen.child(key));
      rest[key] = kept ?? null;
    }
    return Object.keys(rest).length === 0 ? undefined : rest;
  }
  if (seen.form === 'list') {
    if (seen.relation === 'atomic' || !Array.isArray(value)) return undefined;
    const rest: unknown[] = [];
    for (const item of value as unknown[]) {
      const element = listElement(seen, item);
      if (toRemove.members.has(element)) continue;
      const below = toRemove.children.get(element);
      rest.push(below === undefined ? item : removeFields(item, below, seen.item));
    }
    return rest.length === 0 ? undefined : rest;
  }
  return value;
}
