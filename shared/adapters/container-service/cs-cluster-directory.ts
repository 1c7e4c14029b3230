/** ClusterDirectory over CS: what ACK knows of a cluster, and clients with temporary kubeconfigs. */
import { PUBLIC_NETWORK } from '../../domain/cluster.ts';
import { BackupCentreError } from '../../domain/errors.ts';
import { isJsonObject, type JsonObject } from '../../domain/json.ts';
import type { ClusterClient } from '../../ports/cluster-client.ts';
import type { AckCluster, ClusterDirectory } from '../../ports/cluster-directory.ts';
import type { Pacing } from '../bounded-retry.ts';
import type { CredentialsProvider } from '../credentials.ts';
import { type ClusterAccess, readKubeconfig } from '../kubernetes/kubeconfig.ts';
import { KubernetesClusterClient } from '../kubernetes/kubernetes-cluster-client.ts';
import { OpenApiCalls } from '../open-api-calls.ts';
import type { OpenApiCall } from '../open-api-client.ts';
import { csError } from './cs-errors.ts';

/** Validity asked for; CS takes 15 to 4320 minutes and gives three years where none is asked for. */
const KUBECONFIG_MINUTES = 60;
/** A kubeconfig is not handed out when it ends sooner than this, ms. */
const RENEW_BEFORE_END_MS = 300_000;

interface Way {
  readonly access: ClusterAccess;
  readonly expiresAtMs: number;
}

/** A cluster as `connect` takes it. */
type Connectable = Parameters<ClusterDirectory['connect']>[0];

/** Clusters of the account, region by region. */
export class CsClusterDirectory implements ClusterDirectory {
  private readonly endpointOf: (region: string) => string;
  private readonly credentials: CredentialsProvider;
  private readonly pacing: Pacing;
  private readonly regions = new Map<string, OpenApiCalls>();
  private readonly ways = new Map<string, Way>();

  constructor(
    endpointOf: (region: string) => string,
    credentials: CredentialsProvider,
    pacing: Pacing,
  ) {
    this.endpointOf = endpointOf;
    this.credentials = credentials;
    this.pacing = pacing;
  }

  async describe(clusterId: string, region: string): Promise<AckCluster> {
    const body = await this.calls(region).send(
      read({
        action: 'DescribeClusterDetail',
        path: `/clusters/${encodeURIComponent(clusterId)}`,
        attempt: `read ACK cluster ${clusterId}`,
      }),
    );
    return {
      id: textOf(body, 'cluster_id', clusterId),
      name: textOf(body, 'name', clusterId),
      region: textOf(body, 'region_id', region),
      clusterType: textOf(body, 'cluster_type', ''),
      profile: textOf(body, 'profile', 'Default'),
      currentVersion: textOf(body, 'current_version', ''),
      state: textOf(body, 'state', ''),
    };
  }

  async addons(clusterId: string, region: string): Promise<Readonly<Record<string, string>>> {
    const body = await this.calls(region).send(
      read({
        action: 'ListClusterAddonInstances',
        path: `/clusters/${encodeURIComponent(clusterId)}/addon_instances`,
        attempt: `list the components of ACK cluster ${clusterId}`,
      }),
    );
    const addons: readonly unknown[] = Array.isArray(body.addons) ? body.addons : [];
    const installed = addons.filter(isJsonObject).filter(({ state }) => state !== 'deleted');
    const versions = installed.map(
      (a) => [textOf(a, 'name', ''), textOf(a, 'version', '')] as const,
    );
    return Object.fromEntries(versions.filter(([name, version]) => name !== '' && version !== ''));
  }

  async connect(cluster: Connectable): Promise<ClusterClient> {
    // Asked here, so that a cluster without a way in fails at once and not at its first use.
    await this.wayTo(cluster);
    return new KubernetesClusterClient(
      async (reason) => {
        if (reason === 'expired') this.ways.delete(wayKey(cluster));
        return (await this.wayTo(cluster)).access;
      },
      { pacing: this.pacing, cluster: cluster.id },
    );
  }

  private async wayTo(cluster: Connectable): Promise<Way> {
    const held = this.ways.get(wayKey(cluster));
    if (held !== undefined && held.expiresAtMs - RENEW_BEFORE_END_MS > this.pacing.clock.now()) {
      return held;
    }
    const body = await this.calls(cluster.region).send(
      read({
        action: 'DescribeClusterUserKubeconfig',
        path: `/k8s/${encodeURIComponent(cluster.id)}/user_config`,
        query: {
          TemporaryDurationMinutes: String(KUBECONFIG_MINUTES),
          PrivateIpAddress: String(cluster.network !== PUBLIC_NETWORK),
        },
        attempt: `get a kubeconfig of ACK cluster ${cluster.id}`,
      }),
    );
    const config = textOf(body, 'config', '');
    if (config === '') {
      throw new BackupCentreError(
        'cluster_unreachable',
        `Cannot get a kubeconfig of ACK cluster ${cluster.id}: the reply holds none`,
      );
    }
    const expiresAtMs = Date.parse(textOf(body, 'expiration', ''));
    const way: Way = {
      access: await readKubeconfig(config),
      expiresAtMs: Number.isNaN(expiresAtMs)
        ? this.pacing.clock.now() + KUBECONFIG_MINUTES * 60_000
        : expiresAtMs,
    };
    this.ways.set(wayKey(cluster), way);
    return way;
  }

  private calls(region: string): OpenApiCalls {
    const held = this.regions.get(region);
    if (held !== undefined) return held;
    const calls = new OpenApiCalls(this.endpointOf(region), this.credentials, this.pacing, csError);
    this.regions.set(region, calls);
    return calls;
  }
}

function read(
  call: Pick<OpenApiCall, 'action' | 'path' | 'attempt'> & Partial<OpenApiCall>,
): OpenApiCall {
  return { version: '2015-12-15', style: 'ROA', method: 'GET', repeatable: true, ...call };
}

function wayKey(cluster: Connectable): string {
  return `${cluster.region}/${cluster.id}/${cluster.network}`;
}

function textOf(body: JsonObject, field: string, otherwise: string): string {
  const value = body[field];
  return typeof value === 'string' ? value : otherwise;
}
