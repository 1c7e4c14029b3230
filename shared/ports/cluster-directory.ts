/** ACK's own list of clusters and the way to reach each (Container Service, CS). */
import type { ClusterClient } from './cluster-client.ts';

/** What ACK says of a cluster. */
export interface AckCluster {
  readonly id: string;
  readonly name: string;
  readonly region: string;
  readonly clusterType: string;
  readonly profile: string;
  /** `1.32.1-aliyun.1` */
  readonly currentVersion: string;
  readonly state: string;
}

/** Finds clusters and opens clients to them. */
export interface ClusterDirectory {
  /** @throws NotFoundError; BackupCentreError `cluster_access_denied` */
  describe(clusterId: string, region: string): Promise<AckCluster>;
  /**
   * Versions of the cluster's installed components by their name, e.g. `csi-provisioner` -> `v1.32.1`.
   * @throws NotFoundError; BackupCentreError `cluster_access_denied`
   */
  addons(clusterId: string, region: string): Promise<Readonly<Record<string, string>>>;
  /**
   * A client with a temporary kubeconfig (60 minutes), cached until 5 minutes before its end and renewed
   * in mid-run by the client itself.
   * @throws UnavailableError `cluster_unreachable`
   */
  connect(cluster: {
    readonly id: string;
    readonly region: string;
    readonly network: string;
  }): Promise<ClusterClient>;
}
