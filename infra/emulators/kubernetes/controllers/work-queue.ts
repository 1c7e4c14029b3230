/** Work of in-process controllers, done one piece after the other, each key once at a time. */
export class WorkQueue {
  private readonly waiting = new Set<string>();
  private readonly work: (key: string) => Promise<void>;
  private running = false;
  private closed = false;
  private idleListeners: (() => void)[] = [];

  constructor(work: (key: string) => Promise<void>) {
    this.work = work;
  }

  /** Asks for a key to be worked on soon; asking again before that changes nothing. */
  add(key: string): void {
    if (this.closed) return;
    this.waiting.add(key);
    if (this.running) return;
    this.running = true;
    setImmediate(() => void this.drain());
  }

  private async drain(): Promise<void> {
    for (;;) {
      const [key] = this.waiting;
      if (key === undefined || this.closed) break;
      this.waiting.delete(key);
      try {
        await this.work(key);
      } catch (error) {
        process.stderr.write(`kubernetes emulator: cannot reconcile ${key}: ${String(error)}\n`);
      }
    }
    this.running = false;
    for (const listener of this.idleListeners.splice(0)) listener();
  }

  /** Resolves when nothing is left to do. */
  async idle(): Promise<void> {
    while (this.running) await new Promise<void>((resolve) => this.idleListeners.push(resolve));
  }

  /** Takes no more work and waits for the piece in hand. */
  async close(): Promise<void> {
    this.closed = true;
    this.waiting.clear();
    await this.idle();
  }
}
