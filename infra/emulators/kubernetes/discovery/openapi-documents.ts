/**
 * OpenAPI documents with schemas and no paths: what clients read there are merge keys, list types and
 * the kinds behind definitions. Descriptions are left out.
 */
import type { ResourceRegistry } from '../resources/registry.ts';
import { apiVersionOf } from '../resources/resource-table.ts';
import {
  type Field,
  type FieldType,
  type Scalar,
  type Struct,
  structNamed,
  structNames,
  structOfKind,
} from '../schema/struct-table.ts';

type Dialect = 'v2' | 'v3';

const packages: Readonly<Record<string, string>> = {
  meta: 'io.k8s.apimachinery.pkg.apis.meta',
  apiextensions: 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions',
  apiregistration: 'io.k8s.kube-aggregator.pkg.apis.apiregistration',
};

/** `core/v1.Pod` is `io.k8s.api.core.v1.Pod` in OpenAPI. */
function definitionName(struct: string): string {
  const [group = '', rest = ''] = struct.split('/');
  return `${packages[group] ?? `io.k8s.api.${group}`}.${rest}`;
}

function scalarSchema(scalar: Scalar): object {
  switch (scalar) {
    case 'bool':
      return { type: 'boolean' };
    case 'int32':
    case 'int64':
      return { type: 'integer', format: scalar };
    case 'float':
      return { type: 'number', format: 'double' };
    case 'bytes':
      return { type: 'string', format: 'byte' };
    case 'time':
    case 'microTime':
      return { type: 'string', format: 'date-time' };
    case 'intOrString':
      return { format: 'int-or-string', oneOf: [{ type: 'integer' }, { type: 'string' }] };
    case 'raw':
      return { type: 'object' };
    default:
      return { type: 'string' };
  }
}

function typeSchema(type: FieldType, dialect: Dialect): object {
  if (type.form === 'scalar') return scalarSchema(type.scalar);
  if (type.form === 'list') return { type: 'array', items: typeSchema(type.item, dialect) };
  if (type.form === 'map') {
    return { type: 'object', additionalProperties: typeSchema(type.value, dialect) };
  }
  const name = definitionName(type.name);
  if (dialect === 'v2') return { $ref: `#/definitions/${name}` };
  return { allOf: [{ $ref: `#/components/schemas/${name}` }] };
}

function fieldSchema(field: Field, dialect: Dialect): object {
  const strategies = [
    ...(field.retainKeys ? ['retainKeys'] : []),
    ...(field.patchMerge ? ['merge'] : []),
  ];
  return {
    ...typeSchema(field.type, dialect),
    ...(field.defaultValue === undefined ? {} : { default: field.defaultValue }),
    ...(field.listKeys.length > 0 ? { 'x-kubernetes-list-map-keys': field.listKeys } : {}),
    ...(field.listType === undefined ? {} : { 'x-kubernetes-list-type': field.listType }),
    ...(field.atomic ? { 'x-kubernetes-map-type': 'atomic' } : {}),
    ...(field.patchMergeKey === '' ? {} : { 'x-kubernetes-patch-merge-key': field.patchMergeKey }),
    ...(strategies.length > 0 ? { 'x-kubernetes-patch-strategy': strategies.join(',') } : {}),
  };
}

function structSchema(struct: Struct, dialect: Dialect): Record<string, unknown> {
  const required = struct.fields.filter((field) => field.required).map((field) => field.name);
  return {
    type: 'object',
    properties: Object.fromEntries(struct.fields.map((f) => [f.name, fieldSchema(f, dialect)])),
    ...(required.length > 0 ? { required } : {}),
  };
}

function customName(group: string, version: string, kind: string): string {
  return [...group.split('.').reverse(), version, kind].join('.');
}

function schemas(
  registry: ResourceRegistry,
  dialect: Dialect,
  only?: { readonly group: string; readonly version: string },
): Record<string, unknown> {
  const all: Record<string, Record<string, unknown>> = {};
  for (const name of structNames())
    all[definitionName(name)] = structSchema(structNamed(name), dialect);
  for (const { info, custom, schemaDocument } of registry.all()) {
    const { group, version, kind } = info;
    if (custom && only !== undefined && (only.group !== group || only.version !== version))
      continue;
    const name = custom
      ? customName(group, version, kind)
      : definitionName(structOfKind(apiVersionOf(info), kind).name);
    const schema = custom ? { ...schemaDocument } : { ...all[name] };
    schema['x-kubernetes-group-version-kind'] = [{ group, version, kind }];
    all[name] = schema;
  }
  return all;
}

const info = { title: 'Kubernetes', version: 'v1.34.1' };

/** `/openapi/v2` */
export function openApiV2(registry: ResourceRegistry): object {
  return { swagger: '2.0', info, paths: {}, definitions: schemas(registry, 'v2') };
}

/** `/openapi/v3`: where the document of each group and version is. */
export function openApiV3Index(registry: ResourceRegistry): object {
  const paths: Record<string, object> = {};
  for (const { group, versions } of registry.groups()) {
    for (const { version } of versions) {
      const path = group === '' ? `api/${version}` : `apis/${group}/${version}`;
      paths[path] = { serverRelativeURL: `/openapi/v3/${path}` };
    }
  }
  return { paths };
}

/** `/openapi/v3/apis/<group>/<version>` */
export function openApiV3(registry: ResourceRegistry, group: string, version: string): object {
  const components = { schemas: schemas(registry, 'v3', { group, version }) };
  return { openapi: '3.0.0', info, paths: {}, components };
}
