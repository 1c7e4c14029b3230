/** How server-side apply sees a kind: which maps and lists are merged, and by what. */
import type { Field, FieldType, Struct } from '../schema/struct-table.ts';
import { structNamed } from '../schema/struct-table.ts';

/** A map (or struct) whose entries are owned one by one, unless it is atomic. */
interface MapShape {
  readonly form: 'map';
  readonly atomic: boolean;
  /** Whether the key is a field of a struct rather than a key of a map. */
  isField(key: string): boolean;
  child(key: string): Shape;
}

/** A list: replaced whole (`atomic`), a set of scalars, or a map by `keys`. */
export interface ListShape {
  readonly form: 'list';
  readonly relation: 'atomic' | 'set' | 'map';
  readonly keys: readonly string[];
  keyDefault(key: string): unknown;
  readonly item: Shape;
}

/** The schema of a value, as far as ownership of fields goes. */
export type Shape =
  | { readonly form: 'scalar' }
  /** Nothing is known: maps are merged, lists are atomic. */
  | { readonly form: 'untyped' }
  | MapShape
  | ListShape;

/** A leaf. */
export const scalarShape: Shape = { form: 'scalar' };

/** A value without schema. */
export const untypedShape: Shape = { form: 'untyped' };

function relationOf(listType: string | undefined): ListShape['relation'] {
  return listType === 'set' || listType === 'map' ? listType : 'atomic';
}

function shapeOfType(
  type: FieldType,
  options: Pick<Field, 'listKeys' | 'atomic' | 'atomicItems' | 'listType'>,
): Shape {
  if (type.form === 'scalar') return scalarShape;
  if (type.form === 'struct') return structShape(structNamed(type.name), options.atomic);
  const plain = { listKeys: [], atomic: false, atomicItems: false };
  if (type.form === 'map') {
    const value = shapeOfType(type.value, plain);
    return { form: 'map', atomic: options.atomic, isField: () => false, child: () => value };
  }
  const itemStruct = type.item.form === 'struct' ? structNamed(type.item.name) : undefined;
  return {
    form: 'list',
    relation: relationOf(options.listType),
    keys: options.listKeys,
    keyDefault: (key) => itemStruct?.byName.get(key)?.defaultValue,
    item: shapeOfType(type.item, { ...plain, atomic: options.atomicItems }),
  };
}

const structShapes = new Map<string, Shape>();

/** The shape of a built-in struct. */
export function structShape(struct: Struct, atomic = false): Shape {
  const cacheKey = `${struct.name}${atomic}`;
  const known = structShapes.get(cacheKey);
  if (known !== undefined) return known;
  const children = new Map<string, Shape>();
  const shape: Shape = {
    form: 'map',
    atomic,
    isField: (key) => struct.byName.has(key),
    child: (key) => {
      const found = children.get(key);
      if (found !== undefined) return found;
      const field = struct.byName.get(key);
      const made = field === undefined ? untypedShape : shapeOfType(field.type, field);
      children.set(key, made);
      return made;
    },
  };
  structShapes.set(cacheKey, shape);
  return shape;
}
