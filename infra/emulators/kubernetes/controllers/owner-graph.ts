/** Who owns whom, by UID, kept in step with the store. */
import { type JsonObject, objectsAt, textAt, textsAt } from '../json-tree.ts';
import { type ObjectPlace, placeOf } from '../storage/keys.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { parseStored, type StoreEvent } from '../storage/store-event.ts';
import { isDeleting } from '../write/object-meta.ts';

/** A reference of a dependent to its owner. */
export interface OwnerReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly uid: string;
  readonly blocking: boolean;
}

/** An object, as far as collection goes. */
export interface OwnedObject {
  readonly uid: string;
  readonly place: ObjectPlace;
  readonly owners: readonly OwnerReference[];
  readonly deleting: boolean;
  /** Deleted in the foreground: waits for its dependents. */
  readonly foreground: boolean;
  /** Deleted with its dependents to be orphaned. */
  readonly orphaning: boolean;
}

function describe(key: string, object: JsonObject): OwnedObject {
  const deleting = isDeleting(object);
  const finalizers = deleting ? textsAt(object, 'metadata', 'finalizers') : [];
  return {
    uid: textAt(object, 'metadata', 'uid'),
    place: placeOf(key),
    owners: objectsAt(object, 'metadata', 'ownerReferences').map((owner) => ({
      apiVersion: textAt(owner, 'apiVersion'),
      kind: textAt(owner, 'kind'),
      uid: textAt(owner, 'uid'),
      blocking: owner.blockOwnerDeletion === true,
    })),
    deleting,
    foreground: finalizers.includes('foregroundDeletion'),
    orphaning: finalizers.includes('orphan'),
  };
}

/** Objects by UID, and the dependents of each UID (present or not). */
export class OwnerGraph {
  private readonly objects = new Map<string, OwnedObject>();
  private readonly dependentsOf = new Map<string, Set<string>>();

  constructor(store: ObjectStore) {
    for (const { key, json } of store.scan('')) this.put(describe(key, parseStored(json)));
  }

  get(uid: string): OwnedObject | undefined {
    return this.objects.get(uid);
  }

  all(): Iterable<OwnedObject> {
    return this.objects.values();
  }

  dependents(uid: string): OwnedObject[] {
    const found: OwnedObject[] = [];
    for (const dependent of this.dependentsOf.get(uid) ?? []) {
      const object = this.objects.get(dependent);
      if (object !== undefined) found.push(object);
    }
    return found;
  }

  /** Takes in a write; returns the object as it is now (or was last). */
  follow(event: StoreEvent): OwnedObject {
    const object = describe(event.key, event.object);
    this.drop(object.uid);
    if (event.type !== 'DELETED') this.put(object);
    return object;
  }

  private put(object: OwnedObject): void {
    this.objects.set(object.uid, object);
    for (const { uid } of object.owners) {
      const set = this.dependentsOf.get(uid) ?? new Set<string>();
      set.add(object.uid);
      this.dependentsOf.set(uid, set);
    }
  }

  private drop(uid: string): void {
    const before = this.objects.get(uid);
    if (before === undefined) return;
    this.objects.delete(uid);
    for (const owner of before.owners) {
      const set = this.dependentsOf.get(owner.uid);
      set?.delete(uid);
      if (set?.size === 0) this.dependentsOf.delete(owner.uid);
    }
  }
}
