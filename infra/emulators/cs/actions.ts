import { parsePairs, splitTarget } from '../acs-signature/canonical-text.ts';
import type { GatewayCall, GatewayReply } from '../acs-signature/gateway.ts';
import { type CsCluster, hasPublicEndpoint } from './cluster.ts';
import { CsRefusal, clusterNotFound, invalidParameter } from './errors.ts';
import { grantFromWire, type PermissionStore } from './permissions.ts';

/**
 * Range of TemporaryDurationMinutes.
 * @see https://help.aliyun.com/zh/ack/ack-managed-and-ack-dedicated/developer-reference/api-cs-2015-12-15-describeclusteruserkubeconfig
 */
const MIN_KUBECONFIG_MINUTES = 15;
const MAX_KUBECONFIG_MINUTES = 4320;
/** Without a duration the certificate lasts three years (same page). */
const DEFAULT_KUBECONFIG_MINUTES = 3 * 365 * 24 * 60;
/** Pages of DescribeClustersV1: 10 clusters by default, 50 at most. */
const DEFAULT_PAGE_SIZE = 10;
const MAX_PAGE_SIZE = 50;
/** States in which a cluster has no API server to talk to. */
const WITHOUT_API_SERVER = new Set(['initial', 'failed', 'deleting', 'deleted']);

/** Who asks for a kubeconfig and for how long. */
interface KubeconfigRequest {
  readonly principalId: string;
  readonly durationMinutes: number;
  /** Whether the VPC address of the API server is asked for. */
  readonly private: boolean;
}

/** A kubeconfig as YAML, and its end as RFC 3339. */
interface KubeconfigReply {
  readonly config: string;
  readonly expiration: string;
}

/** What the actions work on. */
export interface CsState {
  readonly clusters: ReadonlyMap<string, CsCluster>;
  readonly permissions: PermissionStore;
  kubeconfigFor(
    clusterId: string,
    request: KubeconfigRequest,
  ): KubeconfigReply | Promise<KubeconfigReply>;
}

/** One call with what its path names; `subject` is a cluster id or a RAM id. */
interface CsCall extends GatewayCall {
  readonly subject: string;
  readonly name: string;
}

type CsAction = (state: CsState, call: CsCall) => GatewayReply | Promise<GatewayReply>;

/** GET /api/v1/clusters */
const describeClustersV1: CsAction = (state, call) => {
  const query = queryOf(call);
  const pageSize = wholeNumber(query, 'page_size', DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE);
  const pageNumber = wholeNumber(query, 'page_number', 1, Number.MAX_SAFE_INTEGER);
  const asked = ['cluster_id', 'cluster_type', 'cluster_spec', 'profile', 'region_id'] as const;
  const found = [...state.clusters.values()]
    .filter((cluster) => cluster.accountId === call.caller.credential.accountId)
    .map((cluster) => cluster.fields)
    .filter((fields) => asked.every((key) => (query.get(key) ?? fields[key]) === fields[key]))
    .filter((fields) => fields.name.includes(query.get('name') ?? ''));
  const first = (pageNumber - 1) * pageSize;
  return {
    body: {
      clusters: found.slice(first, first + pageSize),
      page_info: { page_number: pageNumber, page_size: pageSize, total_count: found.length },
    },
  };
};

/** GET /clusters/{id} */
const describeClusterDetail: CsAction = (state, call) => ({
  body: clusterOf(state, call).fields,
});

/** GET /k8s/{id}/user_config */
const describeClusterUserKubeconfig: CsAction = async (state, call) => {
  const { fields } = clusterOf(state, call);
  const query = queryOf(call);
  const minutes = query.get('TemporaryDurationMinutes');
  const wanted = Number(minutes);
  const inRange = wanted >= MIN_KUBECONFIG_MINUTES && wanted <= MAX_KUBECONFIG_MINUTES;
  if (minutes !== undefined && !(Number.isInteger(wanted) && inRange)) {
    throw invalidParameter('TemporaryDurationMinutes', minutes, '15 to 4320');
  }
  if (WITHOUT_API_SERVER.has(fields.state)) {
    throw new CsRefusal(
      400,
      'ErrorClusterState',
      `cluster ${fields.cluster_id} is ${fields.state}, it has no kubeconfig`,
    );
  }
  const isPrivate = query.get('PrivateIpAddress') === 'true';
  if (!isPrivate && !hasPublicEndpoint(fields)) {
    throw new CsRefusal(
      400,
      'ErrorPublicEndpointNotFound',
      `cluster ${fields.cluster_id} has no public API server endpoint`,
    );
  }
  const body = await state.kubeconfigFor(fields.cluster_id, {
    principalId: call.caller.credential.principalId,
    durationMinutes: minutes === undefined ? DEFAULT_KUBECONFIG_MINUTES : wanted,
    private: isPrivate,
  });
  return { body: { config: body.config, expiration: body.expiration } };
};

