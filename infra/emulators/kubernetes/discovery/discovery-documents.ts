/** What is served, in the three forms that clients ask for. */
import type { ResourceRegistry, ServedGroup, ServedVersion } from '../resources/registry.ts';
import { apiVersionOf, type ResourceInfo, type Subresource } from '../resources/resource-table.ts';

function groupVersions(group: ServedGroup): { groupVersion: string; version: string }[] {
  return group.versions.map(({ version }) => ({
    groupVersion: apiVersionOf({ group: group.group, version }),
    version,
  }));
}

/** `APIGroup` of one group. */
export function groupDocument(group: ServedGroup, standalone: boolean): object {
  const versions = groupVersions(group);
  return {
    ...(standalone ? { kind: 'APIGroup', apiVersion: 'v1' } : {}),
    name: group.group,
    versions,
    preferredVersion: versions[0],
  };
}

/** `/apis` */
export function groupListDocument(groups: readonly ServedGroup[]): object {
  const named = groups.filter((group) => group.group !== '');
  return {
    kind: 'APIGroupList',
    apiVersion: 'v1',
    groups: named.map((group) => groupDocument(group, false)),
  };
}

/** `/api` */
export function coreVersionsDocument(host: string): object {
  return {
    kind: 'APIVersions',
    versions: ['v1'],
    serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress: host }],
  };
}

function resourceEntry(resource: ResourceInfo): object {
  return {
    name: resource.plural,
    singularName: resource.singular,
    namespaced: resource.namespaced,
    kind: resource.kind,
    verbs: resource.verbs,
    ...(resource.shortNames.length > 0 ? { shortNames: resource.shortNames } : {}),
    ...(resource.categories.length > 0 ? { categories: resource.categories } : {}),
    ...(resource.storageVersionHash === undefined
      ? {}
      : { storageVersionHash: resource.storageVersionHash }),
  };
}

function subresourceEntry(resource: ResourceInfo, sub: Subresource): object {
  return {
    name: `${resource.plural}/${sub.name}`,
    singularName: '',
    namespaced: resource.namespaced,
    ...(sub.group === undefined ? {} : { group: sub.group, version: sub.version }),
    kind: sub.kind,
    verbs: sub.verbs,
  };
}

/** `/apis/<group>/<version>`, or `/api/v1`. */
export function resourceListDocument(group: string, served: ServedVersion): object {
  return {
    kind: 'APIResourceList',
    ...(group === '' ? {} : { apiVersion: 'v1' }),
    groupVersion: apiVersionOf({ group, version: served.version }),
    resources: served.resources.flatMap((resource) => [
      resourceEntry(resource),
      ...resource.subresources.map((sub) => subresourceEntry(resource, sub)),
    ]),
  };
}

function responseKind(sub: Subresource): object {
  return { group: sub.group ?? '', version: sub.version ?? '', kind: sub.kind };
}

function aggregatedResource(resource: ResourceInfo, custom: boolean): object {
  const { group, version, kind } = resource;
  const own = custom ? { group, version, kind } : { group: '', version: '', kind };
  return {
    resource: resource.plural,
    responseKind: own,
    scope: resource.namespaced ? 'Namespaced' : 'Cluster',
    singularResource: resource.singular,
    verbs: resource.verbs,
    ...(resource.shortNames.length > 0 ? { shortNames: resource.shortNames } : {}),
    ...(resource.categories.length > 0 ? { categories: resource.categories } : {}),
    ...(resource.subresources.length > 0
      ? {
          subresources: resource.subresources.map((sub) => ({
            subresource: sub.name,
            responseKind: custom && sub.group === undefined ? own : responseKind(sub),
            verbs: sub.verbs,
          })),
        }
      : {}),
  };
}

/** A group whose server does not answer, as aggregated discovery shows it. */
export interface StaleGroup {
  readonly group: string;
  readonly version: string;
}

/** `APIGroupDiscoveryList`: everything under `/api` or `/apis` at once. */
export function aggregatedDocument(
  registry: ResourceRegistry,
  request: {
    readonly core: boolean;
    readonly version: string;
    readonly stale: readonly StaleGroup[];
  },
): object {
  const groups = registry.groups().filter((group) => (group.group === '') === request.core);
  const items = groups.map((group) => ({
    metadata: group.group === '' ? {} : { name: group.group },
    versions: group.versions.map((served) => ({
      version: served.version,
      resources: served.resources.map((resource) =>
        aggregatedResource(resource, registry.isCustom(resource)),
      ),
      freshness: 'Current',
    })),
  }));
  const stale = request.stale.map(({ group, version }) => ({
    metadata: { name: group },
    versions: [{ version, freshness: 'Stale' }],
  }));
  return {
    kind: 'APIGroupDiscoveryList',
    apiVersion: `apidiscovery.k8s.io/${request.version}`,
    metadata: {},
    items: request.core ? items : [...items, ...stale],
  };
}
