/**
 * Tasks in parallel, as many as the other side bears: the number in flight grows with each success until
 * the first refusal for load, is halved by each such refusal, and grows slowly from then on.
 */

/** In flight at the start and at most (VEL §4.4: 16 to 32 creates are what an API server takes). */
const IN_FLIGHT_START = 8;
const IN_FLIGHT_MAX = 32;

/** Runs tasks; a failed one stops the pool. */
export class AdaptivePool {
  private limit = IN_FLIGHT_START;
  private inFlight = 0;
  private successes = 0;
  private throttled = false;
  private failure: { readonly error: unknown } | undefined;
  private waiting: (() => void)[] = [];

  /** Starts the task once there is room. @throws what an earlier task threw */
  async add(task: () => Promise<void>): Promise<void> {
    while (this.inFlight >= this.limit && this.failure === undefined) await this.change();
    this.throwFailure();
    this.inFlight += 1;
    void this.run(task);
  }

  /** Waits for all tasks. @throws what a task threw */
  async drain(): Promise<void> {
    await this.settle();
    this.throwFailure();
  }

  /** Waits for all tasks, whatever became of them. */
  async settle(): Promise<void> {
    while (this.inFlight > 0) await this.change();
  }

  /** A task was refused for load. */
  slowDown(): void {
    this.throttled = true;
    this.successes = 0;
    this.limit = Math.max(1, Math.floor(this.limit / 2));
  }

  private async run(task: () => Promise<void>): Promise<void> {
    try {
      await task();
      this.speedUp();
    } catch (error) {
      this.failure ??= { error };
    }
    this.inFlight -= 1;
    const waiting = this.waiting;
    this.waiting = [];
    for (const wake of waiting) wake();
  }

  private speedUp(): void {
    this.successes += 1;
    if (this.throttled && this.successes < this.limit) return;
    this.successes = 0;
    this.limit = Math.min(IN_FLIGHT_MAX, this.limit + 1);
  }

  private change(): Promise<void> {
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  private throwFailure(): void {
    if (this.failure !== undefined) throw this.failure.error;
  }
}
