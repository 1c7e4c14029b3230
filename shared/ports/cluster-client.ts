/**
 * One cluster's API server, with raw JSON in and out: typed models would drop unknown fields. Errors:
 * `UnavailableError('cluster_unreachable')` (retryable), `ThrottledError` for 429 that outlasted the
 * client's own waiting, `BackupCentreError('credentials_expired', retryable)` for 401,
 * `BackupCentreError('cluster_access_denied')` for 403, NotFoundError for 404,
 * `ApiRejection` for what the API server refused about an object.
 */
import type { ApiResource, Discovery } from '../domain/api-resource.ts';
import { BackupCentreError } from '../domain/errors.ts';

/** The API server refused a write: its status, reason and own words. */
export class ApiRejection extends BackupCentreError {
  readonly status: number;
  /** `AlreadyExists`, `Invalid`, `Forbidden`, `Conflict`, ... */
  readonly reason: string;

  constructor(status: number, reason: string, message: string) {
    super('object_rejected', message, { details: { status, reason } });
    this.status = status;
    this.reason = reason;
  }
}

/** One page of a list; items are the server's own bytes. */
export interface ListPage {
  /** Each a JSON object without surrounding blanks; built-in kinds lack apiVersion and kind here. */
  readonly items: readonly Uint8Array[];
  readonly resourceVersion: string;
  /** Token of the next page, absent at the end. */
  readonly continue?: string;
}

/** A continue token expired (410). The server may offer one that goes on inconsistently. */
export class ContinueExpiredError extends BackupCentreError {
  readonly freshContinue: string | undefined;

  constructor(message: string, freshContinue: string | undefined) {
    super('condition_failed', message);
    this.freshContinue = freshContinue;
  }
}

/** Which objects a list asks for. */
export interface ListRequest {
  readonly namespace?: string;
  readonly limit: number;
  readonly continue?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
}

/** Where a write goes. */
export interface ObjectTarget {
  readonly resource: ApiResource;
  readonly namespace?: string;
  readonly name: string;
}

/** A cluster's API server. */
export interface ClusterClient {
  /** `v1.34.1` */
  version(): Promise<string>;
  /** Everything served. A dead group costs at most 5 s and becomes a failure, never an exception. */
  discover(): Promise<Discovery>;
  /**
   * The OpenAPI document (JSON) with the schemas of a group and version, undefined where none is
   * published: version 3, or version 2 of servers below Kubernetes 1.24.
   */
  openApi(place: Pick<ApiResource, 'group' | 'version'>): Promise<Uint8Array | undefined>;
  /** @throws ContinueExpiredError */
  list(resource: ApiResource, request: ListRequest): Promise<ListPage>;
  /** The object's JSON text, undefined where it does not exist. */
  get(target: ObjectTarget): Promise<Uint8Array | undefined>;
  /**
   * POSTs the object; returns the server's object. @throws ApiRejection (409 AlreadyExists included)
   * A lost reply is not repeated by the client: whether it happened is the caller's to find out.
   * `fieldManager` (at most 128 characters) stands in the managedFields of what was created: by it a
   * caller knows its own object again.
   */
  create(
    target: ObjectTarget,
    body: Uint8Array,
    options?: { readonly dryRun?: boolean; readonly fieldManager?: string },
  ): Promise<Uint8Array>;
  /** @throws ApiRejection, NotFoundError */
  patch(
    target: ObjectTarget & { readonly subresource?: string },
    body: Uint8Array,
    contentType: string,
  ): Promise<Uint8Array>;
  /** Removes an object of ours; absent counts as removed. */
  remove(target: ObjectTarget, preconditionUid?: string): Promise<void>;
  /** What the caller may do: `SelfSubjectAccessReview`. */
  mayI(verb: string, group: string, resource: string, namespace?: string): Promise<boolean>;
  /**
   * Requests sent so far by verb, retries included: `discover, version, list, get, create, patch,
   * delete, review`. `throttled` counts replies of 429, so that a caller can slow down.
   */
  readonly requests: Readonly<Record<string, number>>;
  close(): Promise<void>;
}
