import { type ApiAccess, ApiClient, type ObjectName } from './api-client.ts';
import { Informer } from './informer.ts';
import { type KubeObject, keyOf, type Labels, nameOf, type ResourceKind } from './kube-objects.ts';

/** How long no work may turn up after a read that the server answered. */
const SETTLE_MS = 15;
/** So often in a row, for a busy server may still have events to send when it answers a read. */
const SETTLE_ROUNDS = 2;
const UNREACHABLE_RETRY_MS = 100;

interface Followed {
  readonly listed: boolean;
  readonly settled: boolean;
  close(): Promise<void>;
}

/** The work of one runner, as far as waiting for its end needs. */
export interface Workload {
  /** Whether nothing waits, runs or is about to be tried again. */
  readonly quiet: boolean;
  /** Grows with each piece of work. */
  readonly added: number;
  /** Takes up what has become due by the injected clock. */
  releaseDue(): void;
}

/**
 * One API server as its controllers see it: a client, a shared informer per kind, and writes that
 * enter the caches at once. Runners of one process share it, so that each kind is watched once.
 */
export class ClusterCache {
  readonly #client: ApiClient;
  readonly #byKind = new Map<object, unknown>();
  readonly #informers = new Set<Followed>();
  readonly #workloads = new Set<Workload>();
  #waiters: (() => void)[] = [];
  #closed = false;

  constructor(access: ApiAccess) {
    this.#client = new ApiClient(access);
  }

