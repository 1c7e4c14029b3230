import { changesNothing } from './engine/conditions.ts';
import { keyOf } from './engine/kube-objects.ts';
import { isAvailable, isReady } from './engine/pod-state.ts';
import type { Reconcilers } from './engine/reconcilers.ts';
import {
  type ControllerRevision,
  type Pod,
  pods,
  type StatefulSet,
  statefulSets,
} from './engine/workload-objects.ts';
import { REVISION_LABEL } from './stateful-set-pod.ts';

/** Writes the counts of the set's pods, and ends a rolling update when all are of the new revision. */
export async function writeStatefulSetStatus(
  reconcilers: Reconcilers,
  view: { set: StatefulSet; current: ControllerRevision; update: ControllerRevision },
): Promise<void> {
  const { cluster } = reconcilers;
  const set = cluster.informer(statefulSets).get(keyOf(view.set)) ?? view.set;
  const now = reconcilers.now();
  const { minReadySeconds } = set.spec;
  const all = cluster.informer(pods).controlledBy(set.metadata.uid);
  const ready = all.filter((pod) => pod.status?.phase === 'Running' && isReady(pod));
  const living = all.filter((pod) => pod.metadata.deletionTimestamp === undefined);
  const ofRevision = (revision: ControllerRevision): number =>
    living.filter((pod) => revisionOf(pod) === revision.metadata.name).length;
  const wanted = set.spec.replicas ?? 1;
  const updated = ofRevision(view.update);
  const complete =
    set.spec.updateStrategy?.type !== 'OnDelete' &&
    [updated, ready.length, all.length].every((count) => count === wanted);
  const current = complete ? view.update : view.current;
  const status = {
    observedGeneration: set.metadata.generation,
    replicas: all.length,
    readyReplicas: ready.length || null,
    availableReplicas: ready.filter((pod) => isAvailable(pod, { now, minReadySeconds })).length,
    currentReplicas: ofRevision(current) || null,
    updatedReplicas: updated || null,
    currentRevision: current.metadata.name,
    updateRevision: view.update.metadata.name,
    collisionCount: 0,
  };
  if (!changesNothing(set.status, status)) await cluster.patchStatus(statefulSets, set, status);
}

function revisionOf(pod: Pod): string | undefined {
  return pod.metadata.labels?.[REVISION_LABEL];
}
