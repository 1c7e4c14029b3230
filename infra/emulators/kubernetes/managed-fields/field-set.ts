/**
 * A set of paths of fields, as `fieldsV1` writes it. An element of a path is `f:<name>` for a field,
 * `k:<keys as JSON>` for an item of a keyed list, `v:<value as JSON>` for an item of a set.
 */
import { isObject, type JsonObject } from '../json-tree.ts';
import type { Shape } from './shape.ts';

/** Paths; an immutable value but for `insert`. */
export class FieldSet {
  readonly members = new Set<string>();
  readonly children = new Map<string, FieldSet>();

  get isEmpty(): boolean {
    if (this.members.size > 0) return false;
    for (const child of this.children.values()) if (!child.isEmpty) return false;
    return true;
  }

  /** Adds one path; `length` elements of it count. */
  insert(path: readonly string[], length = path.length): void {
    let node: FieldSet = this;
    for (let depth = 0; depth < length - 1; depth += 1) {
      const element = path[depth] ?? '';
      let next = node.children.get(element);
      if (next === undefined) {
        next = new FieldSet();
        node.children.set(element, next);
      }
      node = next;
    }
    const last = path[length - 1];
    if (last !== undefined) node.members.add(last);
  }

  union(other: FieldSet): FieldSet {
    const result = new FieldSet();
    for (const set of [this, other]) for (const m of set.members) result.members.add(m);
    for (const key of new Set([...this.children.keys(), ...other.children.keys()])) {
      const mine = this.children.get(key);
      const theirs = other.children.get(key);
      const both = mine !== undefined && theirs !== undefined ? mine.union(theirs) : undefined;
      const child = both ?? mine ?? theirs;
      if (child !== undefined) result.children.set(key, child);
    }
    return result;
  }

  intersection(other: FieldSet): FieldSet {
    const result = new FieldSet();
    for (const m of this.members) if (other.members.has(m)) result.members.add(m);
    for (const [key, child] of this.children) {
      const theirs = other.children.get(key);
      const common = theirs === undefined ? undefined : child.intersection(theirs);
      if (common !== undefined && !common.isEmpty) result.children.set(key, common);
    }
    return result;
  }

  /** Without the very paths of `other`; what lies below them stays. */
  difference(other: FieldSet): FieldSet {
    const result = new FieldSet();
    for (const m of this.members) if (!other.members.has(m)) result.members.add(m);
    for (const [key, child] of this.children) {
      const theirs = other.children.get(key);
      const rest = theirs === undefined ? child : child.difference(theirs);
      if (!rest.isEmpty) result.children.set(key, rest);
    }
    return result;
  }

  /** Without the top-level fields named, and everything below them. */
  withoutFields(names: readonly string[]): FieldSet {
    const result = new FieldSet();
    const drop = new Set(names.map((name) => `f:${name}`));
    for (const m of this.members) if (!drop.has(m)) result.members.add(m);
    for (const [key, child] of this.children) if (!drop.has(key)) result.children.set(key, child);
    return result;
  }

  /** With every struct field on the way to a path as a member too. */
  withNamedFields(shape: Shape): FieldSet {
    const result = new FieldSet();
    for (const m of this.members) result.members.add(m);
    for (const [key, child] of this.children) {
      const name = key.startsWith('f:') ? key.slice(2) : undefined;
      const map = shape.form === 'map' ? shape : undefined;
      if (name !== undefined && map?.isField(name) === true) result.members.add(key);
      const list = shape.form === 'list' ? shape.item : undefined;
      const below = name !== undefined ? map?.child(name) : list;
      result.children.set(key, below === undefined ? child : child.withNamedFields(below));
    }
    return result;
  }

  /** Every path, for the words of a conflict. */
  *paths(prefix: readonly string[] = []): Iterable<readonly string[]> {
    for (const m of [...this.members].sort()) yield [...prefix, m];
    for (const key of [...this.children.keys()].sort()) {
      yield* this.children.get(key)?.paths([...prefix, key]) ?? [];
    }
  }

  /** `fieldsV1` */
  toJson(): JsonObject {
    const json: JsonObject = {};
    const elements = new Set([...this.members, ...this.children.keys()]);
    for (const element of [...elements].sort()) {
      const child = this.children.get(element);
      const below = child === undefined || child.isEmpty ? {} : child.toJson();
      const isMember = this.members.has(element);
      const hasBelow = child !== undefined && !child.isEmpty;
      if (!isMember && !hasBelow) continue;
      json[element] = isMember && hasBelow ? { '.': {}, ...below } : below;
    }
    return json;
  }

  /** Reads `fieldsV1`; what is not understood is left out. */
  static fromJson(json: JsonObject): FieldSet {
    const set = new FieldSet();
    for (const [element, below] of Object.entries(json)) {
      if (element === '.' || !isObject(below)) continue;
      const keys = Object.keys(below);
      if (keys.length === 0 || '.' in below) set.members.add(element);
      if (keys.some((key) => key !== '.')) set.children.set(element, FieldSet.fromJson(below));
    }
    return set;
  }
}
