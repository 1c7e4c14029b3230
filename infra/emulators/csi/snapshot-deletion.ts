import { keyOf } from '../controllers/engine/kube-objects.ts';
import type { Reconcilers } from '../controllers/engine/reconcilers.ts';
import { claims } from '../controllers/engine/storage-objects.ts';
import type { WorkQueue } from '../controllers/engine/work-queue.ts';
import type { EventRecorder } from './event-recorder.ts';
import {
  type VolumeSnapshot,
  volumeSnapshotContents,
  volumeSnapshots,
} from './snapshot-objects.ts';
import { dataSourceOf, isFromSnapshot } from './snapshot-source.ts';
import {
  AS_SOURCE_FINALIZER,
  BEING_DELETED_ANNOTATION,
  BOUND_FINALIZER,
  contentNameFor,
  isBound,
} from './snapshot-status.ts';

/** snapshot-controller's default --resync-period: what it put off is looked at again only then. */
const RESYNC_MS = 15 * 60_000;

/**
 * Lets a deleted VolumeSnapshot go: its content first if that is of policy Delete, else at once.
 * While a claim still waits to be filled from it, it stays until the next resync.
 */
export async function releaseSnapshot(
  controller: { reconcilers: Reconcilers; queue: WorkQueue; events: EventRecorder },
  snapshot: VolumeSnapshot,
): Promise<void> {
  const { reconcilers, queue, events } = controller;
  const { cluster, now } = reconcilers;
  const held = snapshot.metadata.finalizers ?? [];
  if (!held.includes(AS_SOURCE_FINALIZER) && !held.includes(BOUND_FINALIZER)) return;
  const contentName = snapshot.status?.boundVolumeSnapshotContentName ?? contentNameFor(snapshot);
  const found = await cluster.read(volumeSnapshotContents, { name: contentName });
  const content = found !== undefined && isBound(found, snapshot) ? found : undefined;
  if (content !== undefined && isWaitedFor(reconcilers, snapshot)) {
    const message = 'Snapshot is being used to restore a PVC';
    const note = { type: 'Warning', reason: 'SnapshotDeletePending', message } as const;
    await events.note(volumeSnapshots, snapshot, note);
    reconcilers.at(queue, keyOf(snapshot), now() + RESYNC_MS);
    return;
  }
  const deletes = content?.spec.deletionPolicy === 'Delete';
  if (
    content !== undefined &&
    !(BEING_DELETED_ANNOTATION in (content.metadata.annotations ?? {}))
  ) {
    await cluster.patch(volumeSnapshotContents, content, {
      metadata: { annotations: { [BEING_DELETED_ANNOTATION]: 'yes' } },
    });
  }
  if (deletes && content.metadata.deletionTimestamp === undefined) {
    await cluster.remove(volumeSnapshotContents, content, { now: now() });
  }
  const gone = deletes ? [AS_SOURCE_FINALIZER] : [AS_SOURCE_FINALIZER, BOUND_FINALIZER];
  const finalizers = held.filter((each) => !gone.includes(each));
  if (finalizers.length === held.length) return;
  const { resourceVersion } = snapshot.metadata;
  await cluster.patch(volumeSnapshots, snapshot, { metadata: { resourceVersion, finalizers } });
}

/** Whether a claim of the namespace is still to be filled from the snapshot. */
function isWaitedFor(reconcilers: Reconcilers, snapshot: VolumeSnapshot): boolean {
  const { namespace, name } = snapshot.metadata;
  return reconcilers.cluster
    .informer(claims)
    .inNamespace(namespace)
    .filter((claim) => claim.status?.phase === 'Pending')
    .some((claim) => isFromSnapshot(claim) && dataSourceOf(claim)?.name === name);
}
