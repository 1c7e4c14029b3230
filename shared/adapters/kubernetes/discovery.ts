/**
 * What an API server serves. Aggregated discovery (one request for all groups) where there is any,
 * else one request per group and version, in parallel: a dead group costs its time limit, once.
 */
import type { ApiResource, Discovery, DiscoveryFailure } from '../../domain/api-resource.ts';
import { BackupCentreError } from '../../domain/errors.ts';
import { isJsonObject, type JsonObject } from '../../domain/json.ts';
import type { ApiRequest, ApiTransport } from './api-transport.ts';

/** How long a group may take to answer, ms (design §5: seconds, not the run). */
const GROUP_TIMEOUT_MS = 5_000;
/** How long the list of all groups may take, ms. */
const ROOT_TIMEOUT_MS = 10_000;
/** Groups asked at once. */
const GROUPS_AT_ONCE = 16;
const AGGREGATED =
  'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,' +
  'application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,' +
  'application/json';

/** A resource of one group version, before it is known which version is preferred. */
type Served = Omit<ApiResource, 'preferred'>;

/** Versions of a group in the server's order of preference. */
interface Group {
  readonly name: string;
  readonly versions: readonly string[];
}

/** Everything served. @throws BackupCentreError only where the server as a whole does not answer */
export async function discoverResources(transport: ApiTransport): Promise<Discovery> {
  const [core, named] = await Promise.all([
    readRoot(transport, '/api'),
    readRoot(transport, '/apis'),
  ]);
  const failures: DiscoveryFailure[] = [];
  const served: Served[] = [];
  const groups: Group[] = [];
  const plain: Group[] = [];
  for (const root of [core, named]) {
    if (root.kind === 'APIGroupDiscoveryList') {
      readAggregated(root, { served, groups, failures });
    } else plain.push(...plainGroups(root));
  }
  groups.push(...plain);
  await readPlainGroups(transport, plain, { served, failures });
  return { resources: withPreference(groups, served), failures };
}

async function readRoot(transport: ApiTransport, path: string): Promise<JsonObject> {
  const reply = await transport.send({
    ...discoveryRequest(path, ROOT_TIMEOUT_MS),
    accept: AGGREGATED,
  });
  return parseReply(reply.body, path);
}

function discoveryRequest(path: string, timeoutMs: number): ApiRequest {
  return {
    verb: 'discover',
    attempt: `discover ${path}`,
    kind: 'read',
    isSecret: false,
    method: 'GET',
    path,
    repeatable: true,
    timeoutMs,
  };
}

function parseReply(body: Buffer, path: string): JsonObject {
  try {
    const parsed: unknown = JSON.parse(body.toString('utf8'));
    if (isJsonObject(parsed)) return parsed;
  } catch {
    // Refused below, like any other text that is no object.
  }
  const message = `Cannot discover ${path}: the reply is no JSON object`;
  throw new BackupCentreError('cluster_unreachable', message, { retryable: true });
}

/** APIGroupDiscoveryList, apidiscovery.k8s.io/v2 and v2beta1. */
function readAggregated(
  list: JsonObject,
  found: { served: Served[]; groups: Group[]; failures: DiscoveryFailure[] },
): void {
  for (const item of objects(list.items)) {
    const metadata = isJsonObject(item.metadata) ? item.metadata : {};
    const group = text(metadata.name);
    const versions = objects(item.versions);
    found.groups.push({ name: group, versions: versions.map((v) => text(v.version)) });
    for (const entry of versions) {
      const version = text(entry.version);
      if (entry.freshness === 'Stale') {
        const reason = 'the server says that what it knows of this group is stale';
        found.failures.push({ group, version, reason });
        continue;
      }
      for (const resource of objects(entry.resources)) {
        const responseKind = isJsonObject(resource.responseKind) ? resource.responseKind : {};
        found.served.push({
          group,
          version,
          resource: text(resource.resource),
          singular: text(resource.singularResource),
          kind: text(responseKind.kind),
          shortNames: texts(resource.shortNames),
          namespaced: resource.scope === 'Namespaced',
          verbs: texts(resource.verbs),
        });
      }
    }
  }
}

/** APIVersions (of `/api`) or APIGroupList (of `/apis`). */
function plainGroups(root: JsonObject): Group[] {
  if (root.kind === 'APIVersions') return [{ name: '', versions: texts(root.versions) }];
  return objects(root.groups).map((group) => {
    const preferred = isJsonObject(group.preferredVersion)
      ? text(group.preferredVersion.version)
      : '';
    const versions = objects(group.versions).map((v) => text(v.version));
    return {
      name: text(group.name),
      versions: [
        ...versions.filter((v) => v === preferred),
        ...versions.filter((v) => v !== preferred),
      ],
    };
  });
}

async function readPlainGroups(
  transport: ApiTransport,
  groups: readonly Group[],
  found: { served: Served[]; failures: DiscoveryFailure[] },
): Promise<void> {
  const queue = groups.flatMap(({ name, versions }) =>
    versions.map((version) => ({ group: name, version })),
  );
  const worker = async () => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const { group, version } = next;
      try {
        found.served.push(...(await readGroupVersion(transport, group, version)));
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        found.failures.push({ group, version, reason });
      }
    }
  };
  await Promise.all(Array.from({ length: GROUPS_AT_ONCE }, worker));
}

/** APIResourceList; subresources (names with a slash) are left out. */
async function readGroupVersion(
  transport: ApiTransport,
  group: string,
  version: string,
): Promise<Served[]> {
  const path = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
  const reply = await transport.send({ ...discoveryRequest(path, GROUP_TIMEOUT_MS), once: true });
  return objects(parseReply(reply.body, path).resources)
    .filter((resource) => !text(resource.name).includes('/'))
    .map((resource) => ({
      group,
      version,
      resource: text(resource.name),
      singular: text(resource.singularName),
      kind: text(resource.kind),
      shortNames: texts(resource.shortNames),
      namespaced: resource.namespaced === true,
      verbs: texts(resource.verbs),
    }));
}

/** The first version, in the server's order, that serves the resource. */
function withPreference(groups: readonly Group[], served: readonly Served[]): ApiResource[] {
  const order = new Map(groups.map(({ name, versions }) => [name, versions]));
  const rankOf = (r: Served) => (order.get(r.group) ?? []).indexOf(r.version);
  const best = new Map<string, number>();
  for (const resource of served) {
    const id = `${resource.group}/${resource.resource}`;
    best.set(id, Math.min(best.get(id) ?? Number.POSITIVE_INFINITY, rankOf(resource)));
  }
  return served
    .map((resource) => ({
      ...resource,
      preferred: best.get(`${resource.group}/${resource.resource}`) === rankOf(resource),
    }))
    .sort((a, b) => (sortKey(a) < sortKey(b) ? -1 : 1));
}

function sortKey(r: Served): string {
  return `${r.group} ${r.version} ${r.resource}`;
}

function objects(value: unknown): JsonObject[] {
  return Array.isArray(value) ? value.filter(isJsonObject) : [];
}

function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((v): v is string => typeof v === 'string') : [];
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
