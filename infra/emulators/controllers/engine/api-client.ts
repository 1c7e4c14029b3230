import { Agent, request } from 'undici';
import type { KubeObject, ResourceKind } from './kube-objects.ts';

/** How to reach one API server: bearer token or client certificate; PEM texts. */
export interface ApiAccess {
  readonly url: string;
  readonly token?: string;
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

/** A refusal by the API server: its HTTP status and what its Status object says. */
export class ApiError extends Error {
  readonly status: number;
  readonly reason: string;
  readonly causes: readonly string[];

  constructor(attempt: string, status: number, body: unknown) {
    const answer = asRecord(body);
    super(`Cannot ${attempt}: ${status} ${String(answer.message ?? 'no message')}`);
    this.name = 'ApiError';
    this.status = status;
    this.reason = String(answer.reason ?? '');
    const causes = asRecord(answer.details).causes;
    this.causes = Array.isArray(causes)
      ? causes.map((cause: unknown) => String(asRecord(cause).reason ?? ''))
      : [];
  }
}

/** The API server could not be reached, or the connection broke before a whole reply. */
export class ApiUnreachableError extends Error {
  constructor(attempt: string, cause: unknown) {
    super(`Cannot ${attempt}: ${cause instanceof Error ? cause.message : String(cause)}`);
    this.name = 'ApiUnreachableError';
  }
}

/** Whether the same request may succeed by itself later: nothing about the object is wrong. */
export function isTransient(error: unknown): boolean {
  if (error instanceof ApiUnreachableError) return true;
  if (!(error instanceof ApiError)) return false;
  return error.status === 429 || error.status >= 500 || error.reason === 'Conflict';
}

/** Whether the namespace is on its way out, so that creating in it is pointless. */
export function isNamespaceGone(error: unknown): boolean {
  if (!(error instanceof ApiError)) return false;
  return error.causes.includes('NamespaceTerminating') || isMissingNamespace(error);
}

function isMissingNamespace(error: ApiError): boolean {
  return error.status === 404 && error.message.includes('namespaces "');
}

/** Names one object of a kind; `namespace` is absent for cluster-scoped kinds. */
export interface ObjectName {
  readonly namespace?: string | undefined;
  readonly name: string;
}

/** Query parameters of a request; undefined ones are left out. */
export type Query = Readonly<Record<string, string | number | boolean | undefined>>;

interface Call {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly query?: Query;
  readonly body?: unknown;
  readonly contentType?: string;
}

/** One list page as far as an informer needs it. */
export interface ListPage {
  readonly resourceVersion: string;
  readonly continueToken: string;
  readonly items: readonly unknown[];
}

/** Ordinary requests in flight at once; watches have connections of their own. */
const CONNECTIONS_MAX = 16;
const REPLY_TIMEOUT_MS = 30_000;
const CHEAP_READ_PATH = '/api/v1/namespaces';

/** Raw JSON over HTTP(S) to one API server. Never retries: the work queues do. */
export class ApiClient {
  readonly #access: ApiAccess;
  readonly #requests: Agent;
  readonly #watches: Agent;

  constructor(access: ApiAccess) {
    this.#access = access;
    const { ca, cert, key } = access;
    const connect = {
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
    };
    this.#requests = new Agent({ connect, connections: CONNECTIONS_MAX, pipelining: 1 });
    this.#watches = new Agent({ connect, pipelining: 1, bodyTimeout: 0 });
  }

  /** The object, or undefined when there is none. */
  async read<T extends KubeObject>(
    kind: ResourceKind<T>,
    name: ObjectName,
  ): Promise<T | undefined> {
    try {
      return asObject<T>(await this.#call({ method: 'GET', path: objectPath(kind, name) }));
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return undefined;
      throw error;
    }
  }

  /** One page of a list over all namespaces. */
  async list<T extends KubeObject>(kind: ResourceKind<T>, query: Query): Promise<ListPage> {
    const body = asRecord(
      await this.#call({ method: 'GET', path: collectionPath(kind, undefined), query }),
    );
    const metadata = asRecord(body.metadata);
    return {
      resourceVersion: String(metadata.resourceVersion ?? ''),
      continueToken: String(metadata.continue ?? ''),
      items: Array.isArray(body.items) ? (body.items as unknown[]) : [],
    };
  }

  /** Creates and returns what the server stored. */
  async create<T extends KubeObject>(
    kind: ResourceKind<T>,
    namespace: string | undefined,
    draft: object,
  ): Promise<T> {
    const body = { apiVersion: kind.apiVersion, kind: kind.kind, ...draft };
    return asObject<T>(
      await this.#call({ method: 'POST', path: collectionPath(kind, namespace), body }),
    );
  }

  /** Creates a subresource such as `binding`. */
  async createUnder<T extends KubeObject>(
    kind: ResourceKind<T>,
    name: ObjectName,
    options: { subresource: string; body: object },
  ): Promise<void> {
    const path = `${objectPath(kind, name)}/${options.subresource}`;
    await this.#call({ method: 'POST', path, body: options.body });
  }

  /** Merge-patches (RFC 7386) the object or one of its subresources. */
  async patch<T extends KubeObject>(
    kind: ResourceKind<T>,
    name: ObjectName,
    change: { patch: object; subresource?: string },
  ): Promise<T> {
    const under = change.subresource === undefined ? '' : `/${change.subresource}`;
    return asObject<T>(
      await this.#call({
        method: 'PATCH',
        path: `${objectPath(kind, name)}${under}`,
        body: change.patch,
        contentType: 'application/merge-patch+json',
      }),
    );
  }

