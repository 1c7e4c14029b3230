/**
 * Merge patches: JSON's (RFC 7386) and Kubernetes' strategic one, whose keys of lists come from the
 * OpenAPI document of the target server.
 */
import { type JsonObject, objectAt, objectsAt, textAt } from '../json.ts';
import { copyOf, isEqual, isFields, setField } from './json-value.ts';

/** Changes `target` in place: null removes, objects merge, all else replaces. */
export function applyMergePatch(target: JsonObject, patch: JsonObject): void {
  for (const [field, value] of Object.entries(patch)) {
    if (value === null) delete target[field];
    else if (isFields(value)) {
      const there = ownField(target, field);
      const inside = isFields(there) ? there : {};
      applyMergePatch(inside, value);
      setField(target, field, inside);
    } else setField(target, field, copyOf(value));
  }
}

/** An OpenAPI document, and the schema of one kind in it. */
export interface KindSchema {
  readonly document: JsonObject;
  readonly schema: JsonObject;
}

/** The schema of a kind, undefined where the document has none: custom resources do not merge so. */
export function kindSchema(
  document: JsonObject,
  kind: { readonly group: string; readonly version: string; readonly kind: string },
): KindSchema | undefined {
  for (const [name, schema] of Object.entries(schemasOf(document))) {
    if (!isFields(schema) || !BUILT_IN.test(name)) continue;
    const kinds = schema['x-kubernetes-group-version-kind'];
    if (Array.isArray(kinds) && kinds.some((known) => isEqual(known, kind))) {
      return { document, schema };
    }
  }
  return undefined;
}

/** Names of built-in schemas; a definition's group stands turned round: `io.k8s.storage.snapshot.v1`. */
const BUILT_IN = /^io\.k8s\.(?:api|apiextensions-apiserver\.pkg|kube-aggregator\.pkg)\./;

/** Version 3 has them in `components`, version 2 in `definitions`. */
function schemasOf(document: JsonObject): JsonObject {
  return objectAt(document, 'components', 'schemas') ?? objectAt(document, 'definitions') ?? {};
}

const DELETE_FROM_LIST = '$deleteFromPrimitiveList/';

/** Changes `target` in place; returns in words what the patch asks for that cannot be done. */
export function applyStrategicPatch(
  target: JsonObject,
  patch: JsonObject,
  { document, schema }: KindSchema,
): string | undefined {
  const known = resolve(document, schema);
  const directive = patch.$patch;
  if (directive === 'replace' || directive === 'delete') {
    for (const field of Object.keys(target)) delete target[field];
    if (directive === 'delete') return undefined;
  } else if (directive !== undefined && directive !== 'merge') {
    return `$patch: ${String(directive)} is unknown`;
  }
  for (const [field, value] of Object.entries(patch)) {
    if (field === '$patch') continue;
    const refused = field.startsWith('$')
      ? applyDirective(target, field, value)
      : mergeField(target, { field, value, document, schema: fieldSchema(document, known, field) });
    if (refused !== undefined) return refused;
  }
  return undefined;
}

function applyDirective(target: JsonObject, field: string, value: unknown): string | undefined {
  if (!Array.isArray(value)) return `${field} is no list`;
  if (field === '$retainKeys') {
    for (const name of Object.keys(target)) if (!value.includes(name)) delete target[name];
    return undefined;
  }
  if (!field.startsWith(DELETE_FROM_LIST)) return `directive ${field} is not supported`;
  const name = field.slice(DELETE_FROM_LIST.length);
  const list = ownField(target, name);
  if (Array.isArray(list)) {
    target[name] = list.filter((item) => !value.some((gone) => isEqual(item, gone)));
  }
  return undefined;
}

interface FieldPatch {
  readonly field: string;
  readonly value: unknown;
  readonly document: JsonObject;
  readonly schema: JsonObject;
}

function mergeField(target: JsonObject, patch: FieldPatch): string | undefined {
  const { field, value, document, schema } = patch;
  const there = ownField(target, field);
  if (value === null || (isFields(value) && value.$patch === 'delete')) {
    delete target[field];
    return undefined;
  }
  if (isFields(value)) {
    const inside = isFields(there) ? there : {};
    setField(target, field, inside);
    return applyStrategicPatch(inside, value, { document, schema });
  }
  const strategies = (textAt(schema, 'x-kubernetes-patch-strategy') ?? '').split(',');
  if (!Array.isArray(value) || !strategies.includes('merge')) {
    setField(target, field, copyOf(value));
    return undefined;
  }
  const list: unknown[] = Array.isArray(there) ? there : [];
  setField(target, field, list);
  const key = textAt(schema, 'x-kubernetes-patch-merge-key');
  if (key === undefined) {
    const items: readonly unknown[] = value;
    list.push(...items.filter((item) => !list.some((other) => isEqual(item, other))));
    return undefined;
  }
  const items = resolve(document, objectAt(schema, 'items') ?? {});
  return mergeList(list, value, { field, key, document, schema: items });
}

function mergeList(
  list: unknown[],
  patch: readonly unknown[],
  how: { field: string; key: string; document: JsonObject; schema: JsonObject },
): string | undefined {
  const { field, key, document, schema } = how;
  const items = patch.filter((item) => !(isFields(item) && isReplaceMark(item)));
  if (items.length < patch.length) list.splice(0);
  for (const item of items) {
    if (!isFields(item) || item[key] === undefined) {
      return `an element of ${field} lacks its merge key ${key}`;
    }
    const at = list.findIndex((other) => isFields(other) && isEqual(other[key], item[key]));
    if (item.$patch === 'delete') {
      if (at >= 0) list.splice(at, 1);
      continue;
    }
    const there = list[at];
    const inside: JsonObject = isFields(there) ? there : {};
    if (at < 0) list.push(inside);
    const refused = applyStrategicPatch(inside, item, { document, schema });
    if (refused !== undefined) return refused;
  }
  return undefined;
}

/** `{$patch: replace}` alone: the patch's list stands in the place of the other. */
function isReplaceMark(item: JsonObject): boolean {
  return item.$patch === 'replace' && Object.keys(item).length === 1;
}

function fieldSchema(document: JsonObject, schema: JsonObject, field: string): JsonObject {
  const properties = objectAt(schema, 'properties') ?? {};
  const own = Object.hasOwn(properties, field) ? objectAt(properties, field) : undefined;
  const inside = own ?? objectAt(schema, 'additionalProperties') ?? {};
  return { ...resolve(document, inside), ...patchRules(inside) };
}

function patchRules(schema: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(schema).filter(([name]) => name.startsWith('x-kubernetes-patch-')),
  );
}

/** What a schema refers to, by `$ref` or by `allOf` with one; chains are one link long in practice. */
function resolve(document: JsonObject, schema: JsonObject): JsonObject {
  const [first] = objectsAt(schema, 'allOf');
  const reference = textAt(schema, '$ref') ?? textAt(first, '$ref');
  const name = reference?.slice(reference.lastIndexOf('/') + 1);
  if (name === undefined) return schema;
  return objectAt(schemasOf(document), name) ?? {};
}

function ownField(holder: JsonObject, field: string): unknown {
  return Object.hasOwn(holder, field) ? holder[field] : undefined;
}
