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

  constructor(discovery: Discovery) {
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

  /** The kind that a reference (`apps/v1`, `Deployment`) names. */
  findKind(reference: {
    readonly apiVersion: string;
    readonly kind: string;
  }): ApiResource | undefined {
    return this.byKind.get(`${reference.apiVersion} ${reference.kind}`);
  }
}