  /** Deletes; an object that is gone already is no error. */
  async remove<T extends KubeObject>(
    kind: ResourceKind<T>,
    name: ObjectName,
    options: { uid?: string; gracePeriodSeconds?: number; propagationPolicy?: string } = {},
  ): Promise<void> {
    const { uid, ...rest } = options;
    const preconditions = uid === undefined ? {} : { preconditions: { uid } };
    const body = { apiVersion: 'v1', kind: 'DeleteOptions', ...rest, ...preconditions };
    try {
      await this.#call({ method: 'DELETE', path: objectPath(kind, name), body });
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      // 409 on the uid: the object that was meant is gone and its name taken by another.
      if (error.status !== 404 && !(error.status === 409 && uid !== undefined)) throw error;
    }
  }

  /** Resolves when the server has answered a read that began after this call. */
  async touch(): Promise<void> {
    await this.#call({ method: 'GET', path: CHEAP_READ_PATH, query: { limit: 1 } });
  }

  /** The lines of a watch, parsed, from when it is `open`; ends when the server ends it. */
  async *watch<T extends KubeObject>(
    kind: ResourceKind<T>,
    query: Query,
    session: { signal: AbortSignal; open: () => void },
  ): AsyncGenerator<unknown> {
    const path = collectionPath(kind, undefined);
    const attempt = `watch ${kind.plural}`;
    const reply = await this.#send({ method: 'GET', path, query }, attempt, {
      dispatcher: this.#watches,
      signal: session.signal,
    });
    if (reply.statusCode !== 200) {
      throw new ApiError(attempt, reply.statusCode, parsed(await reply.body.text()));
    }
    session.open();
    let rest = '';
    reply.body.setEncoding('utf8');
    try {
      for await (const chunk of reply.body) {
        const lines = (rest + String(chunk)).split('\n');
        rest = lines.pop() ?? '';
        for (const line of lines) if (line !== '') yield parsed(line);
      }
    } catch (error) {
      throw new ApiUnreachableError(attempt, error);
    }
  }

  /** Breaks every connection. */
  async close(): Promise<void> {
    await Promise.all([this.#requests.destroy(), this.#watches.destroy()]);
  }

  async #call(call: Call): Promise<unknown> {
    const attempt = `${call.method} ${call.path}`;
    const reply = await this.#send(call, attempt, { dispatcher: this.#requests });
    let text: string;
    try {
      text = await reply.body.text();
    } catch (error) {
      throw new ApiUnreachableError(attempt, error);
    }
    const body = parsed(text);
    if (reply.statusCode >= 300) throw new ApiError(attempt, reply.statusCode, body);
    return body;
  }

  async #send(call: Call, attempt: string, via: { dispatcher: Agent; signal?: AbortSignal }) {
    const { token, url } = this.#access;
    const search = new URLSearchParams();
    for (const [name, value] of Object.entries(call.query ?? {})) {
      if (value !== undefined) search.set(name, String(value));
    }
    try {
      return await request(`${url}${call.path}${search.size === 0 ? '' : `?${search}`}`, {
        method: call.method,
        headersTimeout: REPLY_TIMEOUT_MS,
        headers: {
          accept: 'application/json',
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
          ...(call.body === undefined
            ? {}
            : { 'content-type': call.contentType ?? 'application/json' }),
        },
        ...(call.body === undefined ? {} : { body: JSON.stringify(call.body) }),
        ...via,
      });
    } catch (error) {
      throw new ApiUnreachableError(attempt, error);
    }
  }
}

/** The value as a record of unknown fields; an empty one for anything else. */
export function asRecord(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : {};
}

/** The value as an object of a kind, which it is when the API server sent it for that kind. */
export function asObject<T extends KubeObject>(value: unknown): T {
  const metadata = asRecord(asRecord(value).metadata);
  if (typeof metadata.name !== 'string') {
    throw new TypeError('Cannot take a reply as a Kubernetes object: it has no metadata.name');
  }
  return value as T;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return { message: text.slice(0, 200) };
  }
}

function collectionPath(kind: ResourceKind<KubeObject>, namespace: string | undefined): string {
  const root = kind.apiVersion.includes('/') ? '/apis' : '/api';
  const scope = namespace === undefined ? '' : `/namespaces/${namespace}`;
  return `${root}/${kind.apiVersion}${scope}/${kind.plural}`;
}

function objectPath(kind: ResourceKind<KubeObject>, name: ObjectName): string {
  return `${collectionPath(kind, name.namespace)}/${encodeURIComponent(name.name)}`;
}
