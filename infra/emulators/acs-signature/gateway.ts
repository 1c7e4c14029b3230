import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Fault, FaultKind, FaultPlan } from '../kit/fault-plan.ts';
import { readBody } from '../kit/listener.ts';
import type { AcsCredential, AcsVerdict, SignedRequest } from './credential.ts';

/** A reply with the vendor's code: thrown by an action, written by the gateway. */
export class ServiceRefusal extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.name = 'ServiceRefusal';
    this.status = status;
    this.code = code;
  }
}

/** The identity that signed a call. */
export interface Caller {
  readonly accessKeyId: string;
  readonly credential: AcsCredential;
}

/** One call, read whole and checked. */
export interface GatewayCall {
  readonly request: SignedRequest;
  readonly caller: Caller;
  readonly requestId: string;
}

/** What an action answers. A body that is neither text nor bytes is sent as JSON. */
export interface GatewayReply {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

export interface Gateway {
  readonly verifier: { verify(request: SignedRequest): AcsVerdict };
  /** Reply header that repeats the request id; `x-acs-request-id` by default. */
  readonly requestIdHeader?: string;
  readonly faults: FaultPlan;
  /** The action that a request names, by which faults are planned. */
  actionOf(request: SignedRequest): string;
  handle(call: GatewayCall): Promise<GatewayReply>;
  /** The body of a refusal, in the service's spelling. */
  refusalBody(refusal: ServiceRefusal, requestId: string): unknown;
  /** What the service says for each kind of fault that refuses. */
  readonly faultRefusals: Readonly<Record<RefusingFault, ServiceRefusal>>;
}

/** Kinds of fault that answer with a code and apply nothing. */
export type RefusingFault = Extract<FaultKind, 'throttle' | 'unavailable' | 'error' | 'forbidden'>;

/** The codes that RPC gateways answer with; other services replace what they spell differently. */
export const gatewayFaultRefusals: Readonly<Record<RefusingFault, ServiceRefusal>> = {
  throttle: new ServiceRefusal(
    400,
    'Throttling.User',
    'Request was denied due to user flow control.',
  ),
  unavailable: new ServiceRefusal(
    503,
    'ServiceUnavailable',
    'The request has failed due to a temporary failure of the server.',
  ),
  error: new ServiceRefusal(
    500,
    'InternalError',
    'The request processing has failed due to some unknown error.',
  ),
  forbidden: new ServiceRefusal(
    403,
    'Forbidden.RAM',
    'User not authorized to operate on the specified resource, or this API doesn’t support RAM.',
  ),
};

/** Reads, checks, runs and answers one HTTP request; planned faults come before and after. */
export async function serveThroughGateway(
  gateway: Gateway,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const signed: SignedRequest = {
    method: request.method ?? 'GET',
    url: request.url ?? '/',
    headers: request.headers,
    body: await readBody(request),
  };
  const requestId = randomUUID().toUpperCase();
  const fault = gateway.faults.take(gateway.actionOf(signed));
  if (fault?.kind === 'drop') {
    request.socket.destroy();
    return;
  }
  const reply = await replyTo(gateway, signed, requestId, fault);
  if (fault?.kind === 'lostReply') {
    request.socket.destroy();
    return;
  }
  if (fault?.kind === 'slow') {
    await new Promise((resolve) => setTimeout(resolve, fault.delayMs ?? 1000));
  }
  writeReply(response, reply, [gateway.requestIdHeader ?? 'x-acs-request-id', requestId]);
}

async function replyTo(
  gateway: Gateway,
  request: SignedRequest,
  requestId: string,
  fault: Fault | undefined,
): Promise<GatewayReply> {
  try {
    if (fault !== undefined && isRefusing(fault.kind)) throw gateway.faultRefusals[fault.kind];
    const verdict = gateway.verifier.verify(request);
    if (!verdict.ok) throw new ServiceRefusal(verdict.status, verdict.code, verdict.message);
    const caller = { accessKeyId: verdict.accessKeyId, credential: verdict.credential };
    return await gateway.handle({ request, caller, requestId });
  } catch (error) {
    if (!(error instanceof ServiceRefusal)) throw error;
    return { status: error.status, body: gateway.refusalBody(error, requestId) };
  }
}

function isRefusing(kind: FaultKind): kind is RefusingFault {
  return kind in gatewayFaultRefusals;
}

function writeReply(
  response: ServerResponse,
  reply: GatewayReply,
  [idHeader, requestId]: readonly [string, string],
): void {
  const { body } = reply;
  const raw = Buffer.isBuffer(body) || typeof body === 'string';
  const bytes = body === undefined ? Buffer.alloc(0) : raw ? body : JSON.stringify(body);
  response.writeHead(reply.status ?? 200, {
    [idHeader]: requestId,
    ...(raw || body === undefined ? {} : { 'content-type': 'application/json;charset=utf-8' }),
    'content-length': Buffer.byteLength(bytes),
    ...reply.headers,
  });
  response.end(bytes);
}
