/**
 * Requests to one API server: connections that stay open, time limits, repeats of what may be repeated,
 * renewal of temporary credentials.
 */
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import type { Agent } from 'undici';
import { type BackupCentreError, ThrottledError } from '../../domain/errors.ts';
import type { Pacing } from '../bounded-retry.ts';
import {
  type ApiReply,
  type CallPurpose,
  fromReply,
  fromTransportError,
  retryAfterMs,
  wasNeverSent,
} from './api-errors.ts';
import { exchange } from './http-exchange.ts';
import type { ClusterAccess } from './kubeconfig.ts';

/** Gives the way in; asked at the first request and once more when the server answers 401. */
export type AccessProvider = (reason: 'first' | 'expired') => Promise<ClusterAccess>;

/** What a transport is made with. */
export interface TransportOptions {
  readonly pacing: Pacing;
  /** Open connections at most; default 32. */
  readonly connectionsMax?: number;
  /** Ask for compressed replies: less traffic, more work here. Default: not on loopback. */
  readonly compress?: boolean;
  /** Id of the cluster, for messages. */
  readonly cluster?: string;
}

/** One request. */
export interface ApiRequest extends CallPurpose {
  readonly verb: string;
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly accept?: string;
  readonly body?: { readonly bytes: Uint8Array; readonly type: string };
  /** Whether a request whose reply was lost may be sent again. */
  readonly repeatable: boolean;
  readonly timeoutMs: number;
  /** One attempt only: for probes of groups that may be dead. */
  readonly once?: boolean;
}

const CONNECTIONS_MAX = 32;
const CONNECT_TIMEOUT_MS = 10_000;
/** Shorter than any API server's or load balancer's: we close idle connections first. */
const KEEP_ALIVE_MS = 10_000;
/** Attempts of one request, and how long it may take with its pauses before the caller decides. */
const ATTEMPTS_MAX = 8;
const TOTAL_MS_MAX = 60_000;
const DELAY_MS_MIN = 100;
const DELAY_MS_MAX = 5_000;
const USER_AGENT = 'ack-backup-centre';

const unzip = promisify(gunzip);

interface Way {
  readonly agent: Agent;
  readonly origin: string;
  readonly basePath: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Sends requests; counts them by verb, and replies of 429 as `throttled`. */
export class ApiTransport {
  readonly counts: Record<string, number> = {};
  private readonly provide: AccessProvider;
  private readonly options: TransportOptions;
  private way: Promise<Way> | undefined;

  constructor(provide: AccessProvider, options: TransportOptions) {
    this.provide = provide;
    this.options = options;
  }

  /** The reply of a request that succeeded. @throws BackupCentreError */
  async send(request: ApiRequest): Promise<ApiReply> {
    const { clock } = this.options.pacing;
    const startMs = clock.now();
    let renewed = false;
    for (let attempt = 1; ; attempt += 1) {
      const result = await this.attempt(request);
      if ('reply' in result) return result.reply;
      const { error } = result;
      if (error.code === 'credentials_expired' && !renewed) {
        renewed = true;
        await this.renew(result.way);
        continue;
      }
      const isLast = attempt >= ATTEMPTS_MAX || clock.now() - startMs >= TOTAL_MS_MAX;
      if (request.once === true || isLast || !result.mayRepeat) throw error;
      await clock.sleep(this.pauseMs(attempt, error));
    }
  }

  /** Closes all connections; requests under way fail. */
  async close(): Promise<void> {
    const way = await this.way?.catch(() => undefined);
    await way?.agent.destroy();
  }

  private async attempt(
    request: ApiRequest,
  ): Promise<
    | { readonly reply: ApiReply }
    | { readonly error: BackupCentreError; readonly mayRepeat: boolean; readonly way: Promise<Way> }
  > {
    this.way ??= this.open('first');
    const way = this.way;
    try {
      const reply = await this.exchange(await way, request);
      if (reply.status < 400) return { reply };
      if (reply.status === 429) this.count('throttled');
      const error = fromReply(reply, this.named(request));
      return { error, mayRepeat: mayRepeat(reply, error, request), way };
    } catch (thrown) {
      const error = fromTransportError(thrown, this.named(request).attempt);
      const repeats = error.retryable && (request.repeatable || wasNeverSent(thrown));
      return { error, mayRepeat: repeats, way };
    }
  }

