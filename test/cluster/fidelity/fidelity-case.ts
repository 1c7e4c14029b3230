import type { RawReply, RawRequest } from '../raw-api.ts';

/** One request of a case, with the status by which the real API server answers it. */
export interface Step {
  readonly status: number;
  /** A function where the request needs something that an earlier reply of this case said. */
  readonly request: RawRequest | ((replies: readonly RawReply[]) => RawRequest);
  /** Only prepares: the reply is not compared, since controllers may have had their say in it. */
  readonly quiet?: true;
  /** Compares this part of the body only (dotted path): the rest is the controllers' doing. */
  readonly part?: string;
  /** A GET that is repeated until the status is as said and this, if given, holds too. */
  readonly until?: (reply: RawReply) => boolean;
  /** Before it is sent, whatever the server remembers of the past for five minutes is forgotten. */
  readonly afterCompaction?: true;
}

/** A difference that the sandbox's FIDELITY.md lists. */
interface KnownDifference {
  readonly why: string;
  /** Exactly what is found, as `<step> <request>: <field>: real <a>, sandbox <b>`. */
  readonly found: readonly string[];
}

/** Requests that are sent in this order, alike, to the real API server and to the sandbox. */
export interface FidelityCase {
  readonly name: string;
  /** What the sandbox answers otherwise on purpose; the case fails on any other difference. */
  readonly differs?: KnownDifference;
  /** `ns` is a namespace of the case's own. */
  readonly steps: (ns: string) => readonly Step[];
}

/** A step whose reply is compared. */
export function expecting(status: number, request: Step['request']): Step {
  return { status, request };
}

/** A step whose reply is not compared. */
export function preparing(status: number, request: Step['request']): Step {
  return { status, request, quiet: true };
}

/** A GET repeated until its reply is as wanted; that reply is compared. */
export function awaiting(
  status: number,
  request: Step['request'],
  until: (reply: RawReply) => boolean = () => true,
): Step {
  return { status, request, until };
}

export function get(path: string, headers?: Record<string, string>): RawRequest {
  return { method: 'GET', path, ...(headers === undefined ? {} : { headers }) };
}

export function post(path: string, body: unknown, headers?: Record<string, string>): RawRequest {
  return { method: 'POST', path, body, ...(headers === undefined ? {} : { headers }) };
}

export function put(path: string, body: unknown): RawRequest {
  return { method: 'PUT', path, body };
}

export function remove(path: string, body?: unknown): RawRequest {
  return { method: 'DELETE', path, ...(body === undefined ? {} : { body }) };
}

type PatchKind = 'json-patch+json' | 'merge-patch+json' | 'strategic-merge-patch+json';

export function patch(kind: PatchKind, path: string, body: unknown): RawRequest {
  return { method: 'PATCH', path, body, headers: { 'content-type': `application/${kind}` } };
}

export function apply(path: string, body: unknown): RawRequest {
  return {
    method: 'PATCH',
    path,
    body,
    headers: { 'content-type': 'application/apply-patch+yaml' },
  };
}

/** The path of a namespaced collection of the core group. */
export function core(ns: string, resource: string): string {
  return `/api/v1/namespaces/${ns}/${resource}`;
}

/** The path of a namespaced collection of a named group and version. */
export function grouped(groupVersion: string, ns: string, resource: string): string {
  return `/apis/${groupVersion}/namespaces/${ns}/${resource}`;
}

/** A ConfigMap: the kind on which what holds for all kinds is tried. */
export function configMap(name: string, more: Record<string, unknown> = {}): unknown {
  const { metadata, ...rest } = more;
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, ...(typeof metadata === 'object' ? metadata : {}) },
    data: { colour: 'red' },
    ...rest,
  };
}
