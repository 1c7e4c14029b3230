import { ApiError, isTransient } from './engine/api-client.ts';
import { changesNothing, withCondition, withoutCondition } from './engine/conditions.ts';
import { keyOf } from './engine/kube-objects.ts';
import { claimChildren } from './engine/ownership.ts';
import { availableAt, isActive, isAvailable, isReady } from './engine/pod-state.ts';
import type { Reconcilers } from './engine/reconcilers.ts';
import { hasAll, selects } from './engine/selectors.ts';
import type { WorkQueue } from './engine/work-queue.ts';
import { type Pod, pods, type ReplicaSet, replicaSets } from './engine/workload-objects.ts';
import { cheapestToLoseFirst, createPods, deletePods, draftPod } from './pod-making.ts';

/** The pods of a set tell their news in bursts; their sum is written once for each burst. */
const GATHER_MS = 5;

/** Keeps the wanted number of pods for each ReplicaSet, adopting matching pods that nobody owns. */
export function runReplicaSets(reconcilers: Reconcilers): void {
  const queue: WorkQueue = reconcilers.queue(
    'ReplicaSet',
    (key) => reconcileReplicaSet(reconcilers, queue, key),
    { gatherMs: GATHER_MS },
  );
  reconcilers.feed(replicaSets, queue);
  reconcilers.feedOwners(pods, replicaSets, queue);
  const sets = reconcilers.cluster.informer(replicaSets);
  reconcilers.follow(pods, (pod) => {
    if (pod === undefined || pod.metadata.ownerReferences?.some((each) => each.controller)) return;
    for (const set of sets.inNamespace(pod.metadata.namespace)) {
      if (selects(set.spec.selector, pod.metadata.labels)) queue.add(keyOf(set));
    }
  });
}

async function reconcileReplicaSet(
  reconcilers: Reconcilers,
  queue: WorkQueue,
  key: string,
): Promise<void> {
  const { cluster } = reconcilers;
  const set = cluster.informer(replicaSets).get(key);
  if (set === undefined) return;
  const claimed = await claimChildren(cluster, {
    ownerKind: replicaSets,
    owner: set,
    childKind: pods,
    selector: set.spec.selector,
    mayAdopt: isActive,
  });
  const active = claimed.filter(isActive);
  const failure =
    set.metadata.deletionTimestamp === undefined
      ? await scale(reconcilers, set, active)
      : undefined;
  await writeStatus(reconcilers, set, failure);
  scheduleAvailability(reconcilers, queue, set);
  if (failure !== undefined) throw failure;
}

/** Creates or deletes pods up to the wanted number; returns why the server refused a new pod. */
async function scale(
  reconcilers: Reconcilers,
  set: ReplicaSet,
  active: readonly Pod[],
): Promise<ApiError | undefined> {
  const { cluster } = reconcilers;
  const missing = (set.spec.replicas ?? 1) - active.length;
  if (missing < 0) {
    const victims = cheapestToLoseFirst(active).slice(0, -missing);
    await deletePods(cluster, victims, reconcilers.now());
  }
  if (missing <= 0) return undefined;
  try {
    const draft = draftPod(set.spec.template, replicaSets, set);
    await createPods(cluster, draft, { namespace: set.metadata.namespace, count: missing });
    return undefined;
  } catch (error) {
    if (isTransient(error) || !(error instanceof ApiError)) throw error;
    return error;
  }
}

async function writeStatus(
  reconcilers: Reconcilers,
  set: ReplicaSet,
  failure: ApiError | undefined,
): Promise<void> {
  const { cluster } = reconcilers;
  const now = reconcilers.now();
  const { minReadySeconds } = set.spec;
  const active = cluster.informer(pods).controlledBy(set.metadata.uid).filter(isActive);
  const ready = active.filter(isReady);
  const labels = set.spec.template.metadata?.labels;
  const conditions =
    failure === undefined
      ? withoutCondition(set.status?.conditions, 'ReplicaFailure')
      : withCondition(
          set.status?.conditions,
          {
            type: 'ReplicaFailure',
            status: 'True',
            reason: 'FailedCreate',
            message: failure.message,
          },
          now,
        );
  const status = {
    replicas: active.length,
    fullyLabeledReplicas: positive(active.filter((p) => hasAll(labels, p.metadata.labels)).length),
    readyReplicas: positive(ready.length),
    availableReplicas: positive(
      ready.filter((pod) => isAvailable(pod, { now, minReadySeconds })).length,
    ),
    observedGeneration: set.metadata.generation,
    conditions: conditions.length === 0 ? null : conditions,
  };
  if (!changesNothing(set.status, status)) await cluster.patchStatus(replicaSets, set, status);
}

function scheduleAvailability(reconcilers: Reconcilers, queue: WorkQueue, set: ReplicaSet): void {
  const { minReadySeconds } = set.spec;
  for (const pod of reconcilers.cluster.informer(pods).controlledBy(set.metadata.uid)) {
    const at = availableAt(pod, minReadySeconds);
    if (at !== undefined && at > reconcilers.now()) reconcilers.at(queue, keyOf(set), at);
  }
}

/** Counts of zero are left out of a status (`omitempty`), which a merge patch says with null. */
function positive(count: number): number | null {
  return count === 0 ? null : count;
}
