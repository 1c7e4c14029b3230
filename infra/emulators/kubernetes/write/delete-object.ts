/** Deleting an object: at once, gracefully, or as far as its finalizers let it go. */
import { admitDelete } from '../admission/admit.ts';
import type { Cluster } from '../cluster.ts';
import { cleanupFinalizer } from '../crd/crd-rules.ts';
import {
  copyObject,
  deepEqual,
  type JsonObject,
  numberAt,
  objectAt,
  objectsAt,
  textAt,
  textsAt,
} from '../json-tree.ts';
import type { ServedResource } from '../resources/served-resource.ts';
import { timeText } from '../schema/scalars.ts';
import { conflict, notFound, StatusError } from '../status-error.ts';
import { keyOf } from '../storage/keys.ts';
import { parseStored } from '../storage/store-event.ts';
import type { Writer } from '../writer.ts';
import { isReadyToGo } from './finish-deletion.ts';
import { isDeleting, metadataOf } from './object-meta.ts';

/** What becomes of the objects that the deleted one owns. */
export type Propagation = 'Orphan' | 'Background' | 'Foreground';

/** The part of `DeleteOptions` that means something here. */
export interface DeleteOptions {
  readonly gracePeriodSeconds?: number;
  readonly propagation?: Propagation;
  readonly uid?: string;
  readonly resourceVersion?: string;
}

/** What to delete. */
export interface DeleteRequest {
  readonly resource: ServedResource;
  readonly namespace: string | undefined;
  readonly name: string;
  readonly options: DeleteOptions;
  readonly writer: Writer;
}

/** The last state, and whether the object is gone. */
export interface DeleteResult {
  readonly object: JsonObject;
  readonly gone: boolean;
}

/** Kinds whose dependents stay unless asked otherwise. @see DefaultGarbageCollectionPolicy */
const orphaningKinds = new Set(['jobs.batch', 'replicationcontrollers']);

function checkPreconditions(request: DeleteRequest, old: JsonObject): void {
  const { options, resource, name } = request;
  const { group, kind } = resource.info;
  const subject = { group, plural: kind, name };
  const uid = textAt(old, 'metadata', 'uid');
  if (options.uid !== undefined && options.uid !== uid) {
    throw conflict(
      subject,
      `the UID in the precondition (${options.uid}) does not match the UID in record (${uid}). ` +
        'The object might have been deleted and then recreated',
    );
  }
  const version = textAt(old, 'metadata', 'resourceVersion');
  if (options.resourceVersion !== undefined && options.resourceVersion !== version) {
    throw conflict(
      subject,
      `the ResourceVersion in the precondition (${options.resourceVersion}) does not match the ` +
        `ResourceVersion in record (${version}). The object might have been modified`,
    );
  }
}

function collectorFinalizers(request: DeleteRequest, old: JsonObject): string[] {
  const before = textsAt(old, 'metadata', 'finalizers');
  const others = before.filter((f) => f !== 'orphan' && f !== 'foregroundDeletion');
  if (request.resource.storageKey === 'events') return others;
  const { propagation } = request.options;
  if (propagation === 'Orphan') return [...others, 'orphan'];
  if (propagation === 'Foreground') return [...others, 'foregroundDeletion'];
  if (propagation === 'Background') return others;
  if (before.includes('orphan')) return [...others, 'orphan'];
  if (before.includes('foregroundDeletion')) return [...others, 'foregroundDeletion'];
  return orphaningKinds.has(request.resource.storageKey) ? [...others, 'orphan'] : others;
}

/** How long a pod is given; 0 for every other kind. @see podStrategy.CheckGracefulDelete */
function gracePeriod(request: DeleteRequest, old: JsonObject): number {
  if (request.resource.storageKey !== 'pods') return 0;
  const phase = textAt(old, 'status', 'phase');
  const unscheduled = textAt(old, 'spec', 'nodeName') === '';
  if (unscheduled || phase === 'Failed' || phase === 'Succeeded') return 0;
  const asked = request.options.gracePeriodSeconds;
  const seconds = asked ?? numberAt(old, 'spec', 'terminationGracePeriodSeconds') ?? 0;
  return seconds < 0 ? 1 : seconds;
}

function isDefinition(resource: ServedResource): boolean {
  return resource.storageKey === 'customresourcedefinitions.apiextensions.k8s.io';
}

