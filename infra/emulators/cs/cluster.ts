/** A cluster as the CS API spells it (snake case), as far as the emulator knows it. */
export interface CsClusterFields {
  readonly cluster_id: string;
  readonly name: string;
  readonly region_id: string;
  /** `Kubernetes` (dedicated), `ManagedKubernetes`, `ExternalKubernetes` (registered) */
  readonly cluster_type: string;
  /** `Default`, `Edge`, `Serverless`, `Lingjun` */
  readonly profile: string;
  /** `ack.standard`, `ack.pro.small` */
  readonly cluster_spec: string;
  /** `1.32.1-aliyun.1` */
  readonly current_version: string;
  readonly next_version?: string;
  /** `initial, failed, running, updating, upgrading, removing, draining, scaling, inactive, unavailable, deleting, delete_failed, deleted` */
  readonly state: string;
  readonly vpc_id: string;
  readonly vswitch_ids: readonly string[];
  readonly security_group_id: string;
  readonly zone_id?: string;
  /** JSON text: `{"api_server_endpoint": "https://..", "intranet_api_server_endpoint": "https://.."}` */
  readonly master_url: string;
  readonly tags?: readonly { readonly key: string; readonly value: string }[];
  /** RFC 3339 */
  readonly created: string;
  readonly updated: string;
}

/** An installed component, such as `csi-provisioner`. */
interface CsAddon {
  readonly name: string;
  readonly version: string;
  /** `initial, active, unhealthy, upgrading, updating, deleting, deleted` */
  readonly state: string;
  /** JSON text */
  readonly config?: string;
}

/** A cluster of the emulator: what its API shows and whose it is. */
export interface CsCluster {
  readonly fields: CsClusterFields;
  readonly accountId: string;
  readonly addons: readonly CsAddon[];
}

/** One grant as DescribeUserPermission shows it. */
export interface CsPermission {
  /** `{cluster_id}`, `{cluster_id}/{namespace}` or `all-clusters` */
  readonly resource_id: string;
  readonly resource_type: 'cluster' | 'namespace' | 'console';
  /** Name of the custom ClusterRole, where `role_type` is `custom`. */
  readonly role_name: string;
  readonly role_type: 'admin' | 'admin-view' | 'ops' | 'dev' | 'restricted' | 'custom';
  readonly is_owner: 0 | 1;
  readonly is_ram_role: 0 | 1;
}

/** Whether the API server of a cluster has a public address. */
export function hasPublicEndpoint(cluster: CsClusterFields): boolean {
  const endpoints: unknown = JSON.parse(cluster.master_url);
  if (typeof endpoints !== 'object' || endpoints === null) return false;
  return 'api_server_endpoint' in endpoints && endpoints.api_server_endpoint !== '';
}
