/**
 * An OSS service of one region on a loopback port: what the vendor's SDK sends is answered with the
 * vendor's codes, and everything that was answered is on disk. FIDELITY.md lists what differs.
 */
import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { type Fault, FaultPlan } from '../kit/fault-plan.ts';
import { listen } from '../kit/listener.ts';
import { type Service, targetBucket } from './action-context.ts';
import { type Authority, authenticate, type OssCredential } from './authentication.ts';
import { errorDocument, OssError } from './errors.ts';
import { EventOutbox } from './event-outbox.ts';
import type { EventSink } from './events.ts';
import { applyLifecycleRules, type LifecycleOutcome } from './lifecycle.ts';
import { ObjectFiles } from './object-files.ts';
import { dropReply, type Reply, sendReply } from './reply.ts';
import { ACTIONS, type ActionName, actionOf, WITHOUT_BUCKET } from './routes.ts';
import { OssState } from './state.ts';
import { parseTarget, type Target } from './target.ts';

export type { OssCredential } from './authentication.ts';
export type { OssEvent } from './events.ts';

/** How an emulator is started. */
export interface OssEmulatorOptions {
  /** Where its state lives; one emulator at a time. */
  readonly dir: string;
  /** The emulated time in milliseconds. */
  readonly now: () => number;
  /** 0 or left out: a free port. */
  readonly port?: number;
  /** Such as `cn-hangzhou`. */
  readonly region: string;
  readonly accountId: string;
  readonly credentials: (accessKeyId: string) => OssCredential | undefined;
  readonly faults?: FaultPlan;
  /** Receives every change at least once, in no promised order. */
  readonly onEvent?: EventSink;
  /** Default true. */
  readonly checkSignatures?: boolean;
  /** The machine's clock, which callers outside sign by; default `Date.now`. */
  readonly machineNow?: () => number;
  /** The region of a bucket that lives in another region's emulator, if any. */
  readonly regionElsewhere?: (bucket: string) => string | undefined;
}

/** A running emulator. */
export interface OssEmulator {
  /** `http://localhost:<port>`: for path-style addressing (`sldEnable: true` in the SDK). */
  readonly url: string;
  readonly port: number;
  readonly faults: FaultPlan;
  /** Executes the lifecycle rules that are due by `now`. */
  applyLifecycle(): Promise<LifecycleOutcome>;
  /** Resolves when every event so far was delivered. */
  eventsDelivered(): Promise<void>;
  close(): Promise<void>;
}

/** Starts an emulator; events that an earlier one left undelivered are delivered now. */
export async function startOssEmulator(options: OssEmulatorOptions): Promise<OssEmulator> {
  const faults = options.faults ?? new FaultPlan();
  const state = new OssState(options.dir);
  const files = new ObjectFiles(`${options.dir}/objects`);
  await files.sweep(filesInUse(state));
  const outbox = new EventOutbox(state, faults, options.onEvent);
  const service: Service = { state, files, outbox, region: options.region, now: options.now };
  const front = new FrontDoor(options, service, faults);
  const listener = await listen(
    (request, response) => front.serve(request, response),
    options.port,
  );
  outbox.wake();
  return {
    url: `http://localhost:${listener.port}`,
    port: listener.port,
    faults,
    applyLifecycle: () => applyLifecycleRules(state, files, options.now()),
    eventsDelivered: () => outbox.idle(),
    close: async () => {
      outbox.close();
      await listener.close();
      await front.finished();
      await state.close();
    },
  };
}

function filesInUse(state: OssState): Set<string> {
  const files = new Set<string>();
  for (const { value } of state.versions.getRange()) {
    if (value.kind === 'object') for (const { file } of value.segments) files.add(file);
  }
  for (const { value } of state.parts.getRange()) {
    for (const { file } of value.segments) files.add(file);
  }
  return files;
}

/** Takes requests through fault, authentication, action and reply. */
class FrontDoor {
  private readonly options: OssEmulatorOptions;
  private readonly service: Service;
  private readonly faults: FaultPlan;
  private readonly authority: Authority;
  private readonly running = new Set<Promise<void>>();

  constructor(options: OssEmulatorOptions, service: Service, faults: FaultPlan) {
    this.options = options;
    this.service = service;
    this.faults = faults;
    this.authority = {
      accountId: options.accountId,
      region: options.region,
      checkSignatures: options.checkSignatures ?? true,
      credentials: options.credentials,
      now: options.now,
      machineNow: options.machineNow ?? Date.now,
    };
  }

