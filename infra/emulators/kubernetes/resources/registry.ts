import type { ResourceInfo } from './resource-table.ts';
import { apiVersionOf } from './resource-table.ts';
import type { ServedResource } from './served-resource.ts';

/** A version of a group, with its resources. */
export interface ServedVersion {
  readonly version: string;
  readonly resources: readonly ResourceInfo[];
}

/** A group as `/apis` shows it; the first version is the preferred one. */
export interface ServedGroup {
  readonly group: string;
  readonly versions: readonly ServedVersion[];
}

/** Everything that is served at the moment: built-in kinds, and those of established CRDs. */
export class ResourceRegistry {
  private readonly builtins = new Map<string, ServedResource>();
  private readonly custom = new Map<string, readonly ServedResource[]>();
  private readonly customByPath = new Map<string, ServedResource>();

  constructor(builtins: readonly ServedResource[]) {
    for (const resource of builtins) this.builtins.set(pathOf(resource.info), resource);
  }

  /** The resource of a path, if it is served. */
  find(group: string, version: string, plural: string): ServedResource | undefined {
    const path = pathOf({ group, version, plural });
    return this.builtins.get(path) ?? this.customByPath.get(path);
  }

  /** Whether the server itself has kinds in the group. */
  hasBuiltinGroup(group: string): boolean {
    for (const { info } of this.builtins.values()) if (info.group === group) return true;
    return false;
  }

  /** Whether a CRD defines the resource. */
  isCustom(info: ResourceInfo): boolean {
    return this.customByPath.has(pathOf(info));
  }

  /** The resource at its preferred version. */
  preferred(group: string, plural: string): ServedResource | undefined {
    for (const resource of this.all()) {
      if (resource.info.group === group && resource.info.plural === plural) return resource;
    }
    return undefined;
  }

  /** The resource of a kind, as owner references and patches name it. */
  ofKind(apiVersion: string, kind: string): ServedResource | undefined {
    for (const resource of this.all()) {
      if (resource.apiVersion === apiVersion && resource.info.kind === kind) return resource;
    }
    return undefined;
  }

  /** A resource that reads and writes what is stored under a key. */
  ofStorage(storageKey: string): ServedResource | undefined {
    for (const resource of this.all()) {
      if (resource.storageKey === storageKey) return resource;
    }
    return undefined;
  }

  /** Every served resource at every version; the preferred versions of a group come first. */
  *all(): Iterable<ServedResource> {
    yield* this.builtins.values();
    for (const versions of this.custom.values()) yield* versions;
  }

  /** Each stored resource once. */
  *stored(): Iterable<ServedResource> {
    const seen = new Set<string>();
    for (const resource of this.all()) {
      const verbs = resource.info.verbs;
      if (seen.has(resource.storageKey) || !verbs.includes('list')) continue;
      if (!verbs.includes('create')) continue;
      seen.add(resource.storageKey);
      yield resource;
    }
  }

  /** Serves a CRD's versions, best first; none takes the resource away. */
  setCustom(crdName: string, versions: readonly ServedResource[]): void {
    for (const old of this.custom.get(crdName) ?? []) this.customByPath.delete(pathOf(old.info));
    if (versions.length === 0) this.custom.delete(crdName);
    else this.custom.set(crdName, versions);
    for (const resource of versions) this.customByPath.set(pathOf(resource.info), resource);
  }

  /** Groups in the order of `/apis`: built-in ones first, then those of CRDs by name. */
  groups(): ServedGroup[] {
    const builtin = groupsOf([...this.builtins.values()]);
    const names = [...this.custom.keys()].sort();
    const customs = names.flatMap((name) => this.custom.get(name) ?? []);
    const custom = groupsOf(customs).sort((a, b) => (a.group < b.group ? -1 : 1));
    return [...builtin, ...custom];
  }
}

function pathOf(info: { group: string; version: string; plural: string }): string {
  return `${apiVersionOf(info)}/${info.plural}`;
}

/** Kubernetes' order of versions: v2, v1, v1beta2, v1beta1, v1alpha1, then anything by name. */
export function compareVersions(a: string, b: string): number {
  const rank = (version: string): [number, number, number] => {
    const match = /^v(\d+)(?:(alpha|beta)(\d+))?$/.exec(version);
    if (match === null) return [-1, 0, 0];
    const stage = match[2] === undefined ? 2 : match[2] === 'beta' ? 1 : 0;
    return [stage, Number(match[1]), Number(match[3] ?? 0)];
  };
  const [left, right] = [rank(a), rank(b)];
  for (const index of [0, 1, 2] as const) {
    if (left[index] !== right[index]) return right[index] - left[index];
  }
  return a < b ? -1 : a > b ? 1 : 0;
}

function groupsOf(resources: readonly ServedResource[]): ServedGroup[] {
  const groups = new Map<string, Map<string, ResourceInfo[]>>();
  for (const { info } of resources) {
    const versions = groups.get(info.group) ?? new Map<string, ResourceInfo[]>();
    groups.set(info.group, versions);
    const list = versions.get(info.version) ?? [];
    versions.set(info.version, list);
    list.push(info);
  }
  return [...groups].map(([group, versions]) => ({
    group,
    versions: [...versions]
      .sort(([a], [b]) => compareVersions(a, b))
      .map(([version, list]) => ({
        version,
        resources: list.sort((a, b) => (a.plural < b.plural ? -1 : 1)),
      })),
  }));
}
