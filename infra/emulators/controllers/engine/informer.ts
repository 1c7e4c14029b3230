import { type ApiClient, ApiError, asObject, asRecord } from './api-client.ts';
import { type KubeObject, keyOf, type ResourceKind, timestamp } from './kube-objects.ts';

/** Called after each change of the cache: `before` is absent for a new object, `after` for a lost one. */
export type ChangeHandler<T> = (after: T | undefined, before: T | undefined) => void;

/** Page size of lists, as client-go's reflector asks for. */
const PAGE_LIMIT = 500;
/** A list that keeps changing under its continue token is begun anew this often. */
const LIST_ATTEMPTS_MAX = 5;
/** The server ends a watch after this time; a dead connection cannot stay unnoticed longer. */
const WATCH_SECONDS_MAX = 600;
const RECONNECT_MS_MIN = 50;
const RECONNECT_MS_MAX = 2_000;
/** A kind that the server does not serve counts as empty and is asked for again after this time. */
const NOT_SERVED_RETRY_MS = 30_000;

/**
 * A local copy of all objects of one kind, kept by one list and one watch.
 *
 * Own writes are applied at once (`wrote`, `removed`), so a controller reads what it wrote without
 * waiting for the watch. Resource versions are compared as the numbers they are in practice; an
 * answer older than what the watch already showed is dropped, or it would raise the dead.
 */
export class Informer<T extends KubeObject> {
  readonly kind: ResourceKind<T>;
  readonly #client: ApiClient;
  readonly #changed: () => void;
  readonly #objects = new Map<string, T>();
  readonly #byNamespace = new Map<string, Set<string>>();
  readonly #byController = new Map<string, Set<string>>();
  readonly #handlers = new Set<ChangeHandler<T>>();
  /** What the server granted for a UID and the watch has not shown yet. */
  readonly #awaited = new Map<string, 'changed' | 'marked' | 'gone'>();
  readonly #stop = new AbortController();
  #observed = 0;
  #listed = false;
  #live = false;
  #run: Promise<void> | undefined;

  /** `changed` is called when `listed` or `settled` may have changed. */
  constructor(client: ApiClient, kind: ResourceKind<T>, changed: () => void) {
    this.#client = client;
    this.kind = kind;
    this.#changed = changed;
  }

  /** Whether the cache has been complete once; before that an absent object means nothing. */
  get listed(): boolean {
    return this.#listed;
  }

  /** Whether the cache is complete, the watch is up and shows every own deletion and binding. */
  get settled(): boolean {
    return this.#live && this.#awaited.size === 0;
  }

  /** The object under `namespace/name` (or `name`). */
  get(key: string): T | undefined {
    return this.#objects.get(key);
  }

