import { type JsonObject, numberAt, textsAt } from '../json-tree.ts';
import type { ServedResource } from '../resources/served-resource.ts';
import type { ObjectStore } from '../storage/object-store.ts';

/** Whether nothing holds a deleting object any more. */
export function isReadyToGo(resource: ServedResource, object: JsonObject): boolean {
  if (textsAt(object, 'metadata', 'finalizers').length > 0) return false;
  if ((numberAt(object, 'metadata', 'deletionGracePeriodSeconds') ?? 0) !== 0) return false;
  const isNamespace = resource.storageKey === 'namespaces';
  return !isNamespace || textsAt(object, 'spec', 'finalizers').length === 0;
}

/** Removes a deleting object that nothing holds any more; says whether it did. */
export function finishDeletion(
  store: ObjectStore,
  resource: ServedResource,
  key: string,
  object: JsonObject,
): boolean {
  if (!isReadyToGo(resource, object)) return false;
  store.remove(key, object);
  return true;
}
