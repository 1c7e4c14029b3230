import type { Clock } from '../../shared/ports/clock.ts';

interface Sleeper {
  readonly dueMs: number;
  readonly wake: () => void;
}

/**
 * Time that only a test moves. Sleepers wake in the order they are due, each seeing the time it asked
 * for; what a woken sleeper does runs before the next one wakes.
 */
export class FakeClock implements Clock {
  private nowMs: number;
  private readonly impatient: boolean;
  private sleepers: Sleeper[] = [];
  /** Milliseconds of every sleep asked for, in order. */
  readonly sleeps: number[] = [];

  /** `impatient`: a sleep moves the clock by itself and returns at once. */
  constructor(options: { readonly startMs?: number; readonly impatient?: boolean } = {}) {
    this.nowMs = options.startMs ?? Date.UTC(2026, 0, 1);
    this.impatient = options.impatient ?? false;
  }

  now(): number {
    return this.nowMs;
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    this.sleeps.push(ms);
    if (this.impatient) {
      this.nowMs += Math.max(0, ms);
      await turn();
      signal?.throwIfAborted();
      return;
    }
    await new Promise<void>((resolve, reject) => {
      const onAbort = () => {
        this.sleepers = this.sleepers.filter((s) => s !== sleeper);
        reject(signal?.reason as Error);
      };
      const wake = () => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      };
      const sleeper: Sleeper = { dueMs: this.nowMs + Math.max(0, ms), wake };
      this.sleepers.push(sleeper);
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  }

  /** How many wait at present. */
  sleeping(): number {
    return this.sleepers.length;
  }

  /** Moves the time on, waking who is due on the way. */
  async advance(ms: number): Promise<void> {
    const end = this.nowMs + ms;
    await turn();
    for (;;) {
      const due = this.sleepers
        .filter((s) => s.dueMs <= end)
        .reduce<Sleeper | undefined>(
          (first, s) => (first === undefined || s.dueMs < first.dueMs ? s : first),
          undefined,
        );
      if (due === undefined) break;
      this.sleepers = this.sleepers.filter((s) => s !== due);
      this.nowMs = Math.max(this.nowMs, due.dueMs);
      due.wake();
      await turn();
    }
    this.nowMs = end;
  }
}

/** Lets everything run that waits for nothing but promises. */
async function turn(): Promise<void> {
  await new Promise<void>((resolve) => setImmediate(resolve));
}
