/** One HTTP request from head to reply: faults, identity, routing, refusals. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  discoveryReply,
  pageNotFound,
  remoteGroups,
  unreachableReply,
} from '../discovery/discovery-reply.ts';
import { resourceNotFound, StatusError } from '../status-error.ts';
import type { ResourceRequest } from '../verbs/resource-request.ts';
import type { UserInfo } from '../writer.ts';
import { readRequestBody } from './body.ts';
import { type Fault, faultStatus, type TakeFault } from './faults.ts';
import { negotiate } from './negotiate.ts';
import { type Reply, sendReply, statusReply } from './reply.ts';
import { parseResourcePath, type ResourcePath, verbOf } from './request-info.ts';
import { type RouterContext, resourceReply } from './resource-router.ts';

/** What handling requests takes. */
export interface HandlerContext extends RouterContext {
  readonly serverVersion: string;
  readonly takeFault: TakeFault;
  readonly count: (verb: string) => void;
}

interface Head {
  readonly method: string;
  readonly url: URL;
  readonly path: ResourcePath | undefined;
  readonly verb: string;
}

const methodVerbs: Readonly<Record<string, string>> = { GET: 'get', HEAD: 'head' };

function readHead(request: IncomingMessage): Head {
  const method = request.method ?? 'GET';
  const url = new URL(request.url ?? '/', 'http://localhost');
  const path = parseResourcePath(url.pathname);
  const flag = url.searchParams.get('watch');
  const watching = flag !== null && flag !== '0' && flag !== 'false';
  const verb =
    path === undefined
      ? (methodVerbs[method] ?? method.toLowerCase())
      : verbOf(method, path, watching);
  return { method, url, path, verb };
}

/** Names under which a fault may be planned for a request, the most telling first. */
function faultActions(head: Head): string[] {
  const { path, verb, url } = head;
  if (path === undefined) return [`${verb} ${url.pathname}`];
  const sub = path.subresource === '' ? '' : `/${path.subresource}`;
  const grouped = path.group === '' ? [] : [`${verb} ${path.plural}.${path.group}${sub}`];
  return [...grouped, `${verb} ${path.plural}${sub}`];
}

/** Anybody may ask how the server is. @see ClusterRole system:public-info-viewer */
const openPaths = /^\/(healthz|livez|readyz|version)(\/|$)/;

function identify(context: HandlerContext, request: IncomingMessage, url: URL): UserInfo {
  const header = request.headers.authorization ?? '';
  const token = /^Bearer (.+)$/.exec(header)?.[1];
  const user = token === undefined ? undefined : context.authenticate(token);
  if (user !== undefined) return user;
  if (token === undefined && openPaths.test(url.pathname)) {
    return { user: 'system:anonymous', groups: ['system:unauthenticated'] };
  }
  throw new StatusError({ code: 401, reason: 'Unauthorized', message: 'Unauthorized' });
}

/** Groups of built-in kinds answer for themselves; nobody answers for the others. */
function notServed(context: HandlerContext, path: ResourcePath): Reply {
  const isBuiltin = context.cluster.registry.hasBuiltinGroup(path.group);
  return isBuiltin ? statusReply(resourceNotFound()) : pageNotFound;
}

async function reply(
  context: HandlerContext,
  head: Head,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<Reply | undefined> {
  const { url, path, method } = head;
  const user = identify(context, request, url);
  const accept = request.headers.accept;
  if (path === undefined) {
    return discoveryReply(context.cluster, {
      path: url.pathname,
      accept,
      host: request.headers.host ?? '',
      serverVersion: context.serverVersion,
    });
  }
  const { group, version, plural } = path;
  const resource = context.cluster.registry.find(group, version, plural);
  if (resource === undefined) {
    const remote = remoteGroups(context.cluster);
    const isRemote = remote.some((g) => g.group === group && g.version === version);
    if (isRemote) return unreachableReply;
    return notServed(context, path);
  }
  const isCollection = path.name === undefined && method === 'GET';
  if (resource.info.namespaced && path.namespace === undefined && !isCollection) {
    return notServed(context, path);
  }
  if (!resource.info.namespaced && path.namespace !== undefined) return notServed(context, path);
  const resourceRequest: ResourceRequest = {
    resource,
    namespace: path.namespace,
    name: path.name,
    subresource: path.subresource,
    query: url.searchParams,
    form: negotiate(accept),
    user,
    userAgent: request.headers['user-agent'] ?? '',
    contentType: request.headers['content-type'] ?? '',
    body: method === 'GET' ? '' : await readRequestBody(request),
    warnings: [],
  };
  const target = { method, verb: head.verb, response };
  try {
    return await resourceReply(context, resourceRequest, target);
  } catch (error) {
    if (!(error instanceof StatusError)) throw error;
    return { ...statusReply(error), warnings: resourceRequest.warnings };
  }
}

async function answer(
  context: HandlerContext,
  head: Head,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<Reply | undefined> {
  try {
    return await reply(context, head, request, response);
  } catch (error) {
    if (error instanceof StatusError) return statusReply(error);
    process.stderr.write(
      `kubernetes emulator: ${head.method} ${head.url.pathname}: ${trace(error)}\n`,
    );
    return statusReply(
      new StatusError({
        code: 500,
        reason: 'InternalError',
        message: 'Internal error occurred: the emulator failed, see its log',
      }),
    );
  }
}

function trace(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** How long `slow` takes where a fault does not say. */
const slowMs = 1000;

async function refuseByFault(
  fault: Fault,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<boolean> {
  if (fault.kind === 'drop') {
    request.socket.destroy();
    return true;
  }
  if (fault.kind === 'slow') await wait(fault.delayMs ?? slowMs);
  const refusal = faultStatus(fault);
  if (refusal === undefined) return false;
  request.resume();
  await sendReply(request, response, statusReply(refusal));
  return true;
}

/** Handles one request. */
export async function handleRequest(
  context: HandlerContext,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const head = readHead(request);
  context.count(head.verb);
  const fault = context.takeFault(faultActions(head));
  if (fault !== undefined && (await refuseByFault(fault, request, response))) return;
  const result = await answer(context, head, request, response);
  if (fault?.kind === 'lostReply') {
    request.socket.destroy();
    return;
  }
  if (result !== undefined) await sendReply(request, response, result);
}
