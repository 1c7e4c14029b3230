/** What the cluster, CS and ECS say of the volumes that a capture found. */
import type { ApiResource } from '../../../domain/api-resource.ts';
import type { BackupRecord } from '../../../domain/backup-record.ts';
import type { Cluster } from '../../../domain/cluster.ts';
import { BackupCentreError, NotFoundError } from '../../../domain/errors.ts';
import { isJsonObject, type JsonObject, textAt } from '../../../domain/json.ts';
import { componentVersion } from '../../../domain/volumes/csi-version.ts';
import type { VolumeMount } from '../../../domain/volumes/decide-volume.ts';
import { isEcsNode, isVirtualNode } from '../../../domain/volumes/node-rules.ts';
import { podMounts } from '../../../domain/volumes/pod-mounts.ts';
import { type VolumeFacts, volumeFacts } from '../../../domain/volumes/volume-facts.ts';
import type { AgentStatus } from '../../../ports/cloud-backup.ts';
import type { ClusterClient } from '../../../ports/cluster-client.ts';
import type { CloudDisk } from '../../../ports/disk-cloud.ts';
import { type BackupServices, connectCluster } from '../../backup-services.ts';
import { ListedObjects } from '../../listed-objects.ts';
import { provisionerVersion } from '../../provisioner-version.ts';
import { ResourceIndex } from '../../resource-index.ts';
import type { FoundClaim } from './capture-state.ts';

const FILE_SYSTEMS = 'containernetworkfilesystems.storage.alibabacloud.com';

/** Everything that decisions about volumes rest on. */
export interface VolumeInventory {
  readonly cluster: Cluster;
  /** Undefined where neither CS nor the cluster tells it. */
  readonly csiVersion: string | undefined;
  readonly allNodesEcs: boolean;
  /** By name of the volume. */
  readonly volumes: ReadonlyMap<string, VolumeFacts>;
  /** Pods that use a claim. */
  mountsOf(namespace: string, pvc: string): readonly VolumeMount[];
  /** UID of a volume that was read. */
  uidOf(pv: string): string;
  /** By id; a disk that is not there is not listed. */
  readonly disks: ReadonlyMap<string, CloudDisk>;
  /** Undefined where Cloud Backup cannot be used. */
  readonly agent: AgentStatus | undefined;
}

/** Reads it all; a cloud that refuses is told by what is missing. */
export async function readInventory(
  services: BackupServices,
  record: BackupRecord,
  claims: readonly FoundClaim[],
): Promise<VolumeInventory> {
  const cluster = await registered(services, record);
  const client = await connectCluster(services, record);
  const index = new ResourceIndex(await client.discover());
  const listed = new ListedObjects(client);
  const wanted = new Set(claims.map(({ pv }) => pv));
  const volumes = await read(listed, index, 'persistentvolumes', new Set(), (object) =>
    wanted.has(textAt(object, 'metadata', 'name') ?? '') ? object : undefined,
  );
  const namespaces = new Set(claims.map(({ namespace }) => namespace));
  const claimed = await read(listed, index, 'persistentvolumeclaims', namespaces, (claim) => claim);
  const skipped = new Map(claimed.map((claim) => [textAt(claim, 'spec', 'volumeName'), claim]));
  const pods = await read(listed, index, 'pods', namespaces, podMounts);
  const nodes = await read(listed, index, 'nodes', new Set(), (node) => node);
  const virtual = new Set(nodes.filter(isVirtualNode).map((n) => textAt(n, 'metadata', 'name')));
  const systems = await fileSystems(listed, index);
  const facts = volumes.map((pv) => {
    const known = volumeFacts(pv, skipped.get(textAt(pv, 'metadata', 'name')));
    const named = textAt(pv, 'spec', 'csi', 'volumeAttributes', 'containerNetworkFileSystem');
    const fileSystemId = known.fileSystemId ?? systems.get(named ?? '');
    return fileSystemId === undefined ? known : { ...known, fileSystemId };
  });
  const uids = new Map(
    volumes.map((pv) => [textAt(pv, 'metadata', 'name'), textAt(pv, 'metadata', 'uid')]),
  );
  const diskIds = facts.flatMap(({ diskId }) => diskId ?? []);
  const disks = await services.disks.describeDisks(cluster.region, [...new Set(diskIds)]);
  return {
    cluster,
    csiVersion: await csiVersion(services, cluster, client, index),
    allNodesEcs: nodes.length > 0 && nodes.every(isEcsNode),
    volumes: new Map(facts.map((v) => [v.pv, v])),
    mountsOf: (namespace, pvc) =>
      pods
        .filter((pod) => pod.namespace === namespace && pod.claims.includes(pvc))
        .map((pod) => ({ ...pod, virtualNode: virtual.has(pod.node) })),
    uidOf: (pv) => uids.get(pv) ?? '',
    disks: new Map(disks.map((disk) => [disk.id, disk])),
    agent: await agentStatus(services, cluster),
  };
}

async function registered(services: BackupServices, record: BackupRecord): Promise<Cluster> {
  const row = await services.records.get('clusters', [services.accountId, record.cluster]);
  if (row !== undefined) return row.value;
  throw new NotFoundError(`Cannot find cluster ${record.cluster}: it is not registered`);
}

async function read<T>(
  listed: ListedObjects,
  index: ResourceIndex,
  name: string,
  namespaces: ReadonlySet<string>,
  make: (object: JsonObject) => T | undefined,
): Promise<readonly T[]> {
  const resource: ApiResource | undefined = index.find('v1', name);
  if (resource === undefined || (resource.namespaced && namespaces.size === 0)) return [];
  const found: T[] = [];
  await listed.of(resource, namespaces, (bytes) => {
    const object: unknown = JSON.parse(Buffer.from(bytes).toString('utf8'));
    const made = isJsonObject(object) ? make(object) : undefined;
    if (made !== undefined) found.push(made);
    return undefined;
  });
  return found;
}

/** Ids of the file systems behind ACK's handles on them (CNFS), by the handle's name. */
async function fileSystems(
  listed: ListedObjects,
  index: ResourceIndex,
): Promise<ReadonlyMap<string, string>> {
  const resource = index.find('storage.alibabacloud.com/v1beta1', FILE_SYSTEMS);
  const ids = new Map<string, string>();
  if (resource === undefined) return ids;
  await listed.of(resource, new Set(), (bytes) => {
    const object: unknown = JSON.parse(Buffer.from(bytes).toString('utf8'));
    const name = textAt(object, 'metadata', 'name');
    const id = textAt(object, 'status', 'fsAttributes', 'filesystemId');
    if (name !== undefined && id !== undefined) ids.set(name, id);
    return undefined;
  });
  return ids;
}

/** CS's list of components first; where it does not tell, the provisioner's image in the cluster. */
async function csiVersion(
  services: BackupServices,
  cluster: Cluster,
  client: ClusterClient,
  index: ResourceIndex,
): Promise<string | undefined> {
  try {
    const known = componentVersion(await services.directory.addons(cluster.id, cluster.region));
    if (known !== undefined) return known;
  } catch (error) {
    if (!(error instanceof BackupCentreError) || error.retryable) throw error;
  }
  return await provisionerVersion(client, index);
}

/** Cloud Backup that is not to be had is an answer too: the volume's row tells. */
async function agentStatus(
  services: BackupServices,
  cluster: Cluster,
): Promise<AgentStatus | undefined> {
  try {
    return await services.cloudBackup.agentStatus(cluster.region, cluster.id);
  } catch (error) {
    if (!(error instanceof BackupCentreError) || error.retryable) throw error;
    return undefined;
  }
}
