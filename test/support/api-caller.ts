/** The API as an HTTP client sees it, without a network. What it replies must be as documented. */
import { createApi } from '../../functions/api/app.ts';
import type { Operation } from '../../functions/api/operation.ts';
import { OPERATIONS, refusalsOf } from '../../functions/api/operations.ts';
import type { AppServices } from '../../shared/app/app-services.ts';
import { Secret } from '../../shared/config/config.ts';
import { isJsonObject, type JsonObject } from '../../shared/domain/json.ts';

const TOKEN = 'a-token-of-the-local-stack';

/** A reply; `body` is empty where the text is no JSON object. */
export interface ApiReply {
  readonly status: number;
  readonly body: JsonObject;
  readonly text: string;
  readonly type: string | null;
  readonly retryAfter: string | null;
}

/** Calls the API as the owner of the account. */
export class ApiCaller {
  private readonly api: (request: Request) => Promise<Response>;

  constructor(services: AppServices) {
    this.api = createApi(services, new Secret(TOKEN));
  }

  /** Bodies that are no text go as JSON; `headers` win over those of an ordinary call. */
  async call(
    method: string,
    path: string,
    body?: unknown,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<ApiReply> {
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    const response = await this.api(
      new Request(`http://api${path}`, {
        method,
        headers: { authorization: `Bearer ${TOKEN}`, ...headers },
        ...(body === undefined ? {} : { body: text }),
      }),
    );
    const replyText = await response.text();
    const reply: ApiReply = {
      status: response.status,
      body: jsonObject(replyText),
      text: replyText,
      type: response.headers.get('content-type'),
      retryAfter: response.headers.get('retry-after'),
    };
    const problem = undocumented(method, path, reply);
    if (problem !== undefined) throw new Error(`${method} ${path}: ${problem}: ${replyText}`);
    return reply;
  }
}

function jsonObject(text: string): JsonObject {
  try {
    const parsed: unknown = JSON.parse(text);
    return isJsonObject(parsed) ? parsed : {};
  } catch {
    return {};
  }
}

/** In what a reply differs from the OpenAPI document; paths that are not in it are not judged. */
function undocumented(method: string, path: string, reply: ApiReply): string | undefined {
  const operation = operationOf(method, path.split('?')[0] ?? '');
  if (operation === undefined) return undefined;
  if (reply.status >= 400) {
    const code = refusalsOf(operation).find((known) => known === reply.body.code);
    if (code === undefined) return 'its code is not documented';
    return reply.type === 'application/problem+json' ? undefined : 'it is no problem document';
  }
  if (reply.status !== operation.status) return `expected status ${operation.status}`;
  const checked = operation.reply?.safeParse(reply.body);
  return checked?.success === false ? checked.error.message : undefined;
}

function operationOf(method: string, path: string): Operation | undefined {
  return OPERATIONS.find((operation) => {
    const pattern = operation.path.replace(/\{\w+\}/g, '[^/]+');
    return operation.method === method.toLowerCase() && new RegExp(`^${pattern}$`).test(path);
  });
}
