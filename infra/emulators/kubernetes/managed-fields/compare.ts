/** Which fields differ between two states of an object: the unit of ownership. */
import { deepEqual, isObject, type JsonObject } from '../json-tree.ts';
import { FieldSet } from './field-set.ts';
import { type ListShape, type Shape, scalarShape, untypedShape } from './shape.ts';

/** Fields that one state has and the other has not, or has otherwise. */
export interface Comparison {
  readonly added: FieldSet;
  readonly modified: FieldSet;
  readonly removed: FieldSet;
}

/** The element of a path that names an item of a set or keyed list. */
export function listElement(shape: ListShape, item: unknown): string {
  if (shape.relation === 'set') return `v:${JSON.stringify(item)}`;
  const keys: JsonObject = {};
  for (const key of [...shape.keys].sort()) {
    const value = isObject(item) ? (item[key] ?? shape.keyDefault(key)) : undefined;
    if (value !== undefined) keys[key] = value;
  }
  return `k:${JSON.stringify(keys)}`;
}

const untypedMap: Shape = {
  form: 'map',
  atomic: false,
  isField: () => false,
  child: () => untypedShape,
};

/** The shape that a value without schema is taken to have. */
export function deducedShape(shape: Shape, value: unknown): Shape {
  if (shape.form !== 'untyped') return shape;
  return isObject(value) ? untypedMap : scalarShape;
}

class Comparing implements Comparison {
  readonly added = new FieldSet();
  readonly modified = new FieldSet();
  readonly removed = new FieldSet();
  private readonly path: string[] = [];

  /** `undefined` = the field is not there; `null` is a value. */
  visit(left: unknown, right: unknown, shape: Shape): void {
    const inLeaf = this.descend(left, right, deducedShape(shape, right ?? left));
    if (inLeaf || this.path.length === 0) return;
    if (left === undefined) this.added.insert(this.path);
    else if (right === undefined) this.removed.insert(this.path);
  }

  private leaf(left: unknown, right: unknown): true {
    if (left === undefined) this.added.insert(this.path);
    else if (right === undefined) this.removed.insert(this.path);
    else if (!deepEqual(left, right)) this.modified.insert(this.path);
    return true;
  }

  /** Whether the value was taken as one leaf. */
  private descend(left: unknown, right: unknown, shape: Shape): boolean {
    if (shape.form === 'map') {
      const lhs = isObject(left) ? left : {};
      const rhs = isObject(right) ? right : {};
      const keys = new Set([...Object.keys(lhs), ...Object.keys(rhs)]);
      if (shape.atomic || keys.size === 0) return this.leaf(left, right);
      for (const key of keys) this.step(`f:${key}`, lhs[key], rhs[key], shape.child(key));
      return false;
    }
    if (shape.form === 'list' && shape.relation !== 'atomic') {
      const lhs: unknown[] = Array.isArray(left) ? left : [];
      const rhs: unknown[] = Array.isArray(right) ? right : [];
      if (lhs.length === 0 && rhs.length === 0) return this.leaf(left, right);
      const lItems = new Map(lhs.map((item) => [listElement(shape, item), item]));
      const rItems = new Map(rhs.map((item) => [listElement(shape, item), item]));
      for (const element of new Set([...lItems.keys(), ...rItems.keys()])) {
        this.step(element, lItems.get(element), rItems.get(element), shape.item);
      }
      return false;
    }
    return this.leaf(left, right);
  }

  private step(element: string, left: unknown, right: unknown, shape: Shape): void {
    this.path.push(element);
    this.visit(left, right, shape);
    this.path.pop();
  }
}

/** Compares two states of an object. */
export function compareObjects(left: JsonObject, right: JsonObject, shape: Shape): Comparison {
  const comparing = new Comparing();
  comparing.visit(left, right, shape);
  return comparing;
}
