import type { Clock } from '../../ports/clock.ts';

const WINDOW_MS = 1_000;

/** At most so many calls begin in any second; whoever comes too early waits, in order of arrival. */
export class CallRate {
  private readonly clock: Clock;
  private readonly perSecond: number;
  /** When the last `perSecond` calls begin, oldest first. */
  private starts: number[] = [];

  constructor(clock: Clock, perSecond: number) {
    this.clock = clock;
    this.perSecond = perSecond;
  }

  /** Resolves when the caller may begin. */
  async turn(): Promise<void> {
    const now = this.clock.now();
    const oldest = this.starts.length < this.perSecond ? undefined : this.starts.shift();
    const at = oldest === undefined ? now : Math.max(now, oldest + WINDOW_MS);
    this.starts.push(at);
    if (at > now) await this.clock.sleep(at - now);
  }
}
