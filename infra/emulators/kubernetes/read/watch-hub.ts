/** Watches: who wants to hear of which objects, from when on, and in what form. */
import type { Cluster } from '../cluster.ts';
import { objectAt } from '../json-tree.ts';
import type { ServedResource } from '../resources/served-resource.ts';
import { expired, StatusError } from '../status-error.ts';
import { prefixOf } from '../storage/keys.ts';
import type { ObjectStore } from '../storage/object-store.ts';
import { type EventType, parseStored, type StoreEvent } from '../storage/store-event.ts';
import { isSelected, readRevision, readSelection, type Selection } from './list-objects.ts';
import type { ListOptions } from './query-options.ts';

/** What a watch says: an event with an object's JSON (without apiVersion and kind). */
export interface WatchSignal {
  readonly type: EventType | 'BOOKMARK';
  readonly json: Buffer | undefined;
  readonly revision: number;
  /** The bookmark that ends the initial events. */
  readonly initialEnd?: boolean;
}

type Send = (signal: WatchSignal) => void;

class Watch {
  readonly resource: ServedResource;
  readonly prefix: string;
  private readonly selection: Selection;
  private readonly send: Send;
  private readonly plain: boolean;

  constructor(resource: ServedResource, prefix: string, selection: Selection, send: Send) {
    this.resource = resource;
    this.prefix = prefix;
    this.selection = selection;
    this.send = send;
    this.plain = selection.labels.length === 0 && selection.fields.length === 0;
  }

  selects(json: Buffer): boolean {
    if (this.plain) return true;
    return this.matches(parseStored(json));
  }

  private matches(stored: Record<string, unknown>): boolean {
    return isSelected(this.resource, this.selection, this.resource.codec.fromStorage(stored));
  }

  /** An object that starts or stops being selected is added or deleted for this watch. */
  tell(event: StoreEvent): void {
    const { type, json, revision } = event;
    if (this.plain) {
      this.say(type, json, revision);
      return;
    }
    const before = event.previous !== undefined && this.matches(event.previous);
    const now = type !== 'DELETED' && this.matches(event.object);
    if (now) this.say(before ? 'MODIFIED' : 'ADDED', json, revision);
    else if (before) this.say('DELETED', lastSelected(event), revision);
  }

  say(type: EventType, stored: Buffer, revision: number): void {
    const { codec } = this.resource;
    const json = codec.readsAsStored
      ? stored
      : Buffer.from(JSON.stringify(codec.fromStorage(parseStored(stored))));
    this.send({ type, json, revision });
  }
}

/** As for lists, but in the words of the watch cache. @throws StatusError 500 */
function readWatchRevision(text: string): number {
  try {
    return readRevision(text) ?? 0;
  } catch (error) {
    const message = error instanceof StatusError ? error.message : String(error);
    throw new StatusError({
      code: 500,
      message: message.replace('invalid resource version: ', ''),
    });
  }
}

/** An object that is no longer selected is told as it last was, at the revision of the change. */
function lastSelected(event: StoreEvent): Buffer {
  const { previous } = event;
  if (event.type === 'DELETED' || previous === undefined) return event.json;
  const metadata = { ...objectAt(previous, 'metadata'), resourceVersion: String(event.revision) };
  return Buffer.from(JSON.stringify({ ...previous, metadata }));
}

/** Everybody who watches. */
export class WatchHub {
  private readonly watches = new Set<Watch>();
  private readonly store: ObjectStore;

  constructor(store: ObjectStore) {
    this.store = store;
    store.onCommit((event) => {
      for (const watch of this.watches) if (event.key.startsWith(watch.prefix)) watch.tell(event);
    });
  }

  /**
   * Opens a watch; what is due at once is sent before this returns. Returns how to end it.
   * @throws StatusError 400, or 410 when the revision is too old
   */
  open(
    cluster: Cluster,
    request: {
      readonly resource: ServedResource;
      readonly namespace: string | undefined;
      readonly options: ListOptions;
      readonly send: Send;
    },
  ): () => void {
    const { resource, namespace, options, send } = request;
    const prefix = prefixOf(resource.storageKey, namespace);
    const watch = new Watch(resource, prefix, readSelection(resource, options), send);
    const from = readWatchRevision(options.resourceVersion);
    if (options.sendInitialEvents === true || (from === 0 && options.sendInitialEvents !== false)) {
      this.sendState(watch);
      if (options.sendInitialEvents === true && options.allowWatchBookmarks) {
        send({
          type: 'BOOKMARK',
          json: undefined,
          revision: this.store.revision,
          initialEnd: true,
        });
      }
    } else if (from > 0) {
      const oldest = cluster.store.oldestRevision;
      if (from < oldest) throw expired(`too old resource version: ${from} (${oldest})`);
      for (const event of cluster.store.eventsAfter(from, prefix)) watch.tell(event);
    }
    this.watches.add(watch);
    return () => this.watches.delete(watch);
  }

  private sendState(watch: Watch): void {
    for (const { json } of this.store.scan(watch.prefix)) {
      if (watch.selects(json)) watch.say('ADDED', json, this.store.revision);
    }
  }
}
