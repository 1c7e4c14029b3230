import type { ClusterCache } from '../controllers/engine/cluster-cache.ts';
import { keyFor } from '../controllers/engine/kube-objects.ts';
import { claimNamesOf } from '../controllers/engine/pod-state.ts';
import { nodeMatches, selects } from '../controllers/engine/selectors.ts';
import {
  claims,
  type PersistentVolume,
  type PersistentVolumeClaim,
  SELECTED_NODE_ANNOTATION,
  type StorageClass,
  storageClasses,
  storageClassOf,
  volumes,
  waitsForConsumer,
} from '../controllers/engine/storage-objects.ts';
import type { Node, Pod } from '../controllers/engine/workload-objects.ts';
import { fits, smallestFirst } from '../controllers/volume-fit.ts';

/** What a pod's claims demand of the node that the pod goes to. */
export interface VolumeNeeds {
  /** Why the pod cannot be placed yet, in kube-scheduler's words. */
  readonly obstacle?: string;
  /** Volumes that are bound already: the node must be where they are. */
  readonly bound: readonly PersistentVolume[];
  /** Claims that bind once a node is chosen. */
  readonly delayed: readonly { claim: PersistentVolumeClaim; storageClass: StorageClass }[];
}

/** Sorts the pod's claims into bound, waiting for a node, and in the way. */
export function volumeNeeds(cluster: ClusterCache, pod: Pod): VolumeNeeds {
  const bound: PersistentVolume[] = [];
  const delayed: { claim: PersistentVolumeClaim; storageClass: StorageClass }[] = [];
  for (const name of claimNamesOf(pod)) {
    const claim = cluster.informer(claims).get(keyFor(pod.metadata.namespace, name));
    const none = { bound, delayed };
    if (claim === undefined) {
      return { ...none, obstacle: `persistentvolumeclaim "${name}" not found` };
    }
    if (claim.metadata.deletionTimestamp !== undefined) {
      return { ...none, obstacle: `persistentvolumeclaim "${name}" is being deleted` };
    }
    if (claim.status?.phase === 'Lost') {
      return { ...none, obstacle: `persistentvolumeclaim "${name}" bound to non-existent volume` };
    }
    const volume = cluster.informer(volumes).get(claim.spec.volumeName ?? '');
    if (claim.status?.phase === 'Bound' && volume !== undefined) {
      bound.push(volume);
      continue;
    }
    const storageClass = cluster.informer(storageClasses).get(storageClassOf(claim) ?? '');
    if ((claim.spec.volumeName ?? '') === '' && waitsForConsumer(storageClass)) {
      if (storageClass !== undefined) delayed.push({ claim, storageClass });
      continue;
    }
    return { ...none, obstacle: 'pod has unbound immediate PersistentVolumeClaims' };
  }
  return { bound, delayed };
}

/** Whether the node is where the bound volumes are and where the delayed ones may come to be. */
export function nodeServes(cluster: ClusterCache, needs: VolumeNeeds, node: Node): boolean {
  const reachable = needs.bound.every((volume) => volumeReaches(volume, node));
  return (
    reachable &&
    needs.delayed.every(({ claim, storageClass }) => {
      const selected = claim.metadata.annotations?.[SELECTED_NODE_ANNOTATION];
      if (selected !== undefined) return selected === node.metadata.name;
      if (staticVolumeFor(cluster, claim, node) !== undefined) return true;
      return isDynamic(storageClass) && topologyAllows(storageClass, node);
    })
  );
}

/** A volume on this node that is promised to the claim, or free and fit for it. */
export function staticVolumeFor(
  cluster: ClusterCache,
  claim: PersistentVolumeClaim,
  node: Node,
): PersistentVolume | undefined {
  const candidates = cluster
    .informer(volumes)
    .all()
    .filter((volume) => volumeReaches(volume, node));
  const { uid } = claim.metadata;
  const promised = candidates.find((volume) => volume.spec.claimRef?.uid === uid);
  if (promised !== undefined) return promised;
  return smallestFirst(
    candidates.filter(
      (volume) =>
        volume.spec.claimRef === undefined &&
        volume.metadata.deletionTimestamp === undefined &&
        volume.status?.phase === 'Available' &&
        (claim.spec.selector === undefined ||
          selects(claim.spec.selector, volume.metadata.labels)) &&
        fits(claim, volume) === undefined,
    ),
  )[0];
}

function isDynamic(storageClass: StorageClass): boolean {
  return storageClass.provisioner !== 'kubernetes.io/no-provisioner';
}

function volumeReaches(volume: PersistentVolume, node: Node): boolean {
  const required = volume.spec.nodeAffinity?.required;
  return required === undefined || nodeMatches(required, node);
}

function topologyAllows(storageClass: StorageClass, node: Node): boolean {
  const terms = storageClass.allowedTopologies ?? [];
  if (terms.length === 0) return true;
  return terms.some((term) =>
    (term.matchLabelExpressions ?? []).every((each) =>
      each.values.includes(node.metadata.labels?.[each.key] ?? ''),
    ),
  );
}
