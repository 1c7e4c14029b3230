/** Keys of objects: `<resource>.<group>/<namespace>/<name>`, in the order that lists have. */

/** Where an object lies. */
export interface ObjectPlace {
  /** `deployments.apps`, or `pods` for the core group. */
  readonly resource: string;
  readonly namespace: string | undefined;
  readonly name: string;
}

/** The key of one object. */
export function keyOf(place: ObjectPlace): string {
  return place.namespace === undefined
    ? `${place.resource}/${place.name}`
    : `${place.resource}/${place.namespace}/${place.name}`;
}

/** What the keys of a resource start with, in one namespace or in all. */
export function prefixOf(resource: string, namespace?: string): string {
  return namespace === undefined ? `${resource}/` : `${resource}/${namespace}/`;
}

/** The place that a key stands for. */
export function placeOf(key: string): ObjectPlace {
  const [resource = '', second = '', third] = key.split('/');
  return third === undefined
    ? { resource, namespace: undefined, name: second }
    : { resource, namespace: second, name: third };
}
