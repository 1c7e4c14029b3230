/** Function Compute's HTTP trigger events (version v1) to and from Fetch requests and responses. */
import { isJsonObject, type JsonObject } from '../../shared/domain/json.ts';

/** What an HTTP trigger expects back. */
export interface HttpTriggerReply {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly isBase64Encoded: boolean;
}

/** @throws Error when the event is not one of an HTTP trigger */
export function eventRequest(event: Uint8Array): Request {
  const parsed: unknown = JSON.parse(new TextDecoder().decode(event));
  if (!isJsonObject(parsed) || typeof parsed.rawPath !== 'string') {
    throw new Error('The event is not one of an HTTP trigger: it has no rawPath');
  }
  const context = isJsonObject(parsed.requestContext) ? parsed.requestContext : {};
  const http = isJsonObject(context.http) ? context.http : {};
  const method = typeof http.method === 'string' ? http.method : 'GET';
  const query = new URLSearchParams(stringValues(parsed.queryParameters)).toString();
  const url = `http://api${parsed.rawPath}${query === '' ? '' : `?${query}`}`;
  const body = eventBody(parsed);
  return new Request(url, {
    method,
    headers: stringValues(parsed.headers),
    ...(method === 'GET' || method === 'HEAD' || body.byteLength === 0 ? {} : { body }),
  });
}

function eventBody(event: JsonObject): Buffer<ArrayBuffer> {
  if (typeof event.body !== 'string') return Buffer.alloc(0);
  return Buffer.from(event.body, event.isBase64Encoded === true ? 'base64' : 'utf8');
}

function stringValues(value: unknown): Record<string, string> {
  if (!isJsonObject(value)) return {};
  return Object.fromEntries(
    Object.entries(value).filter((e): e is [string, string] => typeof e[1] === 'string'),
  );
}

/** The reply of a response; bodies that are not text go as base64. */
export async function triggerReply(response: Response): Promise<HttpTriggerReply> {
  const bytes = Buffer.from(await response.arrayBuffer());
  const type = response.headers.get('content-type') ?? '';
  const isText = type === '' || /json|text|xml/.test(type);
  return {
    statusCode: response.status,
    headers: Object.fromEntries(response.headers),
    body: bytes.toString(isText ? 'utf8' : 'base64'),
    isBase64Encoded: !isText,
  };
}