/** GET /clusters/{id}/addon_instances */
const listClusterAddonInstances: CsAction = (state, call) => ({
  body: {
    addons: clusterOf(state, call).addons.map(({ name, version, state: addonState }) => ({
      name,
      version,
      state: addonState,
    })),
  },
});

/** GET /clusters/{id}/addon_instances/{name} */
const getClusterAddonInstance: CsAction = (state, call) => {
  const addon = clusterOf(state, call).addons.find(({ name }) => name === call.name);
  if (addon === undefined) {
    throw new CsRefusal(404, 'AddonNotFound', `addon ${call.name} is not installed`);
  }
  return { body: { config: '', ...addon } };
};

/** GET /permissions/users/{uid} */
const describeUserPermission: CsAction = (state, call) => {
  const own = [...state.clusters.values()].filter((cluster) => cluster.accountId === call.subject);
  // The account itself is the owner of each of its clusters, without a grant.
  const asOwner = own.map((cluster) => ({
    resource_id: cluster.fields.cluster_id,
    resource_type: 'cluster',
    role_name: '',
    role_type: 'admin',
    is_owner: 1,
    is_ram_role: 0,
  }));
  return { body: [...asOwner, ...state.permissions.of(call.subject)] };
};

/** POST /permissions/users/{uid}: replaces every grant of that RAM id. */
const grantPermissions: CsAction = async (state, call) => {
  const body = jsonBody(call);
  if (!Array.isArray(body)) throw invalidParameter('body', typeof body, 'a list of permissions');
  await state.permissions.replace(call.subject, body.map(grantFromWire));
  return {};
};

/** The routes: method, path with `{subject}` and `{name}`, and what answers. */
const routes: readonly { method: string; path: RegExp; action: string; run: CsAction }[] = [
  route('GET', '/api/v1/clusters', 'DescribeClustersV1', describeClustersV1),
  route('GET', '/clusters/{subject}', 'DescribeClusterDetail', describeClusterDetail),
  route(
    'GET',
    '/k8s/{subject}/user_config',
    'DescribeClusterUserKubeconfig',
    describeClusterUserKubeconfig,
  ),
  route(
    'GET',
    '/clusters/{subject}/addon_instances',
    'ListClusterAddonInstances',
    listClusterAddonInstances,
  ),
  route(
    'GET',
    '/clusters/{subject}/addon_instances/{name}',
    'GetClusterAddonInstance',
    getClusterAddonInstance,
  ),
  route('GET', '/permissions/users/{subject}', 'DescribeUserPermission', describeUserPermission),
  route('POST', '/permissions/users/{subject}', 'GrantPermissions', grantPermissions),
];

/** The action that a method and path name, and what the path holds. */
export function findAction(
  method: string,
  url: string,
): { action: string; run: CsAction; subject: string; name: string } | undefined {
  const { path } = splitTarget(url);
  for (const candidate of routes) {
    const match = candidate.method === method ? candidate.path.exec(path) : null;
    if (match === null) continue;
    const part = (key: string) => decodeURIComponent(match.groups?.[key] ?? '');
    const { action, run } = candidate;
    return { action, run, subject: part('subject'), name: part('name') };
  }
  return undefined;
}

function route(method: string, path: string, action: string, run: CsAction) {
  const pattern = path.replace(/\{(\w+)\}/g, '(?<$1>[^/]+)');
  return { method, path: new RegExp(`^${pattern}$`), action, run };
}

/** A cluster of another account is as good as none. */
function clusterOf(state: CsState, call: CsCall): CsCluster {
  const cluster = state.clusters.get(call.subject);
  const isOwn = cluster?.accountId === call.caller.credential.accountId;
  if (cluster === undefined || !isOwn) throw clusterNotFound(call.subject);
  return cluster;
}

function queryOf(call: CsCall): ReadonlyMap<string, string> {
  return new Map(parsePairs(splitTarget(call.request.url).query));
}

function wholeNumber(
  query: ReadonlyMap<string, string>,
  name: string,
  byDefault: number,
  max: number,
): number {
  const text = query.get(name) ?? `${byDefault}`;
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1 && value <= max) return value;
  throw invalidParameter(name, text, `1 to ${max}`);
}

function jsonBody(call: CsCall): unknown {
  try {
    return JSON.parse(call.request.body.toString('utf8'));
  } catch {
    throw invalidParameter('body', 'no JSON', 'JSON');
  }
}
