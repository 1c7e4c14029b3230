/**
 * The objects by which a claim gets a new disk with a snapshot's data. With the snapshot API the
 * cluster's own driver makes the disk, where the pod can run; without it the disk is made first and
 * a static volume names it. Either way the snapshot stays: it must be there for the next restore.
 */
import { type JsonObject, objectAt, textAt } from '../json.ts';
import type { KubeObject } from '../kube-object.ts';
import { stripMetadata } from '../transform/strip-metadata.ts';
import type { DiskSource } from '../volume-backup.ts';
import { classOfClaim } from './claim-class.ts';
import { GIB, quantityBytes } from './quantity.ts';
import { stableHash } from './stable-hash.ts';
import { DISK_ZONE_LABEL } from './zone-labels.ts';

/** Annotation of everything a restore makes beside what is in the backup: the id of its run. */
export const RUN_ANNOTATION = 'backup-centre.io/run';

/** Labels by which what a restore made beside the backup's objects is found again. */
export const MANAGED_LABELS = { 'app.kubernetes.io/managed-by': 'ack-backup-centre' } as const;

const DISK_DRIVER = 'diskplugin.csi.alibabacloud.com';
const SNAPSHOT_GROUP = 'snapshot.storage.k8s.io';

/** Least size of a disk, GiB (ACK §10-33; the driver raises smaller claims to it as well). */
const DISK_GIB_MIN = 20;

/** Fields of a claim's spec that bind it to one volume or fill it from somewhere else. */
const BINDING_FIELDS: readonly string[] = ['volumeName', 'selector', 'dataSource', 'dataSourceRef'];

/** A claim, what must be there for it, and one line per change of it. */
export interface SnapshotClaim {
  readonly content: KubeObject;
  readonly snapshot: KubeObject;
  readonly claim: KubeObject;
  readonly changes: readonly string[];
}

/** A claim and the volume made for it. */
export interface StaticClaim {
  readonly volume: KubeObject;
  readonly claim: KubeObject;
  readonly changes: readonly string[];
}

/**
 * Name of what a run makes for a claim: the same in each attempt, another in each run. `namespace`
 * is that of the target.
 */
export function madeName(given: {
  readonly runId: string;
  readonly namespace: string;
  readonly pvc: string;
}): string {
  const { runId, namespace, pvc } = given;
  return `bc-${stableHash(runId).slice(0, 8)}-${stableHash(`${namespace}/${pvc}`)}`;
}

/**
 * GiB that the claim's new disk must have: what it asks for, what the snapshot holds, the least.
 */
export function diskSize(
  claim: JsonObject,
  snapshotGiB: number,
): { readonly sizeGiB: number; readonly changes: readonly string[] } {
  const requested = requestOf(claim);
  const requestedGiB = Math.ceil((quantityBytes(requested) ?? 0) / GIB);
  const sizeGiB = Math.max(requestedGiB, snapshotGiB, DISK_GIB_MIN);
  if (sizeGiB === requestedGiB) return { sizeGiB, changes: [] };
  const why =
    snapshotGiB >= DISK_GIB_MIN
      ? `its snapshot has ${snapshotGiB} GiB`
      : 'disks have 20 GiB at least';
  return { sizeGiB, changes: [`size: ${requested ?? 'none'} becomes ${sizeGiB}Gi (${why})`] };
}

/**
 * A claim that the cluster's driver fills from the snapshot. The claim keeps its class, which must
 * have that driver. `snapshotId` is the snapshot's id in the target's region.
 */
export function claimFromSnapshot(given: {
  readonly runId: string;
  /** The claim of the backup under its namespace in the target. */
  readonly claim: KubeObject;
  readonly snapshotId: string;
  readonly source: Pick<DiskSource, 'sizeGiB' | 'volumeMode'>;
  /** Version of the snapshot API that the target serves. */
  readonly snapshotVersion: 'v1' | 'v1beta1';
}): SnapshotClaim {
  const { runId, claim, snapshotId, source, snapshotVersion } = given;
  const namespace = claim.metadata.namespace ?? '';
  const name = madeName({ runId, namespace, pvc: claim.metadata.name });
  const apiVersion = `${SNAPSHOT_GROUP}/${snapshotVersion}`;
  const { sizeGiB, changes } = diskSize(claim, source.sizeGiB);
  return {
    content: {
      apiVersion,
      kind: 'VolumeSnapshotContent',
      metadata: { name, ...marks(runId) },
      spec: {
        // With Delete, removing the snapshot object destroys the backup at ECS (API §K).
        deletionPolicy: 'Retain',
        driver: DISK_DRIVER,
        source: { snapshotHandle: snapshotId },
        volumeSnapshotRef: { apiVersion, kind: 'VolumeSnapshot', namespace, name },
        // Keeps a file system from being given to a pod as a raw disk, and the other way round.
        sourceVolumeMode: source.volumeMode,
      },
    },
    snapshot: {
      apiVersion,
      kind: 'VolumeSnapshot',
      metadata: { name, namespace, ...marks(runId) },
      spec: { source: { volumeSnapshotContentName: name } },
    },
    claim: withSpec(claim, sizeGiB, {
      dataSource: { apiGroup: SNAPSHOT_GROUP, kind: 'VolumeSnapshot', name },
    }),
    changes: [...changes, `dataSource: snapshot ${snapshotId}`],
  };
}

