/**
 * A way into every double: a test sees each call before it happens and decides. Throwing instead of
 * calling `proceed` is a refused call; calling it and then throwing is a lost reply.
 */

/** One call of a port's method. */
export interface PortCall {
  readonly method: string;
  /** Table, key or resource: what the call is about. */
  readonly subject: string;
}

/** Sees a call; must return what `proceed` returns, or throw. */
export type Intercept = <T>(call: PortCall, proceed: () => Promise<T>) => Promise<T>;

/** Lets every call through, after one turn of the loop: nothing answers at once over a network. */
export const passThrough: Intercept = async (_call, proceed) => {
  await Promise.resolve();
  return await proceed();
};

/**
 * Fails the next calls that `matches` picks, in order: `before` refuses the call, `after` applies it
 * and loses the reply. `hits` counts, so that a test can demand that its fault was met.
 */
export class PlannedFaults {
  private readonly planned: {
    readonly matches: (call: PortCall) => boolean;
    readonly when: 'before' | 'after';
    readonly error: () => Error;
    left: number;
  }[] = [];
  hits = 0;

  fail(
    matches: (call: PortCall) => boolean,
    when: 'before' | 'after',
    error: () => Error,
    times = 1,
  ): this {
    this.planned.push({ matches, when, error, left: times });
    return this;
  }

  readonly intercept: Intercept = async (call, proceed) => {
    const fault = this.planned.find((f) => f.left > 0 && f.matches(call));
    if (fault === undefined) return await passThrough(call, proceed);
    fault.left -= 1;
    this.hits += 1;
    if (fault.when === 'after') await proceed();
    throw fault.error();
  };
}
