/** Rules of CustomResourceDefinitions. @see apiextensions-apiserver pkg/apis/apiextensions/validation */
import { type FieldError, invalidField, requiredField, unsupportedValue } from '../field-error.ts';
import {
  deepEqual,
  ensureObject,
  isObject,
  type JsonObject,
  objectAt,
  objectsAt,
  textAt,
  textsAt,
} from '../json-tree.ts';
import type { KindRules } from '../strategies/strategy-table.ts';
import { dns1035Name, subdomainName } from '../validation/names.ts';
import type { Schema } from './structural-schema.ts';

function validateStructure(schema: Schema, at: string, isRoot: boolean): FieldError[] {
  const wrong: FieldError[] = [];
  const open =
    schema['x-kubernetes-preserve-unknown-fields'] === true ||
    schema['x-kubernetes-int-or-string'] === true;
  for (const [name, below] of Object.entries(objectAt(schema, 'properties') ?? {})) {
    if (isObject(below)) {
      wrong.push(...validateStructure(below, `${at}.properties[${name}]`, false));
    }
  }
  const items = objectAt(schema, 'items');
  if (items !== undefined) wrong.push(...validateStructure(items, `${at}.items`, false));
  const additional = objectAt(schema, 'additionalProperties');
  if (additional !== undefined) {
    wrong.push(...validateStructure(additional, `${at}.additionalProperties`, false));
  }
  if (textAt(schema, 'type') === '' && (isRoot || !open)) {
    const where = isRoot ? 'at the root' : 'for specified object fields';
    wrong.push(requiredField(`${at}.type`, `must not be empty ${where}`));
  }
  if (textAt(schema, 'type') === 'array' && items === undefined) {
    wrong.push(requiredField(`${at}.items`, 'must be specified'));
  }
  return wrong;
}

function validateNames(spec: JsonObject): FieldError[] {
  const names = objectAt(spec, 'names') ?? {};
  const wrong: FieldError[] = [];
  const check = (field: string, mixedCase: boolean): void => {
    const value = textAt(names, field);
    const at = `spec.names.${field}`;
    if (value === '') {
      wrong.push(requiredField(at));
      return;
    }
    for (const why of dns1035Name(mixedCase ? value.toLowerCase() : value)) {
      const words = mixedCase ? `may have mixed case, but should otherwise match: ${why}` : why;
      wrong.push(invalidField(at, value, words));
    }
  };
  check('plural', false);
  check('singular', false);
  check('kind', true);
  check('listKind', true);
  return wrong;
}

/** A version in the names of the vendor's internal type, which its message shows. */
function internalVersion(version: JsonObject): JsonObject {
  return {
    Name: version.name,
    Served: version.served === true,
    Storage: version.storage === true,
    Deprecated: version.deprecated === true,
    DeprecationWarning: version.deprecationWarning ?? null,
    Schema: null,
    Subresources: version.subresources ?? null,
    AdditionalPrinterColumns: version.additionalPrinterColumns ?? null,
    SelectableFields: version.selectableFields ?? null,
  };
}

function validateVersions(spec: JsonObject): FieldError[] {
  const versions = objectsAt(spec, 'versions');
  const wrong: FieldError[] = [];
  const single = versions.length === 1;
  versions.forEach((version, index) => {
    const schema = objectAt(version, 'schema', 'openAPIV3Schema');
    const own = `spec.versions[${index}].schema.openAPIV3Schema`;
    if (schema === undefined) wrong.push(requiredField(own));
    else {
      const at = single ? 'spec.validation.openAPIV3Schema' : own;
      wrong.push(...validateStructure(schema, at, true));
    }
  });
  if (versions.filter((version) => version.storage === true).length !== 1) {
    const why = 'must have exactly one version marked as storage version';
    wrong.push(invalidField('spec.versions', versions.map(internalVersion), why));
  }
  return wrong;
}

function validateStoredVersions(object: JsonObject): FieldError[] {
  const stored = textsAt(object, 'status', 'storedVersions');
  if (stored.length > 0) return [];
  const why = 'must have at least one stored version';
  return [invalidField('status.storedVersions', null, why)];
}

function validate(object: JsonObject): FieldError[] {
  const spec = objectAt(object, 'spec') ?? {};
  const group = textAt(spec, 'group');
  const expected = `${textAt(spec, 'names', 'plural')}.${group}`;
  const name = textAt(object, 'metadata', 'name');
  const wrong: FieldError[] = [];
  if (name !== expected) {
    const why = 'must be spec.names.plural+"."+spec.group';
    wrong.push(invalidField('metadata.name', name, why));
  }
  if (group === '') wrong.push(requiredField('spec.group'));
  else for (const why of subdomainName(group)) wrong.push(invalidField('spec.group', group, why));
  const scope = textAt(spec, 'scope');
  if (!['Cluster', 'Namespaced'].includes(scope)) {
    wrong.push(unsupportedValue('spec.scope', scope, ['Cluster', 'Namespaced']));
  }
  wrong.push(...validateVersions(spec), ...validateNames(spec));
  return [...wrong, ...validateStoredVersions(object)];
}

function storeVersion(object: JsonObject): void {
  const stored = objectsAt(object, 'spec', 'versions').find((v) => v.storage === true);
  if (stored === undefined) return;
  const status = ensureObject(object, 'status');
  const names = textsAt(status, 'storedVersions');
  const name = textAt(stored, 'name');
  if (!names.includes(name)) status.storedVersions = [...names, name];
}

const cleanupFinalizer = 'customresourcecleanup.apiextensions.k8s.io';

/** The finalizer that keeps a CRD until its objects are gone. */
export { cleanupFinalizer };

/** Rules by resource. */
export const crdRules: Readonly<Record<string, KindRules>> = {
  'customresourcedefinitions.apiextensions.k8s.io': {
    prepareForCreate: storeVersion,
    prepareForUpdate: storeVersion,
    validate,
    validateUpdate: (object, old) => {
      const wrong: FieldError[] = [];
      for (const field of ['group', 'scope']) {
        const [next, before] = [objectAt(object, 'spec')?.[field], objectAt(old, 'spec')?.[field]];
        if (!deepEqual(next, before)) {
          wrong.push(invalidField(`spec.${field}`, next, 'field is immutable'));
        }
      }
      return wrong.length > 0 ? wrong : validate(object);
    },
  },
};
