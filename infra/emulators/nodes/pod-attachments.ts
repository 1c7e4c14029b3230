import type { ClusterCache } from '../controllers/engine/cluster-cache.ts';
import { keyFor } from '../controllers/engine/kube-objects.ts';
import { claimNamesOf } from '../controllers/engine/pod-state.ts';
import {
  claims,
  csiDrivers,
  volumeAttachments,
  volumes,
} from '../controllers/engine/storage-objects.ts';
import type { Pod } from '../controllers/engine/workload-objects.ts';

/**
 * Whether every volume of the pod that has to be attached is attached to its node. Only drivers that
 * are registered and ask for it count: without a CSIDriver nobody would ever attach.
 */
export function isAttached(cluster: ClusterCache, pod: Pod): boolean {
  return claimNamesOf(pod).every((name) => {
    const claim = cluster.informer(claims).get(keyFor(pod.metadata.namespace, name));
    const volume = cluster.informer(volumes).get(claim?.spec.volumeName ?? '');
    const driver = cluster.informer(csiDrivers).get(volume?.spec.csi?.driver ?? '');
    if (volume === undefined || driver === undefined) return true;
    if (driver.spec.attachRequired === false) return true;
    return cluster
      .informer(volumeAttachments)
      .all()
      .some(
        ({ spec, status, metadata }) =>
          spec.source.persistentVolumeName === volume.metadata.name &&
          spec.nodeName === pod.spec.nodeName &&
          status?.attached === true &&
          metadata.deletionTimestamp === undefined,
      );
  });
}