/** A claim and a static volume on a disk that was made of the snapshot. */
export function claimOfDisk(given: {
  readonly runId: string;
  /** The claim of the backup under its namespace in the target. */
  readonly claim: KubeObject;
  /** The volume of the backup, for what a disk does not tell: file system and mount options. */
  readonly backupVolume: JsonObject | undefined;
  /** Made with the size that `diskSize` gives for the claim and the source. */
  readonly disk: { readonly id: string; readonly zone: string };
  readonly source: Pick<DiskSource, 'sizeGiB' | 'volumeMode'>;
}): StaticClaim {
  const { runId, claim, backupVolume, disk, source } = given;
  const { sizeGiB, changes } = diskSize(claim, source.sizeGiB);
  const namespace = claim.metadata.namespace ?? '';
  const name = madeName({ runId, namespace, pvc: claim.metadata.name });
  const storageClassName = classOfClaim(claim);
  const mountOptions = objectAt(backupVolume, 'spec')?.mountOptions;
  const volume: KubeObject = {
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: { name, ...marks(runId) },
    spec: {
      accessModes: objectAt(claim, 'spec')?.accessModes,
      capacity: { storage: `${sizeGiB}Gi` },
      // Named here, so that no other claim takes the volume in the meantime.
      claimRef: {
        apiVersion: 'v1',
        kind: 'PersistentVolumeClaim',
        namespace,
        name: claim.metadata.name,
      },
      csi: {
        driver: DISK_DRIVER,
        volumeHandle: disk.id,
        ...(source.volumeMode === 'Block' ? {} : { fsType: fileSystemOf(backupVolume) }),
      },
      ...(mountOptions === undefined ? {} : { mountOptions }),
      nodeAffinity: inZone(disk.zone),
      persistentVolumeReclaimPolicy: 'Retain',
      storageClassName,
      volumeMode: source.volumeMode,
    },
  };
  return {
    volume,
    // The class is written down even where it is none: the target's default class must not enter.
    claim: withSpec(claim, sizeGiB, { volumeName: name, storageClassName }),
    changes: [...changes, `volumeName: ${name}, on disk ${disk.id} in zone ${disk.zone}`],
  };
}

function marks(runId: string): {
  labels: Record<string, string>;
  annotations: Record<string, string>;
} {
  return { labels: { ...MANAGED_LABELS }, annotations: { [RUN_ANNOTATION]: runId } };
}

/** The claim without its former life and volume; the one that was given stays as it is. */
function withSpec(claim: KubeObject, sizeGiB: number, fields: JsonObject): KubeObject {
  const { annotations } = claim.metadata;
  const metadata = {
    ...claim.metadata,
    ...(annotations === undefined ? {} : { annotations: { ...annotations } }),
  };
  const kept = Object.entries(objectAt(claim, 'spec') ?? {}).filter(
    ([field]) => !BINDING_FIELDS.includes(field),
  );
  const spec = { ...Object.fromEntries(kept), resources: resourcesOf(claim, sizeGiB), ...fields };
  const changed: KubeObject = { ...claim, metadata, spec };
  stripMetadata(changed);
  return changed;
}

/** Sizes that are large enough already stay as the user wrote them. */
function resourcesOf(claim: JsonObject, sizeGiB: number): JsonObject {
  const resources = objectAt(claim, 'spec', 'resources') ?? {};
  const raised = (size: unknown) =>
    Math.ceil((quantityBytes(size) ?? 0) / GIB) >= sizeGiB ? size : `${sizeGiB}Gi`;
  const requests = objectAt(resources, 'requests');
  const limits = objectAt(resources, 'limits');
  return {
    ...resources,
    requests: { ...requests, storage: raised(requests?.storage) },
    // A limit below the request would be refused.
    ...(limits?.storage === undefined
      ? {}
      : { limits: { ...limits, storage: raised(limits.storage) } }),
  };
}

function requestOf(claim: JsonObject): string | undefined {
  return textAt(claim, 'spec', 'resources', 'requests', 'storage');
}

function fileSystemOf(volume: JsonObject | undefined): string {
  // ext4 is what the driver makes where nothing else is asked for.
  return (
    textAt(volume, 'spec', 'csi', 'fsType') ??
    textAt(volume, 'spec', 'flexVolume', 'fsType') ??
    'ext4'
  );
}

function inZone(zone: string): JsonObject {
  const expression = { key: DISK_ZONE_LABEL, operator: 'In', values: [zone] };
  return { required: { nodeSelectorTerms: [{ matchExpressions: [expression] }] } };
}