  /** The cache of a kind; asking for it the first time starts its list and watch. */
  informer<T extends KubeObject>(kind: ResourceKind<T>): Informer<T> {
    const known = this.#byKind.get(kind);
    // What stands under a kind was made for that very kind, so its objects are T.
    if (known !== undefined) return known as Informer<T>;
    const informer = new Informer<T>(this.#client, kind, () => this.wake());
    this.#byKind.set(kind, informer);
    this.#informers.add(informer);
    informer.start();
    return informer;
  }

  /** Whether somebody asked for the informer of this kind already. */
  follows<T extends KubeObject>(kind: ResourceKind<T>): boolean {
    return this.#byKind.has(kind);
  }

  /** The object as the server has it now, past the cache. */
  read<T extends KubeObject>(kind: ResourceKind<T>, name: ObjectName): Promise<T | undefined> {
    return this.#client.read(kind, name);
  }

  /** Creates an object; the cache has it when this returns. */
  async create<T extends KubeObject>(
    kind: ResourceKind<T>,
    namespace: string | undefined,
    draft: object,
  ): Promise<T> {
    return this.#noted(kind, await this.#client.create(kind, namespace, draft));
  }

  /** Creates a subresource that changes the object, such as a pod's binding. */
  async createUnder<T extends KubeObject>(
    kind: ResourceKind<T>,
    object: T,
    options: { subresource: string; body: object },
  ): Promise<void> {
    await this.#client.createUnder(kind, nameOf(keyOf(object)), options);
    if (this.follows(kind)) this.informer(kind).changing(object);
  }

  /** Merge-patches whatever object has the name now. */
  async patchNamed<T extends KubeObject>(
    kind: ResourceKind<T>,
    name: ObjectName,
    patch: object,
  ): Promise<T> {
    return this.#noted(kind, await this.#client.patch(kind, name, { patch }));
  }

  /** Merge-patches an object, for that very object only (by its UID). */
  async patch<T extends KubeObject>(
    kind: ResourceKind<T>,
    object: T,
    patch: Readonly<Record<string, unknown>>,
  ): Promise<T> {
    return this.#patch(kind, object, { patch });
  }

  /**
   * Merge-patches the status, refused as a conflict if the object has changed meanwhile. Annotations
   * that go along do not count as a new generation, as they would by themselves.
   */
  async patchStatus<T extends KubeObject>(
    kind: ResourceKind<T>,
    object: T,
    status: object,
    annotations?: Labels,
  ): Promise<T> {
    const { resourceVersion } = object.metadata;
    const notes = annotations === undefined ? {} : { annotations };
    const patch = { metadata: { resourceVersion, ...notes }, status };
    return this.#patch(kind, object, { patch, subresource: 'status' });
  }

  /** Deletes that very object; gone already is no error. */
  async remove<T extends KubeObject>(
    kind: ResourceKind<T>,
    object: T,
    options: { now: number; gracePeriodSeconds?: number; propagationPolicy?: string },
  ): Promise<void> {
    const { now, ...rest } = options;
    const { uid } = object.metadata;
    await this.#client.remove(kind, nameOf(keyOf(object)), { uid, ...rest });
    if (this.follows(kind)) this.informer(kind).removed(object, now);
  }

  /** Counts a runner's work into `idle`; returns how to leave. */
  enlist(workload: Workload): () => void {
    this.#workloads.add(workload);
    return () => {
      this.#workloads.delete(workload);
      this.wake();
    };
  }

  /** Whether every informer has listed its objects once. */
  get listed(): boolean {
    return [...this.#informers].every((informer) => informer.listed);
  }

  /** Resolves at the next change that `idle` or `listed` may depend on. */
  change(): Promise<void> {
    return new Promise((resolve) => this.#waiters.push(resolve));
  }

  /** Tells those who wait for a change to look again. */
  wake(): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const waiter of waiters) waiter();
  }

  /**
   * Resolves when every cache is up to date and no runner on this server has anything left to do.
   * What others wrote before the call counts: a read is sent after it, and events that the server
   * sent before that reply have been taken in when the caches have then stayed still.
   */
  async idle(): Promise<void> {
    let rounds = 0;
    while (!this.#closed && rounds < SETTLE_ROUNDS) {
      this.#releaseDue();
      if (!this.#quiet()) {
        rounds = 0;
        await this.change();
        continue;
      }
      const before = this.#added();
      try {
        await this.#client.touch();
      } catch {
        await elapsed(UNREACHABLE_RETRY_MS);
        continue;
      }
      await elapsed(SETTLE_MS);
      this.#releaseDue();
      rounds = this.#quiet() && this.#added() === before ? rounds + 1 : 0;
    }
  }

  /** Ends every watch and connection; those who wait in `idle` return. */
  async close(): Promise<void> {
    this.#closed = true;
    const ended = [...this.#informers].map((informer) => informer.close());
    await this.#client.close();
    await Promise.all(ended);
    this.wake();
  }

  async #patch<T extends KubeObject>(
    kind: ResourceKind<T>,
    object: T,
    change: { patch: Readonly<Record<string, unknown>>; subresource?: string },
  ): Promise<T> {
    const { uid } = object.metadata;
    const metadata = { uid, ...metadataOf(change.patch) };
    const patch = { ...change.patch, metadata };
    const name = nameOf(keyOf(object));
    return this.#noted(kind, await this.#client.patch(kind, name, { ...change, patch }));
  }

  #noted<T extends KubeObject>(kind: ResourceKind<T>, object: T): T {
    if (this.follows(kind)) this.informer(kind).wrote(object);
    return object;
  }

  #releaseDue(): void {
    for (const workload of this.#workloads) workload.releaseDue();
  }

  #quiet(): boolean {
    for (const informer of this.#informers) if (!informer.settled) return false;
    for (const workload of this.#workloads) if (!workload.quiet) return false;
    return true;
  }

  #added(): number {
    let sum = 0;
    for (const workload of this.#workloads) sum += workload.added;
    return sum;
  }
}

const shared = new Map<string, { cache: ClusterCache; users: number }>();

/** The cache of this API server, shared by all who name it by the same address and identity. */
export function shareCluster(access: ApiAccess): { cache: ClusterCache; leave(): Promise<void> } {
  const name = JSON.stringify([access.url, access.token, access.cert]);
  const entry = shared.get(name) ?? { cache: new ClusterCache(access), users: 0 };
  shared.set(name, entry);
  entry.users += 1;
  let left = false;
  return {
    cache: entry.cache,
    leave: async () => {
      if (left) return;
      left = true;
      entry.users -= 1;
      if (entry.users > 0) return;
      shared.delete(name);
      await entry.cache.close();
    },
  };
}

function metadataOf(patch: Readonly<Record<string, unknown>>): object {
  const { metadata } = patch;
  return typeof metadata === 'object' && metadata !== null ? metadata : {};
}

function elapsed(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