  /** Every object. */
  all(): T[] {
    return [...this.#objects.values()];
  }

  /** The objects of one namespace. */
  inNamespace(namespace: string | undefined): T[] {
    return this.#pick(this.#byNamespace.get(namespace ?? ''));
  }

  /** The objects whose controller owner has this UID. */
  controlledBy(uid: string): T[] {
    return this.#pick(this.#byController.get(uid));
  }

  /** The objects of one namespace that no controller owns. */
  orphansIn(namespace: string | undefined): T[] {
    return this.#pick(this.#byController.get(`orphan/${namespace ?? ''}`));
  }

  /** Registers a handler, shows it every object there is, and returns how to take it away. */
  onChange(handler: ChangeHandler<T>): () => void {
    this.#handlers.add(handler);
    for (const object of this.#objects.values()) handler(object, undefined);
    return () => this.#handlers.delete(handler);
  }

  /** Takes in the reply to an own write. */
  wrote(object: T): void {
    if (versionOf(object) > this.#observed) this.#store(this.#trimmed(object));
  }

  /** Takes in that the server agreed to delete the object. */
  removed(object: KubeObject, now: number): void {
    const cached = this.#objects.get(keyOf(object));
    if (cached === undefined || cached.metadata.uid !== object.metadata.uid) return;
    if (cached.metadata.deletionTimestamp !== undefined) {
      if (!isHeld(cached)) this.#awaited.set(cached.metadata.uid, 'gone');
      return;
    }
    this.#awaited.set(cached.metadata.uid, 'marked');
    const deletionTimestamp = timestamp(now);
    this.#put({ ...cached, metadata: { ...cached.metadata, deletionTimestamp } });
  }

  /** Takes in that the server agreed to change the object, in a way that only the watch will show. */
  changing(object: KubeObject): void {
    const cached = this.#objects.get(keyOf(object));
    if (cached?.metadata.resourceVersion !== object.metadata.resourceVersion) return;
    if (cached.metadata.uid === object.metadata.uid) {
      this.#awaited.set(object.metadata.uid, 'changed');
    }
  }

  /** Lists and watches until `close`; called again it does nothing. */
  start(): void {
    this.#run ??= this.#follow();
  }

  /** Ends the watch. */
  async close(): Promise<void> {
    this.#stop.abort();
    await this.#run;
  }

  async #follow(): Promise<void> {
    const { signal } = this.#stop;
    let delayMs = RECONNECT_MS_MIN;
    let listed = false;
    const open = (): void => {
      delayMs = RECONNECT_MS_MIN;
      this.#setLive(true);
    };
    while (!signal.aborted) {
      try {
        if (!listed) await this.#list();
        listed = true;
        await this.#watch({ signal, open });
      } catch (error) {
        // Whatever the server no longer grants (410 above all) is healed by a fresh list.
        if (error instanceof ApiError) listed = false;
        if (error instanceof ApiError && error.status === 404) {
          this.#replace([], this.#observed);
          this.#setLive(true);
          await pause(NOT_SERVED_RETRY_MS, signal);
          continue;
        }
      }
      this.#setLive(false);
      await pause(delayMs, signal);
      delayMs = Math.min(delayMs * 2, RECONNECT_MS_MAX);
    }
  }

  async #list(): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        const { items, resourceVersion } = await this.#pages();
        this.#replace(items, Number(resourceVersion));
        return;
      } catch (error) {
        const expired = error instanceof ApiError && error.status === 410;
        if (!expired || attempt >= LIST_ATTEMPTS_MAX) throw error;
      }
    }
  }

  async #pages(): Promise<{ items: T[]; resourceVersion: string }> {
    const items: T[] = [];
    let token = '';
    let resourceVersion = '';
    do {
      const page = await this.#client.list(this.kind, {
        limit: PAGE_LIMIT,
        continue: token === '' ? undefined : token,
        fieldSelector: this.kind.fieldSelector,
      });
      for (const item of page.items) items.push(this.#trimmed(asObject<T>(item)));
      if (resourceVersion === '') resourceVersion = page.resourceVersion;
      token = page.continueToken;
    } while (token !== '');
    return { items, resourceVersion };
  }

  async #watch(session: { signal: AbortSignal; open: () => void }): Promise<void> {
    const events = this.#client.watch(
      this.kind,
      {
        watch: true,
        resourceVersion: this.#observed,
        allowWatchBookmarks: true,
        timeoutSeconds: WATCH_SECONDS_MAX,
        fieldSelector: this.kind.fieldSelector,
      },
      session,
    );
    for await (const event of events) this.#take(asRecord(event));
  }

  #take(event: Record<string, unknown>): void {
    if (event.type === 'ERROR') {
      const status = Number(asRecord(event.object).code ?? 500);
      throw new ApiError(`watch ${this.kind.plural}`, status, event.object);
    }
    if (event.type === 'BOOKMARK') {
      const version = asRecord(asRecord(event.object).metadata).resourceVersion;
      this.#observed = Math.max(this.#observed, Number(version));
      return;
    }
    const object = this.#trimmed(asObject<T>(event.object));
    this.#observed = Math.max(this.#observed, versionOf(object));
    if (event.type === 'DELETED') this.#lose(object);
    else this.#store(object);
  }

  #replace(items: readonly T[], listVersion: number): void {
    // A server that lost its state starts counting anew: what was observed counts no more.
    this.#observed = listVersion;
    this.#awaited.clear();
    const listed = new Set(items.map(keyOf));
    for (const [key, object] of this.#objects) {
      if (!listed.has(key) && versionOf(object) <= listVersion) this.#drop(key);
    }
    for (const item of items) this.#store(item);
    this.#listed = true;
    this.#changed();
  }

  #store(object: T): void {
    const cached = this.#objects.get(keyOf(object));
    if (cached !== undefined && versionOf(cached) >= versionOf(object)) return;
    const awaited = this.#awaited.get(object.metadata.uid);
    if (awaited !== undefined) {
      // Deletion is never taken back: an object without the mark is from before it.
      const marked = object.metadata.deletionTimestamp !== undefined;
      if (awaited !== 'changed' && !marked) return;
      if (awaited !== 'gone' || isHeld(object)) this.#awaited.delete(object.metadata.uid);
      this.#changed();
    }
    this.#put(object);
  }

  #lose(object: T): void {
    if (this.#awaited.delete(object.metadata.uid)) this.#changed();
    const cached = this.#objects.get(keyOf(object));
    if (cached === undefined) return;
    const same = cached.metadata.uid === object.metadata.uid;
    if (same || versionOf(cached) < versionOf(object)) this.#drop(keyOf(object));
  }

  #put(object: T): void {
    const key = keyOf(object);
    const before = this.#objects.get(key);
    if (before !== undefined) this.#unindex(key, before);
    this.#objects.set(key, object);
    addTo(this.#byNamespace, object.metadata.namespace ?? '', key);
    addTo(this.#byController, controllerKey(object), key);
    for (const handler of this.#handlers) handler(object, before);
  }

  #drop(key: string): void {
    const before = this.#objects.get(key);
    if (before === undefined) return;
    this.#unindex(key, before);
    this.#objects.delete(key);
    for (const handler of this.#handlers) handler(undefined, before);
  }

  #unindex(key: string, object: T): void {
    takeFrom(this.#byNamespace, object.metadata.namespace ?? '', key);
    takeFrom(this.#byController, controllerKey(object), key);
  }

  #pick(keys: ReadonlySet<string> | undefined): T[] {
    const found: T[] = [];
    for (const key of keys ?? []) {
      const object = this.#objects.get(key);
      if (object !== undefined) found.push(object);
    }
    return found;
  }

  #trimmed(object: T): T {
    // Half of a small object is managedFields, which no controller reads.
    delete asRecord(object.metadata).managedFields;
    return this.kind.trim === undefined ? object : this.kind.trim(object);
  }

  #setLive(live: boolean): void {
    if (this.#live === live) return;
    this.#live = live;
    this.#changed();
  }
}

/** The resource version as a number: one counter for the whole server, in practice. */
function versionOf(object: KubeObject): number {
  return Number(object.metadata.resourceVersion);
}

/** Whether a finalizer keeps the object there after its deletion. */
function isHeld(object: KubeObject): boolean {
  return (object.metadata.finalizers ?? []).length > 0;
}

function controllerKey(object: KubeObject): string {
  const owner = object.metadata.ownerReferences?.find((reference) => reference.controller === true);
  return owner?.uid ?? `orphan/${object.metadata.namespace ?? ''}`;
}

function addTo(index: Map<string, Set<string>>, value: string, key: string): void {
  const keys = index.get(value);
  if (keys === undefined) index.set(value, new Set([key]));
  else keys.add(key);
}

function takeFrom(index: Map<string, Set<string>>, value: string, key: string): void {
  const keys = index.get(value);
  keys?.delete(key);
  if (keys?.size === 0) index.delete(value);
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done);
  });
}
