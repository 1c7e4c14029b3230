/** Volumes and claims, as far as binding, provisioning and scheduling read them. */
import type {
  KubeObject,
  LabelSelector,
  Labels,
  ObjectReference,
  ResourceKind,
} from './kube-objects.ts';
import type { NodeSelector } from './workload-objects.ts';

export interface PersistentVolumeClaim extends KubeObject {
  readonly spec: {
    readonly accessModes?: readonly string[];
    readonly storageClassName?: string;
    readonly volumeName?: string;
    readonly volumeMode?: string;
    readonly selector?: LabelSelector;
    readonly resources?: { readonly requests?: Labels };
    readonly dataSource?: object;
    readonly dataSourceRef?: object;
  };
  readonly status?: {
    readonly phase?: string;
    readonly accessModes?: readonly string[];
    readonly capacity?: Labels;
  };
}

export interface PersistentVolume extends KubeObject {
  readonly spec: {
    readonly accessModes?: readonly string[];
    readonly capacity?: Labels;
    readonly storageClassName?: string;
    readonly volumeMode?: string;
    readonly claimRef?: ObjectReference;
    readonly persistentVolumeReclaimPolicy?: string;
    readonly nodeAffinity?: { readonly required?: NodeSelector };
    readonly csi?: {
      readonly driver: string;
      readonly volumeHandle: string;
      readonly volumeAttributes?: Labels;
    };
  };
  readonly status?: { readonly phase?: string };
}

export interface StorageClass extends KubeObject {
  readonly provisioner: string;
  readonly volumeBindingMode?: string;
  readonly reclaimPolicy?: string;
  readonly mountOptions?: readonly string[];
  readonly parameters?: Labels;
  readonly allowedTopologies?: readonly {
    readonly matchLabelExpressions?: readonly {
      readonly key: string;
      readonly values: readonly string[];
    }[];
  }[];
}

/** A CSI driver as it is registered with the cluster. */
export interface CsiDriver extends KubeObject {
  readonly spec: { readonly attachRequired?: boolean };
}

/** A wish that a volume be attached to a node, and whether it is. */
export interface VolumeAttachment extends KubeObject {
  readonly spec: {
    readonly attacher: string;
    readonly nodeName: string;
    readonly source: { readonly persistentVolumeName?: string };
  };
  readonly status?: {
    readonly attached?: boolean;
    readonly attachError?: { readonly message?: string };
    readonly detachError?: { readonly message?: string };
  };
}

export const claims: ResourceKind<PersistentVolumeClaim> = {
  apiVersion: 'v1',
  kind: 'PersistentVolumeClaim',
  plural: 'persistentvolumeclaims',
};
export const volumes: ResourceKind<PersistentVolume> = {
  apiVersion: 'v1',
  kind: 'PersistentVolume',
  plural: 'persistentvolumes',
};
export const storageClasses: ResourceKind<StorageClass> = {
  apiVersion: 'storage.k8s.io/v1',
  kind: 'StorageClass',
  plural: 'storageclasses',
};

export const csiDrivers: ResourceKind<CsiDriver> = {
  apiVersion: 'storage.k8s.io/v1',
  kind: 'CSIDriver',
  plural: 'csidrivers',
};
export const volumeAttachments: ResourceKind<VolumeAttachment> = {
  apiVersion: 'storage.k8s.io/v1',
  kind: 'VolumeAttachment',
  plural: 'volumeattachments',
};

/** A StorageClass that is the default where a claim names none. */
export const DEFAULT_CLASS_ANNOTATION = 'storageclass.kubernetes.io/is-default-class';
/** The class of old objects that have no `storageClassName`. */
const BETA_CLASS_ANNOTATION = 'volume.beta.kubernetes.io/storage-class';
/** The node that the scheduler chose for a claim's first consumer. */
export const SELECTED_NODE_ANNOTATION = 'volume.kubernetes.io/selected-node';
/** On a claim or volume: the binder, not a user, made the link to the other one. */
export const BOUND_BY_CONTROLLER_ANNOTATION = 'pv.kubernetes.io/bound-by-controller';

/** The class of a claim or volume; '' when it has none, undefined when it never said. */
export function storageClassOf(
  object: PersistentVolumeClaim | PersistentVolume,
): string | undefined {
  return object.metadata.annotations?.[BETA_CLASS_ANNOTATION] ?? object.spec.storageClassName;
}

/** Whether claims of this class bind only when a pod needs them. */
export function waitsForConsumer(storageClass: StorageClass | undefined): boolean {
  return storageClass?.volumeBindingMode === 'WaitForFirstConsumer';
}
