import { Agent, request } from 'undici';

/** One request to an API server, as bytes go over the wire. */
export interface RawRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'OPTIONS';
  readonly path: string;
  /** Sent as JSON; a string is sent as it is. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The reply; `body` is parsed where it is JSON, else the text. */
export interface RawReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: unknown;
}

/** Talks to one API server as one bearer of a token. */
export interface RawApi {
  send(asked: RawRequest): Promise<RawReply>;
  /** Repeats a request until `holds` is true of the reply; fails with the last reply. */
  until(asked: RawRequest, holds: (reply: RawReply) => boolean): Promise<RawReply>;
  close(): Promise<void>;
}

/** What waits longest is the real watch cache, which learns of compactions every 15 s. */
const UNTIL_MS = 30_000;
const PAUSE_MS = 25;
const PATCH_TYPE = 'application/merge-patch+json';

/** Opens a client that trusts `ca`, where there is one, and nothing else. */
export function openRawApi(server: {
  url: string;
  ca?: string;
  token: string;
  /** How long `until` waits; less than half a minute where nothing works in the background. */
  untilMs?: number;
}): RawApi {
  const { untilMs = UNTIL_MS } = server;
  const dispatcher = new Agent(server.ca === undefined ? {} : { connect: { ca: server.ca } });
  const send = async (asked: RawRequest): Promise<RawReply> => {
    const reply = await request(`${server.url}${asked.path}`, {
      method: asked.method,
      dispatcher,
      headers: {
        authorization: `Bearer ${server.token}`,
        accept: 'application/json',
        ...(asked.body === undefined
          ? {}
          : { 'content-type': asked.method === 'PATCH' ? PATCH_TYPE : 'application/json' }),
        ...asked.headers,
      },
      body: bodyText(asked.body),
    });
    return {
      status: reply.statusCode,
      headers: reply.headers,
      body: parsed(await reply.body.text()),
    };
  };
  return {
    send,
    until: async (asked, holds) => {
      const deadline = performance.now() + untilMs;
      for (;;) {
        const reply = await send(asked);
        if (holds(reply)) return reply;
        if (performance.now() > deadline) {
          const found = JSON.stringify(reply.body).slice(0, 600);
          throw new Error(`Waited ${untilMs} ms for ${asked.path}, found ${reply.status} ${found}`);
        }
        await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
      }
    },
    close: () => dispatcher.destroy(),
  };
}

function bodyText(body: unknown): string | null {
  if (body === undefined) return null;
  return typeof body === 'string' ? body : JSON.stringify(body);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** The items of a list's reply. */
export function itemsOf(reply: RawReply): unknown[] {
  const items = at(reply.body, 'items');
  if (Array.isArray(items)) return items;
  throw new Error(`Cannot read items of ${reply.status} ${JSON.stringify(reply.body)}`);
}

/** The value at a dotted path of a JSON document (`items.0.metadata.name`), or undefined. */
export function at(document: unknown, path: string): unknown {
  let value: unknown = document;
  for (const key of path.split('.')) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = Object.entries(value).find(([name]) => name === key)?.[1];
  }
  return value;
}
