import { dropOldRevisions, syncRevisions, templateOf } from './controller-revision.ts';
import { keyOf } from './engine/kube-objects.ts';
import { claimChildren, controllerOf } from './engine/ownership.ts';
import { availableAt, isAvailable, isFinished, isReady } from './engine/pod-state.ts';
import type { Reconcilers } from './engine/reconcilers.ts';
import { selects } from './engine/selectors.ts';
import { claims } from './engine/storage-objects.ts';
import type { WorkQueue } from './engine/work-queue.ts';
import {
  type ControllerRevision,
  controllerRevisions,
  type Pod,
  pods,
  type StatefulSet,
  statefulSets,
} from './engine/workload-objects.ts';
import {
  createClaims,
  createReplica,
  isMember,
  ordinalOf,
  REVISION_LABEL,
} from './stateful-set-pod.ts';
import { writeStatefulSetStatus } from './stateful-set-status.ts';

/** Keeps the ordered pods of each StatefulSet, their claims and their revisions. */
export function runStatefulSets(reconcilers: Reconcilers): void {
  const queue: WorkQueue = reconcilers.queue('StatefulSet', (key) =>
    reconcileStatefulSet(reconcilers, queue, key),
  );
  reconcilers.feed(statefulSets, queue);
  reconcilers.feedOwners(pods, statefulSets, queue);
  reconcilers.feedOwners(controllerRevisions, statefulSets, queue);
  const sets = reconcilers.cluster.informer(statefulSets);
  reconcilers.follow(pods, (pod) => {
    if (pod === undefined || controllerOf(pod) !== undefined) return;
    for (const set of sets.inNamespace(pod.metadata.namespace)) {
      if (selects(set.spec.selector, pod.metadata.labels) && isMember(set, pod)) {
        queue.add(keyOf(set));
      }
    }
  });
  // A claim that disappeared under a pending pod is made again.
  const cachedPods = reconcilers.cluster.informer(pods);
  reconcilers.follow(claims, (after, before) => {
    if (after !== undefined || before === undefined) return;
    for (const pod of cachedPods.inNamespace(before.metadata.namespace)) {
      const owner = controllerOf(pod);
      if (owner?.kind !== 'StatefulSet' || pod.status?.phase !== 'Pending') continue;
      queue.add(`${pod.metadata.namespace}/${owner.name}`);
    }
  });
}

interface View {
  readonly set: StatefulSet;
  readonly current: ControllerRevision;
  readonly update: ControllerRevision;
  readonly pods: readonly Pod[];
}

async function reconcileStatefulSet(
  reconcilers: Reconcilers,
  queue: WorkQueue,
  key: string,
): Promise<void> {
  const { cluster } = reconcilers;
  const set = cluster.informer(statefulSets).get(key);
  if (set === undefined) return;
  const members = await claimChildren(cluster, {
    ownerKind: statefulSets,
    owner: set,
    childKind: pods,
    selector: set.spec.selector,
    mayAdopt: (pod) => isMember(set, pod),
  });
  if (set.metadata.deletionTimestamp !== undefined) return;
  const { all, update } = await syncRevisions(reconcilers, statefulSets, set, () => ({}));
  const current =
    all.find((revision) => revision.metadata.name === set.status?.currentRevision) ?? update;
  await advance(reconcilers, { set, current, update, pods: members });
  await writeStatefulSetStatus(reconcilers, { set, current, update });
  const live = new Set(members.map((pod) => pod.metadata.labels?.[REVISION_LABEL] ?? ''));
  live.add(current.metadata.name).add(update.metadata.name);
  await dropOldRevisions(reconcilers, set, { all, live });
  for (const pod of cluster.informer(pods).controlledBy(set.metadata.uid)) {
    const at = availableAt(pod, set.spec.minReadySeconds);
    if (at !== undefined && at > reconcilers.now()) reconcilers.at(queue, key, at);
  }
}

/** Goes as far as the set's order allows: creates, then scales down, then updates. */
async function advance(reconcilers: Reconcilers, view: View): Promise<void> {
  const { set } = view;
  const ordered = set.spec.podManagementPolicy !== 'Parallel';
  const start = set.spec.ordinals?.start ?? 0;
  const end = start + (set.spec.replicas ?? 1);
  const byOrdinal = new Map(view.pods.map((pod) => [ordinalOf(pod), pod]));
  for (let ordinal = start; ordinal < end; ordinal += 1) {
    const blocked = await settleReplica(reconcilers, view, {
      ordinal,
      pod: byOrdinal.get(ordinal),
    });
    if (blocked && ordered) return;
  }
  const condemned = view.pods
    .filter((pod) => ordinalOf(pod) >= 0 && (ordinalOf(pod) < start || ordinalOf(pod) >= end))
    .sort((a, b) => ordinalOf(b) - ordinalOf(a));
  for (const pod of condemned) {
    if (pod.metadata.deletionTimestamp === undefined) {
      await reconcilers.cluster.remove(pods, pod, { now: reconcilers.now() });
    }
    if (ordered) return;
  }
  await replaceOutdated(reconcilers, view, { start, end, byOrdinal });
}

/** Brings one replica on its way; true when its successors have to wait for it. */
async function settleReplica(
  reconcilers: Reconcilers,
  view: View,
  place: { ordinal: number; pod: Pod | undefined },
): Promise<boolean> {
  const { set } = view;
  const { pod, ordinal } = place;
  if (pod === undefined) {
    const revision = revisionFor(view, ordinal);
    const template = templateOf(revision) ?? set.spec.template;
    await createReplica(reconcilers, { set, ordinal, template, revision: revision.metadata.name });
    return true;
  }
  if (isFinished(pod)) {
    if (pod.metadata.deletionTimestamp === undefined) {
      await reconcilers.cluster.remove(pods, pod, { now: reconcilers.now() });
    }
    return true;
  }
  if (pod.status?.phase === 'Pending') await createClaims(reconcilers, set, ordinal);
  return !isHealthy(reconcilers, set, pod);
}

/** From the last ordinal down, deletes the first pod of another revision than the wanted one. */
async function replaceOutdated(
  reconcilers: Reconcilers,
  view: View,
  range: { start: number; end: number; byOrdinal: ReadonlyMap<number, Pod> },
): Promise<void> {
  const { set, update } = view;
  if (set.spec.updateStrategy?.type === 'OnDelete') return;
  const first = range.start + partitionOf(set);
  for (let ordinal = range.end - 1; ordinal >= first; ordinal -= 1) {
    const pod = range.byOrdinal.get(ordinal);
    if (pod === undefined) return;
    const outdated = pod.metadata.labels?.[REVISION_LABEL] !== update.metadata.name;
    if (outdated && pod.metadata.deletionTimestamp === undefined) {
      await reconcilers.cluster.remove(pods, pod, { now: reconcilers.now() });
      return;
    }
    if (!isHealthy(reconcilers, set, pod)) return;
  }
}

function revisionFor(view: View, ordinal: number): ControllerRevision {
  const start = view.set.spec.ordinals?.start ?? 0;
  return ordinal < start + partitionOf(view.set) ? view.current : view.update;
}

function partitionOf(set: StatefulSet): number {
  return set.spec.updateStrategy?.rollingUpdate?.partition ?? 0;
}

function isHealthy(reconcilers: Reconcilers, set: StatefulSet, pod: Pod): boolean {
  const { minReadySeconds } = set.spec;
  return (
    pod.metadata.deletionTimestamp === undefined &&
    pod.status?.phase === 'Running' &&
    isReady(pod) &&
    isAvailable(pod, { now: reconcilers.now(), minReadySeconds })
  );
}
