import { NotFoundError, UnavailableError } from '../../shared/domain/errors.ts';
import type { ClusterClient } from '../../shared/ports/cluster-client.ts';
import type { AckCluster, ClusterDirectory } from '../../shared/ports/cluster-directory.ts';

/** Clusters by id, each with the client that stands for its API server; without one it is down. */
export class InMemoryClusterDirectory implements ClusterDirectory {
  private readonly versions = new Map<string, Readonly<Record<string, string>>>();
  private readonly clusters = new Map<string, { ack: AckCluster; client?: ClusterClient }>();

  /** Makes a cluster known to ACK. */
  add(ack: Partial<AckCluster> & { readonly id: string }, client?: ClusterClient): void {
    const known: AckCluster = {
      name: ack.id,
      region: 'cn-hangzhou',
      clusterType: 'ManagedKubernetes',
      profile: 'Default',
      currentVersion: '1.34.1-aliyun.1',
      state: 'running',
      ...ack,
    };
    this.clusters.set(ack.id, client === undefined ? { ack: known } : { ack: known, client });
  }

  /** ACK no longer knows the cluster. */
  remove(clusterId: string): void {
    this.clusters.delete(clusterId);
  }

  /** Installs components in a cluster, versions by name; instead of what was there. */
  install(clusterId: string, versions: Readonly<Record<string, string>>): void {
    this.versions.set(clusterId, versions);
  }

  async describe(clusterId: string): Promise<AckCluster> {
    await Promise.resolve();
    const known = this.clusters.get(clusterId);
    if (known === undefined) throw new NotFoundError(`Cannot find ACK cluster ${clusterId}`);
    return known.ack;
  }

  async addons(clusterId: string): Promise<Readonly<Record<string, string>>> {
    const { id } = await this.describe(clusterId);
    return this.versions.get(id) ?? {};
  }

  async connect(cluster: { readonly id: string }): Promise<ClusterClient> {
    await Promise.resolve();
    const client = this.clusters.get(cluster.id)?.client;
    if (client !== undefined) return client;
    throw new UnavailableError('cluster_unreachable', `Cannot reach cluster ${cluster.id}`);
  }
}
