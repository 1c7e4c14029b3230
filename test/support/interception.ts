/**
 * A way into every double: a test sees each call before it happens and decides. Throwing instead of
 * calling `proceed` is a refused call; calling it and then throwing is a lost reply.
 */

/** One call of a port's method. */
interface PortCall {
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
