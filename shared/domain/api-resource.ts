/** What an API server serves: the vocabulary of selections, captures and restores. */

/** One served kind at one version. */
export interface ApiResource {
  /** '' for the core group. */
  readonly group: string;
  readonly version: string;
  /** Plural name, e.g. `deployments`. */
  readonly resource: string;
  readonly singular: string;
  readonly kind: string;
  readonly shortNames: readonly string[];
  readonly namespaced: boolean;
  readonly verbs: readonly string[];
  /** Whether this is the version that the server prefers for its group and resource. */
  readonly preferred: boolean;
}

/** A group or version that could not be discovered, and why: a gap in coverage. */
export interface DiscoveryFailure {
  readonly group: string;
  readonly version?: string;
  readonly reason: string;
}

/** Everything that is served, at every version, and what could not be found out. */
export interface Discovery {
  readonly resources: readonly ApiResource[];
  readonly failures: readonly DiscoveryFailure[];
}

/** `deployments.apps`; core kinds have no group: `pods`. */
export function groupResource(r: { readonly group: string; readonly resource: string }): string {
  return r.group === '' ? r.resource : `${r.resource}.${r.group}`;
}

/** `apps/v1`, or `v1` for the core group. */
export function apiVersionOf(r: { readonly group: string; readonly version: string }): string {
  return r.group === '' ? r.version : `${r.group}/${r.version}`;
}
