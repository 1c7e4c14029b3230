/** The `control` address of a local stack: moves the clock, plans faults, fires timers. */
import type { IncomingMessage } from 'node:http';
import { z } from 'zod';
import type { FaultPlan } from '../emulators/kit/fault-plan.ts';
import { type Listener, listen, readBody } from '../emulators/kit/listener.ts';

const clockSchema = z.strictObject({
  advanceMs: z
    .number()
    .int()
    .min(0)
    .max(100 * 365 * 86_400_000),
});
const faultSchema = z.strictObject({
  service: z.string(),
  action: z.string(),
  kind: z.enum(['throttle', 'unavailable', 'error', 'forbidden', 'drop', 'lostReply', 'slow']),
  times: z.number().int().min(1).max(1_000_000),
  delayMs: z.number().int().min(0).optional(),
});

/** What control acts on. */
export interface Controlled {
  readonly faults: Readonly<Record<string, FaultPlan>>;
  /** Moves the clock; timers due by then have run when it returns. */
  advanceClock(ms: number): Promise<void>;
  /** Fires every timer once; returns when they have run. */
  tick(): Promise<void>;
}

/** Serves `POST /clock`, `POST /faults` and `POST /tick`. */
export async function startControlServer(controlled: Controlled, port: number): Promise<Listener> {
  return await listen(async (request, response) => {
    const answer = (status: number, body: unknown): void => {
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(JSON.stringify(body));
    };
    try {
      answer(200, await act(controlled, request));
    } catch (error) {
      if (
        error instanceof z.ZodError ||
        error instanceof SyntaxError ||
        error instanceof RangeError
      ) {
        answer(422, { error: error.message });
      } else {
        answer(500, { error: error instanceof Error ? error.message : String(error) });
      }
    }
  }, port);
}

async function act(controlled: Controlled, request: IncomingMessage): Promise<unknown> {
  const body = await readBody(request);
  const json: unknown = body.length === 0 ? {} : JSON.parse(body.toString());
  switch (`${request.method} ${request.url}`) {
    case 'POST /clock':
      await controlled.advanceClock(clockSchema.parse(json).advanceMs);
      return { ok: true };
    case 'POST /faults': {
      const { service, delayMs, ...fault } = faultSchema.parse(json);
      const plan = controlled.faults[service];
      if (plan === undefined) {
        throw new RangeError(
          `There is no service ${service}: ${Object.keys(controlled.faults).join(', ')}`,
        );
      }
      plan.add(delayMs === undefined ? fault : { ...fault, delayMs });
      return { ok: true };
    }
    case 'POST /tick':
      await controlled.tick();
      return { ok: true };
    default:
      throw new RangeError(`There is no ${request.method} ${request.url}`);
  }
}