/** The state that marks an object as being deleted; undefined when nothing changes. */
function marked(request: DeleteRequest, old: JsonObject, nowMs: number): JsonObject | undefined {
  const next = copyObject(old);
  const metadata = metadataOf(next);
  if (isDeleting(old)) {
    const left = numberAt(old, 'metadata', 'deletionGracePeriodSeconds') ?? 0;
    const asked = request.options.gracePeriodSeconds;
    if (left > 0) {
      if (asked === undefined || asked >= left) return undefined;
      const start = Date.parse(textAt(old, 'metadata', 'deletionTimestamp')) - left * 1000;
      metadata.deletionTimestamp = timeText(Math.max(start + asked * 1000, nowMs));
      metadata.deletionGracePeriodSeconds = asked;
      return next;
    }
  } else {
    const grace = gracePeriod(request, old);
    metadata.deletionTimestamp = timeText(nowMs + grace * 1000);
    metadata.deletionGracePeriodSeconds = grace;
    if (typeof metadata.generation === 'number') metadata.generation += 1;
  }
  const finalizers = collectorFinalizers(request, old);
  if (finalizers.length === 0) delete metadata.finalizers;
  else metadata.finalizers = finalizers;
  if (request.resource.storageKey === 'namespaces') markNamespace(next);
  if (isDefinition(request.resource) && !isDeleting(old)) markDefinition(next, old, nowMs);
  return next;
}

/** A definition stays until the objects that it defines are gone. */
function markDefinition(next: JsonObject, old: JsonObject, nowMs: number): void {
  const metadata = metadataOf(next);
  metadata.finalizers = [...textsAt(metadata, 'finalizers'), cleanupFinalizer];
  metadata.generation = metadataOf(old).generation;
  delete metadata.deletionGracePeriodSeconds;
  const terminating = {
    type: 'Terminating',
    status: 'True',
    lastTransitionTime: timeText(nowMs),
    reason: 'InstanceDeletionPending',
    message:
      'CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon',
  };
  const conditions = [...objectsAt(next, 'status', 'conditions'), terminating];
  next.status = { ...objectAt(next, 'status'), conditions };
}

function markNamespace(next: JsonObject): void {
  next.status = { ...objectAt(next, 'status'), phase: 'Terminating' };
  // A namespace is held by spec.finalizers and never shows a grace period.
  delete metadataOf(next).deletionGracePeriodSeconds;
}

function remove(cluster: Cluster, request: DeleteRequest, nowMs: number): DeleteResult {
  const { resource, namespace, name, writer } = request;
  const { group, plural } = resource.info;
  const { codec } = resource;
  const key = keyOf({ resource: resource.storageKey, namespace, name });
  const json = cluster.store.read(key);
  if (json === undefined) throw notFound({ group, plural, name });
  const old = parseStored(json);
  checkPreconditions(request, old);
  const next = marked(request, old, nowMs);
  if (next === undefined) return { object: codec.fromStorage(old), gone: false };
  const gone = isReadyToGo(resource, next);
  if (writer.dryRun) return { object: codec.fromStorage(gone ? old : next), gone };
  if (gone) {
    // The final state of a pod shows its deletion; other kinds go as they were.
    const last = resource.storageKey === 'pods' ? next : old;
    cluster.store.remove(key, last);
    return { object: codec.fromStorage(last), gone };
  }
  const final = codec.readsAsStored ? codec.encode(next) : next;
  if (!deepEqual(next, old)) cluster.store.put(key, final);
  return { object: codec.fromStorage(final), gone };
}

/** Deletes an object. @throws StatusError */
export async function deleteObject(
  cluster: Cluster,
  request: DeleteRequest,
): Promise<DeleteResult> {
  await admitDelete(cluster, request);
  return cluster.store.transact(() => remove(cluster, request, cluster.now()));
}

/** Objects that one transaction deletes at most, so that other requests get their turn. */
const batchSize = 100;

function removeIfThere(cluster: Cluster, request: DeleteRequest): void {
  try {
    remove(cluster, request, cluster.now());
  } catch (error) {
    // Somebody else was faster; the object is gone, which is what was asked for.
    if (!(error instanceof StatusError) || error.code !== 404) throw error;
  }
}

/** Deletes many objects; those that are gone already count as deleted. @throws StatusError */
export async function deleteObjects(
  cluster: Cluster,
  requests: readonly DeleteRequest[],
): Promise<void> {
  for (let start = 0; start < requests.length; start += batchSize) {
    const batch = requests.slice(start, start + batchSize);
    for (const request of batch) await admitDelete(cluster, request);
    cluster.store.transact(() => {
      for (const request of batch) removeIfThere(cluster, request);
    });
    await new Promise((resolve) => setImmediate(resolve));
  }
}
