import { scaled } from './engine/int-or-percent.ts';
import type { Reconcilers } from './engine/reconcilers.ts';
import { type Deployment, type ReplicaSet, replicaSets } from './engine/workload-objects.ts';

/** The API server's default for both bounds of a rolling update. */
const ROLLING_DEFAULT = '25%';
const HISTORY_LIMIT_DEFAULT = 10;

/** How many pods a rolling update may have beyond the wanted number. */
export function maxSurge(deployment: Deployment): number {
  if (deployment.spec.strategy?.type === 'Recreate') return 0;
  return scaled(deployment.spec.strategy?.rollingUpdate?.maxSurge, wanted(deployment), {
    round: 'up',
    fallback: ROLLING_DEFAULT,
  });
}

/** How many of the wanted pods may be unavailable; at least one where surging is forbidden. */
export function maxUnavailable(deployment: Deployment): number {
  if (deployment.spec.strategy?.type === 'Recreate') return 0;
  const rolling = deployment.spec.strategy?.rollingUpdate;
  const bound = scaled(rolling?.maxUnavailable, wanted(deployment), {
    round: 'down',
    fallback: ROLLING_DEFAULT,
  });
  if (bound === 0 && maxSurge(deployment) === 0) return 1;
  return Math.min(bound, wanted(deployment));
}

/** The size that the newest set may have now, given the others. */
export function wantedOfNewSet(
  deployment: Deployment,
  newest: ReplicaSet | undefined,
  old: readonly ReplicaSet[],
): number {
  const goal = wanted(deployment);
  if (deployment.spec.strategy?.type === 'Recreate') return goal;
  const size = newest === undefined ? 0 : sizeOf(newest);
  if (size >= goal) return goal;
  const room = goal + maxSurge(deployment) - size - total(old, sizeOf);
  return size + Math.max(0, Math.min(room, goal - size));
}

/** Moves pods from the old sets to the newest one, one step towards the end of the rollout. */
export async function rollOut(
  reconcilers: Reconcilers,
  rollout: {
    deployment: Deployment;
    newest: ReplicaSet | undefined;
    old: readonly ReplicaSet[];
    blocked: boolean;
  },
): Promise<void> {
  const { deployment, newest, old, blocked } = rollout;
  if (deployment.spec.paused === true) {
    const active = newest ?? old.find((set) => sizeOf(set) > 0);
    if (active !== undefined) await resize(reconcilers, active, wanted(deployment));
    return;
  }
  if (deployment.spec.strategy?.type === 'Recreate') {
    for (const set of old) await resize(reconcilers, set, 0);
    if (newest !== undefined && !blocked) await resize(reconcilers, newest, wanted(deployment));
  } else if (newest !== undefined) {
    await resize(reconcilers, newest, wantedOfNewSet(deployment, newest, old));
    await shrinkOld(reconcilers, { deployment, newest, old });
  }
  if (newest !== undefined && isSaturated(deployment, newest)) {
    await dropHistory(reconcilers, deployment, old);
  }
}

/** Takes pods from the old sets: first those that are not available, then what can be spared. */
async function shrinkOld(
  reconcilers: Reconcilers,
  rollout: { deployment: Deployment; newest: ReplicaSet; old: readonly ReplicaSet[] },
): Promise<void> {
  const { deployment, newest, old } = rollout;
  const everything = [...old, newest];
  const floor = wanted(deployment) - maxUnavailable(deployment);
  const newUnavailable = Math.max(0, sizeOf(newest) - availableOf(newest));
  let removable = total(everything, sizeOf) - floor - newUnavailable;
  let spare = total(everything, availableOf) - floor;
  for (const set of [...old].sort(byAge)) {
    if (removable <= 0) return;
    const dead = Math.min(removable, Math.max(0, sizeOf(set) - availableOf(set)));
    const living = Math.min(removable - dead, Math.max(0, spare), sizeOf(set) - dead);
    removable -= dead + living;
    spare -= living;
    await resize(reconcilers, set, sizeOf(set) - dead - living);
  }
}

async function dropHistory(
  reconcilers: Reconcilers,
  deployment: Deployment,
  old: readonly ReplicaSet[],
): Promise<void> {
  const limit = deployment.spec.revisionHistoryLimit ?? HISTORY_LIMIT_DEFAULT;
  const living = old.filter((set) => set.metadata.deletionTimestamp === undefined);
  for (const set of living.sort(byAge).slice(0, Math.max(0, living.length - limit))) {
    if (sizeOf(set) !== 0 || (set.status?.replicas ?? 0) !== 0) continue;
    await reconcilers.cluster.remove(replicaSets, set, { now: reconcilers.now() });
  }
}

async function resize(reconcilers: Reconcilers, set: ReplicaSet, size: number): Promise<void> {
  if (sizeOf(set) === size || set.metadata.deletionTimestamp !== undefined) return;
  await reconcilers.cluster.patch(replicaSets, set, { spec: { replicas: size } });
}

function isSaturated(deployment: Deployment, newest: ReplicaSet): boolean {
  const goal = wanted(deployment);
  return sizeOf(newest) === goal && availableOf(newest) === goal;
}

function wanted(deployment: Deployment): number {
  return deployment.spec.replicas ?? 1;
}

function sizeOf(set: ReplicaSet): number {
  return set.spec.replicas ?? 1;
}

function availableOf(set: ReplicaSet): number {
  return set.status?.availableReplicas ?? 0;
}

function total(sets: readonly ReplicaSet[], count: (set: ReplicaSet) => number): number {
  return sets.reduce((sum, set) => sum + count(set), 0);
}

function byAge(a: ReplicaSet, b: ReplicaSet): number {
  return a.metadata.creationTimestamp < b.metadata.creationTimestamp ? -1 : 1;
}
