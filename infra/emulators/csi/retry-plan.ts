import type { Reconcilers } from '../controllers/engine/reconcilers.ts';
import type { WorkQueue } from '../controllers/engine/work-queue.ts';
import { StillWorkingError } from './driver-error.ts';
import { EcsError } from './ecs-client.ts';

/** csi-provisioner's `--retry-interval-start` in ACK and its default `--retry-interval-max`. */
const RETRY_MS_MIN = 500;
const RETRY_MS_MAX = 300_000;
/** How often ECS is asked for what it is still doing: the driver's status waiters' pace. */
const POLL_MS = 1_000;

/** When refused work is tried again, by the injected clock. */
export class RetryPlan {
  readonly #reconcilers: Reconcilers;
  readonly #queue: () => WorkQueue;
  readonly #failures = new Map<string, number>();

  constructor(reconcilers: Reconcilers, queue: () => WorkQueue) {
    this.#reconcilers = reconcilers;
    this.#queue = queue;
  }

  /** Tries the key again after a pause that doubles with each failure in a row. */
  later(key: string): void {
    const count = this.#failures.get(key) ?? 0;
    this.#failures.set(key, count + 1);
    this.#at(key, Math.min(RETRY_MS_MIN * 2 ** Math.min(count, 20), RETRY_MS_MAX));
  }

  /** Looks again at what is under way. */
  soon(key: string): void {
    this.#at(key, POLL_MS);
  }

  /** The key's next failure is its first one again. */
  forget(key: string): void {
    this.#failures.delete(key);
  }

  #at(key: string, delayMs: number): void {
    this.#reconcilers.at(this.#queue(), key, this.#reconcilers.now() + delayMs);
  }
}

/** Whether the failure is nobody's fault and goes away by itself: the work queue tries at once. */
export function isPassing(error: unknown): boolean {
  return error instanceof EcsError && error.transient;
}

/** Whether there is nothing to do but wait. */
export function isStillWorking(error: unknown): boolean {
  return error instanceof StillWorkingError;
}
