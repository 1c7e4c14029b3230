/** Finding kinds by the names users give them. */
import { type ApiResource, groupResource } from './api-resource.ts';

/**
 * The kinds a name means: a plural, singular, kind, short name or `plural.group`, in any case. Empty
 * where none is served. A plain name that several groups serve means all of them.
 */
export function resolveResourceName(
  served: readonly ApiResource[],
  name: string,
): readonly ApiResource[] {
  const wanted = name.toLowerCase();
  const exact = served.filter((r) => groupResource(r).toLowerCase() === wanted);
  if (exact.length > 0 && wanted.includes('.')) return preferredOnly(exact);
  const byName = served.filter(
    (r) =>
      r.resource.toLowerCase() === wanted ||
      r.singular.toLowerCase() === wanted ||
      r.kind.toLowerCase() === wanted,
  );
  if (byName.length > 0) return preferredOnly(byName);
  return preferredOnly(served.filter((r) => r.shortNames.some((s) => s.toLowerCase() === wanted)));
}

/** One entry per group and resource. */
function preferredOnly(resources: readonly ApiResource[]): readonly ApiResource[] {
  const byGroup = new Map<string, ApiResource>();
  for (const r of resources) {
    const known = byGroup.get(groupResource(r));
    if (known === undefined || (r.preferred && !known.preferred)) byGroup.set(groupResource(r), r);
  }
  return [...byGroup.values()];
}
