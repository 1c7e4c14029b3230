/** Turns the resource names of a request into group resources, refreshing discovery on a miss. */
import type { ApiResource } from '../domain/api-resource.ts';
import { groupResource } from '../domain/api-resource.ts';
import type { Cluster } from '../domain/cluster.ts';
import { BackupCentreError, type BrokenRule, ValidationError } from '../domain/errors.ts';
import { resolveResourceName } from '../domain/resource-name.ts';
import type { StoredRow } from '../ports/record-store.ts';
import type { AppServices } from './app-services.ts';
import { refreshCluster } from './register-cluster.ts';

/** Lists of resource names as asked for. */
interface ResourceLists {
  readonly resources?: readonly string[] | undefined;
  readonly excludedResources?: readonly string[] | undefined;
}

/**
 * The lists with every name resolved to `plural.group`.
 * @throws ValidationError `unknown_resource` (with the path of each), `invalid` when a kind is in both
 */
export async function resolveResources(
  services: AppServices,
  cluster: StoredRow<Cluster>,
  lists: ResourceLists,
): Promise<{ resources?: readonly string[]; excludedResources?: readonly string[] }> {
  if (lists.resources === undefined && lists.excludedResources === undefined) return {};
  let resolved = resolveLists(cluster.value.resources, lists);
  if (resolved.unknown.length > 0) {
    const fresh = await refreshOrNothing(services, cluster);
    if (fresh !== undefined) resolved = resolveLists(fresh.resources, lists);
  }
  if (resolved.unknown.length > 0) {
    throw new ValidationError(
      `Cluster ${cluster.value.id} serves no ${resolved.unknown.map((u) => u.name).join(', ')}`,
      resolved.unknown.map((u) => u.rule),
      'unknown_resource',
    );
  }
  const both = (resolved.resources ?? []).filter((r) => resolved.excludedResources?.includes(r));
  if (both.length > 0) {
    throw new ValidationError(`Cannot both take and leave out ${both.join(', ')}`, [
      { path: 'excludedResources', rule: `must not repeat ${both.join(', ')} of resources` },
    ]);
  }
  const { resources, excludedResources } = resolved;
  return {
    ...(resources === undefined ? {} : { resources }),
    ...(excludedResources === undefined ? {} : { excludedResources }),
  };
}

async function refreshOrNothing(
  services: AppServices,
  cluster: StoredRow<Cluster>,
): Promise<Cluster | undefined> {
  try {
    return (await refreshCluster(services, cluster)).value;
  } catch (error) {
    if (error instanceof BackupCentreError) return undefined;
    throw error;
  }
}

interface ResolvedLists {
  readonly resources?: readonly string[];
  readonly excludedResources?: readonly string[];
  readonly unknown: readonly { readonly name: string; readonly rule: BrokenRule }[];
}

function resolveLists(served: readonly ApiResource[], lists: ResourceLists): ResolvedLists {
  const unknown: { name: string; rule: BrokenRule }[] = [];
  const resolve = (names: readonly string[], field: string): readonly string[] => [
    ...new Set(
      names.flatMap((name, i) => {
        const found = resolveResourceName(served, name);
        if (found.length === 0) {
          unknown.push({ name, rule: { path: `${field}[${i}]`, rule: `${name} is not served` } });
        }
        return found.map(groupResource);
      }),
    ),
  ];
  const { resources, excludedResources } = lists;
  return {
    ...(resources === undefined ? {} : { resources: resolve(resources, 'resources') }),
    ...(excludedResources === undefined
      ? {}
      : { excludedResources: resolve(excludedResources, 'excludedResources') }),
    unknown,
  };
}
