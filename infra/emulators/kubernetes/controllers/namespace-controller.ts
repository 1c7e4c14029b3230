/** Empties a namespace that is being deleted, then lets it go. */
import type { Cluster } from '../cluster.ts';
import { type JsonObject, objectAt, objectsAt, textAt, textsAt } from '../json-tree.ts';
import type { ServedResource } from '../resources/served-resource.ts';
import { timeText } from '../schema/scalars.ts';
import { StatusError } from '../status-error.ts';
import { keyOf, placeOf, prefixOf } from '../storage/keys.ts';
import { parseStored, type StoreEvent } from '../storage/store-event.ts';
import { type DeleteRequest, deleteObjects } from '../write/delete-object.ts';
import { finishDeletion } from '../write/finish-deletion.ts';
import { isDeleting } from '../write/object-meta.ts';
import { controllerWriter } from '../writer.ts';
import { WorkQueue } from './work-queue.ts';

/** What is left of one resource in a namespace. */
interface Leftover {
  readonly resource: ServedResource;
  readonly count: number;
  readonly finalizers: readonly string[];
}

/** The namespace controller. */
export class NamespaceController {
  private readonly cluster: Cluster;
  private readonly terminating = new Set<string>();
  readonly queue = new WorkQueue((name) => this.reconcile(name));

  constructor(cluster: Cluster) {
    this.cluster = cluster;
    cluster.store.onCommit((event) => this.follow(event));
    for (const { key, json } of cluster.store.scan(prefixOf('namespaces'))) {
      if (isDeleting(parseStored(json))) this.start(placeOf(key).name);
    }
  }

  private start(name: string): void {
    this.terminating.add(name);
    this.queue.add(name);
  }

  private follow(event: StoreEvent): void {
    const place = placeOf(event.key);
    if (place.resource === 'namespaces') {
      if (event.type === 'DELETED') this.terminating.delete(place.name);
      else if (!this.terminating.has(place.name) && isDeleting(event.object))
        this.start(place.name);
    } else if (place.namespace !== undefined && this.terminating.has(place.namespace)) {
      this.queue.add(place.namespace);
    }
  }

  private async reconcile(name: string): Promise<void> {
    const { store, registry } = this.cluster;
    const key = keyOf({ resource: 'namespaces', namespace: undefined, name });
    const json = store.read(key);
    if (json === undefined) return;
    const namespace = parseStored(json);
    if (!isDeleting(namespace)) return;
    const leftovers: Leftover[] = [];
    for (const resource of [...registry.stored()]) {
      if (!resource.info.namespaced) continue;
      const left = await this.empty(resource, name);
      if (left.count > 0) leftovers.push(left);
    }
    this.save(key, namespace, leftovers);
  }

  private async empty(resource: ServedResource, namespace: string): Promise<Leftover> {
    const { store } = this.cluster;
    const writer = controllerWriter('namespace-controller');
    const prefix = prefixOf(resource.storageKey, namespace);
    const targets: DeleteRequest[] = [];
    for (const { key, json } of store.scan(prefix)) {
      if (isDeleting(parseStored(json))) continue;
      const options = { propagation: 'Background' } as const;
      targets.push({ resource, namespace, name: placeOf(key).name, options, writer });
    }
    try {
      await deleteObjects(this.cluster, targets);
    } catch (error) {
      // A webhook may refuse; the objects then count as left.
      if (!(error instanceof StatusError)) throw error;
    }
    const left = [...store.scan(prefix)];
    const finalizers = left.flatMap(({ json }) =>
      textsAt(parseStored(json), 'metadata', 'finalizers'),
    );
    return { resource, count: left.length, finalizers };
  }

  private save(key: string, seen: JsonObject, leftovers: readonly Leftover[]): void {
    const { store, registry } = this.cluster;
    const json = store.read(key);
    const resource = registry.find('', 'v1', 'namespaces');
    if (json === undefined || resource === undefined) return;
    const namespace = parseStored(json);
    if (textAt(namespace, 'metadata', 'uid') !== textAt(seen, 'metadata', 'uid')) return;
    if (leftovers.length === 0) {
      const finalizers = textsAt(namespace, 'spec', 'finalizers').filter((f) => f !== 'kubernetes');
      namespace.spec = finalizers.length > 0 ? { finalizers } : {};
      if (finishDeletion(store, resource, key, namespace)) return;
    }
    const conditions = terminationConditions(leftovers, this.cluster.now());
    const before = objectsAt(namespace, 'status', 'conditions');
    const words = (list: readonly JsonObject[]): string =>
      JSON.stringify(list.map((c) => [c.type, c.status, c.message]));
    if (words(before) === words(conditions) && leftovers.length > 0) return;
    namespace.status = { ...objectAt(namespace, 'status'), conditions };
    const final = resource.codec.encode(namespace);
    store.put(key, final);
  }
}

function condition(
  type: string,
  problem: { readonly reason: string; readonly message: string } | undefined,
  fine: { readonly reason: string; readonly message: string },
  nowMs: number,
): JsonObject {
  const lastTransitionTime = timeText(nowMs);
  const status = problem === undefined ? 'False' : 'True';
  return { type, status, lastTransitionTime, ...(problem ?? fine) };
}

function terminationConditions(leftovers: readonly Leftover[], nowMs: number): JsonObject[] {
  const remaining = leftovers.map(
    ({ resource, count }) =>
      `${resource.info.plural}.${resource.info.group} has ${count} resource instances`,
  );
  const perFinalizer = new Map<string, number>();
  for (const finalizer of leftovers.flatMap((l) => l.finalizers)) {
    perFinalizer.set(finalizer, (perFinalizer.get(finalizer) ?? 0) + 1);
  }
  const waiting = [...perFinalizer].map(([f, count]) => `${f} in ${count} resource instances`);
  return [
    condition(
      'NamespaceDeletionDiscoveryFailure',
      undefined,
      { reason: 'ResourcesDiscovered', message: 'All resources successfully discovered' },
      nowMs,
    ),
    condition(
      'NamespaceDeletionGroupVersionParsingFailure',
      undefined,
      { reason: 'ParsedGroupVersions', message: 'All legacy kube types successfully parsed' },
      nowMs,
    ),
    condition(
      'NamespaceDeletionContentFailure',
      undefined,
      {
        reason: 'ContentDeleted',
        message: 'All content successfully deleted, may be waiting on finalization',
      },
      nowMs,
    ),
    condition(
      'NamespaceContentRemaining',
      remaining.length === 0
        ? undefined
        : {
            reason: 'SomeResourcesRemain',
            message: `Some resources are remaining: ${remaining.join(', ')}`,
          },
      { reason: 'ContentRemoved', message: 'All content successfully removed' },
      nowMs,
    ),
    condition(
      'NamespaceFinalizersRemaining',
      waiting.length === 0
        ? undefined
        : {
            reason: 'SomeFinalizersRemain',
            message: `Some content in the namespace has finalizers remaining: ${waiting.join(', ')}`,
          },
      {
        reason: 'ContentHasNoFinalizers',
        message: 'All content-preserving finalizers finished',
      },
      nowMs,
    ),
  ];
}
