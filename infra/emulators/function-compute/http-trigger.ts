import { isUtf8 } from 'node:buffer';
import { parsePairs, splitTarget } from '../acs-signature/canonical-text.ts';
import type { SignedRequest } from '../acs-signature/credential.ts';
import type { GatewayReply } from '../acs-signature/gateway.ts';

/** Where an HTTP request arrived. */
export interface HttpRequestContext {
  readonly accountId: string;
  readonly requestId: string;
  readonly triggerId: string;
  readonly nowMs: number;
}

/** Content types whose bodies arrive as text; all others arrive in base64. */
const TEXT_TYPE = /^(text\/|application\/(json|xml|x-www-form-urlencoded|[\w.+-]+\+(json|xml)))/;
/** Headers that belong to the connection, which the gateway and not the function writes. */
const CONNECTION_HEADERS = new Set([
  'connection',
  'content-length',
  'date',
  'keep-alive',
  'transfer-encoding',
  'upgrade',
]);

/**
 * The event that a request becomes (format v1).
 * @see https://www.alibabacloud.com/help/en/functioncompute/fc-3-0/user-guide/http-trigger-invoking-function
 */
export function httpEvent(request: SignedRequest, context: HttpRequestContext): Buffer {
  const { path, query } = splitTarget(request.url);
  const host = joined(request.headers.host);
  const { text, isBase64Encoded } = bodyOf(request);
  return Buffer.from(
    JSON.stringify({
      version: 'v1',
      rawPath: path,
      headers: canonicalHeaders(request.headers),
      queryParameters: joinedPairs(query),
      body: text,
      isBase64Encoded,
      requestContext: {
        accountId: context.accountId,
        domainName: host,
        domainPrefix: host.split('.')[0] ?? '',
        requestId: context.requestId,
        time: new Date(context.nowMs).toISOString().replace(/\.\d+Z$/, 'Z'),
        timeEpoch: `${Math.round(context.nowMs)}`,
        triggerId: context.triggerId,
        http: {
          method: request.method,
          path: decoded(path),
          protocol: 'HTTP/1.1',
          sourceIp: '127.0.0.1',
          userAgent: joined(request.headers['user-agent']),
        },
      },
    }),
  );
}

/** The HTTP reply that a function's result means: `{statusCode, ..}`, or any value as a body. */
export function httpReply(payload: Buffer): GatewayReply {
  const value = parsedJson(payload);
  if (typeof value !== 'object' || value === null || !('statusCode' in value)) {
    return { status: 200, body: payload };
  }
  const status = Number(value.statusCode);
  if (!Number.isInteger(status) || status < 200 || status > 599) {
    return { status: 502, body: `invalid statusCode ${String(value.statusCode)}` };
  }
  const headers = 'headers' in value ? replyHeaders(value.headers) : {};
  const body: unknown = 'body' in value ? value.body : '';
  const text = typeof body === 'string' ? body : JSON.stringify(body ?? '');
  const isBase64 = 'isBase64Encoded' in value && value.isBase64Encoded === true;
  return { status, headers, body: Buffer.from(text, isBase64 ? 'base64' : 'utf8') };
}

function bodyOf(request: SignedRequest): { text: string; isBase64Encoded: boolean } {
  const isText = TEXT_TYPE.test(joined(request.headers['content-type']));
  if (request.body.length === 0 || (isText && isUtf8(request.body))) {
    return { text: request.body.toString('utf8'), isBase64Encoded: false };
  }
  return { text: request.body.toString('base64'), isBase64Encoded: true };
}

/** `content-type` arrives as `Content-Type`: look names up in any case. */
function canonicalHeaders(headers: SignedRequest['headers']): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      name.replace(/(^|-)[a-z]/g, (letter) => letter.toUpperCase()),
      joined(value),
    ]),
  );
}

function joinedPairs(query: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const [name, value] of parsePairs(query)) {
    found[name] = found[name] === undefined ? value : `${found[name]},${value}`;
  }
  return found;
}

function replyHeaders(headers: unknown): Record<string, string> {
  if (typeof headers !== 'object' || headers === null) return {};
  const pairs: [string, unknown][] = Object.entries(headers);
  return Object.fromEntries(
    pairs
      .filter(([name]) => !CONNECTION_HEADERS.has(name.toLowerCase()))
      .map(([name, value]) => [name, String(value)]),
  );
}

function joined(value: string | string[] | undefined): string {
  return Array.isArray(value) ? value.join(',') : (value ?? '');
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

function parsedJson(payload: Buffer): unknown {
  try {
    return JSON.parse(payload.toString('utf8'));
  } catch {
    return undefined;
  }
}
