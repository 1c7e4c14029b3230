/** What ACK's storage add-ons put into a cluster; what is there already is left as it is. */
import { ApiError } from '../controllers/engine/api-client.ts';
import type { ClusterCache } from '../controllers/engine/cluster-cache.ts';
import type {
  Condition,
  KubeObject,
  Labels,
  ResourceKind,
} from '../controllers/engine/kube-objects.ts';
import { csiDrivers, storageClasses } from '../controllers/engine/storage-objects.ts';
import { type Node, nodes } from '../controllers/engine/workload-objects.ts';
import {
  cnfsDefinition,
  cnfsDraft,
  containerNetworkFileSystems,
  defaultFileSystem,
} from './container-network-file-system.ts';
import { csiNodes } from './csi-node.ts';
import { snapshotDefinitions } from './snapshot-definitions.ts';
import { volumeSnapshotClasses } from './snapshot-objects.ts';
import { DISK_DRIVER, NAS_DRIVER, OSS_DRIVER, ZONE_TOPOLOGY } from './volume-driver.ts';

interface CustomResourceDefinition extends KubeObject {
  readonly status?: { readonly conditions?: readonly Condition[] };
}

const definitions: ResourceKind<CustomResourceDefinition> = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  plural: 'customresourcedefinitions',
};
/** A new CRD is served within milliseconds on a quiet machine. */
const ESTABLISHED_WITHIN_MS = 30_000;
const ESTABLISHED_POLL_MS = 50;

/** The cluster to set up. */
export interface ClusterSetup {
  readonly clusterId: string;
  readonly region: string;
  readonly installSnapshotApi: boolean;
}

/** Installs drivers, classes, CNFS and, if asked for, the snapshot API. */
export async function setUpCluster(cluster: ClusterCache, setup: ClusterSetup): Promise<void> {
  const { clusterId, region } = setup;
  const own = defaultFileSystem(clusterId);
  await ensure(cluster, csiDrivers, driverDraft(DISK_DRIVER, true));
  await ensure(cluster, csiDrivers, driverDraft(NAS_DRIVER, false));
  await ensure(cluster, csiDrivers, driverDraft(OSS_DRIVER, true));
  await define(cluster, cnfsDefinition);
  const cnfs = { name: own.cnfsName, fileSystemId: own.id, region };
  await ensure(cluster, containerNetworkFileSystems, cnfsDraft(cnfs));
  for (const draft of classDrafts(own.cnfsName)) await ensure(cluster, storageClasses, draft);
  if (!setup.installSnapshotApi) return;
  for (const definition of snapshotDefinitions) await define(cluster, definition);
  await ensure(cluster, volumeSnapshotClasses, {
    metadata: { name: 'alibabacloud-disk-snapshot' },
    driver: DISK_DRIVER,
    deletionPolicy: 'Delete',
  });
}

/** Registers the drivers on a node as their node plugins would: CSINode and the zone's label. */
export async function setUpNode(cluster: ClusterCache, node: Node): Promise<void> {
  const { name, uid, labels } = node.metadata;
  const zone = labels?.['topology.kubernetes.io/zone'];
  const instance = instanceOf(node);
  if (zone === undefined || instance === undefined) return;
  if (labels?.[ZONE_TOPOLOGY] === undefined) {
    await cluster.patch(nodes, node, { metadata: { labels: { [ZONE_TOPOLOGY]: zone } } });
  }
  const wanted = [
    {
      name: DISK_DRIVER,
      nodeID: instance,
      topologyKeys: [ZONE_TOPOLOGY],
      allocatable: { count: 16 },
    },
    { name: NAS_DRIVER, nodeID: instance, topologyKeys: null },
    { name: OSS_DRIVER, nodeID: instance, topologyKeys: null },
  ];
  const present = await cluster.read(csiNodes, { name });
  if (present === undefined) {
    const ownerReferences = [{ apiVersion: 'v1', kind: 'Node', name, uid }];
    await ensure(cluster, csiNodes, {
      metadata: { name, ownerReferences },
      spec: { drivers: wanted },
    });
    return;
  }
  const registered = present.spec.drivers ?? [];
  const missing = wanted.filter(
    (each) => !registered.some(({ name: known }) => known === each.name),
  );
  if (missing.length === 0) return;
  await cluster.patch(csiNodes, present, { spec: { drivers: [...registered, ...missing] } });
}

/** The ECS instance that a node is, from `spec.providerID` (`<region>.<instance>`). */
export function instanceOf(node: Node | undefined): string | undefined {
  const providerId = node?.spec?.providerID ?? '';
  const dot = providerId.indexOf('.');
  return dot < 0 ? undefined : providerId.slice(dot + 1);
}

async function define(cluster: ClusterCache, draft: { metadata: { name: string } }): Promise<void> {
  await ensure(cluster, definitions, draft);
  const deadlineMs = performance.now() + ESTABLISHED_WITHIN_MS;
  for (;;) {
    const found = await cluster.read(definitions, draft.metadata);
    const established = found?.status?.conditions?.find(({ type }) => type === 'Established');
    if (established?.status === 'True') return;
    if (performance.now() > deadlineMs) {
      throw new Error(
        `Cannot install CRD ${draft.metadata.name}: not established after ${ESTABLISHED_WITHIN_MS} ms`,
      );
    }
    await new Promise((resolve) => setTimeout(resolve, ESTABLISHED_POLL_MS));
  }
}

async function ensure<T extends KubeObject>(
  cluster: ClusterCache,
  kind: ResourceKind<T>,
  draft: object,
): Promise<void> {
  try {
    await cluster.create(kind, undefined, draft);
  } catch (error) {
    if (!(error instanceof ApiError && error.reason === 'AlreadyExists')) throw error;
  }
}

function driverDraft(name: string, attachRequired: boolean): object {
  return { metadata: { name }, spec: { attachRequired, podInfoOnMount: true } };
}

/** The classes of an ACK cluster (driver's chart, and CNFS's default); none of them is the default. */
function classDrafts(cnfsName: string): object[] {
  const draft = (name: string, provisioner: string, fields: object): object => ({
    metadata: { name },
    provisioner,
    reclaimPolicy: 'Delete',
    allowVolumeExpansion: true,
    ...fields,
  });
  const disk = (name: string, parameters: Labels, fields: object = {}): object =>
    draft(name, DISK_DRIVER, { parameters, ...fields });
  return [
    disk(
      'alicloud-disk-topology-alltype',
      { type: 'cloud_essd,cloud_ssd,cloud_efficiency' },
      { volumeBindingMode: 'WaitForFirstConsumer' },
    ),
    disk('alicloud-disk-essd', { type: 'cloud_essd' }),
    disk('alicloud-disk-ssd', { type: 'cloud_ssd' }),
    disk('alicloud-disk-efficiency', { type: 'cloud_efficiency' }),
    draft('alibabacloud-cnfs-nas', NAS_DRIVER, {
      mountOptions: ['nolock,tcp,noresvport', 'vers=3'],
      parameters: { volumeAs: 'subpath', containerNetworkFileSystem: cnfsName, path: '/' },
    }),
  ];
}
