import { maxUnavailable } from './deployment-rollout.ts';
import { changesNothing, withCondition, withoutCondition } from './engine/conditions.ts';
import { type Condition, keyOf, type Labels, timestamp } from './engine/kube-objects.ts';
import type { Reconcilers } from './engine/reconcilers.ts';
import { type Deployment, deployments, type ReplicaSet } from './engine/workload-objects.ts';

/** `progressDeadlineSeconds` of this value means none (the greatest 32 bit integer). */
const NO_DEADLINE = 2_147_483_647;

interface Counts {
  readonly replicas: number;
  readonly updatedReplicas: number;
  readonly readyReplicas: number;
  readonly availableReplicas: number;
}

/** Writes what the Deployment's ReplicaSets add up to, and whether the rollout progresses. */
export async function writeDeploymentStatus(
  reconcilers: Reconcilers,
  view: {
    deployment: Deployment;
    sets: readonly ReplicaSet[];
    newest: ReplicaSet | undefined;
    /** Written along with the status. */
    annotations: Labels;
    wakeAt: (dueMs: number) => void;
  },
): Promise<void> {
  const { cluster } = reconcilers;
  const now = reconcilers.now();
  const deployment = cluster.informer(deployments).get(keyOf(view.deployment)) ?? view.deployment;
  const counts = countsOf(view.sets, view.newest);
  const conditions = conditionsOf({ ...view, deployment }, counts, now);
  const wantedTotal = view.sets.reduce((sum, set) => sum + (set.spec.replicas ?? 1), 0);
  const status = {
    observedGeneration: deployment.metadata.generation,
    replicas: counts.replicas || null,
    updatedReplicas: counts.updatedReplicas || null,
    readyReplicas: counts.readyReplicas || null,
    availableReplicas: counts.availableReplicas || null,
    unavailableReplicas: Math.max(0, wantedTotal - counts.availableReplicas) || null,
    conditions,
  };
  const noted = changesNothing(deployment.metadata.annotations, view.annotations);
  if (!noted || !changesNothing(deployment.status, status)) {
    await cluster.patchStatus(deployments, deployment, status, view.annotations);
  }
  const deadlineMs = deadlineOf(deployment, conditions);
  if (deadlineMs !== undefined && !isComplete(deployment, counts)) view.wakeAt(deadlineMs);
}

function countsOf(sets: readonly ReplicaSet[], newest: ReplicaSet | undefined): Counts {
  const sum = (field: 'replicas' | 'readyReplicas' | 'availableReplicas'): number =>
    sets.reduce((total, set) => total + (set.status?.[field] ?? 0), 0);
  return {
    replicas: sum('replicas'),
    updatedReplicas: newest?.status?.replicas ?? 0,
    readyReplicas: sum('readyReplicas'),
    availableReplicas: sum('availableReplicas'),
  };
}

function conditionsOf(
  view: { deployment: Deployment; sets: readonly ReplicaSet[]; newest: ReplicaSet | undefined },
  counts: Counts,
  now: number,
): Condition[] {
  const { deployment } = view;
  const needed = (deployment.spec.replicas ?? 1) - maxUnavailable(deployment);
  const enough = counts.availableReplicas >= needed;
  let conditions = withUpdate(deployment.status?.conditions, now, {
    type: 'Available',
    status: enough ? 'True' : 'False',
    reason: enough ? 'MinimumReplicasAvailable' : 'MinimumReplicasUnavailable',
    message: `Deployment ${enough ? 'has' : 'does not have'} minimum availability.`,
  });
  const progress = progressOf(view, counts, now);
  if (progress !== undefined) conditions = withUpdate(conditions, now, progress);
  const failure = view.sets
    .flatMap((set) => set.status?.conditions ?? [])
    .find((condition) => condition.type === 'ReplicaFailure');
  if (failure === undefined) return withoutCondition(conditions, 'ReplicaFailure');
  const { type, status, reason, message } = failure;
  return withUpdate(conditions, now, {
    type,
    status,
    ...(reason === undefined ? {} : { reason }),
    ...(message === undefined ? {} : { message }),
  });
}

/** The condition Progressing as it must now be; undefined where it stays as it is. */
function progressOf(
  view: { deployment: Deployment; newest: ReplicaSet | undefined },
  counts: Counts,
  now: number,
): (Condition & { refresh?: boolean }) | undefined {
  const { deployment, newest } = view;
  const known = deployment.status?.conditions?.find((each) => each.type === 'Progressing');
  if ((deployment.spec.progressDeadlineSeconds ?? 600) === NO_DEADLINE) return undefined;
  const subject =
    newest === undefined
      ? `Deployment "${deployment.metadata.name}"`
      : `ReplicaSet "${newest.metadata.name}"`;
  const settled = known?.reason === 'NewReplicaSetAvailable';
  if (settled && counts.replicas === counts.updatedReplicas) return undefined;
  const condition = (status: string, reason: string, text: string): Condition => ({
    type: 'Progressing',
    status,
    reason,
    message: `${subject} ${text}`,
  });
  if (isComplete(deployment, counts)) {
    return condition('True', 'NewReplicaSetAvailable', 'has successfully progressed.');
  }
  const before = deployment.status ?? {};
  const progressed =
    counts.updatedReplicas > (before.updatedReplicas ?? 0) ||
    counts.readyReplicas > (before.readyReplicas ?? 0) ||
    counts.availableReplicas > (before.availableReplicas ?? 0) ||
    counts.replicas - counts.updatedReplicas <
      (before.replicas ?? 0) - (before.updatedReplicas ?? 0);
  if (progressed || known === undefined || settled) {
    return { ...condition('True', 'ReplicaSetUpdated', 'is progressing.'), refresh: true };
  }
  const deadlineMs = deadlineOf(deployment, deployment.status?.conditions);
  if (deadlineMs !== undefined && deadlineMs <= now) {
    return condition('False', 'ProgressDeadlineExceeded', 'has timed out progressing.');
  }
  return undefined;
}

/** Sets a condition with its `lastUpdateTime`, which moves when its reason does or it is refreshed. */
function withUpdate(
  conditions: readonly Condition[] | undefined,
  now: number,
  next: Condition & { refresh?: boolean },
): Condition[] {
  const { refresh, ...condition } = next;
  const known = conditions?.find((each) => each.type === condition.type);
  const same = known?.status === condition.status && known.reason === condition.reason;
  if (same && refresh !== true && known.message === condition.message)
    return [...(conditions ?? [])];
  return withCondition(conditions, { ...condition, lastUpdateTime: timestamp(now) }, now);
}

function isComplete(deployment: Deployment, counts: Counts): boolean {
  const goal = deployment.spec.replicas ?? 1;
  return (
    counts.updatedReplicas === goal && counts.replicas === goal && counts.availableReplicas === goal
  );
}

function deadlineOf(
  deployment: Deployment,
  conditions: readonly Condition[] | undefined,
): number | undefined {
  const seconds = deployment.spec.progressDeadlineSeconds ?? 600;
  const known = conditions?.find((each) => each.type === 'Progressing');
  if (known?.lastUpdateTime === undefined || seconds === NO_DEADLINE) return undefined;
  if (known.reason === 'ProgressDeadlineExceeded') return undefined;
  return Date.parse(known.lastUpdateTime) + seconds * 1_000;
}
