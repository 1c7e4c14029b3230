import { isNamespaceGone, isTransient } from './api-client.ts';

/** Failures in a row after which an object no longer counts as work that is about to be done. */
const HOPEFUL_FAILURES_MAX = 5;
const RETRY_MS_MIN = 5;
const RETRY_MS_MAX = 30_000;
/** Keys worked on at once by one queue. */
const WORKERS_DEFAULT = 8;

/** Brings one object, named by its key, to where it should be. Run again after any failure. */
export type Reconcile = (key: string) => Promise<void>;

/** How a queue works. */
export interface QueueOptions {
  /** Nothing is worked on before this resolves; asked before each piece of work. */
  readonly ready?: () => Promise<void>;
  /** Keys worked on at once; default 8. */
  readonly workers?: number;
  /** Real time for which news of one key is gathered before it is worked on; default 0. */
  readonly gatherMs?: number;
}

/**
 * Keys to reconcile: each waits at most once, is worked on by one worker at a time, and is tried
 * again with growing pauses (of real time, for a test's clock may stand still) until it succeeds.
 */
export class WorkQueue {
  readonly #name: string;
  readonly #reconcile: Reconcile;
  readonly #workers: number;
  readonly #gatherMs: number;
  readonly #ready: () => Promise<void>;
  readonly #changed: () => void;
  readonly #waiting = new Set<string>();
  readonly #running = new Map<string, Promise<void>>();
  readonly #failures = new Map<string, { count: number; transient: boolean }>();
  readonly #retries = new Map<string, NodeJS.Timeout>();
  #closed = false;
  #added = 0;

  /** `changed` is called whenever `quiet` may have become true. */
  constructor(name: string, reconcile: Reconcile, options: { changed: () => void } & QueueOptions) {
    this.#name = name;
    this.#reconcile = reconcile;
    this.#workers = options.workers ?? WORKERS_DEFAULT;
    this.#gatherMs = options.gatherMs ?? 0;
    this.#ready = options.ready ?? (() => Promise.resolve());
    this.#changed = options.changed;
  }

  /** How many keys were ever added: it stands still while nothing happens. */
  get added(): number {
    return this.#added;
  }

  /** Whether nothing waits, nothing runs and nothing is about to be tried again. */
  get quiet(): boolean {
    if (this.#waiting.size > 0 || this.#running.size > 0) return false;
    for (const key of this.#retries.keys()) {
      const failure = this.#failures.get(key);
      if (failure === undefined || failure.transient) return false;
      if (failure.count <= HOPEFUL_FAILURES_MAX) return false;
    }
    return true;
  }

  /** Asks for the object to be looked at; one that waits already is not added twice. */
  add(key: string): void {
    if (this.#closed) return;
    this.#added += 1;
    this.#waiting.add(key);
    this.#pump();
  }

  /** Takes no more work and resolves when what runs has ended. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#waiting.clear();
    for (const timer of this.#retries.values()) clearTimeout(timer);
    this.#retries.clear();
    await Promise.all(this.#running.values());
  }

  #pump(): void {
    for (const key of this.#waiting) {
      if (this.#running.size >= this.#workers) return;
      if (this.#running.has(key)) continue;
      this.#waiting.delete(key);
      this.#running.set(key, this.#work(key));
    }
  }

  async #work(key: string): Promise<void> {
    // Begins in a later turn, so that the events of one batch make one reconciliation.
    await new Promise((resolve) => {
      if (this.#gatherMs === 0) setImmediate(resolve);
      else setTimeout(resolve, this.#gatherMs);
    });
    await this.#ready();
    this.#waiting.delete(key);
    try {
      if (!this.#closed) await this.#reconcile(key);
      this.#failures.delete(key);
    } catch (error) {
      this.#fail(key, error);
    }
    this.#running.delete(key);
    this.#pump();
    this.#changed();
  }

  #fail(key: string, error: unknown): void {
    if (this.#closed || isNamespaceGone(error)) return;
    const count = (this.#failures.get(key)?.count ?? 0) + 1;
    const transient = isTransient(error);
    this.#failures.set(key, { count, transient });
    if (count === HOPEFUL_FAILURES_MAX && !transient) {
      const text = error instanceof Error ? error.message : String(error);
      process.stderr.write(`controllers: cannot reconcile ${this.#name} ${key}: ${text}\n`);
    }
    clearTimeout(this.#retries.get(key));
    const delayMs = Math.min(RETRY_MS_MIN * 2 ** Math.min(count, 20), RETRY_MS_MAX);
    const timer = setTimeout(() => {
      this.#retries.delete(key);
      this.add(key);
      this.#changed();
    }, delayMs);
    this.#retries.set(key, timer.unref());
  }
}
