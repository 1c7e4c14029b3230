/**
 * Faults an emulator is told to show. They are scripted, counted and consumed in order, so that a
 * test can say which request is hit and can check that every planned fault was.
 */

/**
 * - `throttle`: refused with the vendor's throttling code, nothing applied
 * - `unavailable`: 503 with the vendor's code, nothing applied
 * - `error`: 500 with the vendor's code, nothing applied
 * - `forbidden`: refused with the vendor's permission code, nothing applied
 * - `drop`: the connection is closed before anything is applied
 * - `lostReply`: the request is applied, then the connection is closed without a reply
 * - `slow`: the reply comes after `delayMs` (default 1000) of real time
 */
export type FaultKind =
  | 'throttle'
  | 'unavailable'
  | 'error'
  | 'forbidden'
  | 'drop'
  | 'lostReply'
  | 'slow';

/** One planned fault: the next `times` requests of `action` (`*` = any) are hit. */
export interface Fault {
  readonly action: string;
  readonly kind: FaultKind;
  readonly times: number;
  readonly delayMs?: number;
}

/** The faults still to come, and how often each was hit. */
export class FaultPlan {
  private readonly planned: { fault: Fault; left: number }[] = [];
  private readonly hitsByKey = new Map<string, number>();

  /** Plans a fault; the oldest matching one is taken first. */
  add(fault: Fault): void {
    this.planned.push({ fault, left: fault.times });
  }

  /** The fault that this request must show, if any; takes one of its times. */
  take(action: string): Fault | undefined {
    const entry = this.planned.find(
      (e) => e.left > 0 && (e.fault.action === '*' || e.fault.action === action),
    );
    if (entry === undefined) return undefined;
    entry.left -= 1;
    const key = `${entry.fault.action}:${entry.fault.kind}`;
    this.hitsByKey.set(key, (this.hitsByKey.get(key) ?? 0) + 1);
    return entry.fault;
  }

  /** Planned faults that no request has met yet. */
  unhit(): Fault[] {
    return this.planned.filter((e) => e.left > 0).map((e) => ({ ...e.fault, times: e.left }));
  }

  /** How often `action:kind` was shown. */
  hits(): ReadonlyMap<string, number> {
    return this.hitsByKey;
  }

  /** Forgets what is still planned. */
  clear(): void {
    this.planned.length = 0;
  }
}
