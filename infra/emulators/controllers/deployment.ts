import { isDeepStrictEqual } from 'node:util';
import { maxSurge, rollOut, wantedOfNewSet } from './deployment-rollout.ts';
import { writeDeploymentStatus } from './deployment-status.ts';
import { ApiError } from './engine/api-client.ts';
import { keyOf, type Labels } from './engine/kube-objects.ts';
import { claimChildren, controllerOf, controllerReference } from './engine/ownership.ts';
import type { Reconcilers } from './engine/reconcilers.ts';
import { selects } from './engine/selectors.ts';
import { canonical, stableHash } from './engine/stable-hash.ts';
import type { WorkQueue } from './engine/work-queue.ts';
import {
  type Deployment,
  deployments,
  type PodTemplate,
  pods,
  type ReplicaSet,
  replicaSets,
} from './engine/workload-objects.ts';

const HASH_LABEL = 'pod-template-hash';
const REVISION = 'deployment.kubernetes.io/revision';
const DESIRED_REPLICAS = 'deployment.kubernetes.io/desired-replicas';
const MAX_REPLICAS = 'deployment.kubernetes.io/max-replicas';
/** A Deployment's annotations that its ReplicaSets do not take over. */
const OWN_ANNOTATIONS = new Set([
  'kubectl.kubernetes.io/last-applied-configuration',
  'deployment.kubernetes.io/revision-history',
  'deprecated.deployment.rollback.to',
  REVISION,
  DESIRED_REPLICAS,
  MAX_REPLICAS,
]);

/** ReplicaSets tell their counts in bursts; their sum is written once for each burst. */
const GATHER_MS = 5;

/** Rolls each Deployment's template out through ReplicaSets, adopting ones that match. */
export function runDeployments(reconcilers: Reconcilers): void {
  const queue: WorkQueue = reconcilers.queue(
    'Deployment',
    (key) => reconcileDeployment(reconcilers, key, (dueMs) => reconcilers.at(queue, key, dueMs)),
    { gatherMs: GATHER_MS },
  );
  const all = reconcilers.cluster.informer(deployments);
  reconcilers.feed(deployments, queue);
  reconcilers.feedOwners(replicaSets, deployments, queue);
  reconcilers.follow(replicaSets, (set) => {
    if (set === undefined || controllerOf(set) !== undefined) return;
    for (const each of all.inNamespace(set.metadata.namespace)) {
      if (selects(each.spec.selector, set.metadata.labels)) queue.add(keyOf(each));
    }
  });
  // Recreate waits for the last old pod, which may outlive its ReplicaSet's count.
  const sets = reconcilers.cluster.informer(replicaSets);
  reconcilers.follow(pods, (after, before) => {
    if (after !== undefined || before === undefined) return;
    const set = sets.get(`${before.metadata.namespace ?? ''}/${controllerOf(before)?.name ?? ''}`);
    const owner = set === undefined ? undefined : controllerOf(set);
    if (owner?.kind === 'Deployment') queue.add(`${before.metadata.namespace}/${owner.name}`);
  });
}

async function reconcileDeployment(
  reconcilers: Reconcilers,
  key: string,
  wakeAt: (dueMs: number) => void,
): Promise<void> {
  const { cluster } = reconcilers;
  const deployment = cluster.informer(deployments).get(key);
  if (deployment === undefined) return;
  const claimed = await claimChildren(cluster, {
    ownerKind: deployments,
    owner: deployment,
    childKind: replicaSets,
    selector: deployment.spec.selector,
  });
  const status = { deployment, wakeAt, annotations: {} };
  if (deployment.metadata.deletionTimestamp !== undefined) {
    const newest = newSetOf(deployment, claimed);
    return writeDeploymentStatus(reconcilers, { ...status, sets: claimed, newest });
  }
  const found = newSetOf(deployment, claimed);
  const old = claimed.filter((set) => set !== found);
  const recreate = deployment.spec.strategy?.type === 'Recreate';
  const blocked = deployment.spec.paused === true || (recreate && oldPodsRun(reconcilers, old));
  const newest =
    found === undefined && !blocked
      ? await createNewSet(reconcilers, deployment, old)
      : found === undefined
        ? undefined
        : await refreshNewSet(reconcilers, deployment, { newest: found, old });
  await rollOut(reconcilers, { deployment, newest, old, blocked });
  await writeDeploymentStatus(reconcilers, {
    ...status,
    sets: newest === undefined ? old : [...old, newest],
    newest,
    annotations:
      newest === undefined ? {} : { [REVISION]: newest.metadata.annotations?.[REVISION] ?? '1' },
  });
}

