import type { IncomingMessage, ServerResponse } from 'node:http';
import { promisify } from 'node:util';
import { constants, gzip } from 'node:zlib';
import type { StatusError } from '../status-error.ts';

const compress = promisify(gzip);

/** Replies from this size on are compressed when the client can. @see apiserver defaultGzipThresholdBytes */
const gzipBytesMin = 128 * 1024;

/** An HTTP reply, before it is sent. */
export interface Reply {
  readonly code: number;
  readonly body: Buffer | string;
  readonly contentType?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly warnings?: readonly string[];
}

/** A reply with a JSON body. */
export function jsonReply(code: number, value: unknown): Reply {
  return { code, body: `${JSON.stringify(value)}\n` };
}

/** The reply for a refusal. */
export function statusReply(error: StatusError): Reply {
  const seconds = error.details?.retryAfterSeconds;
  const headers = seconds === undefined ? {} : { 'retry-after': String(seconds) };
  return { ...jsonReply(error.code, error.toStatus()), headers };
}

function quoteWarning(text: string): string {
  return `299 - ${JSON.stringify(text)}`;
}

/** Sends a reply, compressed where that pays. */
export async function sendReply(
  request: IncomingMessage,
  response: ServerResponse,
  reply: Reply,
): Promise<void> {
  let body = Buffer.isBuffer(reply.body) ? reply.body : Buffer.from(reply.body);
  const accepts = String(request.headers['accept-encoding'] ?? '');
  const headers: Record<string, string | string[]> = {
    'cache-control': 'no-cache, private',
    'content-type': reply.contentType ?? 'application/json',
    ...reply.headers,
  };
  if (reply.warnings !== undefined && reply.warnings.length > 0) {
    headers.warning = [...new Set(reply.warnings)].map(quoteWarning);
  }
  if (accepts.includes('gzip') && body.length >= gzipBytesMin) {
    body = await compress(body, { level: constants.Z_BEST_SPEED });
    headers['content-encoding'] = 'gzip';
    headers.vary = 'Accept-Encoding';
  }
  headers['content-length'] = String(body.length);
  response.writeHead(reply.code, headers);
  response.end(request.method === 'HEAD' ? undefined : body);
}
