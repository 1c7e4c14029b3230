/** What the cluster double keeps and how it puts it on the wire. */
import { type ApiResource, apiVersionOf, groupResource } from '../../shared/domain/api-resource.ts';
import { isJsonObject, type JsonObject } from '../../shared/domain/json.ts';
import { ApiRejection, type ObjectTarget } from '../../shared/ports/cluster-client.ts';

/** An object with its place. */
export interface HeldObject {
  readonly resource: ApiResource;
  readonly namespace: string | undefined;
  readonly name: string;
  readonly object: JsonObject & { metadata: JsonObject };
}

/** Where a list goes on: in a snapshot, or (`snapshot` 0) with what is there now. */
export interface PageToken {
  readonly snapshot: number;
  readonly offset: number;
  readonly after: string;
}

/** A token as clients see it. */
export function encodeToken(token: PageToken): string {
  return Buffer.from(JSON.stringify(token)).toString('base64url');
}

/** The token that a client brought back. */
export function decodeToken(token: string): PageToken {
  return JSON.parse(Buffer.from(token, 'base64url').toString()) as PageToken;
}

/** Key of an object in the map; sorts as a list does. */
export function objectKey(resource: string, namespace: string | undefined, name: string): string {
  return `${resource}/${namespace ?? ''}/${name}`;
}

/** Key of an object that is held. */
export function keyOf(held: HeldObject): string {
  return objectKey(groupResource(held.resource), held.namespace, held.name);
}

/** `metadata`, empty where there is none. */
export function metadataOf(object: JsonObject): JsonObject {
  return isJsonObject(object.metadata) ? object.metadata : {};
}

/** Marked for deletion and held by no finalizer. */
export function isFinished(object: JsonObject): boolean {
  const { deletionTimestamp, finalizers } = metadataOf(object);
  const held = Array.isArray(finalizers) && finalizers.length > 0;
  return deletionTimestamp !== undefined && !held;
}

/** `configmaps shop/web` */
export function describeTarget(target: ObjectTarget): string {
  const where = target.namespace === undefined ? '' : `${target.namespace}/`;
  return `${groupResource(target.resource)} ${where}${target.name}`;
}

/** A request body as an object. @throws ApiRejection 400 */
export function parseObject(body: Uint8Array, attempt: string): JsonObject {
  try {
    const parsed: unknown = JSON.parse(Buffer.from(body).toString());
    if (isJsonObject(parsed)) return parsed;
  } catch {
    // Answered below, like any other body that is no object.
  }
  throw new ApiRejection(400, 'BadRequest', `Cannot ${attempt}: the body is no JSON object`);
}

/** An object as get and create answer it. */
export function toBytes(object: JsonObject, resource: ApiResource): Uint8Array {
  const { apiVersion: _a, kind: _k, ...rest } = object;
  const typed = { kind: resource.kind, apiVersion: apiVersionOf(resource), ...rest };
  return Buffer.from(JSON.stringify(typed));
}

/** Built-in kinds come without apiVersion and kind in lists; custom resources carry them. */
export function listBytes(resource: ApiResource, held: HeldObject): Uint8Array {
  if (!isBuiltIn(resource)) return toBytes(held.object, resource);
  const { apiVersion: _a, kind: _k, ...rest } = held.object;
  return Buffer.from(JSON.stringify(rest));
}

/** Whether status is written apart from the rest. */
export function hasStatusSubresource(resource: ApiResource): boolean {
  return isBuiltIn(resource);
}

/** What a patch may change: through the status subresource the status, else everything but it. */
export function applyToPart(
  target: { readonly resource: ApiResource; readonly subresource?: string },
  held: JsonObject,
  patched: JsonObject,
): JsonObject {
  if (target.subresource === 'status') return { ...held, status: patched.status };
  if (!hasStatusSubresource(target.resource)) return patched;
  const { status: _ignored, ...rest } = patched;
  return held.status === undefined ? rest : { ...rest, status: held.status };
}

function isBuiltIn(resource: ApiResource): boolean {
  return !resource.group.includes('.') || resource.group.endsWith('.k8s.io');
}

/** The object as created under the name of a field manager. */
export function managedBy(object: JsonObject, manager: string | undefined): JsonObject {
  if (manager === undefined) return object;
  const entry = { manager, operation: 'Update', fieldsType: 'FieldsV1', fieldsV1: {} };
  return { ...object, metadata: { ...metadataOf(object), managedFields: [entry] } };
}
