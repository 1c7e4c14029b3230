import { isDeepStrictEqual } from 'node:util';
import {
  type ApiResource,
  apiVersionOf,
  type Discovery,
  type DiscoveryFailure,
  groupResource,
} from '../../shared/domain/api-resource.ts';
import { BackupCentreError, NotFoundError } from '../../shared/domain/errors.ts';
import type { JsonObject } from '../../shared/domain/json.ts';
import {
  ApiRejection,
  type ClusterClient,
  ContinueExpiredError,
  type ListPage,
  type ListRequest,
  type ObjectTarget,
} from '../../shared/ports/cluster-client.ts';
import {
  applyToPart,
  decodeToken,
  describeTarget,
  encodeToken,
  type HeldObject,
  hasStatusSubresource,
  isFinished,
  keyOf,
  listBytes,
  managedBy,
  metadataOf,
  objectKey,
  type PageToken,
  parseObject,
  toBytes,
} from './cluster-double-objects.ts';
import { applyPatch, isPatchError } from './cluster-patches.ts';
import { matchesFields, matchesLabels } from './cluster-selectors.ts';
import { type Intercept, passThrough } from './interception.ts';

/** What a call may not do. */
export interface Denial {
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
}

/** What a paged list reads from: the objects as they were at its first page. */
interface Snapshot {
  readonly id: number;
  readonly version: string;
  readonly items: readonly HeldObject[];
}

/**
 * A small API server over a map: uids, resourceVersions, paging over a snapshot, 404, 409, 410, dry run,
 * merge and JSON patches, finalizers, namespaces that take their content along. No admission, no
 * defaulting, no schemas, no controllers; objects exist once, whatever version asks for them. Built-in
 * kinds have a status subresource, custom ones have none.
 */
export class InMemoryClusterClient implements ClusterClient {
  /** Replace to see, refuse or lose calls. */
  intercept: Intercept = passThrough;
  /** Refused with 403. */
  denied: Denial[] = [];
  /** Groups that discovery cannot reach. */
  failures: DiscoveryFailure[] = [];
  serverVersion = 'v1.34.1';
  /** OpenAPI documents by `apps/v1`; what is not here is not published. */
  readonly schemas = new Map<string, JsonObject>();
  readonly requests: Record<string, number> = {};
  private readonly resources: ApiResource[];
  private readonly now: () => number;
  private readonly objects = new Map<string, HeldObject>();
  private readonly snapshots = new Map<number, Snapshot>();
  private snapshotCount = 0;
  private resourceVersion = 1000;
  private uids = 0;

