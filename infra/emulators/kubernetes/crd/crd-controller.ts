/** Accepts names of CRDs, serves their resources, and cleans up when a CRD is deleted. */

import { serverWriter, setStatus } from '../bootstrap/bootstrap.ts';
import { localApiService } from '../bootstrap/bootstrap-objects.ts';
import type { Cluster } from '../cluster.ts';
import { WorkQueue } from '../controllers/work-queue.ts';
import { type JsonObject, objectAt, objectsAt, textAt, textsAt } from '../json-tree.ts';
import { timeText } from '../schema/scalars.ts';
import { StatusError } from '../status-error.ts';
import { keyOf, placeOf, prefixOf } from '../storage/keys.ts';
import { parseStored, type StoreEvent } from '../storage/store-event.ts';
import { createObject } from '../write/create-object.ts';
import { deleteObject } from '../write/delete-object.ts';
import { isDeleting, metadataOf } from '../write/object-meta.ts';
import { updateObject } from '../write/update-object.ts';
import { controllerWriter } from '../writer.ts';
import { cleanupFinalizer } from './crd-rules.ts';
import { servedVersionsOf } from './custom-resource.ts';

const storageKey = 'customresourcedefinitions.apiextensions.k8s.io';
const group = 'apiextensions.k8s.io';
const plural = 'customresourcedefinitions';

function isEstablished(crd: JsonObject): boolean {
  return objectsAt(crd, 'status', 'conditions').some(
    (c) => c.type === 'Established' && c.status === 'True',
  );
}

interface Conflict {
  readonly reason: string;
  readonly name: string;
}

/** The naming, establishing and finalizing controllers of CRDs, and the API services of their groups. */
export class CrdController {
  private readonly cluster: Cluster;
  readonly queue = new WorkQueue((name) => this.reconcile(name));

  constructor(cluster: Cluster) {
    this.cluster = cluster;
    for (const { key, json } of cluster.store.scan(prefixOf(storageKey))) {
      this.serve(placeOf(key).name, parseStored(json));
      this.queue.add(placeOf(key).name);
    }
    cluster.store.onCommit((event) => this.follow(event));
  }

  private follow(event: StoreEvent): void {
    const place = placeOf(event.key);
    if (place.resource === storageKey) {
      if (event.type === 'DELETED') this.cluster.registry.setCustom(place.name, []);
      else this.serve(place.name, event.object);
      this.queue.add(place.name);
    } else if (event.type === 'DELETED' && this.isWaitedFor(place.resource)) {
      this.queue.add(place.resource);
    }
  }

  /** Whether a CRD of that name is being deleted: its last object may just have gone. */
  private isWaitedFor(resource: string): boolean {
    const crd = resource.includes('.') ? this.read(resource) : undefined;
    return crd !== undefined && isDeleting(crd);
  }

  private serve(name: string, crd: JsonObject): void {
    this.cluster.registry.setCustom(name, isEstablished(crd) ? servedVersionsOf(crd) : []);
  }

  private read(name: string): JsonObject | undefined {
    const json = this.cluster.store.read(
      keyOf({ resource: storageKey, namespace: undefined, name }),
    );
    return json === undefined ? undefined : parseStored(json);
  }

  private async reconcile(name: string): Promise<void> {
    const crd = this.read(name);
    try {
      if (crd === undefined) await this.dropApiServices();
      else if (isDeleting(crd)) await this.cleanUp(name, crd);
      else {
        await this.acceptNames(name, crd);
        await this.ensureApiServices(crd);
      }
    } catch (error) {
      // Somebody else changed the object meanwhile; its event brings it here again.
      if (!(error instanceof StatusError)) throw error;
    }
  }

  private conflictOf(name: string, crd: JsonObject): Conflict | undefined {
    const wanted = objectAt(crd, 'spec', 'names') ?? {};
    for (const { key, json } of this.cluster.store.scan(prefixOf(storageKey))) {
      const other = parseStored(json);
      if (placeOf(key).name === name) continue;
      if (textAt(other, 'spec', 'group') !== textAt(crd, 'spec', 'group')) continue;
      const taken = objectAt(other, 'status', 'acceptedNames') ?? {};
      const words = [
        textAt(taken, 'plural'),
        textAt(taken, 'singular'),
        ...textsAt(taken, 'shortNames'),
      ];
      const kinds = [textAt(taken, 'kind'), textAt(taken, 'listKind')];
      for (const [field, used] of [
        ['listKind', kinds],
        ['kind', kinds],
        ['singular', words],
        ['plural', words],
      ] as const) {
        const value = textAt(wanted, field);
        const reason = `${field[0]?.toUpperCase()}${field.slice(1)}Conflict`;
        if (value !== '' && used.includes(value)) return { reason, name: value };
      }
      const short = textsAt(wanted, 'shortNames').find((s) => words.includes(s));
      if (short !== undefined) return { reason: 'ShortNamesConflict', name: short };
    }
    return undefined;
  }

