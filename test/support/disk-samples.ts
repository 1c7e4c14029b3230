/** Claims on disks whose data is in snapshots, and the CSI driver's part in restoring them. */
import type { ApiResource } from '../../shared/domain/api-resource.ts';
import type { BackupRecord } from '../../shared/domain/backup-record.ts';
import { type JsonObject, objectAt, textAt } from '../../shared/domain/json.ts';
import type { RestoreRecord } from '../../shared/domain/restore-record.ts';
import { COMMON_RESOURCES } from './api-resources.ts';
import { BackupWorld } from './backup-world.ts';
import type { InMemoryClusterClient } from './in-memory-cluster-client.ts';
import type { DiskCloudPace } from './in-memory-disk-cloud.ts';
import { sampleObject } from './restore-samples.ts';
import { RestoreWorld } from './restore-world.ts';

/** Region of the source cluster. */
export const REGION = 'cn-hangzhou';
/** StorageClass of the samples. */
export const DISK_CLASS = 'alicloud-disk-essd';
const DRIVER = 'diskplugin.csi.alibabacloud.com';
/** By it disks qualify for snapshots. */
const CSI = { 'csi-provisioner': 'v1.32.1' };

/** What differs from one sample to the other. */
interface DiskClaim {
  readonly sizeGiB?: number;
  readonly request?: string;
  readonly storageClass?: string;
}

/** Puts a claim with its volume, its disk and the pod that mounts it into the source cluster. */
export function seedDiskClaim(world: RestoreWorld, place: string, given: DiskClaim = {}): void {
  const name = place.split('/')[1] ?? '';
  seedDisk(world.backups, place, { pv: `pv-${name}`, disk: `d-${name}`, ...given });
}

/** The same by its number, in namespace `shop`; several may share a disk. */
export function seedDiskVolume(made: BackupWorld, n: number, disk = `d-${n}`): void {
  seedDisk(made, `shop/data-${n}`, { pv: `pv-${n}`, disk });
}

function seedDisk(
  made: BackupWorld,
  place: string,
  given: DiskClaim & { readonly pv: string; readonly disk: string },
): void {
  const [namespace = '', name = ''] = place.split('/');
  const { pv, disk, sizeGiB = 20, request = '20Gi', storageClass = DISK_CLASS } = given;
  const storageClassName = storageClass;
  made.cluster.seed(
    sampleObject('PersistentVolumeClaim', place, {
      spec: {
        accessModes: ['ReadWriteOnce'],
        resources: { requests: { storage: request } },
        volumeName: pv,
        ...(storageClass === '' ? {} : { storageClassName }),
      },
      status: { phase: 'Bound' },
    }),
  );
  made.cluster.seed(
    sampleObject('PersistentVolume', pv, {
      spec: {
        capacity: { storage: request },
        accessModes: ['ReadWriteOnce'],
        storageClassName,
        persistentVolumeReclaimPolicy: 'Delete',
        claimRef: { kind: 'PersistentVolumeClaim', namespace, name },
        csi: { driver: DRIVER, volumeHandle: disk, fsType: 'xfs' },
      },
    }),
  );
  made.cluster.seed(
    sampleObject('Pod', `${namespace}/${pv.replace(/^pv/, 'pod')}`, {
      spec: {
        nodeName: 'node-1',
        volumes: [{ name: 'data', persistentVolumeClaim: { claimName: name } }],
      },
      status: { phase: 'Running' },
    }),
  );
  made.disks.addDisk(REGION, { id: disk, sizeGiB });
}

/** A world whose cluster qualifies for snapshots, with so many claims on disks of their own. */
export async function worldOfDisks(
  volumes: number,
  pace: Partial<DiskCloudPace> = {},
): Promise<BackupWorld> {
  const made = await BackupWorld.create({ pace });
  made.directory.install('c1', CSI);
  for (let n = 0; n < volumes; n += 1) seedDiskVolume(made, n);
  return made;
}

/** A StorageClass of the disk driver. */
export function diskClass(name = DISK_CLASS, mode = 'WaitForFirstConsumer'): JsonObject {
  return sampleObject('StorageClass', name, { provisioner: DRIVER, volumeBindingMode: mode });
}

/** A world whose clusters snapshot disks, the target with the class of the samples. */
export async function diskWorld(
  given: Parameters<typeof RestoreWorld.create>[0] = {},
): Promise<RestoreWorld> {
  const world = await RestoreWorld.create(given);
  world.backups.directory.install('c1', CSI);
  world.target.seed(diskClass());
  return world;
}

/** A ready node of the target in a zone. */
export function seedNode(world: RestoreWorld, name: string, zone: string, taints: object[] = []) {
  const labels = { 'topology.kubernetes.io/zone': zone };
  const ready = { conditions: [{ type: 'Ready', status: 'True' }] };
  world.target.seed(sampleObject('Node', name, { spec: { taints }, status: ready }, { labels }));
}

/** Puts the target cluster into another region. */
export async function moveTarget(world: RestoreWorld, region: string): Promise<void> {
  const { records, accountId } = world.backups;
  const row = await records.get('clusters', [accountId, 'c2']);
  if (row === undefined) throw new Error('No cluster c2');
  await records.put('clusters', [accountId, 'c2'], { ...row.value, region }, 'any');
}

/** Backs the source's namespace up, with the data of its volumes. */
export function backUpDisks(world: RestoreWorld): Promise<BackupRecord> {
  return world.backups.backUp({ volumeBackup: true });
}

/** `<claim> <phase> <reason>` of each row. */
export function rowsOf(record: RestoreRecord): readonly string[] {
  return record.volumes.map(({ pvc, phase, reason }) => `${pvc} ${phase} ${reason}`);
}

/** Ids of a backup's snapshots, which nothing may remove. */
export function snapshotsOf(backup: BackupRecord): readonly string[] {
  return backup.volumes.flatMap(({ resourceId }) => resourceId ?? []);
}

/** Objects of the snapshot API in the target. */
export function snapshotObjects(world: RestoreWorld): readonly JsonObject[] {
  return Object.entries(world.target.dump()).flatMap(([key, object]) =>
    key.startsWith('volumesnapshot') ? [object] : [],
  );
}

/** A claim of the target. */
export function claimOf(world: RestoreWorld, place: string): JsonObject | undefined {
  const [namespace = '', name = ''] = place.split('/');
  return world.target.peek('persistentvolumeclaims', namespace, name);
}

/** A kind of the clusters. */
export function resourceOf(kind: string): ApiResource {
  const found = COMMON_RESOURCES.find((r) => r.kind === kind);
  if (found === undefined) throw new Error(`No ${kind}`);
  return found;
}

/** Plays the CSI driver: the claim is bound to a volume, new unless it names one. */
export async function bindClaim(target: InMemoryClusterClient, place: string): Promise<void> {
  const [namespace = '', name = ''] = place.split('/');
  const claim = target.peek('persistentvolumeclaims', namespace, name);
  const volumeName = textAt(claim, 'spec', 'volumeName') ?? `pvc-${namespace}-${name}`;
  if (claim === undefined) throw new Error(`No claim ${place}`);
  target.seed({
    ...claim,
    spec: { ...objectAt(claim, 'spec'), volumeName },
    status: { phase: 'Bound' },
  });
}