  async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const done = this.answer(request, response);
    this.running.add(done);
    try {
      await done;
    } finally {
      this.running.delete(done);
    }
  }

  /** Resolves when no request is being worked on. */
  async finished(): Promise<void> {
    await Promise.allSettled(this.running);
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const requestId = randomBytes(12).toString('hex').toUpperCase();
    const attempt: Attempt = { request, requestId, fault: undefined };
    let reply: Reply;
    try {
      reply = await this.perform(attempt);
    } catch (error) {
      if (request.destroyed && !request.complete) return;
      if (error === CONNECTION_DROPPED) {
        request.socket.destroy();
        return;
      }
      if (!(error instanceof OssError)) throw error;
      reply = refusal(request, requestId, error);
    }
    const { fault } = attempt;
    if (fault?.kind === 'slow') await pause(fault.delayMs ?? 1000);
    if (fault?.kind === 'lostReply') {
      dropReply(reply);
      request.socket.destroy();
      return;
    }
    await sendReply(response, {
      ...reply,
      headers: {
        ...reply.headers,
        date: new Date(this.options.now()).toUTCString(),
        server: 'AliyunOSS',
        'x-oss-request-id': requestId,
        'x-oss-server-time': '1',
      },
    });
  }

  private async perform(attempt: Attempt): Promise<Reply> {
    const { request, requestId } = attempt;
    const headers = readHeaders(request);
    const method = request.method ?? 'GET';
    const target = parseTarget(request.url ?? '/', headers.host ?? '');
    const action = actionOf(method, target, headers);
    attempt.fault = this.faults.take(action);
    refuseByFault(attempt.fault);
    const { bucket: bucketName, key, query } = target;
    const signed = { method, bucket: bucketName, key, query, headers };
    const principal = authenticate(signed, this.authority);
    const { service } = this;
    const context = { service, request, requestId, principal, bucketName, key, query, headers };
    this.refuseOtherRegion(target, action);
    if (!WITHOUT_BUCKET.has(action)) targetBucket(context);
    return ACTIONS[action](context);
  }

  private refuseOtherRegion({ bucket, hostRegion }: Target, action: ActionName): void {
    const { region, regionElsewhere } = this.options;
    const elsewhere = bucket === '' ? undefined : regionElsewhere?.(bucket);
    const named = hostRegion === region ? undefined : hostRegion;
    if (elsewhere === undefined && named === undefined) return;
    // Names of buckets are shared by all regions.
    if (elsewhere !== undefined && action === 'PutBucket') {
      throw new OssError('BucketAlreadyExists', { elements: { BucketName: bucket } });
    }
    throw new OssError('AccessDenied', {
      message:
        'The bucket you are attempting to access must be addressed using the specified ' +
        'endpoint. Please send all future requests to this endpoint.',
      elements: { Bucket: bucket, Endpoint: `oss-${elsewhere ?? region}.aliyuncs.com` },
    });
  }
}

interface Attempt {
  readonly request: IncomingMessage;
  readonly requestId: string;
  fault: Fault | undefined;
}

const CONNECTION_DROPPED = new Error('Connection dropped by a planned fault');

function refuseByFault(fault: Fault | undefined): void {
  switch (fault?.kind) {
    case 'throttle':
      throw new OssError('QpsLimitExceeded');
    case 'unavailable':
      throw new OssError('ServerBusy');
    case 'error':
      throw new OssError('InternalError');
    case 'forbidden':
      throw new OssError('AccessDenied', {
        message: 'You have no right to access this object because of bucket acl.',
      });
    case 'drop':
      throw CONNECTION_DROPPED;
    case 'lostReply':
    case 'slow':
    case undefined:
      return;
  }
}

function readHeaders(request: IncomingMessage): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(request.headers)) {
    if (value !== undefined) headers[name] = typeof value === 'string' ? value : value.join(', ');
  }
  return headers;
}

/** HEAD replies have no body, so OSS puts the document into a header, in base64. */
function refusal(request: IncomingMessage, requestId: string, error: OssError): Reply {
  const document = errorDocument(error, requestId, request.headers.host ?? '');
  const headers = {
    ...error.headers,
    ...(error.ec === undefined ? {} : { 'x-oss-ec': error.ec }),
  };
  return request.method === 'HEAD'
    ? {
        status: error.status,
        headers: { ...headers, 'x-oss-err': Buffer.from(document).toString('base64') },
      }
    : {
        status: error.status,
        headers: { ...headers, 'content-type': 'application/xml' },
        body: document,
      };
}
