/**
 * Every failure the centre speaks of. A code is stable and documented; the class exists only where a
 * caller catches it. `retryable` belongs to the error: whoever catches it does not decide again.
 */

/** Codes that an HTTP reply may carry (design §8) and codes that only records carry. */
export type ErrorCode =
  | 'invalid_json'
  | 'unauthenticated'
  | 'account_not_allowed'
  | 'cluster_access_denied'
  | 'not_found'
  | 'vault_immutable'
  | 'body_too_large'
  | 'throttled'
  | 'name_taken'
  | 'ambiguous_name'
  | 'vault_in_use'
  | 'vault_unavailable'
  | 'vault_not_initialised'
  | 'vault_identity_changed'
  | 'location_in_use'
  | 'backup_expired'
  | 'backup_unfinished'
  | 'backup_failed'
  | 'backup_in_use'
  | 'cluster_in_use'
  | 'not_cancellable'
  | 'invalid'
  | 'unknown_field'
  | 'immutable_field'
  | 'unknown_resource'
  | 'system_namespace'
  | 'namespace_not_in_backup'
  | 'mapping_collision'
  | 'reserved_name'
  | 'bucket_name_not_allowed'
  | 'cluster_version_unsupported'
  | 'idempotency_mismatch'
  | 'no_namespaces'
  | 'storage_class_missing'
  | 'conversion_not_allowed'
  | 'access_mode_unsupported'
  | 'immediate_binding'
  | 'cross_region_unsupported'
  | 'volume_in_use'
  | 'no_zone'
  | 'temporary_volume_timeout'
  | 'lost'
  | 'cluster_unreachable'
  | 'credentials_expired'
  | 'bucket_unavailable'
  | 'bundle_invalid'
  | 'object_rejected'
  | 'disk_not_found'
  | 'disk_busy'
  | 'disk_state'
  | 'snapshot_not_found'
  | 'snapshot_failed'
  | 'cloud_quota'
  | 'cloud_access_denied'
  | 'cloud_refused'
  | 'cloud_backup_unavailable'
  | 'hbr_vault_missing'
  | 'api_group_unavailable'
  | 'already_exists'
  | 'condition_failed'
  | 'lease_lost'
  | 'cancelled'
  | 'file_immutable'
  | 'internal';

/** What an error carries besides its message: plain JSON, never a secret. */
export type ErrorDetails = Readonly<Record<string, unknown>>;

/** One broken rule of a request: where, and which rule. */
export interface BrokenRule {
  /** JSON path of the field, e.g. `namespaces[1]`. */
  readonly path: string;
  readonly rule: string;
}

/** Base of all errors of the centre. Message: what was attempted, on which object, what was found. */
export class BackupCentreError extends Error {
  readonly code: ErrorCode;
  readonly retryable: boolean;
  readonly details: ErrorDetails;

  constructor(
    code: ErrorCode,
    message: string,
    options: { retryable?: boolean; details?: ErrorDetails; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.name = new.target.name;
    this.code = code;
    this.retryable = options.retryable ?? false;
    this.details = options.details ?? {};
  }
}

/** A request that breaks rules; carries every broken rule found. */
export class ValidationError extends BackupCentreError {
  readonly rules: readonly BrokenRule[];

  constructor(
    message: string,
    rules: readonly BrokenRule[],
    code: ErrorCode = 'invalid',
    details: ErrorDetails = {},
  ) {
    super(code, message, { details });
    this.rules = rules;
  }
}

/** The object a caller named does not exist, or the caller may not see it. */
export class NotFoundError extends BackupCentreError {
  constructor(message: string, details: ErrorDetails = {}) {
    super('not_found', message, { details });
  }
}

/** A conditional write found another state than the caller expected. Carries the current row. */
export class ConditionFailedError extends BackupCentreError {
  readonly current: { readonly version: number; readonly value: unknown } | undefined;

  constructor(
    message: string,
    current: { readonly version: number; readonly value: unknown } | undefined,
  ) {
    super('condition_failed', message);
    this.current = current;
  }
}

/** A write-once object is already there. */
export class AlreadyExistsError extends BackupCentreError {
  constructor(message: string, details: ErrorDetails = {}) {
    super('already_exists', message, { details });
  }
}

/** A service refused because of its rate limits; try again after `retryAfterMs`. */
export class ThrottledError extends BackupCentreError {
  readonly retryAfterMs: number;

  constructor(message: string, retryAfterMs: number, cause?: unknown) {
    super('throttled', message, { retryable: true, cause });
    this.retryAfterMs = retryAfterMs;
  }
}

/** A service cannot be reached or answers 5xx; the same call may work later. */
export class UnavailableError extends BackupCentreError {
  constructor(code: ErrorCode, message: string, cause?: unknown) {
    super(code, message, { retryable: true, cause });
  }
}

/** Another worker owns the run; whoever gets this stops at once and writes nothing more. */
export class LeaseLostError extends BackupCentreError {
  constructor(message: string) {
    super('lease_lost', message);
  }
}

/** The run was asked to stop. */
export class CancelledError extends BackupCentreError {
  constructor(message: string) {
    super('cancelled', message);
  }
}

/** Stops on a bug: `condition` must hold whatever the input. */
export function assert(condition: unknown, mustHold: string): asserts condition {
  if (!condition) throw new BackupCentreError('internal', `Broken assumption: ${mustHold}`);
}