/** The oldest of the sets whose template is the Deployment's. */
function newSetOf(deployment: Deployment, sets: readonly ReplicaSet[]): ReplicaSet | undefined {
  const wanted = comparable(deployment.spec.template);
  return [...sets]
    .sort((a, b) => (a.metadata.creationTimestamp < b.metadata.creationTimestamp ? -1 : 1))
    .find((set) => comparable(set.spec.template) === wanted);
}

/** A template without what differs between a Deployment's and its ReplicaSet's. */
function comparable(template: PodTemplate): string {
  const { [HASH_LABEL]: _hash, ...labels } = template.metadata?.labels ?? {};
  const annotations = template.metadata?.annotations ?? {};
  return canonical({ labels, annotations, spec: template.spec });
}

async function createNewSet(
  reconcilers: Reconcilers,
  deployment: Deployment,
  old: readonly ReplicaSet[],
): Promise<ReplicaSet> {
  const { template } = deployment.spec;
  const collisions = deployment.status?.collisionCount ?? 0;
  const hash = stableHash(comparable(template), collisions);
  const labels = { ...template.metadata?.labels, [HASH_LABEL]: hash };
  const { matchLabels, ...selector } = deployment.spec.selector;
  const draft = {
    metadata: {
      name: `${deployment.metadata.name}-${hash}`,
      namespace: deployment.metadata.namespace,
      labels,
      annotations: {
        ...copied(deployment),
        ...sizeAnnotations(deployment),
        [REVISION]: String(maxRevision(old) + 1),
      },
      ownerReferences: [controllerReference(deployments, deployment)],
    },
    spec: {
      replicas: wantedOfNewSet(deployment, undefined, old),
      ...(deployment.spec.minReadySeconds === undefined
        ? {}
        : { minReadySeconds: deployment.spec.minReadySeconds }),
      selector: { ...selector, matchLabels: { ...matchLabels, [HASH_LABEL]: hash } },
      template: { ...template, metadata: { ...template.metadata, labels } },
    },
  };
  const { cluster } = reconcilers;
  try {
    return await cluster.create(replicaSets, deployment.metadata.namespace, draft);
  } catch (error) {
    if (error instanceof ApiError && error.reason === 'AlreadyExists') {
      // Somebody else's set has the name: the next hash is another one.
      await cluster.patchStatus(deployments, deployment, { collisionCount: collisions + 1 });
    }
    throw error;
  }
}

/** Brings the annotations and minReadySeconds of an existing set up to the Deployment's. */
async function refreshNewSet(
  reconcilers: Reconcilers,
  deployment: Deployment,
  sets: { newest: ReplicaSet; old: readonly ReplicaSet[] },
): Promise<ReplicaSet> {
  const { newest, old } = sets;
  const own = Number(newest.metadata.annotations?.[REVISION] ?? 0);
  const annotations: Labels = {
    ...newest.metadata.annotations,
    ...copied(deployment),
    ...sizeAnnotations(deployment),
    [REVISION]: String(Math.max(own, maxRevision(old) + 1)),
  };
  const { minReadySeconds } = deployment.spec;
  const sameSeconds = (minReadySeconds ?? 0) === (newest.spec.minReadySeconds ?? 0);
  if (sameSeconds && isDeepStrictEqual(annotations, newest.metadata.annotations)) return newest;
  return reconcilers.cluster.patch(replicaSets, newest, {
    metadata: { annotations },
    ...(sameSeconds ? {} : { spec: { minReadySeconds: minReadySeconds ?? 0 } }),
  });
}

function oldPodsRun(reconcilers: Reconcilers, old: readonly ReplicaSet[]): boolean {
  const informer = reconcilers.cluster.informer(pods);
  return old.some((set) =>
    informer
      .controlledBy(set.metadata.uid)
      .some((pod) => pod.status?.phase !== 'Succeeded' && pod.status?.phase !== 'Failed'),
  );
}

function copied(deployment: Deployment): Labels {
  const entries = Object.entries(deployment.metadata.annotations ?? {});
  return Object.fromEntries(entries.filter(([name]) => !OWN_ANNOTATIONS.has(name)));
}

function sizeAnnotations(deployment: Deployment): Labels {
  const replicas = deployment.spec.replicas ?? 1;
  return {
    [DESIRED_REPLICAS]: String(replicas),
    [MAX_REPLICAS]: String(replicas + maxSurge(deployment)),
  };
}

function maxRevision(sets: readonly ReplicaSet[]): number {
  return sets.reduce(
    (max, set) => Math.max(max, Number(set.metadata.annotations?.[REVISION] ?? 0) || 0),
    0,
  );
}
