/**
 * Collects what lost its owners, by UID: in the background, in the foreground, or not at all where
 * dependents are orphaned. @see kubernetes pkg/controller/garbagecollector, v1.34
 */
import type { Cluster } from '../cluster.ts';
import { type JsonObject, objectsAt, textAt, textsAt } from '../json-tree.ts';
import { StatusError } from '../status-error.ts';
import type { StoreEvent } from '../storage/store-event.ts';
import { deleteObject, type Propagation } from '../write/delete-object.ts';
import { metadataOf } from '../write/object-meta.ts';
import { updateObject } from '../write/update-object.ts';
import { controllerWriter } from '../writer.ts';
import { type OwnedObject, OwnerGraph, type OwnerReference } from './owner-graph.ts';
import { WorkQueue } from './work-queue.ts';

type OwnerState = 'solid' | 'dangling' | 'waiting';

/** The garbage collector. */
export class GarbageCollector {
  private readonly cluster: Cluster;
  private readonly graph: OwnerGraph;
  readonly queue = new WorkQueue((uid) => this.reconcile(uid));

  constructor(cluster: Cluster) {
    this.cluster = cluster;
    this.graph = new OwnerGraph(cluster.store);
    cluster.store.onCommit((event) => this.follow(event));
    for (const object of this.graph.all()) this.consider(object);
  }

  private consider(object: OwnedObject): void {
    if (object.owners.length > 0 || object.foreground || object.orphaning)
      this.queue.add(object.uid);
  }

  private follow(event: StoreEvent): void {
    const object = this.graph.follow(event);
    if (event.type !== 'DELETED') {
      this.consider(object);
      if (!object.foreground) return;
    }
    for (const dependent of this.graph.dependents(object.uid)) this.queue.add(dependent.uid);
    for (const { uid } of object.owners) {
      if (this.graph.get(uid)?.foreground === true) this.queue.add(uid);
    }
  }

  private async reconcile(uid: string): Promise<void> {
    const object = this.graph.get(uid);
    if (object === undefined) return;
    try {
      if (object.orphaning) await this.orphanDependents(object);
      else if (object.foreground) await this.deleteDependents(object);
      else if (!object.deleting) await this.deleteIfAbandoned(object);
    } catch (error) {
      // Somebody else changed or removed the object; its event brings it here again.
      if (!(error instanceof StatusError)) throw error;
    }
  }

  private stateOf(object: OwnedObject, reference: OwnerReference): OwnerState {
    const resource = this.cluster.registry.ofKind(reference.apiVersion, reference.kind);
    // What cannot be looked up is not known to be gone.
    if (resource === undefined) return 'solid';
    const { namespace } = object.place;
    if (resource.info.namespaced && namespace === undefined) return 'solid';
    const owner = this.graph.get(reference.uid);
    const elsewhere = resource.info.namespaced && owner?.place.namespace !== namespace;
    if (owner === undefined || elsewhere) return 'dangling';
    return owner.deleting && owner.foreground ? 'waiting' : 'solid';
  }

  private async deleteIfAbandoned(object: OwnedObject): Promise<void> {
    const states = object.owners.map((owner) => ({ owner, state: this.stateOf(object, owner) }));
    const gone = states.filter(({ state }) => state !== 'solid');
    if (gone.length === 0) return;
    if (gone.length < states.length) {
      await this.dropOwners(object, new Set(gone.map(({ owner }) => owner.uid)));
      return;
    }
    const waiting = states.some(({ state }) => state === 'waiting');
    const hasDependents = this.graph.dependents(object.uid).length > 0;
    await this.delete(object, waiting && hasDependents ? 'Foreground' : undefined);
  }

  private async delete(object: OwnedObject, policy: Propagation | undefined): Promise<void> {
    const { resource: storageKey, namespace, name } = object.place;
    const resource = this.cluster.registry.ofStorage(storageKey);
    if (resource === undefined) return;
    const propagation = policy ?? this.policyOf(object);
    const options = { propagation, uid: object.uid };
    const writer = controllerWriter('generic-garbage-collector');
    await deleteObject(this.cluster, { resource, namespace, name, options, writer });
  }

  private policyOf(object: OwnedObject): Propagation {
    if (object.orphaning) return 'Orphan';
    return object.foreground ? 'Foreground' : 'Background';
  }

  private async deleteDependents(owner: OwnedObject): Promise<void> {
    const blocking = this.graph
      .dependents(owner.uid)
      .filter((d) => d.owners.some((o) => o.uid === owner.uid && o.blocking));
    if (blocking.length === 0) {
      await this.dropFinalizer(owner, 'foregroundDeletion');
      return;
    }
    for (const dependent of blocking) if (!dependent.deleting) this.queue.add(dependent.uid);
  }

  private async orphanDependents(owner: OwnedObject): Promise<void> {
    for (const dependent of this.graph.dependents(owner.uid)) {
      await this.dropOwners(dependent, new Set([owner.uid]));
    }
    await this.dropFinalizer(owner, 'orphan');
  }

  private async change(
    object: OwnedObject,
    change: (metadata: Record<string, unknown>) => void,
  ): Promise<void> {
    const { resource: storageKey, namespace, name } = object.place;
    const resource = this.cluster.registry.ofStorage(storageKey);
    if (resource === undefined) return;
    const writer = controllerWriter('generic-garbage-collector');
    const changeSame = (current: JsonObject): JsonObject => {
      const metadata = metadataOf(current);
      if (textAt(metadata, 'uid') === object.uid) change(metadata);
      return current;
    };
    const update = { resource, namespace, name, subresource: '', writer, change: changeSame };
    try {
      await updateObject(this.cluster, update);
    } catch (error) {
      // It is gone already: nothing is left to change.
      if (!(error instanceof StatusError) || error.code !== 404) throw error;
    }
  }

  private dropOwners(object: OwnedObject, uids: ReadonlySet<string>): Promise<void> {
    return this.change(object, (metadata) => {
      const kept = objectsAt(metadata, 'ownerReferences').filter(
        (o) => !uids.has(textAt(o, 'uid')),
      );
      if (kept.length > 0) metadata.ownerReferences = kept;
      else delete metadata.ownerReferences;
    });
  }

  private dropFinalizer(object: OwnedObject, finalizer: string): Promise<void> {
    return this.change(object, (metadata) => {
      metadata.finalizers = textsAt(metadata, 'finalizers').filter((f) => f !== finalizer);
    });
  }
}
