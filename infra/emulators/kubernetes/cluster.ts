import type { Webhooks } from './admission/webhooks.ts';
import type { ServiceAllocators } from './allocators/service-allocators.ts';
import type { ResourceRegistry } from './resources/registry.ts';
import type { ObjectStore } from './storage/object-store.ts';

/** Everything that the verbs work on. */
export interface Cluster {
  readonly clusterId: string;
  readonly store: ObjectStore;
  readonly registry: ResourceRegistry;
  readonly allocators: ServiceAllocators;
  readonly webhooks: Webhooks;
  readonly now: () => number;
}
