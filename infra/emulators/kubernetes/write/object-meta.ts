import { ensureObject, isObject, type JsonObject } from '../json-tree.ts';

/** The metadata of an object in hand; every object has some. */
export function metadataOf(object: JsonObject): JsonObject {
  return ensureObject(object, 'metadata');
}

/** Whether an object is on its way out. */
export function isDeleting(object: JsonObject): boolean {
  const metadata = object.metadata;
  return isObject(metadata) && typeof metadata.deletionTimestamp === 'string';
}
