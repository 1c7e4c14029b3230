import { ApiError } from './engine/api-client.ts';
import { keyFor, keyOf } from './engine/kube-objects.ts';
import type { Reconcilers } from './engine/reconcilers.ts';
import {
  claims,
  type PersistentVolume,
  type PersistentVolumeClaim,
  storageClasses,
  storageClassOf,
  volumes,
} from './engine/storage-objects.ts';

/** The provisioner of the sandbox's plain StorageClasses. */
const PROVISIONER = 'sandbox.local/directory';
/** The name under which its volumes name their driver; driver names may hold no slash. */
const DRIVER = 'directory.sandbox.local';
const ASKED_ANNOTATION = 'volume.kubernetes.io/storage-provisioner';
const MADE_BY_ANNOTATION = 'pv.kubernetes.io/provisioned-by';

/** Makes volumes for claims of `sandbox.local/directory`, and deletes released ones of policy Delete. */
export function runDirectoryProvisioner(reconcilers: Reconcilers): void {
  const makers = reconcilers.queue('Directory volume', (key) => provision(reconcilers, key));
  const reclaimers = reconcilers.queue('Released volume', (key) => reclaim(reconcilers, key));
  const pending = reconcilers.cluster.informer(claims);
  reconcilers.feed(claims, makers);
  reconcilers.follow(storageClasses, () => {
    for (const claim of pending.all()) if (isWanted(claim)) makers.add(keyOf(claim));
  });
  reconcilers.feed(volumes, reclaimers);
}

async function provision(reconcilers: Reconcilers, key: string): Promise<void> {
  const { cluster } = reconcilers;
  const claim = cluster.informer(claims).get(key);
  if (claim === undefined || !isWanted(claim)) return;
  const className = storageClassOf(claim) ?? '';
  const storageClass = cluster.informer(storageClasses).get(className);
  if (storageClass?.provisioner !== PROVISIONER) return;
  const { name, namespace, uid, resourceVersion } = claim.metadata;
  const volumeName = `pvc-${uid}`;
  const target = { apiVersion: 'v1', kind: 'PersistentVolumeClaim' };
  try {
    await cluster.create(volumes, undefined, {
      metadata: { name: volumeName, annotations: { [MADE_BY_ANNOTATION]: PROVISIONER } },
      spec: {
        accessModes: claim.spec.accessModes,
        capacity: { storage: claim.spec.resources?.requests?.storage },
        claimRef: { ...target, name, namespace, uid, resourceVersion },
        persistentVolumeReclaimPolicy: storageClass.reclaimPolicy ?? 'Delete',
        storageClassName: className,
        volumeMode: claim.spec.volumeMode ?? 'Filesystem',
        ...(storageClass.mountOptions === undefined
          ? {}
          : { mountOptions: storageClass.mountOptions }),
        csi: {
          driver: DRIVER,
          volumeHandle: volumeName,
          volumeAttributes: { ...storageClass.parameters, directory: keyFor(namespace, name) },
        },
      },
    });
  } catch (error) {
    if (!(error instanceof ApiError && error.reason === 'AlreadyExists')) throw error;
  }
}

async function reclaim(reconcilers: Reconcilers, key: string): Promise<void> {
  const { cluster } = reconcilers;
  const volume: PersistentVolume | undefined = cluster.informer(volumes).get(key);
  if (volume?.spec.csi?.driver !== DRIVER || volume.status?.phase !== 'Released') return;
  if (volume.spec.persistentVolumeReclaimPolicy !== 'Delete') return;
  if (volume.metadata.annotations?.[MADE_BY_ANNOTATION] !== PROVISIONER) return;
  if (volume.metadata.deletionTimestamp !== undefined) return;
  await cluster.remove(volumes, volume, { now: reconcilers.now() });
}

/** Whether the binder has asked for a volume; one cannot be made from a data source. */
function isWanted(claim: PersistentVolumeClaim): boolean {
  return (
    (claim.spec.volumeName ?? '') === '' &&
    claim.metadata.deletionTimestamp === undefined &&
    claim.metadata.annotations?.[ASKED_ANNOTATION] === PROVISIONER &&
    claim.spec.dataSource === undefined &&
    claim.spec.dataSourceRef === undefined
  );
}
