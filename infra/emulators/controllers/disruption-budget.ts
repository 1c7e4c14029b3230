import { changesNothing, withCondition } from './engine/conditions.ts';
import { scaled } from './engine/int-or-percent.ts';
import { keyOf } from './engine/kube-objects.ts';
import { controllerOf } from './engine/ownership.ts';
import { isFinished, isReady } from './engine/pod-state.ts';
import type { Reconcilers } from './engine/reconcilers.ts';
import { selects } from './engine/selectors.ts';
import {
  type Pod,
  type PodDisruptionBudget,
  podDisruptionBudgets,
  pods,
  type ReplicaSet,
  replicaSets,
  type StatefulSet,
  statefulSets,
} from './engine/workload-objects.ts';

/** Keeps the status of PodDisruptionBudgets, which decides whether pods may be evicted. */
export function runDisruptionBudgets(reconcilers: Reconcilers): void {
  const queue = reconcilers.queue('PodDisruptionBudget', async (key) => {
    const budget = reconcilers.cluster.informer(podDisruptionBudgets).get(key);
    if (budget !== undefined) await reconcile(reconcilers, budget);
  });
  const all = reconcilers.cluster.informer(podDisruptionBudgets);
  reconcilers.feed(podDisruptionBudgets, queue);
  reconcilers.follow(pods, (after, before) => {
    const pod = after ?? before;
    if (pod === undefined) return;
    for (const budget of all.inNamespace(pod.metadata.namespace)) {
      if (selects(budget.spec.selector, pod.metadata.labels)) queue.add(keyOf(budget));
    }
  });
  for (const kind of [replicaSets, statefulSets]) {
    reconcilers.follow<ReplicaSet | StatefulSet>(kind, (after, before) => {
      if (after?.spec.replicas === before?.spec.replicas) return;
      const { namespace } = (after ?? before)?.metadata ?? {};
      for (const budget of all.inNamespace(namespace)) queue.add(keyOf(budget));
    });
  }
}

async function reconcile(reconcilers: Reconcilers, budget: PodDisruptionBudget): Promise<void> {
  const { cluster } = reconcilers;
  const covered = cluster
    .informer(pods)
    .inNamespace(budget.metadata.namespace)
    .filter((pod) => selects(budget.spec.selector, pod.metadata.labels) && !isFinished(pod));
  const healthy = covered.filter(
    (pod) => isReady(pod) && pod.metadata.deletionTimestamp === undefined,
  ).length;
  const { minAvailable, maxUnavailable } = budget.spec;
  const byShare = maxUnavailable !== undefined || typeof minAvailable === 'string';
  const expected = byShare ? expectedPods(reconcilers, covered) : covered.length;
  const up = { round: 'up', fallback: 0 } as const;
  const desired =
    maxUnavailable === undefined
      ? scaled(minAvailable, expected, { round: 'up', fallback: 1 })
      : Math.max(0, expected - scaled(maxUnavailable, expected, up));
  const allowed = expected === 0 ? 0 : Math.max(0, healthy - desired);
  const conditions = withCondition(
    budget.status?.conditions,
    {
      type: 'DisruptionAllowed',
      status: allowed > 0 ? 'True' : 'False',
      reason: allowed > 0 ? 'SufficientPods' : 'InsufficientPods',
      message: '',
      ...(budget.metadata.generation === undefined
        ? {}
        : { observedGeneration: budget.metadata.generation }),
    },
    reconcilers.now(),
  );
  const status = {
    currentHealthy: healthy,
    desiredHealthy: desired,
    disruptionsAllowed: allowed,
    expectedPods: expected,
    observedGeneration: budget.metadata.generation,
    conditions,
  };
  if (changesNothing(budget.status, status)) return;
  await cluster.patchStatus(podDisruptionBudgets, budget, status);
}

/** How many pods the covered pods' controllers want; a pod without one counts as itself. */
function expectedPods(reconcilers: Reconcilers, covered: readonly Pod[]): number {
  const { cluster } = reconcilers;
  const wanted = new Map<string, number>();
  for (const pod of covered) {
    const owner = controllerOf(pod);
    const key = `${pod.metadata.namespace}/${owner?.name}`;
    const set =
      owner?.kind === 'ReplicaSet'
        ? cluster.informer(replicaSets).get(key)
        : owner?.kind === 'StatefulSet'
          ? cluster.informer(statefulSets).get(key)
          : undefined;
    const known = wanted.get(owner?.uid ?? '') ?? 0;
    wanted.set(owner?.uid ?? '', set === undefined ? known + 1 : (set.spec.replicas ?? 1));
  }
  return [...wanted.values()].reduce((sum, count) => sum + count, 0);
}
