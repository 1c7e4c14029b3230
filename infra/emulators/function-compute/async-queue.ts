import { randomUUID } from 'node:crypto';
import type { Activity } from './activity.ts';
import type { AsyncInvokeConfig, FunctionDefinition } from './definition.ts';
import type { AsyncTask, FunctionComputeStore, TaskStatus } from './function-compute-store.ts';
import type { InvocationResult } from './instance.ts';
import type { Invoker } from './invoker.ts';
import { DEFAULT_ASYNC_RETRIES, DEFAULT_EVENT_AGE_SECONDS } from './limits.ts';

export interface AsyncQueueOptions {
  readonly now: () => number;
  readonly store: FunctionComputeStore;
  readonly invoker: Invoker;
  readonly activity: Activity;
  readonly functions: ReadonlyMap<string, FunctionDefinition>;
  /** Real milliseconds before the first retry; doubled before each further one. */
  readonly backoffMs: number;
}

/** An accepted asynchronous invocation; `ended` resolves after its last run, however that went. */
export interface Accepted {
  readonly requestId: string;
  readonly taskId: string;
  readonly ended: Promise<void>;
}

const FINAL: ReadonlySet<TaskStatus> = new Set([
  'Succeeded',
  'Failed',
  'Stopped',
  'Expired',
  'Invalid',
]);

/**
 * The queue of asynchronous invocations: accepted means on disk, each is run at least once, a failed
 * run is repeated as the function's settings say. Order of start is order of acceptance per function.
 */
export class AsyncQueue {
  private readonly options: AsyncQueueOptions;
  private readonly waiting = new Map<string, AsyncTask[]>();
  private readonly endings = new Map<number, () => void>();
  private readonly retryTimers = new Set<NodeJS.Timeout>();
  private readonly running = new Set<Promise<void>>();
  private closing = false;

  constructor(options: AsyncQueueOptions) {
    this.options = options;
  }

  /** Takes up what an earlier process accepted and did not finish. */
  resume(): void {
    for (const task of this.options.store.unfinished()) {
      this.options.activity.begin();
      this.push(task);
    }
  }

  /** On disk when this resolves; `undefined` when the task id is taken. */
  async accept(
    functionName: string,
    payload: Uint8Array,
    taskId?: string,
  ): Promise<Accepted | undefined> {
    const requestId = randomUUID();
    const { now, store, activity } = this.options;
    const enqueued = { eventId: 1, status: 'Enqueued', timestamp: now(), eventDetail: '' } as const;
    const task: AsyncTask = {
      functionName,
      taskId: taskId ?? requestId,
      requestId,
      seq: store.nextSeq(),
      payload,
      tracked: this.configOf(functionName).asyncTask === true,
      status: 'Enqueued',
      enqueuedAtMs: now(),
      failures: 0,
      error: '',
      instanceId: '',
      events: [enqueued],
    };
    activity.begin();
    if (!(await store.add(task))) {
      activity.end();
      return undefined;
    }
    const ended = new Promise<void>((resolve) => {
      this.endings.set(task.seq, resolve);
    });
    this.push(task);
    return { requestId, taskId: task.taskId, ended };
  }

  /** Starts what waits for a function, as far as it has room. */
  pump(functionName: string): void {
    const queue = this.waiting.get(functionName) ?? [];
    for (let task = queue[0]; task !== undefined && !this.closing; task = queue[0]) {
      const started = this.start(task);
      if (started === undefined) return;
      queue.shift();
      const tracked = started.finally(() => this.running.delete(tracked));
      this.running.add(tracked);
    }
  }

  /** Ends a task that waits, or kills its run; false when it has ended already. */
  async stop(functionName: string, taskId: string): Promise<boolean> {
    const task = this.options.store.task(functionName, taskId);
    if (task === undefined || FINAL.has(task.status)) return false;
    await this.options.store.update(this.moved(task, 'Stopping'));
    const queue = this.waiting.get(functionName) ?? [];
    const at = queue.findIndex((waiting) => waiting.taskId === taskId);
    if (at >= 0) {
      queue.splice(at, 1);
      await this.end(task, 'Stopped', '');
    } else {
      this.options.invoker.killRequest(functionName, task.requestId);
    }
    return true;
  }

