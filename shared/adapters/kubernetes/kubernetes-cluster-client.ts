/** ClusterClient over HTTP: raw bytes in and out, nothing typed in between. */
import {
  type ApiResource,
  apiVersionOf,
  type Discovery,
  groupResource,
} from '../../domain/api-resource.ts';
import { BackupCentreError, NotFoundError } from '../../domain/errors.ts';
import { isJsonObject } from '../../domain/json.ts';
import type {
  ClusterClient,
  ListPage,
  ListRequest,
  ObjectTarget,
} from '../../ports/cluster-client.ts';
import {
  type AccessProvider,
  type ApiRequest,
  ApiTransport,
  type TransportOptions,
} from './api-transport.ts';
import { discoverResources } from './discovery.ts';
import { describeTarget, resourcePath } from './resource-path.ts';
import { splitListItems } from './split-list-items.ts';

/** The API server itself ends requests after this (its --request-timeout), ms. */
const REQUEST_TIMEOUT_MS = 60_000;
/** Admission webhooks may take 30 s each, and more than one may be asked, ms. */
const WRITE_TIMEOUT_MS = 90_000;
const PROBE_TIMEOUT_MS = 10_000;

/** A cluster's API server, reached as an AccessProvider says. */
export class KubernetesClusterClient implements ClusterClient {
  private readonly transport: ApiTransport;

  constructor(access: AccessProvider, options: TransportOptions) {
    this.transport = new ApiTransport(access, options);
  }

  get requests(): Readonly<Record<string, number>> {
    return this.transport.counts;
  }

  async version(): Promise<string> {
    const reply = await this.transport.send({
      ...read('version', 'read the version', '/version'),
      timeoutMs: PROBE_TIMEOUT_MS,
    });
    const parsed = parse(reply.body, 'read the version');
    if (isJsonObject(parsed) && typeof parsed.gitVersion === 'string') return parsed.gitVersion;
    throw unreadable('read the version');
  }

  async discover(): Promise<Discovery> {
    return await discoverResources(this.transport);
  }

  async openApi(place: Pick<ApiResource, 'group' | 'version'>): Promise<Uint8Array | undefined> {
    const under = place.group === '' ? 'api' : `apis/${place.group}`;
    for (const path of [`/openapi/v3/${under}/${place.version}`, '/openapi/v2']) {
      try {
        const what = `read the schemas of ${apiVersionOf(place)}`;
        return (await this.transport.send(read('discover', what, path))).body;
      } catch (error) {
        if (!(error instanceof NotFoundError)) throw error;
      }
    }
    return undefined;
  }

  async list(resource: ApiResource, request: ListRequest): Promise<ListPage> {
    const where = request.namespace === undefined ? '' : ` in ${request.namespace}`;
    const query = new URLSearchParams({ limit: String(request.limit) });
    if (request.continue !== undefined) query.set('continue', request.continue);
    if (request.labelSelector !== undefined) query.set('labelSelector', request.labelSelector);
    if (request.fieldSelector !== undefined) query.set('fieldSelector', request.fieldSelector);
    const reply = await this.transport.send(
      read(
        'list',
        `list ${groupResource(resource)}${where}`,
        `${resourcePath(resource, { namespace: request.namespace })}?${query.toString()}`,
      ),
    );
    const { items, metadata } = splitListItems(reply.body);
    const next = metadata.continue;
    return {
      items,
      resourceVersion: typeof metadata.resourceVersion === 'string' ? metadata.resourceVersion : '',
      ...(typeof next === 'string' && next !== '' ? { continue: next } : {}),
    };
  }

  async get(target: ObjectTarget): Promise<Uint8Array | undefined> {
    try {
      const reply = await this.transport.send({
        ...read('get', `read ${describeTarget(target)}`, pathOf(target)),
        isSecret: isSecret(target),
      });
      return reply.body;
    } catch (error) {
      if (error instanceof NotFoundError) return undefined;
      throw error;
    }
  }

