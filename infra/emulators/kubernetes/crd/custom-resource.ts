/** The resources that a CRD defines, one per served version, ready to be served. */
import { createHash } from 'node:crypto';
import { type FieldError, invalidField } from '../field-error.ts';
import {
  copyObject,
  isObject,
  type JsonObject,
  objectAt,
  objectsAt,
  textAt,
  textsAt,
} from '../json-tree.ts';
import { compareVersions } from '../resources/registry.ts';
import { apiVersionOf, type ResourceInfo, type Subresource } from '../resources/resource-table.ts';
import type {
  KindCodec,
  ScalePaths,
  ServedResource,
  Strategy,
} from '../resources/served-resource.ts';
import { encodeStruct } from '../schema/decode.ts';
import { structNamed } from '../schema/struct-table.ts';
import { subdomainName } from '../validation/names.ts';
import { resourceShape } from './schema-shape.ts';
import { validateResource } from './schema-validation.ts';
import {
  applySchemaDefaults,
  dropForbiddenNulls,
  pruneResource,
  type Schema,
} from './structural-schema.ts';

/** The order of verbs in the discovery of custom resources. */
const verbs = ['delete', 'deletecollection', 'get', 'list', 'patch', 'create', 'update', 'watch'];
const readWrite = ['get', 'patch', 'update'];

function storageVersionHash(group: string, version: string, kind: string): string {
  const digest = createHash('sha256').update(`${group}/${version}/${kind}`).digest();
  return digest.subarray(0, 8).toString('base64');
}

function subresourcesOf(version: JsonObject, kind: string): Subresource[] {
  const declared = objectAt(version, 'subresources') ?? {};
  const found: Subresource[] = [];
  if (isObject(declared.status)) found.push({ name: 'status', kind, verbs: readWrite });
  if (isObject(declared.scale)) {
    found.push({
      name: 'scale',
      group: 'autoscaling',
      version: 'v1',
      kind: 'Scale',
      verbs: readWrite,
    });
  }
  return found;
}

/** Fields in alphabetical order: Go writes maps so. Metadata is a struct. */
function sortFields(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortFields);
  if (!isObject(value)) return value;
  const sorted: JsonObject = {};
  for (const key of Object.keys(value).sort()) sorted[key] = sortFields(value[key]);
  return sorted;
}

const objectMeta = structNamed('meta/v1.ObjectMeta');

function encode(object: JsonObject): JsonObject {
  const { apiVersion: _apiVersion, kind: _kind, metadata, ...rest } = object;
  const sorted: JsonObject = {};
  const encoded = {
    ...rest,
    metadata: encodeStruct(objectMeta, isObject(metadata) ? metadata : {}),
  };
  for (const [key, value] of Object.entries(encoded).sort(([a], [b]) => (a < b ? -1 : 1))) {
    sorted[key] = key === 'metadata' ? value : sortFields(value);
  }
  return sorted;
}

function codecOf(schema: Schema, sameAsStored: boolean): KindCodec {
  const decode: KindCodec['decode'] = (raw) => {
    const { apiVersion: _apiVersion, kind: _kind, ...rest } = raw;
    const { object, unknownFields } = pruneResource(rest, schema);
    dropForbiddenNulls(object, schema);
    return { object, unknownFields };
  };
  const defaults = (object: JsonObject): void => applySchemaDefaults(object, schema);
  return {
    decode,
    applyDefaults: defaults,
    encode,
    // The None conversion changes apiVersion alone; another schema prunes and fills in differently.
    readsAsStored: sameAsStored,
    toStorage: (object) => object,
    fromStorage: (object) => {
      if (sameAsStored) return object;
      const read = decode(copyObject(object)).object;
      defaults(read);
      return encode(read);
    },
    empty: { metadata: {} },
    shape: resourceShape(schema),
  };
}

