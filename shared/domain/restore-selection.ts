/**
 * Which objects of a backup a restore brings back. First the catalogue decides what it can (kind,
 * namespace, scope), then, where that is not enough, the objects' labels and the names inside them.
 * Names in filters are those of the source.
 */
import { neverCreated } from './controller-made.ts';
import { isProtectedNamespace } from './protected-namespaces.ts';
import type { RestoreSpec } from './restore-record.ts';

/** An object as the catalogue names it. */
export interface SelectionSubject {
  /** Plural with group. */
  readonly resource: string;
  readonly namespace?: string;
  readonly name: string;
}

/** The filters of a restore. */
export type RestoreFilters = Pick<
  RestoreSpec,
  'namespaces' | 'resources' | 'excludedResources' | 'labelSelector' | 'clusterScope' | 'volumes'
>;

/**
 * Where an object stands before its body is known:
 * - `in`: comes back
 * - `labelled`: comes back if its labels match, else as a candidate
 * - `candidate`: comes back if an object that does needs it; else omitted for `reason`
 * - `out`: omitted for `reason`
 */
export type Standing =
  | { readonly kind: 'in' }
  | { readonly kind: 'labelled' | 'candidate' | 'out'; readonly reason: string };

const NAMESPACES = 'namespaces';
const VOLUMES = 'persistentvolumes';

/** The standing of an object by its catalogue line. */
export function standingOf(filters: RestoreFilters, subject: SelectionSubject): Standing {
  const never = neverCreated(subject.resource);
  if (never !== undefined) return out(never);
  const isNamespace = subject.resource === NAMESPACES;
  const place = isNamespace ? subject.name : subject.namespace;
  if (place !== undefined && isProtectedNamespace(place)) return out('system_namespace');
  const { namespaces, clusterScope, volumes } = filters;
  if (place !== undefined && namespaces.length > 0 && !namespaces.includes(place)) {
    return out('filtered');
  }
  if (filters.excludedResources?.includes(subject.resource) === true) return out('filtered');
  const listed = filters.resources?.includes(subject.resource) ?? true;
  if (isNamespace) return namespaceStanding(filters);
  if (!listed) return out('filtered');
  if (subject.namespace !== undefined) return byLabel(filters);
  if (subject.resource === VOLUMES && volumes === 'none') return out('filtered');
  if (clusterScope === 'none') return out('cluster_scoped');
  return clusterScope === 'all'
    ? byLabel(filters)
    : { kind: 'candidate', reason: 'cluster_scoped' };
}

/** A namespace comes along with what lies in it, whatever the kind filter says. */
function namespaceStanding(filters: RestoreFilters): Standing {
  if (filters.clusterScope === 'none') return out('cluster_scoped');
  const listed = filters.resources?.includes(NAMESPACES) ?? true;
  return listed ? byLabel(filters) : { kind: 'candidate', reason: 'filtered' };
}

function byLabel(filters: RestoreFilters): Standing {
  return filters.labelSelector === undefined
    ? { kind: 'in' }
    : { kind: 'labelled', reason: 'filtered' };
}

function out(reason: string): Standing {
  return { kind: 'out', reason };
}

/**
 * Everything that the chosen objects need, transitively: `needs(i)` are the objects that object `i`
 * brings along, `followers()` those that join what was chosen without being named. Only candidates join.
 * Changes `chosen`.
 */
export function chooseNeeded(given: {
  readonly chosen: Set<number>;
  readonly candidates: ReadonlySet<number>;
  readonly needs: (object: number) => Iterable<number>;
  readonly followers: () => Iterable<number>;
}): void {
  const { chosen, candidates } = given;
  let front: number[] = [...chosen];
  while (front.length > 0) {
    const next: number[] = [];
    const join = (object: number): void => {
      if (!candidates.has(object) || chosen.has(object)) return;
      chosen.add(object);
      next.push(object);
    };
    for (const object of front) for (const needed of given.needs(object)) join(needed);
    if (next.length === 0) for (const follower of given.followers()) join(follower);
    front = next;
  }
}
