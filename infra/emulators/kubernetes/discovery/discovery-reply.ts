/** Discovery, OpenAPI, health and version: everything that is no object of a resource. */
import type { Cluster } from '../cluster.ts';
import { aggregatedVersion } from '../http/negotiate.ts';
import { jsonReply, type Reply, statusReply } from '../http/reply.ts';
import { objectAt, textAt } from '../json-tree.ts';
import { resourceNotFound } from '../status-error.ts';
import { prefixOf } from '../storage/keys.ts';
import { parseStored } from '../storage/store-event.ts';
import {
  aggregatedDocument,
  coreVersionsDocument,
  groupDocument,
  groupListDocument,
  resourceListDocument,
  type StaleGroup,
} from './discovery-documents.ts';
import { openApiV2, openApiV3, openApiV3Index } from './openapi-documents.ts';

/** A request outside the resources. */
export interface PlainRequest {
  readonly path: string;
  readonly accept: string | undefined;
  readonly host: string;
  /** `v1.34.1` */
  readonly serverVersion: string;
}

function textReply(code: number, body: string): Reply {
  return { code, body, contentType: 'text/plain; charset=utf-8' };
}

/** What is answered where nothing is served. */
export const pageNotFound: Reply = textReply(404, '404 page not found\n');

function minorOf(version: string): string {
  return version.split('.')[1] ?? '34';
}

function versionDocument(version: string): object {
  const minor = minorOf(version);
  return {
    major: '1',
    minor,
    emulationMajor: '1',
    emulationMinor: minor,
    minCompatibilityMajor: '1',
    minCompatibilityMinor: String(Number(minor) - 1),
    gitVersion: version,
    gitCommit: 'sandbox',
    gitTreeState: 'clean',
    buildDate: '1970-01-01T00:00:00Z',
    goVersion: 'go1.24.6',
    compiler: 'gc',
    platform: 'linux/amd64',
  };
}

/** Aggregated discovery came with 1.26 as v2beta1, was v2 from 1.30, and v2 alone in 1.34. */
function aggregatedVersions(serverVersion: string): readonly string[] {
  const minor = Number(minorOf(serverVersion));
  if (minor < 26) return [];
  if (minor < 30) return ['v2beta1'];
  return minor < 34 ? ['v2', 'v2beta1'] : ['v2'];
}

/** Groups that an APIService hands to a server in the cluster, which is never reachable here. */
export function remoteGroups(cluster: Cluster): StaleGroup[] {
  const stale: StaleGroup[] = [];
  for (const { json } of cluster.store.scan(prefixOf('apiservices.apiregistration.k8s.io'))) {
    const spec = objectAt(parseStored(json), 'spec');
    if (objectAt(spec, 'service') === undefined) continue;
    stale.push({ group: textAt(spec, 'group'), version: textAt(spec, 'version') });
  }
  return stale;
}

function aggregatedReply(
  cluster: Cluster,
  request: PlainRequest,
  core: boolean,
): Reply | undefined {
  const version = aggregatedVersion(request.accept, aggregatedVersions(request.serverVersion));
  if (version === undefined) return undefined;
  const stale = core ? [] : remoteGroups(cluster);
  const document = aggregatedDocument(cluster.registry, { core, version, stale });
  const type = `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`;
  return { ...jsonReply(200, document), contentType: type };
}

function groupsReply(cluster: Cluster): Reply {
  const remote = remoteGroups(cluster).map(({ group, version }) => ({
    group,
    versions: [{ version, resources: [] }],
  }));
  return jsonReply(200, groupListDocument([...cluster.registry.groups(), ...remote]));
}

function groupReply(cluster: Cluster, group: string): Reply {
  const found = cluster.registry.groups().find((g) => g.group === group && group !== '');
  if (found !== undefined) return jsonReply(200, groupDocument(found, true));
  const remote = remoteGroups(cluster).filter((g) => g.group === group);
  if (remote.length === 0) return pageNotFound;
  const versions = remote.map(({ version }) => ({ version, resources: [] }));
  return jsonReply(200, groupDocument({ group, versions }, true));
}

/** What a server behind an APIService answers that nobody can reach. */
export const unreachableReply: Reply = textReply(503, 'service unavailable\n');

function versionReply(cluster: Cluster, group: string, version: string): Reply {
  const known = cluster.registry.groups().find((g) => g.group === group);
  const served = known?.versions.find((v) => v.version === version);
  if (served !== undefined) return jsonReply(200, resourceListDocument(group, served));
  const isRemote = remoteGroups(cluster).some((g) => g.group === group && g.version === version);
  if (isRemote) return unreachableReply;
  return known === undefined ? pageNotFound : statusReply(resourceNotFound());
}

function openApiReply(cluster: Cluster, parts: readonly string[]): Reply {
  const [, version, root, first = '', second = ''] = parts;
  if (version === 'v2' && root === undefined) return jsonReply(200, openApiV2(cluster.registry));
  if (version !== 'v3') return pageNotFound;
  if (root === undefined) return jsonReply(200, openApiV3Index(cluster.registry));
  const [group, served] = root === 'api' ? ['', first] : [first, second];
  const known = cluster.registry.groups().find((g) => g.group === group);
  if (!known?.versions.some((v) => v.version === served)) return pageNotFound;
  return jsonReply(200, openApiV3(cluster.registry, group, served));
}

const rootPaths = ['/api', '/api/v1', '/apis', '/healthz', '/livez', '/openapi/v2', '/openapi/v3'];

/** Answers a GET that names no resource. */
export function discoveryReply(cluster: Cluster, request: PlainRequest): Reply {
  const parts = request.path.split('/').filter((part) => part !== '');
  const [root, first, second] = parts;
  switch (root) {
    case undefined:
      return jsonReply(200, { paths: [...rootPaths, '/readyz', '/version'] });
    case 'version':
      return jsonReply(200, versionDocument(request.serverVersion));
    case 'healthz':
    case 'livez':
    case 'readyz':
      return textReply(200, 'ok');
    case 'openapi':
      return openApiReply(cluster, parts);
    case 'api':
      if (first !== undefined) return versionReply(cluster, '', first);
      return (
        aggregatedReply(cluster, request, true) ??
        jsonReply(200, coreVersionsDocument(request.host))
      );
    case 'apis':
      if (first === undefined) {
        return aggregatedReply(cluster, request, false) ?? groupsReply(cluster);
      }
      if (second === undefined) return groupReply(cluster, first);
      return versionReply(cluster, first, second);
    default:
      return pageNotFound;
  }
}
