import type { ClusterCache } from './engine/cluster-cache.ts';
import type { KubeObject, ResourceKind } from './engine/kube-objects.ts';
import { controllerReference } from './engine/ownership.ts';
import { isReady } from './engine/pod-state.ts';
import { type Pod, type PodTemplate, pods } from './engine/workload-objects.ts';

/** Creations or deletions of pods that one reconciliation has under way at once. */
const BATCH = 16;
/** The API server cuts `generateName` so that the name with its suffix has at most 63 characters. */
const GENERATE_NAME_LENGTH_MAX = 58;

/** A pod as its owner wants it, before the server has named it. */
export interface PodDraft {
  readonly metadata: Record<string, unknown>;
  readonly spec: PodTemplate['spec'];
}

/** A pod from a template: its labels and annotations, and the owner as controller. */
export function draftPod<T extends KubeObject>(
  template: PodTemplate,
  ownerKind: ResourceKind<T>,
  owner: T,
): PodDraft {
  const { labels = {}, annotations = {}, finalizers = [] } = template.metadata ?? {};
  return {
    metadata: {
      generateName: `${owner.metadata.name}-`.slice(0, GENERATE_NAME_LENGTH_MAX),
      namespace: owner.metadata.namespace,
      labels: { ...labels },
      annotations: { ...annotations },
      finalizers: [...finalizers],
      ownerReferences: [controllerReference(ownerKind, owner)],
    },
    spec: template.spec,
  };
}

/** Creates as many pods of one draft as wanted; stops at the first refusal, which it throws. */
export async function createPods(
  cluster: ClusterCache,
  draft: PodDraft,
  options: { namespace: string | undefined; count: number },
): Promise<void> {
  // Begins with one and doubles, as the real controllers do, so that a quota sees few refusals.
  let left = options.count;
  for (let size = 1; left > 0; size = Math.min(size * 2, BATCH)) {
    const batch = Math.min(size, left);
    await Promise.all(
      Array.from({ length: batch }, () => cluster.create(pods, options.namespace, draft)),
    );
    left -= batch;
  }
}

/** Deletes pods with their own grace period. */
export async function deletePods(
  cluster: ClusterCache,
  victims: readonly Pod[],
  now: number,
): Promise<void> {
  for (let start = 0; start < victims.length; start += BATCH) {
    await Promise.all(
      victims.slice(start, start + BATCH).map((pod) => cluster.remove(pods, pod, { now })),
    );
  }
}

/** Orders pods so that those whose loss hurts least come first: unbound, not running, unready, young. */
export function cheapestToLoseFirst(list: readonly Pod[]): Pod[] {
  const rank = (pod: Pod): number[] => [
    pod.spec.nodeName === undefined || pod.spec.nodeName === '' ? 0 : 1,
    pod.status?.phase === 'Running' ? 1 : 0,
    isReady(pod) ? 1 : 0,
    -Date.parse(pod.metadata.creationTimestamp),
  ];
  return [...list].sort((a, b) => {
    const [left, right] = [rank(a), rank(b)];
    for (let index = 0; index < left.length; index += 1) {
      const difference = (left[index] ?? 0) - (right[index] ?? 0);
      if (difference !== 0) return difference;
    }
    return a.metadata.name < b.metadata.name ? -1 : 1;
  });
}
