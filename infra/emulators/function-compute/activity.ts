/** Counts what is queued or running, and tells when nothing is. */
export class Activity {
  private count = 0;
  private waiting: (() => void)[] = [];

  begin(): void {
    this.count += 1;
  }

  end(): void {
    this.count -= 1;
    if (this.count > 0) return;
    const resolvers = this.waiting;
    this.waiting = [];
    for (const resolve of resolvers) resolve();
  }

  /** Resolves at the first moment at which nothing is queued or running. */
  async idle(): Promise<void> {
    if (this.count === 0) return;
    await new Promise<void>((resolve) => {
      this.waiting.push(resolve);
    });
  }
}
