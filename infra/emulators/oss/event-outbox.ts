/**
 * Changes on their way to whoever stands for the event bus. An event is written in the transaction
 * of its change and removed after delivery, so none is lost by kill -9 and some come twice, as with
 * OSS. The order of delivery is not promised either.
 */
import type { FaultPlan } from '../kit/fault-plan.ts';
import type { EventSink, OssEvent } from './events.ts';
import type { OssState } from './state.ts';

/** Deliveries at the same time; the rest waits in the outbox. */
const IN_FLIGHT_MAX = 32;
const RETRY_DELAY_MS = 500;
/** Name under which the fault plan can disturb deliveries: drop, lostReply (twice) and slow. */
const DELIVERY_ACTION = 'DeliverEvent';

/** Takes events out of the outbox until it is closed. */
export class EventOutbox {
  private readonly state: OssState;
  private readonly faults: FaultPlan;
  private readonly sink: EventSink | undefined;
  private readonly inFlight = new Set<number>();
  private readonly timers = new Set<NodeJS.Timeout>();
  private idleWaiters: (() => void)[] = [];
  private closed = false;

  constructor(state: OssState, faults: FaultPlan, sink: EventSink | undefined) {
    this.state = state;
    this.faults = faults;
    this.sink = sink;
  }

  /** Writes an event; only inside the transaction of its change. */
  add(event: OssEvent): void {
    if (this.sink === undefined) return;
    this.state.outbox.putSync(this.state.next('event'), event);
  }

  /** Starts what can be delivered now. */
  wake(): void {
    if (this.closed || this.sink === undefined) return;
    for (const { key, value } of this.state.outbox.getRange({ limit: 2 * IN_FLIGHT_MAX })) {
      if (this.inFlight.size >= IN_FLIGHT_MAX) return;
      if (this.inFlight.has(key)) continue;
      this.inFlight.add(key);
      void this.deliver(key, value, this.sink);
    }
    if (this.inFlight.size === 0) {
      for (const resolve of this.idleWaiters.splice(0)) resolve();
    }
  }

  /** Resolves when no event is waiting, or when the outbox is closed. */
  idle(): Promise<void> {
    return new Promise((resolve) => {
      this.idleWaiters.push(resolve);
      if (this.sink === undefined || this.closed) resolve();
      else this.wake();
    });
  }

  /** Stops delivering; what is under way or waiting is delivered after the next start. */
  close(): void {
    this.closed = true;
    for (const timer of this.timers) clearTimeout(timer);
    for (const resolve of this.idleWaiters.splice(0)) resolve();
  }

  private async deliver(key: number, event: OssEvent, sink: EventSink): Promise<void> {
    const fault = this.plannedFault();
    let delayMs: number | undefined;
    try {
      if (fault?.kind === 'slow') {
        await this.pause(fault.delayMs ?? 1000);
      }
      if (fault === undefined || fault.kind === 'slow' || fault.kind === 'lostReply') {
        await sink(event);
      } else {
        delayMs = RETRY_DELAY_MS;
      }
      if (fault?.kind !== 'lostReply' && delayMs === undefined && !this.closed) {
        await this.state.outbox.remove(key);
      }
    } catch {
      delayMs = RETRY_DELAY_MS;
    }
    if (delayMs !== undefined && !this.closed) await this.pause(delayMs);
    this.inFlight.delete(key);
    this.wake();
  }

  private plannedFault() {
    // Asked by name only: a fault planned for any request must hit a request.
    const planned = this.faults.unhit().some((fault) => fault.action === DELIVERY_ACTION);
    return planned ? this.faults.take(DELIVERY_ACTION) : undefined;
  }

  private pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.timers.delete(timer);
        resolve();
      }, delayMs);
      timer.unref();
      this.timers.add(timer);
    });
  }
}
