/** Which clusters' disks go by ECS snapshot (design §6); one rule for runs and for the precheck. */
import { isAtLeast } from './csi-version.ts';

/** Versions from which disks are snapshotted. */
export const KUBERNETES_LEAST = '1.18';
export const CSI_LEAST = '1.1.0';

/**
 * Profiles and types of clusters whose disks are snapshotted whatever the versions: their driver runs
 * out of sight, and there are no nodes of ours for an agent. `Ask` is the old serverless type.
 */
const SNAPSHOTS_ALWAYS = ['Serverless', 'Edge', 'Ask'] as const;

/** What the rule rests on. */
export interface RuledCluster {
  /** `Kubernetes` (dedicated), `ManagedKubernetes`, `ExternalKubernetes` (registered), ... */
  readonly type: string;
  /** `Default`, `Serverless`, `Edge`, ... */
  readonly profile: string;
  readonly kubernetesVersion: string;
  /** Absent: unknown, which does not qualify. */
  readonly csiVersion?: string | undefined;
  readonly allNodesEcs: boolean;
}

/** The word for a cluster whose disks are snapshotted whatever the versions; undefined for others. */
export function snapshotsAlways({
  type,
  profile,
}: Pick<RuledCluster, 'type' | 'profile'>): string | undefined {
  return SNAPSHOTS_ALWAYS.find((word) => word === profile || word === type);
}

/** Whether disks of the cluster are snapshotted, and why. */
export function snapshotRule(cluster: RuledCluster): { snapshots: boolean; why: string } {
  const { type, kubernetesVersion, csiVersion } = cluster;
  const always = snapshotsAlways(cluster);
  const versions = `Kubernetes ${kubernetesVersion || 'unknown'}, CSI ${csiVersion ?? 'unknown'}`;
  if (always !== undefined) {
    return { snapshots: true, why: `disk of a cluster of profile ${always} (${versions})` };
  }
  const rule = `${KUBERNETES_LEAST} and ${CSI_LEAST} are needed for snapshots`;
  if (!isAtLeast(kubernetesVersion, KUBERNETES_LEAST) || !isAtLeast(csiVersion, CSI_LEAST)) {
    return { snapshots: false, why: `disk does not qualify: ${versions}; ${rule}` };
  }
  if (type === 'ManagedKubernetes' || type === 'Kubernetes') {
    return { snapshots: true, why: `disk of a qualifying cluster (${versions})` };
  }
  if (type === 'ExternalKubernetes' && cluster.allNodesEcs) {
    return { snapshots: true, why: `disk of a registered cluster of ECS nodes (${versions})` };
  }
  const found = type === 'ExternalKubernetes' ? 'a node of it is no ECS instance' : `type ${type}`;
  return { snapshots: false, why: `disk does not qualify: ${versions}, but ${found}` };
}
