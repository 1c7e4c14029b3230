import { ensureObject, type JsonObject } from '../json-tree.ts';
import { StatusError } from '../status-error.ts';

/** Largest object that etcd takes (`--max-request-bytes`, 1.5 MiB). @see etcd.io/docs system_limits */
const objectBytesMax = 1_572_864;

/** The store's form of an object at a revision; sets the revision in the object too. */
export function serialiseAt(object: JsonObject, revision: number): string {
  ensureObject(object, 'metadata').resourceVersion = String(revision);
  const text = JSON.stringify(object);
  if (text.length > objectBytesMax) {
    throw new StatusError({ code: 500, message: 'etcdserver: request is too large' });
  }
  return text;
}
