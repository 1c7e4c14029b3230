/** What VolumeSnapshot and VolumeSnapshotContent say of each other, without I/O. */
import { keyFor, timestamp } from '../controllers/engine/kube-objects.ts';
import type { VolumeSnapshot, VolumeSnapshotContent } from './snapshot-objects.ts';
import { quantityText } from './volume-draft.ts';

export const AS_SOURCE_FINALIZER =
  'snapshot.storage.kubernetes.io/volumesnapshot-as-source-protection';
export const BOUND_FINALIZER = 'snapshot.storage.kubernetes.io/volumesnapshot-bound-protection';
export const CONTENT_FINALIZER =
  'snapshot.storage.kubernetes.io/volumesnapshotcontent-bound-protection';
/** On a claim while a snapshot of its volume is being taken. */
export const CLAIM_FINALIZER = 'snapshot.storage.kubernetes.io/pvc-as-source-protection';
/** On a content: its VolumeSnapshot is on its way out, so the driver's side may act. */
export const BEING_DELETED_ANNOTATION =
  'snapshot.storage.kubernetes.io/volumesnapshot-being-deleted';
/** On a content: the storage was asked for a snapshot and has not answered for good. */
export const BEING_CREATED_ANNOTATION =
  'snapshot.storage.kubernetes.io/volumesnapshot-being-created';

const NS_PER_MS = 1_000_000;

/** The content's name of a snapshot that is to be taken. */
export function contentNameFor(snapshot: VolumeSnapshot): string {
  return `snapcontent-${snapshot.metadata.uid}`;
}

/** The key of the VolumeSnapshot that a content names. */
export function snapshotKeyOf(content: VolumeSnapshotContent): string {
  const { namespace, name } = content.spec.volumeSnapshotRef;
  return keyFor(namespace, name ?? '');
}

/** Whether the content names this very snapshot, or, before binding, its name. */
export function pointsTo(content: VolumeSnapshotContent, snapshot: VolumeSnapshot): boolean {
  const { uid = '' } = content.spec.volumeSnapshotRef;
  const named =
    snapshotKeyOf(content) === keyFor(snapshot.metadata.namespace, snapshot.metadata.name);
  return named && (uid === '' || uid === snapshot.metadata.uid);
}

/** Whether both point at each other for good. */
export function isBound(content: VolumeSnapshotContent, snapshot: VolumeSnapshot): boolean {
  return pointsTo(content, snapshot) && (content.spec.volumeSnapshotRef.uid ?? '') !== '';
}

/** The status of a snapshot that is bound to the content. */
export function statusFrom(content: VolumeSnapshotContent): Record<string, unknown> {
  const { creationTime, readyToUse = false, restoreSize, error } = content.status ?? {};
  return {
    boundVolumeSnapshotContentName: content.metadata.name,
    readyToUse,
    // null: a merge patch takes the field away.
    error: readyToUse || error === undefined ? null : error,
    ...(creationTime === undefined ? {} : { creationTime: timestamp(creationTime / NS_PER_MS) }),
    ...(restoreSize === undefined ? {} : { restoreSize: quantityText(restoreSize) }),
  };
}

/** The time as VolumeSnapshotContents write it. */
export function nanoseconds(ms: number): number {
  return ms * NS_PER_MS;
}

/** Whether setting the status would change something; null stands for absent. */
export function differs(current: object | undefined, wanted: Record<string, unknown>): boolean {
  const fields: Record<string, unknown> = { ...current };
  return Object.entries(wanted).some(
    ([key, value]) => JSON.stringify(fields[key] ?? null) !== JSON.stringify(value),
  );
}
