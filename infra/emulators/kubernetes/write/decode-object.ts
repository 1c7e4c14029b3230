/** From a request's body to an object of a kind, with the vendor's refusals. */

import { invalidField, invalidObject } from '../field-error.ts';
import { summaryOf } from '../http/body.ts';
import { isObject, type JsonObject, textAt } from '../json-tree.ts';
import type { ServedResource } from '../resources/served-resource.ts';
import { DecodeError } from '../schema/decode.ts';
import { badRequest } from '../status-error.ts';
import type { Writer } from '../writer.ts';

/** `ConfigMap in version "v1" cannot be handled as a ConfigMap: ...` */
export function cannotHandle(
  resource: ServedResource,
  why: string,
  sent?: { readonly kind: string; readonly version: string },
): Error {
  const { kind, version } = sent ?? { kind: resource.info.kind, version: resource.info.version };
  return badRequest(
    `${kind} in version ${JSON.stringify(version)} cannot be handled as a ${resource.info.kind}: ${why}`,
  );
}

/** Custom resources have no Go type to fall back to: they must say what they are. */
function checkCustomKind(resource: ServedResource, raw: JsonObject): void {
  const apiVersion = textAt(raw, 'apiVersion');
  const kind = textAt(raw, 'kind');
  const { group, kind: expected } = resource.info;
  if (kind === '') {
    const text = JSON.stringify(raw);
    throw badRequest(
      `the object provided is unrecognized (must be of type ${expected}): Object 'Kind' is ` +
        `missing in '${text}' (${summaryOf(text)})`,
    );
  }
  if (apiVersion !== resource.apiVersion) {
    throw badRequest(
      `the API version in the data (${apiVersion}) does not match the expected API version ` +
        `(${resource.apiVersion})`,
    );
  }
  if (kind !== expected) {
    const name = textAt(raw, 'metadata', 'name');
    throw invalidObject({ group, kind, name }, [invalidField('kind', kind, `must be ${expected}`)]);
  }
}

function checkKind(resource: ServedResource, raw: JsonObject): void {
  const apiVersion = textAt(raw, 'apiVersion');
  const kind = textAt(raw, 'kind');
  const { info } = resource;
  if (resource.custom) {
    checkCustomKind(resource, raw);
    return;
  }
  const sameVersion = apiVersion === '' || apiVersion === resource.apiVersion;
  if (sameVersion && (kind === '' || kind === info.kind)) return;
  const version = apiVersion.slice(apiVersion.indexOf('/') + 1) || info.version;
  const group = info.group.replace(/\..*$/, '') || 'core';
  const why = sameVersion
    ? `converting (${info.version}.${kind}) to (${group}.${info.kind}): unknown conversion`
    : `no kind ${JSON.stringify(kind || info.kind)} is registered for version ` +
      `${JSON.stringify(apiVersion)} in scheme "pkg/runtime/scheme.go:110"`;
  throw cannotHandle(resource, why, { kind: kind || info.kind, version });
}

/**
 * Reads an object of the resource; unknown fields are dropped, told of, or refused, as the writer
 * asked. @throws StatusError 400
 */
export function decodeObject(
  resource: ServedResource,
  raw: JsonObject,
  writer: Pick<Writer, 'fieldValidation' | 'warnings'>,
): JsonObject {
  checkKind(resource, raw);
  let decoded: ReturnType<ServedResource['codec']['decode']>;
  try {
    decoded = resource.codec.decode(raw);
  } catch (error) {
    if (error instanceof DecodeError) throw cannotHandle(resource, error.message);
    throw error;
  }
  const unknown = decoded.unknownFields.map((path) => `unknown field "${path}"`);
  if (unknown.length > 0 && writer.fieldValidation === 'Strict') {
    throw cannotHandle(resource, `strict decoding error: ${unknown.join(', ')}`);
  }
  if (writer.fieldValidation === 'Warn') writer.warnings.push(...unknown);
  if (!isObject(decoded.object.metadata)) decoded.object.metadata = {};
  return decoded.object;
}