  private async acceptNames(name: string, crd: JsonObject): Promise<void> {
    const names = objectAt(crd, 'spec', 'names') ?? {};
    const conflict = this.conflictOf(name, crd);
    const accepted =
      JSON.stringify(objectAt(crd, 'status', 'acceptedNames')) === JSON.stringify(names);
    if (isEstablished(crd) && (accepted || conflict !== undefined)) return;
    const lastTransitionTime = timeText(this.cluster.now());
    const ok = conflict === undefined;
    const conditions = [
      {
        type: 'NamesAccepted',
        status: ok ? 'True' : 'False',
        lastTransitionTime,
        reason: ok ? 'NoConflicts' : conflict.reason,
        message: ok ? 'no conflicts found' : `${JSON.stringify(conflict.name)} is already in use`,
      },
      {
        type: 'Established',
        status: ok ? 'True' : 'False',
        lastTransitionTime,
        reason: ok ? 'InitialNamesAccepted' : 'NotAccepted',
        message: ok ? 'the initial names have been accepted' : 'not all names are accepted',
      },
    ];
    const before = objectsAt(crd, 'status', 'conditions');
    if (!ok && before.length > 0) return;
    const partly = { plural: textAt(names, 'plural'), kind: '', categories: names.categories };
    const acceptedNames = ok ? names : partly;
    const status = { ...objectAt(crd, 'status'), acceptedNames, conditions };
    await setStatus(this.cluster, { group, plural, name }, status);
  }

  private async cleanUp(name: string, crd: JsonObject): Promise<void> {
    if (!textsAt(crd, 'metadata', 'finalizers').includes(cleanupFinalizer)) return;
    const resource = this.cluster.registry.ofStorage(name);
    const writer = controllerWriter('customresource-cleanup');
    let left = 0;
    for (const { key, json } of [...this.cluster.store.scan(prefixOf(name))]) {
      left += 1;
      if (resource === undefined || isDeleting(parseStored(json))) continue;
      const { namespace, name: object } = placeOf(key);
      const target = { resource, namespace, name: object, options: {}, writer };
      const { gone } = await deleteObject(this.cluster, target);
      if (gone) left -= 1;
    }
    if (left > 0) return;
    const definitions = this.cluster.registry.find(group, 'v1', plural);
    if (definitions === undefined) return;
    await updateObject(this.cluster, {
      resource: definitions,
      namespace: undefined,
      name,
      subresource: '',
      writer: serverWriter,
      change: (current) => {
        const metadata = metadataOf(current);
        metadata.finalizers = textsAt(metadata, 'finalizers').filter((f) => f !== cleanupFinalizer);
        return current;
      },
    });
  }

  private async ensureApiServices(crd: JsonObject): Promise<void> {
    const resource = this.cluster.registry.find('apiregistration.k8s.io', 'v1', 'apiservices');
    if (resource === undefined) return;
    for (const version of objectsAt(crd, 'spec', 'versions')) {
      const name = `${textAt(version, 'name')}.${textAt(crd, 'spec', 'group')}`;
      const key = keyOf({ resource: resource.storageKey, namespace: undefined, name });
      if (version.served !== true || this.cluster.store.has(key)) continue;
      const object = localApiService(name, [1000, 100], 'true');
      const creation = { resource, namespace: undefined, object, writer: serverWriter };
      await createObject(this.cluster, creation);
    }
  }

  private async dropApiServices(): Promise<void> {
    const resource = this.cluster.registry.find('apiregistration.k8s.io', 'v1', 'apiservices');
    if (resource === undefined) return;
    const served = new Set<string>();
    for (const { json } of this.cluster.store.scan(prefixOf(storageKey))) {
      const crd = parseStored(json);
      for (const version of objectsAt(crd, 'spec', 'versions')) {
        served.add(`${textAt(version, 'name')}.${textAt(crd, 'spec', 'group')}`);
      }
    }
    for (const { key, json } of [...this.cluster.store.scan(prefixOf(resource.storageKey))]) {
      const { name } = placeOf(key);
      const labels = objectAt(parseStored(json), 'metadata', 'labels');
      const ours = labels?.['kube-aggregator.kubernetes.io/automanaged'] === 'true';
      if (!ours || served.has(name)) continue;
      const target = { resource, namespace: undefined, name, options: {}, writer: serverWriter };
      await deleteObject(this.cluster, target);
    }
  }
}
