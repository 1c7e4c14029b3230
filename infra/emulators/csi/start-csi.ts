/**
 * The storage add-ons of an ACK cluster, played: csi-provisioner, csi-attacher, snapshot-controller,
 * csi-snapshotter and the disk and NAS drivers. They speak to an API server and to ECS only.
 */
import { join } from 'node:path';
import type { ApiAccess } from '../controllers/engine/api-client.ts';
import type { ClusterCache } from '../controllers/engine/cluster-cache.ts';
import { keyOf } from '../controllers/engine/kube-objects.ts';
import { Reconcilers, type Runner } from '../controllers/engine/reconcilers.ts';
import { volumes } from '../controllers/engine/storage-objects.ts';
import { nodes } from '../controllers/engine/workload-objects.ts';
import { runAttachDetach } from './attach-detach.ts';
import { runAttacher } from './attacher.ts';
import { setUpCluster, setUpNode } from './cluster-setup.ts';
import { runCsiSnapshotter } from './csi-snapshotter.ts';
import { DiskDriver } from './disk-driver.ts';
import { type EcsAccess, EcsClient } from './ecs-client.ts';
import { type NasDirectory, NasDriver } from './nas-driver.ts';
import { runProvisioner } from './provisioner.ts';
import { ProvisioningJournal } from './provisioning-journal.ts';
import { runSnapshotController } from './snapshot-controller.ts';
import { DISK_DRIVER, NAS_DRIVER } from './volume-driver.ts';
import { runVolumeReclaimer } from './volume-reclaimer.ts';

/** Which cluster and which account the add-ons serve, and where bytes are. */
export interface CsiOptions {
  /** May do everything that the add-ons' service accounts may. */
  readonly cluster: ApiAccess;
  readonly ecs: EcsAccess;
  readonly region: string;
  readonly clusterId: string;
  readonly now: () => number;
  /** Keeps the volumes in the making; survives kill -9. One stand-in per folder. */
  readonly dir: string;
  /** Installs snapshot.storage.k8s.io/v1 and runs what serves it. Default true, as in ACK. */
  readonly installSnapshotApi?: boolean;
  /** Zones of claims that no consumer places. Default: those of the nodes. */
  readonly zones?: readonly string[];
  readonly nasDirectory: NasDirectory;
  /** Where the bytes of a disk are. */
  readonly diskDirectory: (diskId: string) => string;
}

/** The add-ons at work. */
export interface Csi extends Runner {
  /** The directory of a PV's bytes; undefined where there is none (OSS, other drivers, no PV). */
  volumeDirectory(volumeName: string): Promise<string | undefined>;
}

/** Resolves when drivers and classes are installed and the controllers run. */
export async function startCsi(options: CsiOptions): Promise<Csi> {
  const { installSnapshotApi: snapshots = true, zones, now } = options;
  const reconcilers = new Reconcilers(options.cluster, now);
  const journal = new ProvisioningJournal(join(options.dir, 'provisioning'));
  const close = async (): Promise<void> => {
    await reconcilers.close();
    await journal.close();
  };
  try {
    await setUpCluster(reconcilers.cluster, { ...options, installSnapshotApi: snapshots });
  } catch (error) {
    await close();
    throw error;
  }
  const ecs = new EcsClient(options.ecs, options.region);
  const nas = new NasDriver(reconcilers.cluster, options.nasDirectory);
  const drivers = [new DiskDriver(ecs, options.clusterId), nas];
  const given = { drivers, journal, snapshots, ...(zones === undefined ? {} : { zones }) };
  runNodeRegistration(reconcilers);
  runProvisioner(reconcilers, given);
  runVolumeReclaimer(reconcilers, drivers);
  runAttachDetach(reconcilers);
  runAttacher(reconcilers, ecs);
  if (snapshots) {
    runSnapshotController(reconcilers);
    runCsiSnapshotter(reconcilers, { ecs, clusterId: options.clusterId });
  }
  return {
    close,
    idle: () => reconcilers.idle(),
    volumeDirectory: (name) => volumeDirectory(reconcilers.cluster, { name, nas, options }),
  };
}

function runNodeRegistration(reconcilers: Reconcilers): void {
  const cached = reconcilers.cluster.informer(nodes);
  const queue = reconcilers.queue('Drivers of a node', async (key) => {
    const node = cached.get(key);
    if (node !== undefined) await setUpNode(reconcilers.cluster, node);
  });
  reconcilers.follow(nodes, (after, before) => {
    if (after !== undefined && before === undefined) queue.add(keyOf(after));
  });
}

async function volumeDirectory(
  cluster: ClusterCache,
  given: { name: string; nas: NasDriver; options: CsiOptions },
): Promise<string | undefined> {
  const volume = await cluster.read(volumes, { name: given.name });
  const source = volume?.spec.csi;
  if (source?.driver === DISK_DRIVER) return given.options.diskDirectory(source.volumeHandle);
  if (source?.driver === NAS_DRIVER) return given.nas.directory(source.volumeAttributes ?? {});
  return undefined;
}
