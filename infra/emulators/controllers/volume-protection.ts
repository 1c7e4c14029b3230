import { keyFor } from './engine/kube-objects.ts';
import { claimNamesOf, isFinished } from './engine/pod-state.ts';
import type { Reconcilers } from './engine/reconcilers.ts';
import { claims, volumes } from './engine/storage-objects.ts';
import { pods } from './engine/workload-objects.ts';

const CLAIM_FINALIZER = 'kubernetes.io/pvc-protection';
const VOLUME_FINALIZER = 'kubernetes.io/pv-protection';

/** Keeps claims that pods use, and volumes that claims use, from vanishing under them. */
export function runVolumeProtection(reconcilers: Reconcilers): void {
  const claimQueue = reconcilers.queue('Claim protection', (key) => protectClaim(reconcilers, key));
  const volumeQueue = reconcilers.queue('Volume protection', (key) =>
    protectVolume(reconcilers, key),
  );
  const cachedClaims = reconcilers.cluster.informer(claims);
  reconcilers.feed(claims, claimQueue);
  reconcilers.feed(volumes, volumeQueue);
  reconcilers.follow(pods, (after, before) => {
    const pod = after ?? before;
    if (pod === undefined || (after !== undefined && !isFinished(after))) return;
    for (const name of claimNamesOf(pod)) {
      const key = keyFor(pod.metadata.namespace, name);
      if (cachedClaims.get(key)?.metadata.deletionTimestamp !== undefined) claimQueue.add(key);
    }
  });
}

async function protectClaim(reconcilers: Reconcilers, key: string): Promise<void> {
  const { cluster } = reconcilers;
  const claim = cluster.informer(claims).get(key);
  if (claim === undefined) return;
  const finalizers = claim.metadata.finalizers ?? [];
  const marked = finalizers.includes(CLAIM_FINALIZER);
  if (claim.metadata.deletionTimestamp === undefined) {
    if (marked) return;
    const more = [...finalizers, CLAIM_FINALIZER];
    await cluster.patch(claims, claim, { metadata: { finalizers: more } });
    return;
  }
  if (!marked) return;
  const users = cluster
    .informer(pods)
    .inNamespace(claim.metadata.namespace)
    // A pod that has no node yet, or has ended, does not use the volume.
    .filter((pod) => (pod.spec.nodeName ?? '') !== '' && !isFinished(pod))
    .filter((pod) => claimNamesOf(pod).includes(claim.metadata.name));
  if (users.length > 0) return;
  const rest = finalizers.filter((each) => each !== CLAIM_FINALIZER);
  await cluster.patch(claims, claim, { metadata: { finalizers: rest } });
}

async function protectVolume(reconcilers: Reconcilers, key: string): Promise<void> {
  const { cluster } = reconcilers;
  const volume = cluster.informer(volumes).get(key);
  if (volume === undefined) return;
  const finalizers = volume.metadata.finalizers ?? [];
  const marked = finalizers.includes(VOLUME_FINALIZER);
  const going = volume.metadata.deletionTimestamp !== undefined;
  if (going === marked && !(going && volume.status?.phase === 'Bound')) {
    const change = going
      ? finalizers.filter((each) => each !== VOLUME_FINALIZER)
      : [...finalizers, VOLUME_FINALIZER];
    await cluster.patch(volumes, volume, { metadata: { finalizers: change } });
  }
}
