/** The data of one volume within a backup or a restore, or its absence with the reason. */
export interface VolumeBackup {
  readonly namespace: string;
  readonly pvc: string;
  readonly pv: string;
  readonly method: 'ecsSnapshot' | 'cloudBackup' | 'yamlOnly' | 'notBackedUp';
  readonly reason: string;
  readonly phase: 'Pending' | 'InProgress' | 'Completed' | 'PartiallyFailed' | 'Failed' | 'Skipped';
  /** Id of the snapshot or of the Cloud Backup point that holds the data. */
  readonly resourceId?: string;
  readonly sizeBytes?: number;
  readonly takenAt?: string;
  /** 0 to 1. */
  readonly progress: number;
  /** What the data was taken from: all that a restore must know of it. */
  readonly source?: VolumeSource;
}

/** A volume's storage as it was when its data was taken. */
export type VolumeSource = DiskSource | FileSource;

/** A cloud disk, taken by ECS snapshot. */
export interface DiskSource {
  readonly kind: 'disk';
  readonly diskId: string;
  /** Region of the disk and of its snapshot. */
  readonly region: string;
  readonly zone: string;
  readonly category: string;
  readonly performanceLevel?: string;
  readonly sizeGiB: number;
  readonly volumeMode: 'Filesystem' | 'Block';
  readonly storageClass?: string;
  /** Whether the snapshot could be used before it was complete. */
  readonly instantAccess?: boolean;
}

/** Files, taken by Cloud Backup. */
export interface FileSource {
  readonly kind: 'files';
  readonly region: string;
  /** CSI driver, or the in-tree volume's name. */
  readonly driver: string;
  readonly storageClass?: string;
  readonly accessModes: readonly string[];
  readonly files: CloudFiles;
  readonly hbrVaultId?: string;
  readonly jobId?: string;
  readonly snapshotHash?: string;
}

/** Files on a node, read and written by Cloud Backup's own client there. */
export interface ContainerFiles {
  readonly way: 'container';
  /** ACK id of the cluster. */
  readonly cluster: string;
  readonly node: string;
  readonly podUid: string;
  /** The volume's folder below the kubelet's folder of the pod's volumes. */
  readonly folder: string;
  readonly pvUid: string;
  readonly pv: string;
  readonly namespace: string;
  readonly pvc: string;
  readonly storageClass: string;
  /** As the claim says it: `20Gi`. */
  readonly size: string;
}

/** Files of a NAS file system, reached without any agent. */
export interface NasFiles {
  readonly way: 'nas';
  readonly fileSystemId: string;
  /** Path within the file system, `/` first. */
  readonly path: string;
}

/** Where files are read from or written to. */
export type CloudFiles = ContainerFiles | NasFiles;