  /** The request in the words of messages: they say which cluster. */
  private named(request: ApiRequest): ApiRequest {
    const { cluster } = this.options;
    if (cluster === undefined) return request;
    return { ...request, attempt: `${request.attempt} in cluster ${cluster}` };
  }

  private async exchange(way: Way, request: ApiRequest): Promise<ApiReply> {
    this.count(request.verb);
    const reply = await exchange(
      way.agent,
      {
        origin: way.origin,
        path: way.basePath + request.path,
        method: request.method,
        headers: {
          ...way.headers,
          accept: request.accept ?? 'application/json',
          ...(request.body === undefined ? {} : { 'content-type': request.body.type }),
        },
        body: request.body?.bytes ?? null,
      },
      request.timeoutMs,
    );
    if (reply.headers['content-encoding'] !== 'gzip') return reply;
    return { ...reply, body: await unzip(reply.body) };
  }

  /** One renewal for all requests that found the same credentials expired. */
  private async renew(stale: Promise<Way>): Promise<void> {
    if (this.way === stale) {
      this.way = this.open('expired');
      const old = await stale;
      // Requests under way still use it; it closes when they are done.
      void old.agent.close();
    }
    await this.way;
  }

  private async open(reason: 'first' | 'expired'): Promise<Way> {
    try {
      const access = await this.provide(reason);
      const url = new URL(access.server);
      const isLoopback = ['127.0.0.1', 'localhost', '[::1]'].includes(url.hostname);
      const compress = this.options.compress ?? !isLoopback;
      return {
        agent: await agentFor(access, this.options.connectionsMax ?? CONNECTIONS_MAX),
        origin: url.origin,
        basePath: url.pathname === '/' ? '' : url.pathname,
        headers: {
          'user-agent': USER_AGENT,
          ...access.headers,
          ...(compress ? { 'accept-encoding': 'gzip' } : {}),
        },
      };
    } catch (error) {
      // The next request asks again.
      this.way = undefined;
      throw error;
    }
  }

  private pauseMs(attempt: number, error: BackupCentreError): number {
    const random = Number.parseInt(this.options.pacing.entropy.hex(2), 16) / 0xffff;
    const ceiling = Math.min(DELAY_MS_MAX, DELAY_MS_MIN * 2 ** (attempt - 1));
    const wish = error instanceof ThrottledError ? error.retryAfterMs : 0;
    return Math.round(Math.max(wish, ceiling / 2) + (ceiling / 2) * random);
  }

  private count(verb: string): void {
    this.counts[verb] = (this.counts[verb] ?? 0) + 1;
  }
}

/**
 * A refusal that says "not now" was not carried out: 429 always, 503 where it names a time. Other
 * server errors may come after the fact, so only what is harmless twice is repeated.
 */
function mayRepeat(reply: ApiReply, error: BackupCentreError, request: ApiRequest): boolean {
  if (reply.status === 429) return true;
  if (reply.status === 503 && retryAfterMs(reply) !== undefined) return true;
  return error.retryable && error.code === 'cluster_unreachable' && request.repeatable;
}

/** undici is loaded with the first connection, so that a cold start does not wait for it. */
async function agentFor(access: ClusterAccess, connections: number): Promise<Agent> {
  const undici = await import('undici');
  return new undici.Agent({
    connections,
    pipelining: 1,
    keepAliveTimeout: KEEP_ALIVE_MS,
    keepAliveMaxTimeout: KEEP_ALIVE_MS,
    // Each request has its own limit.
    headersTimeout: 0,
    bodyTimeout: 0,
    connect: {
      timeout: CONNECT_TIMEOUT_MS,
      keepAlive: true,
      rejectUnauthorized: !access.insecure,
      ...(access.ca === undefined ? {} : { ca: access.ca }),
      ...(access.cert === undefined ? {} : { cert: access.cert }),
      ...(access.key === undefined ? {} : { key: access.key }),
      ...(access.serverName === undefined ? {} : { servername: access.serverName }),
    },
  });
}
