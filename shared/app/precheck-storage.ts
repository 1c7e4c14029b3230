/** Rows about a cluster's storage: CSI driver, snapshot API, ACK's class of NAS volumes. */
import { groupResource } from '../domain/api-resource.ts';
import type { Cluster } from '../domain/cluster.ts';
import { BackupCentreError } from '../domain/errors.ts';
import { textAt } from '../domain/json.ts';
import type { PrecheckItem } from '../domain/precheck-item.ts';
import { remedyOf } from '../domain/remedy.ts';
import { FILE_CLASS } from '../domain/volumes/conversion-target.ts';
import { componentVersion, isAtLeast } from '../domain/volumes/csi-version.ts';
import { CSI_LEAST, KUBERNETES_LEAST, snapshotsAlways } from '../domain/volumes/snapshot-rule.ts';
import type { ClusterClient } from '../ports/cluster-client.ts';
import type { AppServices } from './app-services.ts';
import { type Answer, askRow, type Question } from './precheck-row.ts';
import { provisionerVersion } from './provisioner-version.ts';
import type { ResourceIndex } from './resource-index.ts';
import { snapshotKinds } from './steps/restore/snapshot-objects.ts';

/** A cluster whose API server answers, and what it serves. */
export interface ServedCluster {
  readonly client: ClusterClient;
  readonly index: ResourceIndex;
}

const SNAPSHOT_VERSIONS = ['snapshot.storage.k8s.io/v1', 'snapshot.storage.k8s.io/v1beta1'];

const SILENT = 'the API server does not answer';
const INSTALL_CSI =
  'Install or upgrade the components csi-plugin and csi-provisioner (ACK console, Add-ons)';

type Services = Pick<AppServices, 'directory' | 'clock'>;

/** The rows; `served` is undefined where the API server does not answer. */
export async function checkStorage(
  services: Services,
  cluster: Cluster,
  served: ServedCluster | undefined,
): Promise<readonly PrecheckItem[]> {
  return await Promise.all([
    askRow(services.clock, csiQuestion(services, cluster, served)),
    askRow(services.clock, {
      check: 'snapshot_api',
      needed:
        `${SNAPSHOT_VERSIONS[0]} with VolumeSnapshot and VolumeSnapshotContent ` +
        '(v1beta1 will do), to restore snapshots of disks through the CSI driver',
      ask: async () => (served === undefined ? silent() : snapshotAnswer(served.index)),
      remedyOf: refusalRemedy,
    }),
    askRow(services.clock, {
      check: 'cnfs_class',
      needed: `StorageClass ${FILE_CLASS}, to convert volumes to NAS when they are restored`,
      ask: async () => (served === undefined ? silent() : await cnfsAnswer(served)),
      remedyOf: refusalRemedy,
    }),
  ]);
}

function refusalRemedy({ code }: BackupCentreError): string {
  return remedyOf(code) ?? remedyOf('cluster_access_denied') ?? '';
}

function silent(): Answer {
  return { found: `not known: ${SILENT}`, remedy: remedyOf('cluster_unreachable') ?? '' };
}

function csiQuestion(
  services: Services,
  cluster: Cluster,
  served: ServedCluster | undefined,
): Question {
  const always = snapshotsAlways({ type: cluster.clusterType, profile: cluster.profile });
  return {
    check: 'csi_version',
    needed:
      always === undefined
        ? `${CSI_LEAST} or later, with Kubernetes ${KUBERNETES_LEAST} or later, to back up disks by ` +
          'ECS snapshots; else they go by Cloud Backup'
        : `any: disks of clusters of profile ${always} are always backed up by ECS snapshots`,
    ask: async () => {
      const { version, found } = await csiVersion(services, cluster, served);
      if (always !== undefined || isAtLeast(version, CSI_LEAST)) return { found };
      const unasked = version === undefined && served === undefined;
      return { found, remedy: unasked ? (silent().remedy ?? '') : INSTALL_CSI };
    },
    remedyOf: refusalRemedy,
  };
}

/** As runs find it: ACK's list of components first, then the provisioner's image. */
async function csiVersion(
  services: Services,
  cluster: Cluster,
  served: ServedCluster | undefined,
): Promise<{ readonly version?: string; readonly found: string }> {
  let listed = 'ACK lists no CSI component';
  try {
    const known = componentVersion(await services.directory.addons(cluster.id, cluster.region));
    if (known !== undefined) return { version: known, found: `${known}, by ACK's components` };
  } catch (error) {
    if (!(error instanceof BackupCentreError)) throw error;
    listed = error.message;
  }
  if (served === undefined) return { found: `unknown: ${listed}, and ${SILENT}` };
  try {
    const version = await provisionerVersion(served.client, served.index);
    if (version !== undefined) {
      return { version, found: `${version}, by the image of csi-provisioner` };
    }
  } catch (error) {
    if (!(error instanceof BackupCentreError)) throw error;
    return { found: `unknown: ${listed}; ${error.message}` };
  }
  return { found: `unknown: ${listed}, and kube-system has no csi-provisioner with a version` };
}

function snapshotAnswer(index: ResourceIndex): Answer {
  const kinds = snapshotKinds(index);
  if (kinds !== undefined) {
    const { version, contents, snapshots } = kinds;
    return { found: `${version} of ${groupResource(snapshots)} and ${groupResource(contents)}` };
  }
  const failure = SNAPSHOT_VERSIONS.map((version) => index.failureOf(version)).find(
    (reason) => reason !== undefined,
  );
  if (failure !== undefined) {
    const remedy = remedyOf('api_group_unavailable') ?? '';
    return { found: `not known: its API group cannot be read: ${failure}`, remedy };
  }
  return {
    found: 'not served',
    remedy:
      `${INSTALL_CSI}, which bring the kinds along; without them disks are made of snapshots ` +
      'directly, and bound to one zone',
  };
}

async function cnfsAnswer({ client, index }: ServedCluster): Promise<Answer> {
  const resource = index.find('storage.k8s.io/v1', 'storageclasses.storage.k8s.io');
  const bytes =
    resource === undefined ? undefined : await client.get({ resource, name: FILE_CLASS });
  if (bytes !== undefined) {
    const object: unknown = JSON.parse(Buffer.from(bytes).toString());
    return { found: `there, of provisioner ${textAt(object, 'provisioner') ?? 'unknown'}` };
  }
  return {
    found: resource === undefined ? 'StorageClass of storage.k8s.io/v1 is not served' : 'not there',
    remedy:
      'Create the CNFS file system and its StorageClass (ACK console, Volumes), or name another ' +
      'NAS class in storageClassConversion; not needed where nothing is converted',
  };
}
