/** PATCH in its four forms, of objects and of their status. */
import { parse as parseYaml } from 'yaml';
import type { Cluster } from '../cluster.ts';
import { jsonProblem } from '../http/json-scan.ts';
import type { Reply } from '../http/reply.ts';
import { isObject, type JsonObject, textAt } from '../json-tree.ts';
import { applyConfiguration } from '../managed-fields/managed-fields.ts';
import { applyJsonPatch, JsonPatchFailure } from '../patch/json-patch.ts';
import { applyMergePatch } from '../patch/merge-patch.ts';
import { applyStrategicMerge } from '../patch/strategic-merge.ts';
import { structOfKind } from '../schema/struct-table.ts';
import { badRequest, StatusError } from '../status-error.ts';
import { createObject } from '../write/create-object.ts';
import { decodeObject } from '../write/decode-object.ts';
import { metadataOf } from '../write/object-meta.ts';
import { updateObject } from '../write/update-object.ts';
import type { Writer } from '../writer.ts';
import { objectReply, shownObject } from './object-reply.ts';
import { deprecationsOf } from './read-verbs.ts';
import { bodyType, type ResourceRequest, writerOf } from './resource-request.ts';

const jsonType = 'application/json-patch+json';
const mergeType = 'application/merge-patch+json';
const strategicType = 'application/strategic-merge-patch+json';
const applyType = 'application/apply-patch+yaml';

/** Custom resources have no merge keys. */
function strategicUnsupported(): StatusError {
  const accepted = [jsonType, mergeType, applyType].join(', ');
  return new StatusError({
    code: 415,
    reason: 'UnsupportedMediaType',
    message: `the body of the request was in an unknown format - accepted media types include: ${accepted}`,
  });
}

/** 422 without details: how the vendor answers a patch that does not fit. */
function unprocessable(): StatusError {
  return new StatusError({
    code: 422,
    reason: 'Invalid',
    message: 'the server rejected our request due to an error in our request',
    details: {},
  });
}

function parseBody(request: ResourceRequest): unknown {
  try {
    return JSON.parse(request.body);
  } catch {
    throw badRequest(`error decoding patch: ${jsonProblem(request.body)}`);
  }
}

function patchDocument(request: ResourceRequest, type: string, document: JsonObject): JsonObject {
  const patch = parseBody(request);
  if (type === jsonType) {
    if (!Array.isArray(patch)) {
      throw badRequest(
        'error decoding patch: json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp',
      );
    }
    try {
      return applyJsonPatch(document, patch as unknown[]);
    } catch (error) {
      if (error instanceof JsonPatchFailure) throw unprocessable();
      throw error;
    }
  }
  if (!isObject(patch)) {
    throw badRequest(
      'error decoding patch: json: cannot unmarshal array into Go value of type map[string]interface {}',
    );
  }
  if (type === mergeType) return applyMergePatch(document, patch);
  const { apiVersion, info } = request.resource;
  return applyStrategicMerge(document, patch, structOfKind(apiVersion, info.kind));
}

function changed(request: ResourceRequest, type: string, writer: Writer) {
  const { resource } = request;
  return (current: JsonObject): JsonObject => {
    const document = shownObject({ resource, form: 'object' }, current);
    const patched = patchDocument(request, type, document);
    // What a patch says about the kind of a built-in object is ignored.
    const typed = resource.custom ? patched : { ...patched, apiVersion: '', kind: '' };
    const object = decodeObject(resource, typed, writer);
    resource.codec.applyDefaults(object);
    return object;
  };
}

