/** Claims whose files are in Cloud Backup, and what a cluster does with new claims and pods. */
import { isJsonObject, type JsonObject, objectAt, textAt } from '../../shared/domain/json.ts';
import type { CloudFiles } from '../../shared/domain/volume-backup.ts';
import { InMemoryCloudBackup } from './in-memory-cloud-backup.ts';
import type { InMemoryClusterClient } from './in-memory-cluster-client.ts';
import { sampleObject } from './restore-samples.ts';
import { RestoreWorld } from './restore-world.ts';

/** A class of NAS that binds at once, and one of disks that waits for a pod. */
export const NAS_CLASS = 'my-nas';
export const LATE_CLASS = 'alicloud-disk-topology-alltype';

const NAS_DRIVER = 'nasplugin.csi.alibabacloud.com';
const DISK_DRIVER = 'diskplugin.csi.alibabacloud.com';
const SERVER = 'cn-hangzhou.nas.aliyuncs.com';

/** A world whose target has these classes and a node. */
export async function landingWorld(pace: { readonly jobMs?: number } = {}): Promise<RestoreWorld> {
  const world = await RestoreWorld.create();
  world.backups.cloudBackup = new InMemoryCloudBackup(world.backups.clock, pace);
  const volumeBindingMode = 'WaitForFirstConsumer';
  const late = { provisioner: DISK_DRIVER, volumeBindingMode };
  world.target.seed(sampleObject('StorageClass', NAS_CLASS, { provisioner: NAS_DRIVER }));
  world.target.seed(sampleObject('StorageClass', LATE_CLASS, late));
  world.target.seed(sampleObject('Node', 'node-1'));
  return world;
}

/** Puts a NAS claim, its volume and the pod that mounts it into the source; returns its place. */
export function seedNasClaim(world: RestoreWorld, place: string, content: string): CloudFiles {
  const [, name = ''] = place.split('/');
  const attributes = { server: `fsold-x1.${SERVER}`, path: `/${name}` };
  seedClaim(world, place, { driver: NAS_DRIVER, storageClass: NAS_CLASS, attributes });
  const files: CloudFiles = { way: 'nas', fileSystemId: 'fsold', path: `/${name}` };
  world.backups.cloudBackup.write(files, content);
  return files;
}

/** The same for a claim that Cloud Backup reads on a node: OSS. */
export function seedNodeClaim(world: RestoreWorld, place: string, content: string): CloudFiles {
  const [namespace = '', pvc = ''] = place.split('/');
  const attributes = { bucket: 'b', path: `/${pvc}` };
  const storageClass = LATE_CLASS;
  seedClaim(world, place, { driver: 'ossplugin.csi.alibabacloud.com', storageClass, attributes });
  world.backups.cloudBackup.setAgent('c1', 'READY');
  const pod = world.backups.cluster.peek('pods', namespace, `pod-${pvc}`);
  const files: CloudFiles = {
    way: 'container',
    cluster: 'c1',
    node: 'node-1',
    podUid: textAt(pod, 'metadata', 'uid') ?? '',
    folder: `kubernetes.io~csi/pv-${pvc}/mount`,
    pvUid: '',
    pv: `pv-${pvc}`,
    namespace,
    pvc,
    storageClass,
    size: '20Gi',
  };
  world.backups.cloudBackup.write(files, content);
  return files;
}

function seedClaim(
  world: RestoreWorld,
  place: string,
  given: { driver: string; storageClass: string; attributes: JsonObject },
): void {
  const [namespace = '', name = ''] = place.split('/');
  const { driver, storageClass: storageClassName, attributes: volumeAttributes } = given;
  const accessModes = ['ReadWriteMany'];
  world.seed(
    sampleObject('PersistentVolumeClaim', place, {
      spec: {
        accessModes,
        resources: { requests: { storage: '20Gi' } },
        storageClassName,
        volumeName: `pv-${name}`,
      },
      status: { phase: 'Bound' },
    }),
  );
  world.seed(
    sampleObject('PersistentVolume', `pv-${name}`, {
      spec: {
        capacity: { storage: '20Gi' },
        accessModes,
        storageClassName,
        claimRef: { kind: 'PersistentVolumeClaim', namespace, name },
        csi: { driver, volumeHandle: `pv-${name}`, volumeAttributes },
      },
    }),
  );
  const spec = {
    nodeName: 'node-1',
    volumes: [{ name: 'data', persistentVolumeClaim: { claimName: name } }],
  };
  const status = { phase: 'Running' };
  world.seed(sampleObject('Pod', `${namespace}/pod-${name}`, { spec, status }));
}

