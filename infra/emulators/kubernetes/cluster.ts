import type { Webhooks } from './admission/webhooks.ts';
import type { ServiceAllocators } from './allocators/service-allocators.ts';
import type { ResourceRegistry } from './resources/registry.ts';
import type { ObjectStore } from './storage/object-store.ts';

/** Who sends a request. */
export interface UserInfo {
  readonly user: string;
  readonly groups: readonly string[];
}

/** Everything that the verbs work on. */
export interface Cluster {
  readonly clusterId: string;
  readonly store: ObjectStore;
  readonly registry: ResourceRegistry;
  readonly allocators: ServiceAllocators;
  readonly webhooks: Webhooks;
  readonly now: () => number;
}

/** How one write is to be done, and by whom. */
export interface Writer {
  readonly user: UserInfo;
  /** Owner of the fields that the write sets. */
  readonly manager: string;
  readonly dryRun: boolean;
  readonly fieldValidation: 'Strict' | 'Warn' | 'Ignore';
  /** Texts for the `Warning` headers of the reply. */
  readonly warnings: string[];
}

/** The writer that in-process controllers act as. */
export function controllerWriter(name: string): Writer {
  return {
    user: { user: `system:serviceaccount:kube-system:${name}`, groups: ['system:masters'] },
    manager: 'kube-controller-manager',
    dryRun: false,
    fieldValidation: 'Ignore',
    warnings: [],
  };
}
