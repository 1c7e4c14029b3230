/** Kinds of snapshot.storage.k8s.io/v1. */
import type {
  KubeObject,
  Labels,
  ObjectReference,
  ResourceKind,
} from '../controllers/engine/kube-objects.ts';

/** The last thing that went wrong; gone after the next success. */
interface SnapshotError {
  readonly message?: string;
  readonly time?: string;
}

export interface VolumeSnapshot extends KubeObject {
  readonly spec: {
    readonly source: {
      readonly persistentVolumeClaimName?: string;
      readonly volumeSnapshotContentName?: string;
    };
    readonly volumeSnapshotClassName?: string;
  };
  readonly status?: {
    readonly boundVolumeSnapshotContentName?: string;
    readonly creationTime?: string;
    readonly readyToUse?: boolean;
    readonly restoreSize?: string;
    readonly error?: SnapshotError;
  };
}

export interface VolumeSnapshotContent extends KubeObject {
  readonly spec: {
    readonly deletionPolicy: string;
    readonly driver: string;
    readonly source: { readonly volumeHandle?: string; readonly snapshotHandle?: string };
    readonly sourceVolumeMode?: string;
    readonly volumeSnapshotClassName?: string;
    readonly volumeSnapshotRef: ObjectReference;
  };
  readonly status?: {
    readonly snapshotHandle?: string;
    /** Nanoseconds since the epoch. */
    readonly creationTime?: number;
    readonly readyToUse?: boolean;
    /** Bytes. */
    readonly restoreSize?: number;
    readonly error?: SnapshotError;
  };
}

export interface VolumeSnapshotClass extends KubeObject {
  readonly driver: string;
  readonly deletionPolicy: string;
  readonly parameters?: Labels;
}

export const SNAPSHOT_GROUP = 'snapshot.storage.k8s.io';
const apiVersion = `${SNAPSHOT_GROUP}/v1`;

export const volumeSnapshots: ResourceKind<VolumeSnapshot> = {
  apiVersion,
  kind: 'VolumeSnapshot',
  plural: 'volumesnapshots',
};
export const volumeSnapshotContents: ResourceKind<VolumeSnapshotContent> = {
  apiVersion,
  kind: 'VolumeSnapshotContent',
  plural: 'volumesnapshotcontents',
};
export const volumeSnapshotClasses: ResourceKind<VolumeSnapshotClass> = {
  apiVersion,
  kind: 'VolumeSnapshotClass',
  plural: 'volumesnapshotclasses',
};
