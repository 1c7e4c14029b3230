/**
 * The right to work on a run until a moment in time.
 *
 * ```
 * claim            heartbeat (every LEASE_MS / 3)            worker dies
 *   |--- lease token n ---|--- renewed ---|--- renewed ---x       | lapsed
 *                                                         ^       ^
 *                                       last renewal -----'       '-- claimable: token n + 1
 * ```
 *
 * A worker that wakes up after its lease lapsed cannot harm: every write of the run row is conditional
 * on the version it read, and the record refuses a token below the highest it has seen.
 */
import type { Lease, Run } from './run.ts';

/** How long a claim or a renewal lasts, ms. A dead worker's run waits at most this long. */
export const LEASE_MS = 60_000;

/** How long a dispatched run may stay unclaimed before it is dispatched again, ms. */
export const DISPATCH_GRACE_MS = 60_000;

/** Whether somebody holds the run at `nowMs`. */
export function isLeased(run: Run, nowMs: number): boolean {
  return run.lease !== undefined && run.lease.expiresAtMs > nowMs;
}

/**
 * The lease a new claim gets. Several runs may work for one record, one after the other: a later one
 * begins above the `fence` that the record has from those before.
 */
export function nextLease(run: Run, nowMs: number, fence: number): Lease {
  return { token: Math.max(run.fencingToken, fence) + 1, expiresAtMs: nowMs + LEASE_MS };
}
