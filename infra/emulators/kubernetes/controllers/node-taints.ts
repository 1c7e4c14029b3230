/** Takes the taint of new nodes away once they are ready, as the node lifecycle controller does. */
import type { Cluster } from '../cluster.ts';
import { ensureObject, type JsonObject, objectsAt } from '../json-tree.ts';
import { StatusError } from '../status-error.ts';
import { keyOf, placeOf, prefixOf } from '../storage/keys.ts';
import { parseStored, type StoreEvent } from '../storage/store-event.ts';
import { notReadyTaint } from '../strategies/core-rules.ts';
import { updateObject } from '../write/update-object.ts';
import { controllerWriter } from '../writer.ts';
import { WorkQueue } from './work-queue.ts';

function isReadyAndTainted(node: JsonObject): boolean {
  const conditions = objectsAt(node, 'status', 'conditions');
  if (!conditions.some((c) => c.type === 'Ready' && c.status === 'True')) return false;
  return objectsAt(node, 'spec', 'taints').some((taint) => taint.key === notReadyTaint);
}

/** The part of the node lifecycle controller that lets pods onto new nodes. */
export class NodeTaints {
  private readonly cluster: Cluster;
  readonly queue = new WorkQueue((name) => this.reconcile(name));

  constructor(cluster: Cluster) {
    this.cluster = cluster;
    cluster.store.onCommit((event) => this.follow(event));
    for (const { key, json } of cluster.store.scan(prefixOf('nodes'))) {
      if (isReadyAndTainted(parseStored(json))) this.queue.add(placeOf(key).name);
    }
  }

  private follow(event: StoreEvent): void {
    const { resource, name } = placeOf(event.key);
    if (resource !== 'nodes' || event.type === 'DELETED') return;
    if (isReadyAndTainted(event.object)) this.queue.add(name);
  }

  private async reconcile(name: string): Promise<void> {
    const { store, registry } = this.cluster;
    const resource = registry.find('', 'v1', 'nodes');
    const json = store.read(keyOf({ resource: 'nodes', namespace: undefined, name }));
    if (resource === undefined || json === undefined) return;
    if (!isReadyAndTainted(parseStored(json))) return;
    const change = (node: JsonObject): JsonObject => {
      const spec = ensureObject(node, 'spec');
      spec.taints = objectsAt(spec, 'taints').filter((taint) => taint.key !== notReadyTaint);
      return node;
    };
    const writer = controllerWriter('node-controller');
    try {
      await updateObject(this.cluster, {
        resource,
        namespace: undefined,
        name,
        subresource: '',
        writer,
        change,
      });
    } catch (error) {
      // The node is gone, or was changed: its next event brings it here again.
      if (!(error instanceof StatusError)) throw error;
    }
  }
}
