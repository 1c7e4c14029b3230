import { isObject, objectAt, textAt, textsAt } from '../json-tree.ts';
import { type Shape, scalarShape, structShape, untypedShape } from '../managed-fields/shape.ts';
import { structNamed } from '../schema/struct-table.ts';
import { fieldSchema, preservesUnknown, type Schema } from './structural-schema.ts';

function listShape(schema: Schema): Shape {
  const items = objectAt(schema, 'items');
  const type = textAt(schema, 'x-kubernetes-list-type');
  const item = items === undefined ? untypedShape : schemaShape(items);
  return {
    form: 'list',
    relation: type === 'map' || type === 'set' ? type : 'atomic',
    keys: textsAt(schema, 'x-kubernetes-list-map-keys'),
    keyDefault: (key) => objectAt(items, 'properties', key)?.default,
    item,
  };
}

function mapShape(schema: Schema): Shape {
  return {
    form: 'map',
    atomic: textAt(schema, 'x-kubernetes-map-type') === 'atomic',
    isField: (key) => isObject(objectAt(schema, 'properties')?.[key]),
    child: (key) => {
      const below = fieldSchema(schema, key);
      return below === undefined ? untypedShape : schemaShape(below);
    },
  };
}

/** How server-side apply sees a value of a custom resource. */
function schemaShape(schema: Schema): Shape {
  if (schema['x-kubernetes-int-or-string'] === true) return scalarShape;
  switch (textAt(schema, 'type')) {
    case 'array':
      return listShape(schema);
    case 'object': {
      const open = objectAt(schema, 'properties') === undefined && preservesUnknown(schema);
      return open ? untypedShape : mapShape(schema);
    }
    case '':
      return untypedShape;
    default:
      return scalarShape;
  }
}

/** The shape of a whole custom resource: its metadata is that of every object. */
export function resourceShape(schema: Schema): Shape {
  const metadata = structShape(structNamed('meta/v1.ObjectMeta'));
  const root = schemaShape({ ...schema, type: 'object' });
  const open = root.form !== 'map';
  return {
    form: 'map',
    atomic: false,
    isField: (key) => key === 'metadata' || (!open && root.isField(key)),
    child: (key) => {
      if (key === 'metadata') return metadata;
      return open ? untypedShape : root.child(key);
    },
  };
}
