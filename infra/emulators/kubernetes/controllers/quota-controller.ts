/** Keeps the usage in the status of ResourceQuotas, as the resource quota controller does. */
import { addResources, type ResourceList } from '../admission/pod-resources.ts';
import { isCounted, usageOf } from '../admission/quota-usage.ts';
import { isInScope } from '../admission/resource-quotas.ts';
import type { Cluster } from '../cluster.ts';
import { deepEqual, type JsonObject, objectAt, textMapAt } from '../json-tree.ts';
import { StatusError } from '../status-error.ts';
import { placeOf, prefixOf } from '../storage/keys.ts';
import { parseStored, type StoreEvent } from '../storage/store-event.ts';
import { updateObject } from '../write/update-object.ts';
import { controllerWriter } from '../writer.ts';
import { WorkQueue } from './work-queue.ts';

const quotas = 'resourcequotas';
/** Kinds whose usage a change may alter; creations are charged as they are admitted. */
const measured = ['pods', 'services', 'persistentvolumeclaims'];

/** The kinds that a quota on a name counts. */
function kindsCounted(name: string): string[] {
  if (name.startsWith('count/')) return [name.slice('count/'.length)];
  return [...measured, name].filter((kind) => isCounted(kind, name));
}

/** The resource quota controller. */
export class QuotaController {
  private readonly cluster: Cluster;
  readonly queue = new WorkQueue((namespace) => this.reconcile(namespace));

  constructor(cluster: Cluster) {
    this.cluster = cluster;
    cluster.store.onCommit((event) => this.follow(event));
    for (const key of cluster.store.keys(prefixOf(quotas)))
      this.queue.add(placeOf(key).namespace ?? '');
  }

  private follow(event: StoreEvent): void {
    const { resource, namespace } = placeOf(event.key);
    if (namespace === undefined) return;
    const isQuota = resource === quotas && event.type !== 'DELETED';
    const isChange = event.type === 'MODIFIED' && measured.includes(resource);
    if (!isQuota && !isChange && event.type !== 'DELETED') return;
    if (this.cluster.store.count(prefixOf(quotas, namespace)) > 0) this.queue.add(namespace);
  }

  private usage(quota: JsonObject, namespace: string): ResourceList {
    const names = Object.keys(textMapAt(quota, 'spec', 'hard'));
    const kinds = new Set(names.flatMap(kindsCounted));
    const sum: ResourceList = {};
    for (const kind of kinds) {
      for (const { json } of this.cluster.store.scan(prefixOf(kind, namespace))) {
        const object = parseStored(json);
        if (isInScope(quota, kind, object))
          addResources(sum, usageOf(kind, object, this.cluster.now()));
      }
    }
    const counted = names.filter((name) => kindsCounted(name).length > 0);
    return Object.fromEntries(counted.map((name) => [name, sum[name] ?? '0']));
  }

  private async reconcile(namespace: string): Promise<void> {
    for (const key of this.cluster.store.keys(prefixOf(quotas, namespace))) {
      await this.refresh(namespace, placeOf(key).name);
    }
  }

  private async refresh(namespace: string, name: string): Promise<void> {
    const resource = this.cluster.registry.find('', 'v1', quotas);
    if (resource === undefined) return;
    const change = (quota: JsonObject): JsonObject => {
      const status = { hard: textMapAt(quota, 'spec', 'hard'), used: this.usage(quota, namespace) };
      return deepEqual(objectAt(quota, 'status'), status) ? quota : { ...quota, status };
    };
    const writer = controllerWriter('resourcequota-controller');
    try {
      await updateObject(this.cluster, {
        resource,
        namespace,
        name,
        subresource: 'status',
        writer,
        change,
      });
    } catch (error) {
      // The quota is gone, or was changed: its next event brings it here again.
      if (!(error instanceof StatusError)) throw error;
    }
  }
}
