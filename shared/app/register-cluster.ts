/** Registering clusters by their ACK id, and keeping what their API servers serve. */

import { type Cluster, isSupportedVersion, PUBLIC_NETWORK } from '../domain/cluster.ts';
import {
  BackupCentreError,
  ConditionFailedError,
  NotFoundError,
  ValidationError,
} from '../domain/errors.ts';
import { planShard } from '../domain/ids.ts';
import type { Principal } from '../domain/principal.ts';
import type { StoredRow } from '../ports/record-store.ts';
import { findActiveRun } from './active-runs.ts';
import type { AppServices } from './app-services.ts';

const CLUSTERS_MAX = 1000;

/** What a caller says of a cluster. */
export interface ClusterRequest {
  readonly id: string;
  readonly region?: string;
  readonly network?: string;
}

/** A registered cluster, and what stood in the way of reaching it. */
export interface RegisteredCluster {
  readonly cluster: Cluster;
  readonly unreachable?: string;
}

/**
 * Registers a cluster; a registered one is refused. Its API server need not answer yet.
 * @throws NotFoundError ACK knows no such cluster; BackupCentreError `cluster_version_unsupported`,
 * `name_taken`, `invalid` for a network that is not configured
 */
export async function registerCluster(
  services: AppServices,
  principal: Principal,
  request: ClusterRequest,
): Promise<RegisteredCluster> {
  const network = request.network ?? PUBLIC_NETWORK;
  if (network !== PUBLIC_NETWORK && !services.networks.includes(network)) {
    throw new ValidationError(
      `Cannot register cluster ${request.id}: network ${network} is not configured`,
      [{ path: 'network', rule: 'must be a network of the configuration' }],
      'invalid',
      { network, configured: services.networks },
    );
  }
  const region = request.region ?? services.region;
  const ack = await services.directory.describe(request.id, region);
  const version = ack.currentVersion.replace(/^v/, '').replace(/-.*$/, '');
  requireVersion(request.id, version);
  const cluster: Cluster = {
    id: ack.id,
    name: ack.name,
    region: ack.region,
    clusterType: ack.clusterType,
    profile: ack.profile,
    network,
    kubernetesVersion: version,
    registeredAtMs: services.clock.now(),
    registeredBy: principal.arn,
    resources: [],
    contactedAtMs: 0,
  };
  const key = [principal.accountId, cluster.id];
  let row: StoredRow<Cluster>;
  try {
    const rowVersion = await services.records.put('clusters', key, cluster, 'absent');
    row = { key, version: rowVersion, value: cluster };
  } catch (error) {
    if (!(error instanceof ConditionFailedError)) throw error;
    throw new BackupCentreError(
      'name_taken',
      `Cannot register cluster ${cluster.id}: it is registered`,
    );
  }
  try {
    return { cluster: (await refreshCluster(services, row)).value };
  } catch (error) {
    if (!(error instanceof BackupCentreError)) throw error;
    return { cluster, unreachable: error.message };
  }
}

/** @throws BackupCentreError `cluster_version_unsupported` */
function requireVersion(clusterId: string, version: string): void {
  if (isSupportedVersion(version)) return;
  throw new BackupCentreError(
    'cluster_version_unsupported',
    `Cannot use cluster ${clusterId}: Kubernetes ${version} is older than 1.16`,
    { details: { found: version, needed: '1.16' } },
  );
}

/** Asks the API server for its version and kinds and stores them. */
export async function refreshCluster(
  services: AppServices,
  row: StoredRow<Cluster>,
): Promise<StoredRow<Cluster>> {
  const client = await services.directory.connect(row.value);
  try {
    const kubernetesVersion = (await client.version()).replace(/^v/, '');
    const { resources } = await client.discover();
    const value: Cluster = {
      ...row.value,
      kubernetesVersion,
      resources: resources.filter((r) => r.preferred),
      contactedAtMs: services.clock.now(),
    };
    const version = await services.records.put('clusters', row.key, value, {
      version: row.version,
    });
    return { key: row.key, version, value };
  } finally {
    await client.close();
  }
}

/** @throws NotFoundError */
export async function findCluster(
  services: AppServices,
  principal: Principal,
  id: string,
): Promise<StoredRow<Cluster>> {
  const row = await services.records.get('clusters', [principal.accountId, id]);
  if (row === undefined) throw new NotFoundError(`Cannot find cluster ${id}`);
  return row;
}

/** Registered clusters, newest first. */
export async function listClusters(
  services: AppServices,
  principal: Principal,
): Promise<readonly Cluster[]> {
  const page = await services.records.list('clusters', {
    prefix: [principal.accountId],
    limit: CLUSTERS_MAX,
  });
  return page.rows.map((r) => r.value).sort((a, b) => b.registeredAtMs - a.registeredAtMs);
}

/**
 * Forgets a cluster; its records stay.
 * @throws NotFoundError; BackupCentreError `cluster_in_use` while it has plans or a run works on it
 */
export async function unregisterCluster(
  services: AppServices,
  principal: Principal,
  id: string,
): Promise<Cluster> {
  const row = await findCluster(services, principal, id);
  const plans = await services.records.list('plans', { prefix: [planShard(id), id], limit: 1 });
  const plan = plans.rows[0];
  if (plan !== undefined) {
    throw new BackupCentreError(
      'cluster_in_use',
      `Cannot remove cluster ${id}: plan ${plan.value.spec.name} backs it up; delete its plans first, their backups stay`,
      { details: { plan: plan.value.id } },
    );
  }
  const run = await findActiveRun(services.records, (r) => r.cluster === id);
  if (run !== undefined) {
    throw new BackupCentreError(
      'cluster_in_use',
      `Cannot remove cluster ${id}: a ${run.kind} is working on it`,
      { details: { run: run.id, record: run.recordId } },
    );
  }
  await services.records.remove('clusters', row.key, 'any');
  return row.value;
}
