/** Rows of a backup's volumes. */
import type { ObjectReference } from '../../../domain/kube-object.ts';
import type { VolumeBackup } from '../../../domain/volume-backup.ts';

/** Whether nothing more will happen to a volume. */
export function isSettled(row: VolumeBackup): boolean {
  return row.phase !== 'Pending' && row.phase !== 'InProgress';
}

/** The claim that findings about a volume speak of. */
export function claimReference({
  namespace,
  pvc,
}: Pick<VolumeBackup, 'namespace' | 'pvc'>): ObjectReference {
  return {
    apiVersion: 'v1',
    resource: 'persistentvolumeclaims',
    kind: 'PersistentVolumeClaim',
    namespace,
    name: pvc,
  };
}