  constructor(
    resources: readonly ApiResource[],
    options: { readonly now?: () => number; readonly namespaces?: readonly string[] } = {},
  ) {
    this.resources = [...resources];
    this.now = options.now ?? Date.now;
    const namespaces = this.resources.find((r) => groupResource(r) === 'namespaces');
    if (namespaces === undefined) return;
    for (const name of options.namespaces ?? []) {
      this.seed({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
    }
  }

  /** Puts an object there as it is, status included; uid and resourceVersion are added. */
  seed(object: JsonObject): JsonObject {
    const resource = this.resources.find(
      (r) => apiVersionOf(r) === object.apiVersion && r.kind === object.kind,
    );
    if (resource === undefined) {
      throw new Error(
        `Cannot seed ${String(object.apiVersion)} ${String(object.kind)}: not served`,
      );
    }
    const metadata = metadataOf(object);
    const target = {
      resource,
      name: String(metadata.name),
      ...(resource.namespaced ? { namespace: String(metadata.namespace) } : {}),
    };
    return this.keep(target, object).object;
  }

  /** Serves a further kind from now on. */
  serve(resource: ApiResource): void {
    this.resources.push(resource);
  }

  /** The object as held, undefined where there is none. */
  peek(resource: string, namespace: string | undefined, name: string): JsonObject | undefined {
    const held = this.objects.get(objectKey(resource, namespace, name));
    return held === undefined ? undefined : structuredClone(held.object);
  }

  /** Every object, by its key: what a test compares to see that nothing changed. */
  dump(): Record<string, JsonObject> {
    return Object.fromEntries(
      [...this.objects].map(([key, h]) => [key, structuredClone(h.object)]),
    );
  }

  /** Every list that is under way gets 410 for its next page. */
  expireContinueTokens(): void {
    this.snapshots.clear();
  }

  version(): Promise<string> {
    return this.call('version', '/version', async () => this.serverVersion);
  }

  discover(): Promise<Discovery> {
    return this.call('discover', '/apis', async () => ({
      resources: [...this.resources],
      failures: [...this.failures],
    }));
  }

  openApi(place: Pick<ApiResource, 'group' | 'version'>): Promise<Uint8Array | undefined> {
    return this.call('discover', '/openapi', async () => {
      const document = this.schemas.get(apiVersionOf(place));
      return document === undefined ? undefined : Buffer.from(JSON.stringify(document));
    });
  }

  list(resource: ApiResource, request: ListRequest): Promise<ListPage> {
    return this.call('list', groupResource(resource), async () => {
      this.authorise('list', resource);
      this.mustServe(resource);
      const from = request.continue === undefined ? undefined : decodeToken(request.continue);
      const snapshot = this.snapshotFor(resource, request, from);
      const start = from?.offset ?? 0;
      const end = start + request.limit;
      const last = snapshot.items[end - 1];
      const more = last !== undefined && end < snapshot.items.length;
      if (more) this.snapshots.set(snapshot.id, snapshot);
      return {
        items: snapshot.items.slice(start, end).map((held) => listBytes(resource, held)),
        resourceVersion: snapshot.version,
        ...(more
          ? { continue: encodeToken({ snapshot: snapshot.id, offset: end, after: keyOf(last) }) }
          : {}),
      };
    });
  }

  get(target: ObjectTarget): Promise<Uint8Array | undefined> {
    return this.call('get', describeTarget(target), async () => {
      this.authorise('get', target.resource);
      const held = this.find(target);
      return held === undefined ? undefined : toBytes(held.object, target.resource);
    });
  }

  create(
    target: ObjectTarget,
    body: Uint8Array,
    options: { readonly dryRun?: boolean; readonly fieldManager?: string } = {},
  ): Promise<Uint8Array> {
    return this.call('create', describeTarget(target), async () => {
      this.authorise('create', target.resource);
      this.mustServe(target.resource);
      const object = parseObject(body, `create ${describeTarget(target)}`);
      this.checkNew(target, object);
      const { status, ...rest } = object;
      const hasStatus = status !== undefined && !hasStatusSubresource(target.resource);
      const wanted = managedBy(hasStatus ? object : rest, options.fieldManager);
      const held = this.keep(target, wanted, options.dryRun ?? false);
      return toBytes(held.object, target.resource);
    });
  }

  patch(
    target: ObjectTarget & { readonly subresource?: string },
    body: Uint8Array,
    contentType: string,
  ): Promise<Uint8Array> {
    return this.call('patch', describeTarget(target), async () => {
      this.authorise('patch', target.resource);
      const held = this.mustFind(target, 'patch');
      const patched = applyPatch(held.object, body, contentType);
      if (isPatchError(patched)) {
        throw new ApiRejection(
          422,
          'Invalid',
          `Cannot patch ${describeTarget(target)}: ${patched.error}`,
        );
      }
      const current = held.object.metadata;
      const wanted = metadataOf(patched);
      if (wanted.resourceVersion !== current.resourceVersion || wanted.uid !== current.uid) {
        const message = `Cannot patch ${describeTarget(target)}: the object has been modified`;
        throw new ApiRejection(409, 'Conflict', message);
      }
      const merged = applyToPart(target, held.object, patched);
      if (isDeepStrictEqual(merged, held.object)) return toBytes(held.object, target.resource);
      const next = this.keep(target, merged);
      if (isFinished(next.object)) this.objects.delete(keyOf(next));
      return toBytes(next.object, target.resource);
    });
  }

  remove(target: ObjectTarget, preconditionUid?: string): Promise<void> {
    return this.call('delete', describeTarget(target), async () => {
      this.authorise('delete', target.resource);
      const held = this.find(target);
      if (held === undefined) return;
      const { metadata } = held.object;
      if (preconditionUid !== undefined && metadata.uid !== preconditionUid) {
        throw new ApiRejection(
          409,
          'Conflict',
          `Cannot delete ${describeTarget(target)}: the UID in the precondition (${preconditionUid}) ` +
            `does not match the UID in record (${String(metadata.uid)})`,
        );
      }
      const marked = {
        ...held.object,
        metadata: { deletionTimestamp: this.timestamp(), ...metadata },
      };
      if (!isFinished(marked)) {
        this.keep(target, marked);
        return;
      }
      this.objects.delete(keyOf(held));
      if (groupResource(target.resource) === 'namespaces') this.emptyNamespace(target.name);
    });
  }

  mayI(verb: string, group: string, resource: string): Promise<boolean> {
    return this.call(
      'review',
      `${verb} ${resource}`,
      async () => !this.isDenied(verb, group, resource),
    );
  }

  async close(): Promise<void> {
    this.snapshots.clear();
  }

  private call<T>(verb: string, subject: string, proceed: () => Promise<T>): Promise<T> {
    this.requests[verb] = (this.requests[verb] ?? 0) + 1;
    return this.intercept({ method: verb, subject }, proceed);
  }

  private snapshotFor(
    resource: ApiResource,
    request: ListRequest,
    from: PageToken | undefined,
  ): Snapshot {
    if (from === undefined || from.snapshot === 0) {
      this.snapshotCount += 1;
      const items = this.matching(resource, request);
      return {
        id: this.snapshotCount,
        version: String(this.resourceVersion),
        items: from === undefined ? items : items.filter((held) => keyOf(held) > from.after),
      };
    }
    const held = this.snapshots.get(from.snapshot);
    if (held !== undefined) return held;
    throw new ContinueExpiredError(
      `Cannot go on listing ${groupResource(resource)}: the continue token is too old`,
      encodeToken({ snapshot: 0, offset: 0, after: from.after }),
    );
  }

  private matching(resource: ApiResource, request: ListRequest): HeldObject[] {
    const wanted = groupResource(resource);
    return [...this.objects.values()]
      .filter((held) => groupResource(held.resource) === wanted)
      .filter((held) => request.namespace === undefined || held.namespace === request.namespace)
      .filter((h) => !request.labelSelector || matchesLabels(h.object, request.labelSelector))
      .filter((h) => !request.fieldSelector || matchesFields(h.object, request.fieldSelector))
      .sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
  }

  private checkNew(target: ObjectTarget, object: JsonObject): void {
    const attempt = `create ${describeTarget(target)}`;
    if (
      object.kind !== target.resource.kind ||
      object.apiVersion !== apiVersionOf(target.resource)
    ) {
      const found = `${String(object.apiVersion)} ${String(object.kind)}`;
      throw new ApiRejection(400, 'BadRequest', `Cannot ${attempt}: the object is a ${found}`);
    }
    if (metadataOf(object).resourceVersion !== undefined) {
      const message = `Cannot ${attempt}: resourceVersion should not be set on objects to be created`;
      throw new ApiRejection(500, 'InternalError', message);
    }
    if (target.resource.namespaced) {
      const namespace = target.namespace ?? '';
      const held = this.objects.get(objectKey('namespaces', undefined, namespace));
      if (held === undefined) {
        throw new NotFoundError(`Cannot ${attempt}: namespaces "${namespace}" not found`);
      }
      if (held.object.metadata.deletionTimestamp !== undefined) {
        const message = `Cannot ${attempt}: namespace ${namespace} is being terminated`;
        throw new ApiRejection(403, 'Forbidden', message);
      }
    }
    if (this.find(target) !== undefined) {
      throw new ApiRejection(409, 'AlreadyExists', `Cannot ${attempt}: it already exists`);
    }
  }

  private keep(target: ObjectTarget, object: JsonObject, dryRun = false): HeldObject {
    const before = this.find(target)?.object.metadata;
    if (!dryRun) this.resourceVersion += 1;
    const metadata = {
      ...metadataOf(object),
      name: target.name,
      ...(target.resource.namespaced ? { namespace: target.namespace } : {}),
      uid: before?.uid ?? this.nextUid(),
      creationTimestamp: before?.creationTimestamp ?? this.timestamp(),
      resourceVersion: String(this.resourceVersion),
    };
    const held: HeldObject = {
      resource: target.resource,
      namespace: target.resource.namespaced ? target.namespace : undefined,
      name: target.name,
      object: { ...structuredClone(object), metadata: structuredClone(metadata) },
    };
    if (!dryRun) this.objects.set(keyOf(held), held);
    return held;
  }

  private nextUid(): string {
    this.uids += 1;
    return `00000000-0000-4000-8000-${String(this.uids).padStart(12, '0')}`;
  }

  private timestamp(): string {
    return new Date(this.now()).toISOString().replace(/\.\d+Z$/, 'Z');
  }

  private emptyNamespace(namespace: string): void {
    for (const [key, held] of this.objects) {
      if (held.namespace === namespace) this.objects.delete(key);
    }
  }

  private find(target: ObjectTarget): HeldObject | undefined {
    const namespace = target.resource.namespaced ? target.namespace : undefined;
    return this.objects.get(objectKey(groupResource(target.resource), namespace, target.name));
  }

  private mustFind(target: ObjectTarget, verb: string): HeldObject {
    const held = this.find(target);
    if (held === undefined)
      throw new NotFoundError(`Cannot ${verb} ${describeTarget(target)}: not found`);
    return held;
  }

  private mustServe(resource: ApiResource): void {
    if (this.resources.some((r) => groupResource(r) === groupResource(resource))) return;
    const message = 'the server could not find the requested resource';
    throw new NotFoundError(`Cannot use ${groupResource(resource)}: ${message}`);
  }

  private isDenied(verb: string, group: string, resource: string): boolean {
    return this.denied.some((d) => d.verb === verb && d.group === group && d.resource === resource);
  }

  private authorise(verb: string, resource: ApiResource): void {
    if (!this.isDenied(verb, resource.group, resource.resource)) return;
    throw new BackupCentreError(
      'cluster_access_denied',
      `Cannot ${verb} ${groupResource(resource)}: User "centre" cannot ${verb} it`,
    );
  }
}
