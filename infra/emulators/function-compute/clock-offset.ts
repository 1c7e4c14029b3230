/** How often the offset follows a clock that was moved, besides every invocation and timer. */
const FOLLOW_EVERY_MS = 50;

/**
 * Emulators' clock minus machine's clock, in memory that all instances share: their Date reads it at
 * each call, so a clock moved in mid-invocation is seen at once.
 */
export class ClockOffset {
  readonly shared = new SharedArrayBuffer(8);
  private readonly view = new BigInt64Array(this.shared);
  private readonly now: () => number;
  private readonly timer: NodeJS.Timeout;

  constructor(now: () => number) {
    this.now = now;
    this.sync();
    this.timer = setInterval(() => this.sync(), FOLLOW_EVERY_MS);
    this.timer.unref();
  }

  /** Takes the clocks' present difference over. */
  sync(): void {
    Atomics.store(this.view, 0, BigInt(Math.round(this.now() - Date.now())));
  }

  close(): void {
    clearInterval(this.timer);
  }
}
