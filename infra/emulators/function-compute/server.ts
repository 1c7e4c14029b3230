import type { AcsVerdict, CredentialLookup, SignedRequest } from '../acs-signature/credential.ts';
import {
  type Gateway,
  type GatewayCall,
  type GatewayReply,
  serveThroughGateway,
} from '../acs-signature/gateway.ts';
import { AcsSignatureVerifier } from '../acs-signature/verifier.ts';
import { FaultPlan } from '../kit/fault-plan.ts';
import { type Listener, listen } from '../kit/listener.ts';
import type { FunctionDefinition, HttpTriggerConfig } from './definition.ts';
import { fcErrors, fcFaultRefusals, fcRefusalBody } from './errors.ts';
import { FunctionHost } from './host.ts';
import { httpEvent, httpReply } from './http-trigger.ts';
import type { RoleKeys } from './invoker.ts';
import { MAX_SYNC_PAYLOAD_BYTES } from './limits.ts';
import type { OssEventElement } from './oss-trigger.ts';
import { actionOf, runAction } from './routes.ts';

export interface FunctionComputeEmulatorOptions {
  /** Where queued work, task states and triggers are kept; survives restarts and kill -9. */
  readonly dir: string;
  /** The emulators' clock, in milliseconds; `Date` inside functions follows it. */
  readonly now: () => number;
  readonly port?: number;
  /** Ports of HTTP triggers by function name; free ones where none is given. */
  readonly httpPorts?: Readonly<Record<string, number>>;
  readonly region: string;
  readonly accountId: string;
  readonly credentials: CredentialLookup;
  /** Keys of a role (ARN), valid for at least 36 hours. */
  readonly roleCredentials: (role: string) => RoleKeys;
  readonly functions: readonly FunctionDefinition[];
  readonly faults?: FaultPlan;
  /** Lines that functions print, and their starts and ends, each after `[<function>] `. */
  readonly log?: (line: string) => void;
  /** Real milliseconds before the first retry of an asynchronous run (500). */
  readonly asyncBackoffMs?: number;
  /** Real milliseconds after which an unused instance ends (60,000). */
  readonly instanceIdleMs?: number;
  /** Local runs only: fires every enabled timer this often, in real time. */
  readonly tickEveryMs?: number;
  /** Whether the n-th OSS event (from 1) is delivered twice. */
  readonly duplicateEvents?: (n: number) => boolean;
}

/** Function Compute on loopback ports. */
export interface FunctionComputeEmulator {
  /** Of the API (FC 3.0). */
  readonly url: string;
  readonly port: number;
  readonly faults: FaultPlan;
  /** Address of a function's HTTP trigger. @throws Error when it has none */
  httpUrl(functionName: string): string;
  /** Starts what the OSS triggers say; resolves once that is on disk. */
  deliverOssEvent(event: OssEventElement): Promise<void>;
  /** Runs the timers that are due by now(); resolves when their runs ended. */
  fireDueTimers(): Promise<void>;
  /** Runs every enabled timer (of one function), due or not; resolves when their runs ended. */
  tick(functionName?: string): Promise<void>;
  /** Resolves when nothing is queued or running. */
  idle(): Promise<void>;
  /** Ends the function's instances at once, in the middle of what they do. */
  kill(functionName: string): void;
  close(): Promise<void>;
}

/** Starts the emulator; `port` 0 or none takes a free one. */
export async function startFunctionComputeEmulator(
  options: FunctionComputeEmulatorOptions,
): Promise<FunctionComputeEmulator> {
  const faults = options.faults ?? new FaultPlan();
  const host = new FunctionHost({ ...options, faults, log: options.log ?? (() => undefined) });
  const verifier = new AcsSignatureVerifier(options);
  const common = {
    faults,
    refusalBody: fcRefusalBody,
    faultRefusals: fcFaultRefusals,
    requestIdHeader: 'x-fc-request-id',
  };
  const api: Gateway = {
    ...common,
    verifier,
    actionOf: ({ method, url }) => actionOf(method, url),
    handle: (call) => runAction(host, call),
  };
  const listener = await listen((q, r) => serveThroughGateway(api, q, r), options.port);
  const doors = new Map<string, Listener>();
  for (const { functionName, triggers } of options.functions) {
    const http = triggers.find((trigger) => trigger.triggerType === 'http');
    if (http?.triggerType !== 'http') continue;
    const { triggerName, triggerConfig } = http;
    const door: Gateway = {
      ...common,
      verifier: { verify: (request) => admit(verifier, triggerConfig, request) },
      actionOf: () => `http:${functionName}`,
      handle: (call) => answerHttp(host, call, { functionName, triggerName, triggerConfig }),
    };
    const port = options.httpPorts?.[functionName];
    doors.set(functionName, await listen((q, r) => serveThroughGateway(door, q, r), port));
  }
  return {
    url: listener.url,
    port: listener.port,
    faults,
    httpUrl: (functionName) => {
      const door = doors.get(functionName);
      if (door === undefined) throw new Error(`Function ${functionName} has no HTTP trigger`);
      return door.url;
    },
    deliverOssEvent: (event) => host.deliverOssEvent(event),
    fireDueTimers: () => host.fireDueTimers(),
    tick: (functionName) => host.timers.tick(functionName),
    idle: () => host.idle(),
    kill: (functionName) => host.kill(functionName),
    close: async () => {
      await Promise.all([listener, ...doors.values()].map((open) => open.close()));
      await host.close();
    },
  };
}

const ANONYMOUS: AcsVerdict = {
  ok: true,
  accessKeyId: '',
  credential: { accessKeySecret: '', principalId: 'anonymous', accountId: '', arn: '' },
};

/** Refusals at an HTTP trigger are 403, and the function is not run. */
function admit(
  verifier: AcsSignatureVerifier,
  { authType }: HttpTriggerConfig,
  request: SignedRequest,
): AcsVerdict {
  if (authType === 'anonymous') return ANONYMOUS;
  const verdict = verifier.verify(request, 'httpTrigger');
  return verdict.ok ? verdict : { ...verdict, status: 403 };
}

async function answerHttp(
  host: FunctionHost,
  call: GatewayCall,
  door: {
    readonly functionName: string;
    readonly triggerName: string;
    readonly triggerConfig: HttpTriggerConfig;
  },
): Promise<GatewayReply> {
  const { functionName, triggerName, triggerConfig } = door;
  const { request } = call;
  if (!triggerConfig.methods.includes(request.method)) {
    throw fcErrors.methodNotAllowed(request.method);
  }
  if (
    triggerConfig.authType === 'function' &&
    call.caller.credential.accountId !== host.accountId
  ) {
    throw fcErrors.accessDenied(`the caller is not of account '${host.accountId}'`);
  }
  if (request.body.length > MAX_SYNC_PAYLOAD_BYTES) {
    throw fcErrors.entityTooLarge(MAX_SYNC_PAYLOAD_BYTES);
  }
  const { triggerId } = host.triggers.get(functionName, triggerName);
  const { accountId } = host;
  const { requestId, result } = await host.invoke(functionName, (id) =>
    httpEvent(request, { accountId, requestId: id, triggerId, nowMs: host.now() }),
  );
  if (result.ok) {
    const reply = httpReply(result.payload);
    return { ...reply, headers: { ...reply.headers, 'x-fc-request-id': requestId } };
  }
  return {
    status: 502,
    headers: {
      'x-fc-request-id': requestId,
      'x-fc-error-type': result.errorType,
      'content-type': 'application/json',
    },
    body: result.body,
  };
}
