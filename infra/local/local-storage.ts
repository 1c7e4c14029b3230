/** The storage of the local stack: ECS, Cloud Backup, and each cluster's storage add-ons. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { CredentialLookup } from '../emulators/acs-signature/credential.ts';
import { type Csi, startCsi } from '../emulators/csi/start-csi.ts';
import { type EcsEmulator, startEcsEmulator } from '../emulators/ecs/server.ts';
import { type HbrEmulator, startHbrEmulator } from '../emulators/hbr/server.ts';
import type { RunningCluster } from './running-cluster.ts';

/** Storage that is up. */
export interface LocalStorage {
  readonly ecs: EcsEmulator;
  readonly hbr: HbrEmulator;
  /** Folder of a volume's bytes in a cluster; undefined where it has none. */
  volumeDirectory(cluster: string, volume: string): Promise<string | undefined>;
  /** Resolves when no add-on has anything left to do. */
  idle(): Promise<void>;
  close(): Promise<void>;
}

/** How it is started. */
export interface StorageOptions {
  readonly stateDir: string;
  readonly now: () => number;
  readonly region: string;
  readonly accountId: string;
  readonly credentials: CredentialLookup;
  readonly keys: { readonly accessKeyId: string; readonly accessKeySecret: string };
  readonly clusters: readonly RunningCluster[];
  readonly ports: Readonly<Record<string, number>>;
}

/** Starts the clouds and the add-ons; state in the stack's folder survives kill -9. */
export async function startStorage(options: StorageOptions): Promise<LocalStorage> {
  const { now, region, credentials, clusters, ports, stateDir } = options;
  const nasDirectory = (fileSystemId: string): string => folder(stateDir, 'nas', fileSystemId);
  const ecs = await startEcsEmulator({
    dir: folder(stateDir, 'ecs'),
    now,
    region,
    credentials,
    port: ports.ecs ?? 0,
    instances: clusters.flatMap(instancesOf),
    // Minutes on the real thing; nobody wants to wait that long on a laptop.
    durations: { snapshotMs: () => 1500, copyMs: () => 2000 },
  });
  const hbr = await startHbrEmulator({
    dir: folder(stateDir, 'hbr'),
    now,
    region,
    credentials,
    port: ports.hbr ?? 0,
    vaultMs: 1000,
    nas: nasDirectory,
    // No agent runs in the stack's clusters.
    containerMount: () => undefined,
  });
  const addOns = new Map<string, Csi>();
  for (const cluster of clusters) {
    const csi = await startCsi({
      cluster: cluster.system,
      ecs: { endpoint: ecs.url, ...options.keys },
      region: cluster.region,
      clusterId: cluster.id,
      now,
      dir: folder(stateDir, 'csi', cluster.id),
      nasDirectory,
      diskDirectory: (id) => ecs.diskDirectory(id),
    });
    addOns.set(cluster.id, csi);
  }
  return {
    ecs,
    hbr,
    volumeDirectory: async (cluster, volume) => await addOns.get(cluster)?.volumeDirectory(volume),
    idle: async () => {
      for (const csi of addOns.values()) await csi.idle();
    },
    close: async () => {
      for (const csi of addOns.values()) await csi.close();
      await hbr.close();
      await ecs.close();
    },
  };
}

function instancesOf({ region, nodes }: RunningCluster) {
  return nodes.map(({ instanceId, zone, name }) => ({
    instanceId,
    regionId: region,
    zoneId: zone,
    hostName: name,
  }));
}

function folder(...parts: string[]): string {
  const path = join(...parts);
  mkdirSync(path, { recursive: true });
  return path;
}
