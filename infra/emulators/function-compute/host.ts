import { randomUUID } from 'node:crypto';
import { Activity } from './activity.ts';
import { AsyncQueue } from './async-queue.ts';
import { ClockOffset } from './clock-offset.ts';
import type { FunctionDefinition } from './definition.ts';
import { fcErrors } from './errors.ts';
import { FunctionComputeStore } from './function-compute-store.ts';
import type { InvocationResult } from './instance.ts';
import { Invoker, type InvokerOptions } from './invoker.ts';
import { type OssEventElement, ossTriggerMatches } from './oss-trigger.ts';
import { Timers } from './timers.ts';
import { TriggerRegistry } from './triggers.ts';

export interface HostOptions
  extends Omit<InvokerOptions, 'clockOffset' | 'onRoom' | 'instanceIdleMs'> {
  readonly dir: string;
  readonly functions: readonly FunctionDefinition[];
  readonly asyncBackoffMs?: number;
  readonly instanceIdleMs?: number;
  readonly tickEveryMs?: number;
  readonly duplicateEvents?: (n: number) => boolean;
}

/** The vendor's first back-off is 0.5 s; see the retry policy page. */
const DEFAULT_BACKOFF_MS = 500;
const DEFAULT_INSTANCE_IDLE_MS = 60_000;

/** The part of the emulator that runs functions, whatever asked for it. */
export class FunctionHost {
  readonly functions: ReadonlyMap<string, FunctionDefinition>;
  readonly store: FunctionComputeStore;
  readonly triggers: TriggerRegistry;
  readonly queue: AsyncQueue;
  readonly timers: Timers;
  readonly accountId: string;
  readonly region: string;
  readonly now: () => number;
  private readonly activity = new Activity();
  private readonly clockOffset: ClockOffset;
  private readonly invoker: Invoker;
  private readonly duplicateEvents: (n: number) => boolean;
  private ossEvents = 0;

  constructor(options: HostOptions) {
    this.accountId = options.accountId;
    this.region = options.region;
    this.now = options.now;
    this.duplicateEvents = options.duplicateEvents ?? (() => false);
    this.functions = new Map(options.functions.map((f) => [f.functionName, f]));
    this.clockOffset = new ClockOffset(options.now);
    this.store = new FunctionComputeStore(options.dir, Math.floor(options.now()));
    this.invoker = new Invoker({
      ...options,
      clockOffset: this.clockOffset,
      instanceIdleMs: options.instanceIdleMs ?? DEFAULT_INSTANCE_IDLE_MS,
      onRoom: (functionName) => this.queue.pump(functionName),
    });
    // A role that does not exist is a mistake of the caller: shown now, not at the first request.
    for (const { role } of options.functions) this.invoker.keysOf(role);
    this.triggers = new TriggerRegistry({ ...options, store: this.store });
    this.queue = new AsyncQueue({
      now: options.now,
      store: this.store,
      invoker: this.invoker,
      activity: this.activity,
      functions: this.functions,
      backoffMs: options.asyncBackoffMs ?? DEFAULT_BACKOFF_MS,
    });
    this.timers = new Timers({
      now: options.now,
      triggers: this.triggers,
      ...(options.tickEveryMs === undefined ? {} : { tickEveryMs: options.tickEveryMs }),
      enqueue: (functionName, event) => this.queue.accept(functionName, event),
      onError: (error) => options.log(`timers: ${String(error)}`),
    });
    this.queue.resume();
  }

  /** @throws the vendor's refusal of an unknown function */
  functionNamed(functionName: string): FunctionDefinition {
    const definition = this.functions.get(functionName);
    if (definition === undefined) throw fcErrors.functionNotFound(functionName);
    return definition;
  }

  /** Runs a function and waits. @throws the vendor's refusal when it has no room */
  async invoke(
    functionName: string,
    event: (requestId: string) => Buffer,
  ): Promise<{ readonly requestId: string; readonly result: InvocationResult }> {
    const definition = this.functionNamed(functionName);
    const requestId = randomUUID();
    this.activity.begin();
    try {
      const run = this.invoker.tryInvoke({ definition, event: event(requestId), requestId });
      if (run === undefined) throw fcErrors.resourceExhausted(functionName);
      return { requestId, result: await run };
    } finally {
      this.activity.end();
    }
  }

  /** Starts every function whose OSS trigger matches; resolves when all of that is on disk. */
  async deliverOssEvent(element: OssEventElement): Promise<void> {
    const event = Buffer.from(JSON.stringify({ events: [element] }));
    for (const { functionName, definition } of this.triggers.all()) {
      if (definition.triggerType !== 'oss' || !ossTriggerMatches(definition, element)) continue;
      this.ossEvents += 1;
      const times = this.duplicateEvents(this.ossEvents) ? 2 : 1;
      for (let time = 0; time < times; time += 1) await this.queue.accept(functionName, event);
    }
  }

  /** Takes a moved clock over and runs the timers that are due by it. */
  async fireDueTimers(): Promise<void> {
    this.clockOffset.sync();
    await this.timers.fireDue();
  }

  idle(): Promise<void> {
    return this.activity.idle();
  }

  kill(functionName: string): void {
    this.functionNamed(functionName);
    this.invoker.kill(functionName);
  }

  /** What runs is killed; what was accepted asynchronously runs again after the next start. */
  async close(): Promise<void> {
    this.timers.close();
    this.queue.stopStarting();
    await this.invoker.close();
    await this.queue.settled();
    this.clockOffset.close();
    await this.store.close();
  }
}
