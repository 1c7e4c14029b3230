import { randomBytes } from 'node:crypto';
import { badRequest } from '../errors.ts';
import { newId } from '../ids.ts';
import { pageFields, pageOf } from '../parameters.ts';
import { type ClusterRecord, isEnded } from '../records.ts';
import { clusterOf, type HbrAction } from './action.ts';

const NETWORK_TYPES = ['CLASSIC', 'VPC'];

/** Adding a cluster again answers with what it has. */
export const addContainerCluster: HbrAction = (core, { parameters, accountId }) => {
  const clusterType = parameters.required('ClusterType');
  if (clusterType !== 'ACK') throw badRequest(`ClusterType is ${clusterType}, must be ACK.`);
  const identifier = parameters.required('Identifier');
  parameters.required('NetworkType');
  const networkType = parameters.oneOf('NetworkType', NETWORK_TYPES, '');
  const known = core.state.clusters
    .all()
    .find((c) => c.accountId === accountId && c.identifier === identifier);
  if (known !== undefined) return { ClusterId: known.id, Token: known.token };
  const cluster: ClusterRecord = {
    id: newId('cc'),
    accountId,
    identifier,
    name: parameters.text('Name') ?? '',
    description: parameters.text('Description') ?? '',
    networkType,
    token: newToken(),
    createdAtMs: core.now(),
  };
  core.state.clusters.put(cluster);
  return { ClusterId: cluster.id, Token: cluster.token };
};

export const describeContainerCluster: HbrAction = (core, { parameters, accountId }) => {
  const page = parameters.page();
  const id = parameters.text('ClusterId');
  const identifier = parameters.text('Identifier');
  const found = core.state.clusters
    .all()
    .filter((c) => c.accountId === accountId)
    .filter((c) => id === undefined || c.id === id)
    .filter((c) => identifier === undefined || c.identifier === identifier);
  const fields = (cluster: ClusterRecord) => ({
    ClusterId: cluster.id,
    Identifier: cluster.identifier,
    Name: cluster.name,
    Description: cluster.description,
    ClusterType: 'ACK',
    NetworkType: cluster.networkType,
    AgentStatus: core.state.agents.get(cluster.identifier)?.status ?? 'MISS',
    Token: cluster.token,
  });
  return { ...pageFields(found.length, page), Clusters: pageOf(found, page).map(fields) };
};

export const updateContainerCluster: HbrAction = (core, call) => {
  const { parameters } = call;
  const cluster = clusterOf(core, call, parameters.required('ClusterId'));
  const isRenewed = parameters.flag('RenewToken') ?? false;
  const changed: ClusterRecord = {
    ...cluster,
    name: parameters.text('Name') ?? cluster.name,
    description: parameters.text('Description') ?? cluster.description,
    networkType: parameters.oneOf('NetworkType', NETWORK_TYPES, cluster.networkType),
    token: isRenewed ? newToken() : cluster.token,
  };
  core.state.clusters.put(changed);
  return { Token: changed.token, TokenUpdated: isRenewed };
};

/** Refused while jobs of the cluster run, unless forced. */
export const deleteContainerCluster: HbrAction = (core, call) => {
  const cluster = clusterOf(core, call, call.parameters.required('ClusterId'));
  const isBusy = core.state.jobs.all().some(({ source, status }) => {
    return source.type === 'CONTAINER' && source.clusterId === cluster.id && !isEnded(status);
  });
  if (isBusy && call.parameters.flag('Force') !== true) {
    throw badRequest(`Cluster ${cluster.id} has unfinished jobs.`);
  }
  core.state.clusters.remove(cluster.id);
  return {};
};

/** The volumes that backup jobs named. */
export const describeContainerResource: HbrAction = (core, call) => {
  const { parameters, accountId } = call;
  const page = parameters.page();
  const clusterId = parameters.text('ClusterId');
  const resourceId = parameters.text('ResourceId');
  const type = parameters.text('ResourceType');
  const found = new Map<string, Readonly<Record<string, string>>>();
  for (const { source, accountId: owner } of core.state.jobs.all()) {
    if (source.type !== 'CONTAINER' || owner !== accountId) continue;
    const { resource } = source;
    if (clusterId !== undefined && source.clusterId !== clusterId) continue;
    if (resourceId !== undefined && resource.resourceId !== resourceId) continue;
    if (type !== undefined && resource.resourceType !== type) continue;
    found.set(`${source.clusterId} ${resource.resourceId}`, {
      ClusterId: source.clusterId,
      ClusterIdentifier: source.clusterIdentifier,
      ResourceId: resource.resourceId,
      ResourceType: resource.resourceType,
      ResourceInfo: resource.resourceInfo,
    });
  }
  const rows = [...found.values()];
  return { ...pageFields(rows.length, page), Resources: pageOf(rows, page) };
};

function newToken(): string {
  return randomBytes(48).toString('base64');
}
