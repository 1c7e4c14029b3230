/**
 * Schemas of apiextensions.k8s.io/v1 must be structural: every field has a type of its own, and the
 * branches of anyOf, oneOf, allOf and not only judge values. What a v1beta1 schema leaves open stays open.
 * @see https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#specifying-a-structural-schema
 */
import { isJsonObject, type JsonObject, objectAt } from '../json.ts';

const BRANCHES = ['anyOf', 'oneOf', 'allOf'] as const;
const OPEN = 'x-kubernetes-preserve-unknown-fields';
const INT_OR_STRING = 'x-kubernetes-int-or-string';

/** What a branch must not say: the structure says it. */
const STRUCTURE = ['type', 'description', 'default', 'nullable', 'additionalProperties', OPEN];

/** The schema of a version's objects: an object whose unknown fields stay if `open`. */
export function structuralRoot(schema: unknown, open: boolean): JsonObject {
  const root: JsonObject = { ...structural(isJsonObject(schema) ? schema : {}), type: 'object' };
  delete root[INT_OR_STRING];
  const empty = objectAt(root, 'properties') === undefined;
  if (open || empty) root[OPEN] = true;
  return root;
}

function structural(schema: JsonObject): JsonObject {
  const made: JsonObject = { ...schema };
  const properties = objectAt(schema, 'properties');
  if (properties !== undefined) made.properties = each(properties, structural);
  if (isJsonObject(schema.items)) made.items = structural(schema.items);
  // `items` as a list of schemas was allowed, and none of them applied to all elements.
  else if (Array.isArray(schema.items)) made.items = { [OPEN]: true };
  if (isJsonObject(schema.additionalProperties)) {
    // Beside named properties it would be refused.
    if (properties === undefined) {
      made.additionalProperties = structural(schema.additionalProperties);
    } else {
      delete made.additionalProperties;
      made[OPEN] = true;
    }
  }
  if (schema.additionalProperties === false) delete made.additionalProperties;
  if (made.type === undefined) giveType(made);
  // An array without a schema of its elements is refused.
  if (made.type === 'array') made.items ??= { [OPEN]: true };
  return judgeOnly(made, (branch) => branches(branch));
}

function giveType(schema: JsonObject): void {
  if (schema[INT_OR_STRING] === true) return;
  if (isIntOrString(schema.anyOf) || isIntOrString(schema.oneOf)) {
    schema[INT_OR_STRING] = true;
    delete schema.anyOf;
    delete schema.oneOf;
  } else if (schema.properties !== undefined || schema.additionalProperties !== undefined) {
    schema.type = 'object';
  } else if (schema.items !== undefined) schema.type = 'array';
  else schema[OPEN] = true;
}

function isIntOrString(list: unknown): boolean {
  if (!Array.isArray(list)) return false;
  const types = list.map((branch) => (isJsonObject(branch) ? branch.type : undefined));
  return types.length === 2 && types.includes('integer') && types.includes('string');
}

function judgeOnly(schema: JsonObject, judge: (branch: JsonObject) => JsonObject): JsonObject {
  for (const field of BRANCHES) {
    const list = schema[field];
    if (Array.isArray(list)) schema[field] = list.filter(isJsonObject).map(judge);
  }
  if (isJsonObject(schema.not)) schema.not = judge(schema.not);
  return schema;
}

function branches(branch: JsonObject): JsonObject {
  const made: JsonObject = { ...branch };
  for (const field of STRUCTURE) delete made[field];
  const properties = objectAt(made, 'properties');
  if (properties !== undefined) made.properties = each(properties, branches);
  if (isJsonObject(made.items)) made.items = branches(made.items);
  return judgeOnly(made, branches);
}

function each(map: JsonObject, change: (schema: JsonObject) => JsonObject): JsonObject {
  const made: JsonObject = {};
  for (const [name, schema] of Object.entries(map)) {
    made[name] = change(isJsonObject(schema) ? schema : {});
  }
  return made;
}