  /** Settings of a function: what was put at run time, else what was deployed. */
  configOf(functionName: string): AsyncInvokeConfig {
    const { store, functions } = this.options;
    return (
      store.asyncConfigs.get(functionName) ?? functions.get(functionName)?.asyncInvokeConfig ?? {}
    );
  }

  /** Starts nothing more; runs that are killed after this stay in the queue. */
  stopStarting(): void {
    this.closing = true;
    for (const timer of this.retryTimers) clearTimeout(timer);
  }

  /** Resolves when no run writes to the store any more; nobody waits for the rest any longer. */
  async settled(): Promise<void> {
    await Promise.all(this.running);
    for (const resolve of this.endings.values()) resolve();
  }

  private push(task: AsyncTask): void {
    const queue = this.waiting.get(task.functionName) ?? [];
    queue.push(task);
    this.waiting.set(task.functionName, queue);
    this.pump(task.functionName);
  }

  private start(task: AsyncTask): Promise<void> | undefined {
    const definition = this.options.functions.get(task.functionName);
    const stored = this.options.store.task(task.functionName, task.taskId);
    if (stored?.status === 'Stopping') return this.end(task, 'Stopped', '');
    if (definition === undefined) return this.end(task, 'Invalid', 'the function does not exist');
    const { maxAsyncEventAgeInSeconds } = this.configOf(task.functionName);
    const ageLimitMs = (maxAsyncEventAgeInSeconds ?? DEFAULT_EVENT_AGE_SECONDS) * 1000;
    if (this.options.now() - task.enqueuedAtMs > ageLimitMs) return this.end(task, 'Expired', '');
    const run = this.options.invoker.tryInvoke({
      definition,
      event: Buffer.from(task.payload),
      requestId: task.requestId,
    });
    return run === undefined ? undefined : this.follow(this.moved(task, 'Running'), run);
  }

  private async follow(task: AsyncTask, run: Promise<InvocationResult>): Promise<void> {
    if (task.tracked) await this.options.store.update(task);
    const result = await run;
    const done: AsyncTask = { ...task, instanceId: result.instanceId };
    if (result.ok) return this.end(done, 'Succeeded', '');
    // The host is going down: the task stays in the queue and is run again at the next start.
    if (this.closing) return;
    const stored = this.options.store.task(task.functionName, task.taskId);
    if (stored?.status === 'Stopping') return this.end(done, 'Stopped', '');
    const failed: AsyncTask = { ...done, failures: task.failures + 1, error: result.errorMessage };
    const { maxAsyncRetryAttempts } = this.configOf(task.functionName);
    if (failed.failures > (maxAsyncRetryAttempts ?? DEFAULT_ASYNC_RETRIES)) {
      return this.end(failed, 'Failed', result.errorType);
    }
    const retrying = this.moved(failed, 'Retrying', result.errorType);
    await this.options.store.update(retrying);
    this.pushLater(retrying);
  }

  private pushLater(task: AsyncTask): void {
    const timer = setTimeout(
      () => {
        this.retryTimers.delete(timer);
        this.push(task);
      },
      this.options.backoffMs * 2 ** (task.failures - 1),
    );
    this.retryTimers.add(timer);
  }

  private async end(task: AsyncTask, status: TaskStatus, detail: string): Promise<void> {
    const endedAtMs = this.options.now();
    await this.options.store.finish({ ...this.moved(task, status, detail), endedAtMs });
    this.endings.get(task.seq)?.();
    this.endings.delete(task.seq);
    this.options.activity.end();
  }

  private moved(task: AsyncTask, status: TaskStatus, eventDetail = ''): AsyncTask {
    const eventId = task.events.length + 1;
    const event = { eventId, status, timestamp: this.options.now(), eventDetail };
    return { ...task, status, events: [...task.events, event] };
  }
}
