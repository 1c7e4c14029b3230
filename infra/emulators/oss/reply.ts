import type { ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { xmlDocument } from './xml.ts';

/** An answer before it is on the wire. */
export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** A stream must be sent or destroyed. */
  readonly body?: string | Readable;
}

/** 200 with an XML document around `root`. */
export function xmlReply(root: string, headers: Readonly<Record<string, string>> = {}): Reply {
  return {
    status: 200,
    headers: { ...headers, 'content-type': 'application/xml' },
    body: xmlDocument(root),
  };
}

/** An answer without a body. */
export function emptyReply(status: number, headers: Readonly<Record<string, string>> = {}): Reply {
  return { status, headers };
}

/** Frees what a reply holds when it is not sent. */
export function dropReply(reply: Reply): void {
  if (typeof reply.body === 'object') reply.body.destroy();
}

/** Writes a reply. A client that went away is no error. */
export async function sendReply(response: ServerResponse, reply: Reply): Promise<void> {
  const { body } = reply;
  const text = typeof body === 'string' ? Buffer.from(body) : undefined;
  const headers: Record<string, string> = { ...reply.headers };
  if (text !== undefined) headers['content-length'] = String(text.length);
  else if (body === undefined && reply.status !== 204 && reply.status !== 304) {
    headers['content-length'] ??= '0';
  }
  response.writeHead(reply.status, headers);
  if (body === undefined || typeof body === 'string') {
    response.end(text);
    return;
  }
  await pipeline(body, response).catch((error: unknown) => {
    if (!response.destroyed) throw error;
  });
}