function readConfiguration(request: ResourceRequest): JsonObject {
  const { resource, name = '' } = request;
  let value: unknown;
  try {
    value = parseYaml(request.body);
  } catch (error) {
    throw badRequest(`error decoding YAML: ${error instanceof Error ? error.message : ''}`);
  }
  if (!isObject(value)) throw badRequest('error decoding YAML: the configuration is no object');
  if (textAt(value, 'kind') === '')
    throw badRequest("Object 'Kind' is missing in the configuration");
  const version = textAt(value, 'apiVersion');
  const kind = textAt(value, 'kind');
  if (version !== resource.apiVersion || kind !== resource.info.kind) {
    throw badRequest(`invalid object type: ${version}, Kind=${kind}`);
  }
  if (valueIsSet(value, 'managedFields')) throw badRequest('metadata.managedFields must be nil');
  const sent = textAt(value, 'metadata', 'name');
  if (sent !== '' && sent !== name) {
    throw badRequest(
      `the name of the object (${sent}) does not match the name on the URL (${name})`,
    );
  }
  return value;
}

function valueIsSet(config: JsonObject, field: string): boolean {
  const metadata = config.metadata;
  return isObject(metadata) && metadata[field] !== undefined && metadata[field] !== null;
}

function decodeConfiguration(request: ResourceRequest, raw: JsonObject): JsonObject {
  const { resource, namespace, name = '' } = request;
  const sentNamespace = textAt(raw, 'metadata', 'namespace');
  const ignoring = { fieldValidation: 'Ignore', warnings: [] } as const;
  const unknown = resource.codec.decode(raw).unknownFields;
  const [first] = unknown;
  if (first !== undefined) {
    const version = resource.apiVersion;
    throw new StatusError({
      code: 500,
      message:
        `failed to create typed patch object (${sentNamespace}/${name}; ${version}, ` +
        `Kind=${resource.info.kind}): .${first}: field not declared in schema`,
    });
  }
  const config = decodeObject(resource, raw, { ...ignoring, warnings: [] });
  metadataOf(config).name = name;
  if (namespace !== undefined) metadataOf(config).namespace = namespace;
  return config;
}

async function applyVerb(cluster: Cluster, request: ResourceRequest): Promise<Reply> {
  const { resource, namespace, name = '', subresource } = request;
  const { codec, strategy } = resource;
  const { writer, options } = writerOf(request, 'PatchOptions', true);
  const config = decodeConfiguration(request, readConfiguration(request));
  const change = (current: JsonObject): JsonObject => {
    const next = applyConfiguration(current, config, {
      manager: writer.manager,
      apiVersion: resource.apiVersion,
      subresource,
      nowMs: cluster.now(),
      shape: codec.shape,
      resetFields: subresource === '' && strategy.hasStatus ? ['status'] : [],
      force: options.force === true,
      empty: codec.empty,
    });
    const { object } = codec.decode(next);
    codec.applyDefaults(object);
    return object;
  };
  try {
    const update = { resource, namespace, name, subresource, writer, change, tracked: true };
    return objectReply(request, 200, await updateObject(cluster, update), writer.warnings);
  } catch (error) {
    const missing = error instanceof StatusError && error.code === 404;
    if (!missing || subresource !== '') throw error;
    const object = change(codec.empty);
    const creation = { resource, namespace, object, writer, tracked: true };
    return objectReply(request, 201, await createObject(cluster, creation), writer.warnings);
  }
}

/** PATCH of an object or of its status. */
export async function patchVerb(cluster: Cluster, request: ResourceRequest): Promise<Reply> {
  const { resource, namespace, name = '', subresource } = request;
  const type = bodyType(request);
  const known = [jsonType, mergeType, strategicType, applyType].includes(type);
  if (!known) {
    throw new StatusError({
      code: 415,
      reason: 'UnsupportedMediaType',
      message: '415: Unsupported Media Type',
      details: {},
    });
  }
  if (resource.custom && type === strategicType) throw strategicUnsupported();
  if (type === applyType) return applyVerb(cluster, request);
  const { writer } = writerOf(request, 'PatchOptions');
  writer.warnings.push(...deprecationsOf(request));
  const change = changed(request, type, writer);
  const update = { resource, namespace, name, subresource, writer, change };
  return objectReply(request, 200, await updateObject(cluster, update), writer.warnings);
}
