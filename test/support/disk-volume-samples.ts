/** Claims on cloud disks that running pods use, for tests and the bench. */
import { BackupWorld } from './backup-world.ts';
import type { DiskCloudPace } from './in-memory-disk-cloud.ts';

/** Region of the world's cluster and of its disks. */
export const DISK_REGION = 'cn-hangzhou';

/** A world whose cluster qualifies for snapshots, with so many claims on disks of their own. */
export async function worldOfDisks(
  volumes: number,
  pace: Partial<DiskCloudPace> = {},
): Promise<BackupWorld> {
  const made = await BackupWorld.create({ pace });
  made.directory.install('c1', { 'csi-provisioner': 'v1.32.1' });
  for (let n = 0; n < volumes; n += 1) seedDiskVolume(made, n);
  return made;
}

/** A claim on a disk that a running pod uses. */
export function seedDiskVolume(made: BackupWorld, n: number, disk = `d-${n}`): void {
  const metadata = { namespace: 'shop', name: `data-${n}` };
  made.cluster.seed({
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata,
    spec: { volumeName: `pv-${n}`, storageClassName: 'alicloud-disk-essd' },
  });
  made.cluster.seed({
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: { name: `pv-${n}` },
    spec: {
      capacity: { storage: '20Gi' },
      accessModes: ['ReadWriteOnce'],
      storageClassName: 'alicloud-disk-essd',
      claimRef: { namespace: 'shop', name: `data-${n}` },
      csi: { driver: 'diskplugin.csi.alibabacloud.com', volumeHandle: disk },
    },
  });
  made.cluster.seed({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { namespace: 'shop', name: `pod-${n}` },
    spec: {
      nodeName: 'node-1',
      volumes: [{ name: 'data', persistentVolumeClaim: { claimName: `data-${n}` } }],
    },
    status: { phase: 'Running' },
  });
  made.disks.addDisk(DISK_REGION, { id: disk });
}
