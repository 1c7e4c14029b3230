/** What the target serves, looked up by how objects and owner references name kinds. */
import {
  type ApiResource,
  apiVersionOf,
  type Discovery,
  groupResource,
} from '../domain/api-resource.ts';

/** Served kinds by name. */
export class ResourceIndex {
  private readonly byResource = new Map<string, ApiResource>();
  private readonly byKind = new Map<string, ApiResource>();
  private readonly served = new Set<string>();
  private readonly failures: Discovery['failures'];

  constructor(discovery: Discovery) {
    this.failures = discovery.failures;
    for (const resource of discovery.resources) {
      if (resource.resource.includes('/')) continue;
      const version = apiVersionOf(resource);
      this.byResource.set(`${version} ${groupResource(resource)}`, resource);
      this.served.add(groupResource(resource));
      this.byKind.set(`${version} ${resource.kind}`, resource);
    }
  }

  /** The kind at the very version, undefined where it is not served. */
  find(apiVersion: string, resource: string): ApiResource | undefined {
    return this.byResource.get(`${apiVersion} ${resource}`);
  }

  /** Whether the kind (`plural.group`) is served at any version. */
  serves(resource: string): boolean {
    return this.served.has(resource);
  }

  /** Why the group of an apiVersion could not be asked for its kinds; undefined where it could. */
  failureOf(apiVersion: string): string | undefined {
    const slash = apiVersion.indexOf('/');
    const group = slash < 0 ? '' : apiVersion.slice(0, slash);
    const version = apiVersion.slice(slash + 1);
    const failure = this.failures.find(
      (f) => f.group === group && (f.version === undefined || f.version === version),
    );
    return failure?.reason;
  }

  /** The kind that a reference (`apps/v1`, `Deployment`) names. */
  findKind(reference: {
    readonly apiVersion: string;
    readonly kind: string;
  }): ApiResource | undefined {
    return this.byKind.get(`${reference.apiVersion} ${reference.kind}`);
  }
}