  async create(
    target: ObjectTarget,
    body: Uint8Array,
    options: { readonly dryRun?: boolean; readonly fieldManager?: string } = {},
  ): Promise<Uint8Array> {
    const { dryRun = false, fieldManager } = options;
    const query = new URLSearchParams({
      ...(dryRun ? { dryRun: 'All' } : {}),
      ...(fieldManager === undefined ? {} : { fieldManager }),
    });
    const path = resourcePath(target.resource, { namespace: target.namespace });
    const reply = await this.transport.send({
      ...write('create', 'POST', target),
      path: query.size === 0 ? path : `${path}?${query.toString()}`,
      body: { bytes: body, type: 'application/json' },
      repeatable: dryRun,
    });
    return reply.body;
  }

  async patch(
    target: ObjectTarget & { readonly subresource?: string },
    body: Uint8Array,
    contentType: string,
  ): Promise<Uint8Array> {
    const reply = await this.transport.send({
      ...write('patch', 'PATCH', target),
      path: resourcePath(target.resource, {
        namespace: target.namespace,
        name: target.name,
        subresource: target.subresource,
      }),
      body: { bytes: body, type: contentType },
    });
    return reply.body;
  }

  async remove(target: ObjectTarget, preconditionUid?: string): Promise<void> {
    const uid = preconditionUid;
    const options = {
      kind: 'DeleteOptions',
      apiVersion: 'v1',
      propagationPolicy: 'Background',
      ...(uid === undefined ? {} : { preconditions: { uid } }),
    };
    try {
      await this.transport.send({
        ...write('delete', 'DELETE', target),
        body: { bytes: Buffer.from(JSON.stringify(options)), type: 'application/json' },
        // Without the uid a repeat might remove what somebody made in between.
        repeatable: uid !== undefined,
      });
    } catch (error) {
      if (!(error instanceof NotFoundError)) throw error;
    }
  }

  async mayI(verb: string, group: string, resource: string, namespace?: string): Promise<boolean> {
    const attempt = `ask whether ${verb} on ${groupResource({ group, resource })} is allowed`;
    const review = {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SelfSubjectAccessReview',
      spec: {
        resourceAttributes: {
          verb,
          group,
          resource,
          ...(namespace === undefined ? {} : { namespace }),
        },
      },
    };
    const reply = await this.transport.send({
      ...read('review', attempt, '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews'),
      method: 'POST',
      body: { bytes: Buffer.from(JSON.stringify(review)), type: 'application/json' },
      timeoutMs: PROBE_TIMEOUT_MS,
    });
    const parsed = parse(reply.body, attempt);
    if (!isJsonObject(parsed) || !isJsonObject(parsed.status)) throw unreadable(attempt);
    return parsed.status.allowed === true;
  }

  async close(): Promise<void> {
    await this.transport.close();
  }
}

function read(verb: string, attempt: string, path: string): ApiRequest {
  return {
    verb,
    attempt,
    kind: 'read',
    isSecret: false,
    method: 'GET',
    path,
    repeatable: true,
    timeoutMs: REQUEST_TIMEOUT_MS,
  };
}

function write(verb: string, method: ApiRequest['method'], target: ObjectTarget): ApiRequest {
  return {
    verb,
    attempt: `${verb} ${describeTarget(target)}`,
    kind: 'write',
    isSecret: isSecret(target),
    method,
    path: pathOf(target),
    repeatable: false,
    timeoutMs: WRITE_TIMEOUT_MS,
  };
}

function pathOf(target: ObjectTarget): string {
  return resourcePath(target.resource, { namespace: target.namespace, name: target.name });
}

function isSecret(target: ObjectTarget): boolean {
  return groupResource(target.resource) === 'secrets';
}

function parse(body: Buffer, attempt: string): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    throw unreadable(attempt);
  }
}

function unreadable(attempt: string): BackupCentreError {
  const message = `Cannot ${attempt}: the reply of the API server is not understood`;
  return new BackupCentreError('cluster_unreachable', message, { retryable: true });
}
