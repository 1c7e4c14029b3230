import { parsePairs, splitTarget } from '../acs-signature/canonical-text.ts';
import type { GatewayCall } from '../acs-signature/gateway.ts';
import { fcErrors } from './errors.ts';
import { DEFAULT_PAGE, MAX_PAGE } from './limits.ts';

/** One API call with what its path and query hold; `item` is a trigger name or a task id. */
export interface FcCall extends GatewayCall {
  readonly functionName: string;
  readonly item: string;
  readonly query: ReadonlyMap<string, string>;
}

/** Names in a call. */
export function fcCall(call: GatewayCall, functionName: string, item: string): FcCall {
  const query = new Map(parsePairs(splitTarget(call.request.url).query));
  return { ...call, functionName, item, query };
}

/** A JSON object in the body. @throws the vendor's refusal */
export function jsonObject(call: FcCall): Readonly<Record<string, unknown>> {
  const value = parsed(call.request.body.toString('utf8'));
  if (isRecord(value)) return value;
  throw fcErrors.invalidArgument('the request body is not a JSON object');
}

/** Parses JSON text that must hold an object. @throws the vendor's refusal that names `what` */
export function objectFromJson(text: unknown, what: string): Readonly<Record<string, unknown>> {
  const value = typeof text === 'string' ? parsed(text) : undefined;
  if (isRecord(value)) return value;
  throw fcErrors.invalidArgument(`${what} is not a JSON object`);
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * One page of items that are in order of `idOf`; the token is the id of the next page's first.
 * @throws the vendor's refusal of a limit outside 1 to 100
 */
export function page<T>(
  call: FcCall,
  items: readonly T[],
  idOf: (item: T) => string,
): { readonly items: readonly T[]; readonly nextToken: string } {
  const limit = Number(call.query.get('limit') ?? DEFAULT_PAGE);
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_PAGE) {
    throw fcErrors.invalidArgument(`limit '${limit}' is not between 1 and ${MAX_PAGE}`);
  }
  const token = call.query.get('nextToken') ?? '';
  const first = token === '' ? 0 : items.findIndex((item) => idOf(item) === token);
  if (first < 0) throw fcErrors.invalidArgument(`next token '${token}' is invalid`);
  const next = items[first + limit];
  return {
    items: items.slice(first, first + limit),
    nextToken: next === undefined ? '' : idOf(next),
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
