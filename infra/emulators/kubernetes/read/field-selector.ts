/** Field selectors: a few fields that each kind can be looked up by. */
import { type JsonObject, textAt } from '../json-tree.ts';
import type { ServedResource } from '../resources/served-resource.ts';
import { badRequest } from '../status-error.ts';

/** One condition on a field. */
export interface FieldRequirement {
  readonly field: string;
  readonly equal: boolean;
  readonly value: string;
}

/** Reads `fieldSelector=`. @throws StatusError 400 for malformed text or an unknown field */
export function parseFieldSelector(text: string, resource: ServedResource): FieldRequirement[] {
  const known = Object.keys(selectableFields(resource, {}));
  return text
    .split(',')
    .filter((term) => term !== '')
    .map((term) => {
      const match = /^([^=!]+)(==|!=|=)(.*)$/.exec(term);
      if (match === null) {
        throw badRequest(`invalid selector: '${term}'; can't understand '${term}'`);
      }
      const [, field = '', operator, value = ''] = match;
      if (!known.includes(field)) throw unknownField(field, resource);
      return { field, equal: operator !== '!=', value };
    });
}

function unknownField(field: string, resource: ServedResource): Error {
  if (!resource.custom && resource.strategy.selectableFields === undefined) {
    const names = resource.info.namespaced
      ? '"metadata.name", "metadata.namespace"'
      : '"metadata.name"';
    return badRequest(`${JSON.stringify(field)} is not a known field selector: only ${names}`);
  }
  return badRequest(`field label not supported: ${field}`);
}

function selectableFields(resource: ServedResource, object: JsonObject): Record<string, string> {
  return {
    'metadata.name': textAt(object, 'metadata', 'name'),
    'metadata.namespace': textAt(object, 'metadata', 'namespace'),
    ...resource.strategy.selectableFields?.(object),
  };
}

/** Whether an object meets every requirement. */
export function matchesFields(
  requirements: readonly FieldRequirement[],
  resource: ServedResource,
  object: JsonObject,
): boolean {
  if (requirements.length === 0) return true;
  const fields = selectableFields(resource, object);
  return requirements.every(({ field, equal, value }) => (fields[field] === value) === equal);
}
