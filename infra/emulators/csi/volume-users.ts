import type { ClusterCache } from '../controllers/engine/cluster-cache.ts';
import { keyFor } from '../controllers/engine/kube-objects.ts';
import { claimNamesOf, isFinished } from '../controllers/engine/pod-state.ts';
import { claims, type PersistentVolume } from '../controllers/engine/storage-objects.ts';
import { type Pod, pods } from '../controllers/engine/workload-objects.ts';

/** The pods that have a node and mount the volume through its claim. */
export function usersOf(cluster: ClusterCache, volume: PersistentVolume): Pod[] {
  const { namespace, name = '' } = volume.spec.claimRef ?? {};
  const claim = cluster.informer(claims).get(keyFor(namespace, name));
  if (claim?.spec.volumeName !== volume.metadata.name) return [];
  return cluster
    .informer(pods)
    .inNamespace(namespace)
    .filter((pod) => (pod.spec.nodeName ?? '') !== '' && !isFinished(pod))
    .filter((pod) => claimNamesOf(pod).includes(name));
}
