import type { Accepted } from './async-queue.ts';
import { parseTimer, type TimerSchedule } from './cron.ts';
import type { FunctionTrigger, TriggerRegistry } from './triggers.ts';

/** How often due timers are looked for, in real time. */
const LOOK_EVERY_MS = 200;

export interface TimersOptions {
  readonly now: () => number;
  readonly triggers: TriggerRegistry;
  /** Local runs only: fires every enabled timer this often (real time), whatever its expression. */
  readonly tickEveryMs?: number;
  readonly enqueue: (functionName: string, event: Buffer) => Promise<Accepted | undefined>;
  /** A timer that could not be put into the queue. */
  readonly onError: (error: unknown) => void;
}

interface Timer {
  readonly cronExpression: string;
  readonly schedule: TimerSchedule;
  /** The last due time that was fired, or the start. */
  lastMs: number;
  /** Set while its last firing has not ended; ticks of local runs do not pile up on it. */
  running: boolean;
}

/**
 * Fires timer triggers as asynchronous invocations. A clock that jumps over several due times fires a
 * trigger once, for the newest: a function sees the clock as it is, so further runs would see the same.
 */
export class Timers {
  private readonly options: TimersOptions;
  private readonly timers = new Map<string, Timer>();
  private readonly runs = new Set<Promise<void>>();
  private readonly looking: NodeJS.Timeout;

  constructor(options: TimersOptions) {
    this.options = options;
    const { tickEveryMs } = options;
    this.refresh();
    const look = () => {
      const round = tickEveryMs === undefined ? this.fireDue() : this.tick(undefined, true);
      round.catch(options.onError);
    };
    this.looking = setInterval(look, tickEveryMs ?? LOOK_EVERY_MS);
  }

  /** Runs what is due by now; resolves when that, and what was running already, has ended. */
  async fireDue(): Promise<void> {
    const now = this.options.now();
    const endings: Promise<void>[] = [];
    for (const [trigger, timer] of this.refresh()) {
      const due = timer.schedule.lastDueAt(now);
      if (due === undefined || due <= timer.lastMs) continue;
      timer.lastMs = due;
      endings.push(this.start(trigger, timer, due));
    }
    await Promise.all([...endings, ...this.runs]);
  }

  /** Runs every enabled timer, or those of one function, due or not; resolves when they ended. */
  async tick(functionName?: string, skipRunning = false): Promise<void> {
    const now = this.options.now();
    const endings: Promise<void>[] = [];
    for (const [trigger, timer] of this.refresh()) {
      if (functionName !== undefined && trigger.functionName !== functionName) continue;
      if (skipRunning && timer.running) continue;
      timer.lastMs = Math.max(timer.lastMs, now);
      endings.push(this.start(trigger, timer, now));
    }
    await Promise.all(endings);
  }

  close(): void {
    clearInterval(this.looking);
  }

  /** The enabled timer triggers of this moment; a new or changed one counts from now. */
  private refresh(): [FunctionTrigger, Timer][] {
    const now = this.options.now();
    const live: [FunctionTrigger, Timer][] = [];
    for (const trigger of this.options.triggers.all()) {
      const { definition } = trigger;
      if (definition.triggerType !== 'timer' || definition.triggerConfig.enable === false) continue;
      const { cronExpression } = definition.triggerConfig;
      const known = this.timers.get(trigger.triggerId);
      const timer =
        known?.cronExpression === cronExpression
          ? known
          : {
              cronExpression,
              schedule: parseTimer(cronExpression, now),
              lastMs: now,
              running: false,
            };
      this.timers.set(trigger.triggerId, timer);
      live.push([trigger, timer]);
    }
    return live;
  }

  private start(trigger: FunctionTrigger, timer: Timer, dueMs: number): Promise<void> {
    const run = this.fire(trigger, timer, dueMs).finally(() => this.runs.delete(run));
    this.runs.add(run);
    return run;
  }

  private async fire(trigger: FunctionTrigger, timer: Timer, dueMs: number): Promise<void> {
    const { definition, functionName } = trigger;
    if (definition.triggerType !== 'timer') return;
    const event = {
      triggerTime: new Date(dueMs).toISOString().replace(/\.\d+Z$/, 'Z'),
      triggerName: definition.triggerName,
      payload: definition.triggerConfig.payload ?? '',
    };
    timer.running = true;
    try {
      const accepted = await this.options.enqueue(functionName, Buffer.from(JSON.stringify(event)));
      await accepted?.ended;
    } finally {
      timer.running = false;
    }
  }
}
