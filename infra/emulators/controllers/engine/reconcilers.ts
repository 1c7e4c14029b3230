import type { ApiAccess } from './api-client.ts';
import { type ClusterCache, shareCluster, type Workload } from './cluster-cache.ts';
import type { ChangeHandler } from './informer.ts';
import { type KubeObject, keyOf, type ResourceKind } from './kube-objects.ts';
import { type QueueOptions, type Reconcile, WorkQueue } from './work-queue.ts';

/** How often, in real time, the injected clock is asked while something is scheduled by it. */
const CLOCK_LOOK_MS = 1_000;

/** A runner that is up. */
export interface Runner {
  /** Stops its work; objects stay as they are. */
  close(): Promise<void>;
  /**
   * Resolves when nothing is left to reconcile on this API server, by this runner or another one of
   * this process. What is due by the injected clock counts, what is due later does not.
   */
  idle(): Promise<void>;
}

/** The controllers of one runner: their queues, what they follow, and what they scheduled. */
export class Reconcilers implements Workload, Runner {
  readonly cluster: ClusterCache;
  readonly now: () => number;
  readonly #leave: () => Promise<void>;
  readonly #cleanups: (() => void)[] = [];
  readonly #queues: WorkQueue[] = [];
  readonly #scheduled = new Map<WorkQueue, Map<string, number>>();
  #look: NodeJS.Timeout | undefined;
  #closing = false;

  constructor(access: ApiAccess, now: () => number) {
    const { cache, leave } = shareCluster(access);
    this.cluster = cache;
    this.now = now;
    this.#leave = leave;
    this.#cleanups.push(cache.enlist(this));
  }

  /** A new queue whose keys are reconciled by the function. */
  queue(name: string, reconcile: Reconcile, options: QueueOptions = {}): WorkQueue {
    const changed = (): void => this.cluster.wake();
    const ready = (): Promise<void> => this.#ready();
    const queue = new WorkQueue(name, reconcile, { changed, ready, ...options });
    this.#queues.push(queue);
    return queue;
  }

  /** Calls the handler for every object there is of a kind, and for each change of one. */
  follow<T extends KubeObject>(kind: ResourceKind<T>, handler: ChangeHandler<T>): void {
    this.#cleanups.push(this.cluster.informer(kind).onChange(handler));
  }

  /** Queues each object of a kind under its own key whenever it changes. */
  feed<T extends KubeObject>(kind: ResourceKind<T>, queue: WorkQueue): void {
    this.follow(kind, (after, before) => {
      const object = after ?? before;
      if (object !== undefined) queue.add(keyOf(object));
    });
  }

  /** Queues the owner, of the given kind, of each object that changes. */
  feedOwners<T extends KubeObject>(
    kind: ResourceKind<T>,
    owner: ResourceKind<KubeObject>,
    queue: WorkQueue,
  ): void {
    const add = (object: T | undefined): void => {
      const reference = object?.metadata.ownerReferences?.find((each) => each.controller === true);
      if (object === undefined || reference?.kind !== owner.kind) return;
      if (reference.apiVersion.split('/')[0] !== owner.apiVersion.split('/')[0]) return;
      queue.add(`${object.metadata.namespace ?? ''}/${reference.name}`);
    };
    this.follow(kind, (after, before) => {
      add(after);
      if (ownerOf(after) !== ownerOf(before)) add(before);
    });
  }

  /** Queues the key when the injected clock reaches `dueMs`; the earliest of several times counts. */
  at(queue: WorkQueue, key: string, dueMs: number): void {
    const keys = this.#scheduled.get(queue) ?? new Map<string, number>();
    this.#scheduled.set(queue, keys);
    keys.set(key, Math.min(keys.get(key) ?? Number.POSITIVE_INFINITY, dueMs));
    this.#look ??= setInterval(() => this.releaseDue(), CLOCK_LOOK_MS).unref();
  }

  get quiet(): boolean {
    return this.#queues.every((queue) => queue.quiet);
  }

  get added(): number {
    return this.#queues.reduce((sum, queue) => sum + queue.added, 0);
  }

  releaseDue(): void {
    const now = this.now();
    for (const [queue, keys] of this.#scheduled) {
      for (const [key, dueMs] of keys) {
        if (dueMs > now) continue;
        keys.delete(key);
        queue.add(key);
      }
      if (keys.size === 0) this.#scheduled.delete(queue);
    }
    if (this.#scheduled.size > 0) return;
    clearInterval(this.#look);
    this.#look = undefined;
  }

  idle(): Promise<void> {
    return this.cluster.idle();
  }

  async close(): Promise<void> {
    this.#closing = true;
    this.cluster.wake();
    for (const cleanup of this.#cleanups) cleanup();
    this.#scheduled.clear();
    clearInterval(this.#look);
    await Promise.all(this.#queues.map((queue) => queue.close()));
    await this.#leave();
  }

  /** Before every cache is complete, what is absent from one may well exist: work waits for that. */
  async #ready(): Promise<void> {
    while (!this.#closing && !this.cluster.listed) await this.cluster.change();
  }
}

function ownerOf(object: KubeObject | undefined): string | undefined {
  return object?.metadata.ownerReferences?.find((each) => each.controller === true)?.uid;
}
