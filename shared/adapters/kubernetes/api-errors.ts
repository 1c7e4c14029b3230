/** Replies of the API server that refuse, and calls that got none, as errors of ours. */
import {
  BackupCentreError,
  NotFoundError,
  ThrottledError,
  UnavailableError,
} from '../../domain/errors.ts';
import { isJsonObject, type JsonObject } from '../../domain/json.ts';
import { ApiRejection, ContinueExpiredError } from '../../ports/cluster-client.ts';

/** A reply as it came. */
export interface ApiReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
}

/** What a call was for: decides what its refusal means. */
export interface CallPurpose {
  /** `create deployments.apps shop/web` */
  readonly attempt: string;
  readonly kind: 'read' | 'write';
  /** Whether messages may quote values of the object: not of a Secret. */
  readonly isSecret: boolean;
}

/** Pause where a throttled reply names none, ms. */
const THROTTLED_RETRY_MS = 1_000;
/** The longest pause a server may ask for; larger ones are mistakes, ms. */
const RETRY_AFTER_MS_MAX = 60_000;
/** Longest part of a foreign message that is passed on, characters. */
const MESSAGE_LENGTH_MAX = 2_000;

/** `Retry-After` in milliseconds; undefined where the reply has none. */
export function retryAfterMs(reply: ApiReply): number | undefined {
  const header = reply.headers['retry-after'];
  const seconds = typeof header === 'string' ? Number(header) : Number.NaN;
  if (!Number.isFinite(seconds) || seconds < 0) return undefined;
  return Math.min(seconds * 1000, RETRY_AFTER_MS_MAX);
}

/** Total: every reply of 400 and above. */
export function fromReply(reply: ApiReply, purpose: CallPurpose): BackupCentreError {
  const { status } = reply;
  const body = statusOf(reply.body);
  const reason = typeof body.reason === 'string' ? body.reason : '';
  const words = wordsOf(reply, body, purpose);
  const message = `Cannot ${purpose.attempt}: ${words}`;
  if (status === 401) {
    return new BackupCentreError('credentials_expired', message, { retryable: true });
  }
  if (status === 404) return new NotFoundError(message);
  if (status === 410 && purpose.kind === 'read') {
    return new ContinueExpiredError(message, continueOf(body));
  }
  if (status === 429) {
    return new ThrottledError(message, retryAfterMs(reply) ?? THROTTLED_RETRY_MS);
  }
  if (isPassing(reply, purpose, words)) return new UnavailableError('cluster_unreachable', message);
  if (status === 403 && (purpose.kind === 'read' || isAccessDenied(words))) {
    return new BackupCentreError('cluster_access_denied', message);
  }
  return new ApiRejection(status, reason === '' ? `Http${status}` : reason, message);
}

/** Total: whatever the transport throws. */
export function fromTransportError(error: unknown, attempt: string): BackupCentreError {
  if (error instanceof BackupCentreError) return error;
  const code = transportCode(error);
  const words = error instanceof Error ? error.message : String(error);
  const text = words.includes(code) || code === '' ? words : `${code}: ${words}`;
  return new UnavailableError('cluster_unreachable', `Cannot ${attempt}: ${text}`, error);
}

/** Whether the request cannot have reached the server, so that even a write may be repeated. */
export function wasNeverSent(error: unknown): boolean {
  return [
    'ECONNREFUSED',
    'ENOTFOUND',
    'EAI_AGAIN',
    'EHOSTUNREACH',
    'ENETUNREACH',
    'UND_ERR_CONNECT_TIMEOUT',
  ].includes(transportCode(error));
}

function transportCode(error: unknown): string {
  if (typeof error !== 'object' || error === null) return '';
  if ('code' in error && typeof error.code === 'string') return error.code;
  return 'cause' in error ? transportCode(error.cause) : '';
}

/**
 * Server errors that pass. A 500 on a write is often a webhook's or a plugin's verdict on the object and
 * stays one, except where etcd was the one that failed.
 */
function isPassing(reply: ApiReply, purpose: CallPurpose, words: string): boolean {
  if (reply.status === 500 && purpose.kind === 'write') return words.includes('etcdserver:');
  return reply.status >= 500;
}

/** RBAC's words, unlike those of quotas, PodSecurity, webhooks and terminating namespaces. */
function isAccessDenied(words: string): boolean {
  return /User "[^"]*" cannot /.test(words);
}

function statusOf(body: Buffer): JsonObject {
  try {
    const parsed: unknown = JSON.parse(body.toString('utf8'));
    return isJsonObject(parsed) && parsed.kind === 'Status' ? parsed : {};
  } catch {
    return {};
  }
}

function wordsOf(reply: ApiReply, body: JsonObject, purpose: CallPurpose): string {
  const own = typeof body.message === 'string' ? body.message : reply.body.toString('utf8').trim();
  const words = own === '' ? 'no message' : own.slice(0, MESSAGE_LENGTH_MAX);
  const shown = purpose.isSecret ? withoutValues(words) : words;
  return `${shown} (HTTP ${reply.status})`;
}

/** Validation quotes the offending value; of a Secret that may be its content. */
function withoutValues(words: string): string {
  return words.replace(
    /(Invalid|Unsupported|Duplicate) value: .*?(?=: |$)/g,
    '$1 value: [redacted]',
  );
}

function continueOf(body: JsonObject): string | undefined {
  const metadata = isJsonObject(body.metadata) ? body.metadata : {};
  const token = metadata.continue;
  return typeof token === 'string' && token !== '' ? token : undefined;
}