/** What a cluster's driver and kubelet do after each write, unless a test stops them. */
export interface PlayedCluster {
  /** Volumes are made; else claims stay Pending. */
  provisions: boolean;
  /** Of new volumes. */
  reclaimPolicy: 'Delete' | 'Retain';
  /** How new volumes name their file system. */
  attributes: JsonObject;
  /** Pods are put on `node-1` and run. */
  runs: boolean;
}

/** Plays them in the target. */
export function playCluster(target: InMemoryClusterClient): PlayedCluster {
  const played: PlayedCluster = {
    provisions: true,
    reclaimPolicy: 'Delete',
    attributes: { server: `fsnew-x1.${SERVER}` },
    runs: true,
  };
  const react = () => {
    for (const object of Object.values(target.dump())) {
      if (object.kind === 'Pod' && played.runs) run(target, object);
    }
    for (const object of Object.values(target.dump())) {
      if (object.kind === 'PersistentVolumeClaim' && played.provisions)
        bind(target, object, played);
    }
  };
  const create = target.create.bind(target);
  target.create = async (...given) => {
    try {
      return await create(...given);
    } finally {
      react();
    }
  };
  return played;
}

function run(target: InMemoryClusterClient, pod: JsonObject): void {
  if (textAt(pod, 'status', 'phase') !== undefined) return;
  const spec = { ...objectAt(pod, 'spec'), nodeName: 'node-1' };
  target.seed({ ...pod, spec, status: { phase: 'Running' } });
}

function bind(target: InMemoryClusterClient, claim: JsonObject, played: PlayedCluster): void {
  const namespace = textAt(claim, 'metadata', 'namespace') ?? '';
  const name = textAt(claim, 'metadata', 'name') ?? '';
  const storageClass = textAt(claim, 'spec', 'storageClassName') ?? '';
  const held = target.peek('storageclasses.storage.k8s.io', undefined, storageClass);
  const isBound = textAt(claim, 'status', 'phase') === 'Bound';
  const waits = held?.volumeBindingMode === 'WaitForFirstConsumer';
  if (isBound || held === undefined || (waits && !isMounted(target, namespace, name))) return;
  const volumeName = `new-${namespace}-${name}`;
  const driver = textAt(held, 'provisioner') ?? '';
  const path = `/${volumeName}`;
  const csi = {
    driver,
    volumeHandle: volumeName,
    volumeAttributes: { ...played.attributes, path },
  };
  const persistentVolumeReclaimPolicy = played.reclaimPolicy;
  const spec = {
    persistentVolumeReclaimPolicy,
    csi,
    capacity: { storage: '20Gi' },
    storageClassName: storageClass,
  };
  target.seed(sampleObject('PersistentVolume', volumeName, { spec }));
  const status = { phase: 'Bound' };
  target.seed({ ...claim, spec: { ...objectAt(claim, 'spec'), volumeName }, status });
}

function isMounted(target: InMemoryClusterClient, namespace: string, claim: string): boolean {
  return Object.values(target.dump()).some((object) => {
    const volumes = objectAt(object, 'spec')?.volumes;
    return (
      object.kind === 'Pod' &&
      textAt(object, 'metadata', 'namespace') === namespace &&
      Array.isArray(volumes) &&
      volumes.some(
        (v) => isJsonObject(v) && textAt(v, 'persistentVolumeClaim', 'claimName') === claim,
      )
    );
  });
}

/** The place of a claim's new NAS volume. */
export function newNasPlace(place: string): CloudFiles {
  return { way: 'nas', fileSystemId: 'fsnew', path: `/new-${place.replace('/', '-')}` };
}
