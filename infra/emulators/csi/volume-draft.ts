import type { PersistentVolumeClaim, StorageClass } from '../controllers/engine/storage-objects.ts';
import { storageClassOf } from '../controllers/engine/storage-objects.ts';
import {
  type MadeVolume,
  type VolumeDriver,
  type VolumeRequest,
  ZONE_TOPOLOGY,
} from './volume-driver.ts';

/** On a PV: which provisioner made it, and so which one deletes it. */
export const PROVISIONED_BY_ANNOTATION = 'pv.kubernetes.io/provisioned-by';
/** Keeps a PV of policy Delete until its storage is deleted (csi-provisioner >= 5). */
export const PROVISIONER_FINALIZER = 'external-provisioner.volume.kubernetes.io/finalizer';

const DELETION_SECRET_ANNOTATIONS = {
  'volume.kubernetes.io/provisioner-deletion-secret-name': '',
  'volume.kubernetes.io/provisioner-deletion-secret-namespace': '',
};
/** csi-provisioner's --default-fstype in ACK. */
const DEFAULT_FS_TYPE = 'ext4';
const FS_TYPE_PARAMETERS = ['csi.storage.k8s.io/fstype', 'fsType', 'fstype'];
const UNITS = [
  ['Ti', 2 ** 40],
  ['Gi', 2 ** 30],
  ['Mi', 2 ** 20],
] as const;

/** The PV of a volume that a driver has made for a claim. */
export function volumeDraft(given: {
  claim: PersistentVolumeClaim;
  storageClass: StorageClass;
  driver: VolumeDriver;
  request: VolumeRequest;
  made: MadeVolume;
}): object {
  const { claim, storageClass, driver, request, made } = given;
  const { name, namespace, uid, resourceVersion } = claim.metadata;
  const { mountOptions, reclaimPolicy = 'Delete' } = storageClass;
  const annotations = { [PROVISIONED_BY_ANNOTATION]: driver.name, ...DELETION_SECRET_ANNOTATIONS };
  const target = { kind: 'PersistentVolumeClaim', apiVersion: 'v1' };
  return {
    metadata: {
      name: request.name,
      annotations,
      ...(reclaimPolicy === 'Delete' ? { finalizers: [PROVISIONER_FINALIZER] } : {}),
    },
    spec: {
      accessModes: claim.spec.accessModes,
      capacity: { storage: quantityText(made.sizeBytes) },
      claimRef: { ...target, name, namespace, uid, resourceVersion },
      persistentVolumeReclaimPolicy: reclaimPolicy,
      storageClassName: storageClassOf(claim),
      volumeMode: claim.spec.volumeMode ?? 'Filesystem',
      ...(mountOptions === undefined ? {} : { mountOptions }),
      csi: {
        driver: driver.name,
        volumeHandle: made.handle,
        ...(driver.hasTopology && !request.block ? { fsType: fsTypeOf(storageClass) } : {}),
        volumeAttributes: {
          ...made.attributes,
          'storage.kubernetes.io/csiProvisionerIdentity': `${driver.name}-provisioner`,
        },
      },
      ...(made.zone === undefined ? {} : { nodeAffinity: inZone(made.zone) }),
    },
  };
}

/** Bytes as a quantity in the largest unit that holds them exactly. */
export function quantityText(bytes: number): string {
  for (const [unit, factor] of UNITS) {
    if (bytes > 0 && bytes % factor === 0) return `${bytes / factor}${unit}`;
  }
  return String(bytes);
}

function inZone(zone: string): object {
  const expression = { key: ZONE_TOPOLOGY, operator: 'In', values: [zone] };
  return { required: { nodeSelectorTerms: [{ matchExpressions: [expression] }] } };
}

function fsTypeOf(storageClass: StorageClass): string {
  const name = FS_TYPE_PARAMETERS.find((each) => storageClass.parameters?.[each] !== undefined);
  return storageClass.parameters?.[name ?? ''] ?? DEFAULT_FS_TYPE;
}
