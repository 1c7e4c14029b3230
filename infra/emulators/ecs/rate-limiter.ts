const MINUTE_MS = 60_000;

/** Counts calls per account, action and minute, as the flow control of the API gateway does. */
export class RateLimiter {
  private readonly perMinute: ReadonlyMap<string, number>;
  private readonly windows = new Map<string, { minute: number; calls: number }>();

  constructor(perMinute: Readonly<Record<string, number>>) {
    this.perMinute = new Map(Object.entries(perMinute));
  }

  /** Whether one more call is allowed now; counts it. */
  allows(accountId: string, action: string, nowMs: number): boolean {
    const max = this.perMinute.get(action);
    if (max === undefined) return true;
    const key = `${accountId} ${action}`;
    const minute = Math.floor(nowMs / MINUTE_MS);
    const window = this.windows.get(key);
    const calls = window?.minute === minute ? window.calls + 1 : 1;
    this.windows.set(key, { minute, calls });
    return calls <= max;
  }
}
