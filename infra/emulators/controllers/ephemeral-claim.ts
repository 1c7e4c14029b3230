import { ApiError } from './engine/api-client.ts';
import { keyFor } from './engine/kube-objects.ts';
import { controllerOf, controllerReference } from './engine/ownership.ts';
import { isFinished } from './engine/pod-state.ts';
import type { Reconcilers } from './engine/reconcilers.ts';
import { claims } from './engine/storage-objects.ts';
import { pods } from './engine/workload-objects.ts';

/** Creates the claims of pods' generic ephemeral volumes, owned by their pod. */
export function runEphemeralClaims(reconcilers: Reconcilers): void {
  const queue = reconcilers.queue('Ephemeral claim', (key) => reconcile(reconcilers, key));
  const cached = reconcilers.cluster.informer(pods);
  reconcilers.follow(claims, (after, before) => {
    const owner = before === undefined ? undefined : controllerOf(before);
    if (after !== undefined || owner?.kind !== 'Pod') return;
    const key = keyFor(before?.metadata.namespace, owner.name);
    if (cached.get(key) !== undefined) queue.add(key);
  });
  reconcilers.follow(pods, (pod) => {
    const wants = pod?.spec.volumes?.some((volume) => volume.ephemeral !== undefined) === true;
    if (pod !== undefined && wants) queue.add(keyFor(pod.metadata.namespace, pod.metadata.name));
  });
}

async function reconcile(reconcilers: Reconcilers, key: string): Promise<void> {
  const { cluster } = reconcilers;
  const pod = cluster.informer(pods).get(key);
  if (pod === undefined || isFinished(pod) || pod.metadata.deletionTimestamp !== undefined) return;
  const { namespace } = pod.metadata;
  for (const volume of pod.spec.volumes ?? []) {
    const name = `${pod.metadata.name}-${volume.name}`;
    if (volume.ephemeral === undefined) continue;
    if (cluster.informer(claims).get(keyFor(namespace, name)) !== undefined) continue;
    const { metadata, spec } = volume.ephemeral.volumeClaimTemplate;
    const ownerReferences = [controllerReference(pods, pod)];
    try {
      await cluster.create(claims, namespace, {
        metadata: { ...metadata, name, namespace, ownerReferences },
        spec,
      });
    } catch (error) {
      if (!(error instanceof ApiError && error.reason === 'AlreadyExists')) throw error;
    }
  }
}
