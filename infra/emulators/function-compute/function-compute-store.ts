import { type Database, open, type RootDatabase } from 'lmdb';
import type { AsyncInvokeConfig, TriggerDefinition } from './definition.ts';
import { TASK_RETENTION_MS } from './limits.ts';

/** @see https://www.alibabacloud.com/help/en/functioncompute/api-fc-2023-03-30-struct-asynctask */
export type TaskStatus =
  | 'Enqueued'
  | 'Running'
  | 'Retrying'
  | 'Succeeded'
  | 'Failed'
  | 'Stopping'
  | 'Stopped'
  | 'Expired'
  | 'Invalid';

/** A step in the life of a task. */
interface TaskEvent {
  readonly eventId: number;
  readonly status: TaskStatus;
  readonly timestamp: number;
  readonly eventDetail: string;
}

/** An asynchronous invocation, from its acceptance to seven days after its end. */
export interface AsyncTask {
  readonly functionName: string;
  readonly taskId: string;
  readonly requestId: string;
  /** Place in the order of acceptance. */
  readonly seq: number;
  readonly payload: Uint8Array;
  /** Whether its state can be asked for (asyncTask was on); others are forgotten when they end. */
  readonly tracked: boolean;
  readonly status: TaskStatus;
  readonly enqueuedAtMs: number;
  readonly endedAtMs?: number;
  /** Runs that failed. */
  readonly failures: number;
  readonly error: string;
  readonly instanceId: string;
  readonly events: readonly TaskEvent[];
}

/** A trigger of a function that was made or changed at run time. */
export interface StoredTrigger {
  readonly triggerId: string;
  readonly createdTime: string;
  readonly lastModifiedTime: string;
  readonly definition: TriggerDefinition;
}

type Key = [functionName: string, name: string];

/** What Function Compute must not forget: queued work, task states, triggers, async settings. */
export class FunctionComputeStore {
  private readonly root: RootDatabase<unknown, string>;
  private readonly tasks: Database<AsyncTask, Key>;
  private readonly queue: Database<Key, number>;
  readonly triggers: Database<StoredTrigger, Key>;
  readonly asyncConfigs: Database<AsyncInvokeConfig, string>;
  private lastSeq: number;

  constructor(dir: string, now: number) {
    this.root = open<unknown, string>({ path: dir, maxDbs: 8 });
    this.tasks = this.root.openDB<AsyncTask, Key>({ name: 'tasks' });
    this.queue = this.root.openDB<Key, number>({ name: 'queue' });
    this.triggers = this.root.openDB<StoredTrigger, Key>({ name: 'triggers' });
    this.asyncConfigs = this.root.openDB<AsyncInvokeConfig, string>({ name: 'async-configs' });
    const last = [...this.queue.getKeys({ reverse: true, limit: 1 })][0];
    this.lastSeq = Math.max(last ?? 0, now);
    for (const { key, value } of this.tasks.getRange()) {
      if ((value.endedAtMs ?? now) + TASK_RETENTION_MS < now) this.tasks.removeSync(key);
    }
  }

  /** A place behind everything accepted so far. */
  nextSeq(): number {
    this.lastSeq += 1;
    return this.lastSeq;
  }

  /** Puts a task into the queue; false when its id is taken. On disk when this resolves. */
  async add(task: AsyncTask): Promise<boolean> {
    const key: Key = [task.functionName, task.taskId];
    return this.root.transaction(() => {
      if (this.tasks.get(key) !== undefined) return false;
      this.tasks.putSync(key, task);
      this.queue.putSync(task.seq, key);
      return true;
    });
  }

  task(functionName: string, taskId: string): AsyncTask | undefined {
    return this.tasks.get([functionName, taskId]);
  }

  /** Every task of a function that is remembered, by id. */
  tasksOf(functionName: string): AsyncTask[] {
    const range = { start: [functionName, ''] as Key, end: [functionName, '\uffff'] as Key };
    return [...this.tasks.getRange(range)].map(({ value }) => value);
  }

  async update(task: AsyncTask): Promise<void> {
    await this.tasks.put([task.functionName, task.taskId], task);
  }

  /** Takes a task out of the queue; only tracked ones are remembered. */
  async finish(task: AsyncTask): Promise<void> {
    const key: Key = [task.functionName, task.taskId];
    await this.root.transaction(() => {
      this.queue.removeSync(task.seq);
      if (task.tracked) this.tasks.putSync(key, task);
      else this.tasks.removeSync(key);
    });
  }

  /** What was accepted and has not ended, in order of acceptance. */
  unfinished(): AsyncTask[] {
    const found: AsyncTask[] = [];
    for (const { value: key } of this.queue.getRange()) {
      const task = this.tasks.get(key);
      if (task !== undefined) found.push(task);
    }
    return found;
  }

  async close(): Promise<void> {
    await this.root.close();
  }
}
