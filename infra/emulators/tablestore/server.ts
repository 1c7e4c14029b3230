/** The Tablestore emulator: the vendor's wire protocol on a loopback port, state in a folder. */
import { createHash, randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { type Fault, FaultPlan } from '../kit/fault-plan.ts';
import { listen } from '../kit/listener.ts';
import type { ActionContext, Count } from './action-context.ts';
import { invalid, TablestoreError } from './errors.ts';
import { BODY_BYTES_MAX } from './limits.ts';
import { ErrorMessage } from './messages.ts';
import { OPERATIONS } from './operations.ts';
import { type Authority, type Credentials, checkRequest } from './signature.ts';
import { TablestoreState } from './state.ts';
import { LocalTransactions } from './transactions.ts';

const INDEX_DELAY_MS = 1000;
const SLOW_MS = 1000;

/** How the emulator is to be. */
export interface TablestoreEmulatorOptions {
  /** The folder of its state; made when missing. One emulator at a time uses it. */
  readonly dir: string;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Default: a free one. */
  readonly port?: number;
  readonly instanceName: string;
  readonly credentials: (accessKeyId: string) => Credentials | undefined;
  readonly faults?: FaultPlan;
  /** How long a global index lags behind its table, by `now`. Default 1000. */
  readonly indexDelayMs?: number;
  /** For how long a new table answers OTSTableNotReady, by `now`. Default 0. */
  readonly tableReadyDelayMs?: number;
  /** Default true. false: neither signatures nor dates are checked. */
  readonly checkSignatures?: boolean;
  /** The machine's clock, which callers outside sign by; default `Date.now`. */
  readonly machineNow?: () => number;
}

/** An emulator that is up. */
export interface TablestoreEmulator {
  readonly url: string;
  readonly port: number;
  readonly faults: FaultPlan;
  /** Requests that were done, and the rows that they looked at or changed. */
  readonly counters: { readonly reads: Readonly<Count>; readonly writes: Readonly<Count> };
  /** Resolves when the port is free and the state is closed. */
  close(): Promise<void>;
}

interface Service {
  readonly context: ActionContext;
  readonly authority: Authority;
  readonly faults: FaultPlan;
}

/** Starts the emulator on 127.0.0.1. */
export async function startTablestoreEmulator(
  options: TablestoreEmulatorOptions,
): Promise<TablestoreEmulator> {
  const { now, instanceName, credentials, faults = new FaultPlan() } = options;
  const indexDelayMs = options.indexDelayMs ?? INDEX_DELAY_MS;
  const state = new TablestoreState(options.dir, indexDelayMs);
  const counters = { reads: { rows: 0, requests: 0 }, writes: { rows: 0, requests: 0 } };
  const service: Service = {
    context: {
      state,
      transactions: new LocalTransactions(),
      counters,
      indexDelayMs,
      tableReadyDelayMs: options.tableReadyDelayMs ?? 0,
      now,
    },
    authority: {
      instanceName,
      credentials,
      now,
      machineNow: options.machineNow ?? Date.now,
      checkSignatures: options.checkSignatures ?? true,
    },
    faults,
  };
  const inFlight = new Set<Promise<void>>();
  const listener = await listen((request, response) => {
    const done = answer(service, request, response).finally(() => inFlight.delete(done));
    inFlight.add(done);
    return done;
  }, options.port).catch(async (error: unknown) => {
    await state.close();
    throw error;
  });
  return {
    url: listener.url,
    port: listener.port,
    faults,
    counters,
    async close() {
      await listener.close();
      await Promise.allSettled(inFlight);
      await state.close();
    },
  };
}

/** What goes back: a reply, or nothing because a fault says so. */
type Answer = { readonly status: number; readonly body: Buffer } | 'hang up';

async function answer(
  service: Service,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const answered = await answerOf(service, request).catch((error: unknown): Answer => {
    if (error instanceof TablestoreError) {
      const body = ErrorMessage.encode({ code: error.code, message: error.message });
      return { status: error.status, body };
    }
    // The client hung up before it had sent everything: nobody waits for an answer.
    if (!request.complete) return 'hang up';
    throw error;
  });
  if (answered === 'hang up') {
    request.socket.destroy();
    return;
  }
  response.writeHead(answered.status, {
    'x-ots-requestid': randomUUID(),
    'x-ots-contenttype': 'protocol buffer',
    'x-ots-contentmd5': createHash('md5').update(answered.body).digest('base64'),
    'x-ots-date': new Date(service.context.now()).toISOString(),
    'content-length': answered.body.length,
  });
  response.end(answered.body);
}

async function answerOf(service: Service, request: IncomingMessage): Promise<Answer> {
  if (request.method !== 'POST') {
    throw new TablestoreError('OTSMethodNotAllowed', 'Only POST method for requests is supported.');
  }
  const path = request.url ?? '/';
  const body = await readBody(request);
  checkRequest({ path, headers: request.headers, body }, service.authority);
  const name = path.slice(1);
  const action = OPERATIONS.get(name);
  if (action === undefined) throw invalid(`Unsupported operation: '${name}'.`);
  const fault = service.faults.take(name);
  if (fault?.kind === 'drop') return 'hang up';
  if (fault !== undefined) refuse(service.faults, fault);
  const reply = await action(service.context, body);
  if (fault?.kind === 'lostReply') return 'hang up';
  if (fault?.kind === 'slow') await delay(fault.delayMs ?? SLOW_MS);
  return { status: 200, body: reply };
}

/** Shows the faults that refuse; a throttled request sees the vendor's two codes in turn. */
function refuse(faults: FaultPlan, fault: Fault): void {
  switch (fault.kind) {
    case 'throttle': {
      const shown = faults.hits().get(`${fault.action}:throttle`) ?? 0;
      if (shown % 2 === 0) throw new TablestoreError('OTSServerBusy', 'Server is busy.');
      throw new TablestoreError(
        'OTSNotEnoughCapacityUnit',
        'Remaining capacity unit is not enough.',
      );
    }
    case 'unavailable':
      throw new TablestoreError('OTSPartitionUnavailable', 'The partition is not available.');
    case 'error':
      throw new TablestoreError('OTSInternalServerError', 'Internal server error.');
    case 'forbidden':
      throw new TablestoreError(
        'OTSNoPermissionAccess',
        'You have no permission to access the requested resource, ' +
          'please contact the resource owner',
      );
    case 'drop':
    case 'lostReply':
    case 'slow':
  }
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of request) {
    sizeBytes += (chunk as Buffer).length;
    // The rest is read and thrown away, so that the refusal is not lost in a reset connection.
    if (sizeBytes <= BODY_BYTES_MAX) chunks.push(chunk as Buffer);
  }
  if (sizeBytes <= BODY_BYTES_MAX) return Buffer.concat(chunks);
  throw new TablestoreError('OTSRequestBodyTooLarge', 'The size of POST data is too large.');
}