function strategyOf(schema: Schema, hasStatus: boolean, scale: ScalePaths | undefined): Strategy {
  const validate = (object: JsonObject): FieldError[] => [
    ...validateResource(object, schema),
    ...(scale === undefined ? [] : validateReplicas(object, scale.specReplicas)),
  ];
  return {
    checkName: (name, prefix) => subdomainName(name, prefix),
    hasStatus,
    acceptsStatusAtCreation: false,
    generationFields: hasStatus ? 'allButStatus' : 'all',
    createsOnUpdate: false,
    updatesUnconditionally: false,
    validate,
    validateUpdate: validate,
    validateStatusUpdate: (object) => validateResource(object, schema),
  };
}

function goTypeOf(value: unknown): string {
  if (Array.isArray(value)) return '[]interface {}';
  if (typeof value === 'object') return 'map[string]interface {}';
  if (typeof value === 'number') return 'float64';
  return typeof value === 'boolean' ? 'bool' : 'string';
}

/** The replicas that a scale subresource reads must be a number. */
function validateReplicas(object: JsonObject, path: readonly string[]): FieldError[] {
  let here: unknown = object;
  const at = `.${path.join('.')}`;
  for (const [index, field] of path.entries()) {
    if (!isObject(here)) {
      if (index === 0 || here === undefined || here === null) return [];
      const why = `${String(here)} is of the type ${goTypeOf(here)}, expected map[string]interface{}`;
      return [invalidField(at, 0, `${at} accessor error: ${why}`)];
    }
    here = here[field];
  }
  if (here === undefined || here === null || Number.isInteger(here)) return [];
  const why = `${String(here)} is of the type ${goTypeOf(here)}, expected int64`;
  return [invalidField(at, 0, `${at} accessor error: ${why}`)];
}

function pathOf(text: string): string[] {
  return text.split('.').filter((part) => part !== '');
}

function scalePathsOf(version: JsonObject): ScalePaths | undefined {
  const scale = objectAt(version, 'subresources', 'scale');
  if (scale === undefined) return undefined;
  const selector = textAt(scale, 'labelSelectorPath');
  return {
    specReplicas: pathOf(textAt(scale, 'specReplicasPath')),
    statusReplicas: pathOf(textAt(scale, 'statusReplicasPath')),
    ...(selector === '' ? {} : { labelSelector: pathOf(selector) }),
  };
}

function schemaOf(version: JsonObject): Schema {
  return objectAt(version, 'schema', 'openAPIV3Schema') ?? {};
}

/** The served versions of an established CRD, the preferred one first. */
export function servedVersionsOf(crd: JsonObject): ServedResource[] {
  const spec = objectAt(crd, 'spec') ?? {};
  const names = objectAt(crd, 'status', 'acceptedNames') ?? {};
  const group = textAt(spec, 'group');
  const kind = textAt(names, 'kind');
  const versions = objectsAt(spec, 'versions');
  const stored = versions.find((version) => version.storage === true);
  const storedSchema = JSON.stringify(schemaOf(stored ?? {}));
  return versions
    .filter((version) => version.served === true)
    .sort((a, b) => compareVersions(textAt(a, 'name'), textAt(b, 'name')))
    .map((version) => {
      const subresources = subresourcesOf(version, kind);
      const info: ResourceInfo = {
        group,
        version: textAt(version, 'name'),
        plural: textAt(names, 'plural'),
        singular: textAt(names, 'singular'),
        kind,
        listKind: textAt(names, 'listKind'),
        namespaced: textAt(spec, 'scope') === 'Namespaced',
        shortNames: textsAt(names, 'shortNames'),
        categories: textsAt(names, 'categories'),
        verbs,
        subresources,
        storageVersionHash: storageVersionHash(group, textAt(stored, 'name'), kind),
      };
      const schema = schemaOf(version);
      const scalePaths = scalePathsOf(version);
      return {
        info,
        apiVersion: apiVersionOf(info),
        storageKey: `${info.plural}.${group}`,
        custom: true,
        codec: codecOf(schema, JSON.stringify(schema) === storedSchema),
        strategy: strategyOf(
          schema,
          subresources.some((sub) => sub.name === 'status'),
          scalePaths,
        ),
        schemaDocument: schema,
        ...(scalePaths === undefined ? {} : { scalePaths }),
      };
    });
}
