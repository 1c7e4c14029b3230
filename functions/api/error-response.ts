/** The only map from error codes to HTTP status and body. */
import type { Problem } from '../../shared/api/problem.ts';
import {
  BackupCentreError,
  type ErrorCode,
  ThrottledError,
  ValidationError,
} from '../../shared/domain/errors.ts';

/** HTTP status of every code that a reply may carry (design §8); all others are 500. */
const STATUS_BY_CODE: Partial<Readonly<Record<ErrorCode, number>>> = {
  invalid_json: 400,
  unauthenticated: 401,
  account_not_allowed: 403,
  cluster_access_denied: 403,
  not_found: 404,
  vault_immutable: 405,
  name_taken: 409,
  ambiguous_name: 409,
  vault_in_use: 409,
  vault_unavailable: 409,
  vault_not_initialised: 409,
  vault_identity_changed: 409,
  location_in_use: 409,
  backup_expired: 409,
  backup_unfinished: 409,
  backup_failed: 409,
  backup_in_use: 409,
  cluster_in_use: 409,
  not_cancellable: 409,
  condition_failed: 409,
  bundle_invalid: 409,
  body_too_large: 413,
  invalid: 422,
  unknown_field: 422,
  immutable_field: 422,
  unknown_resource: 422,
  system_namespace: 422,
  namespace_not_in_backup: 422,
  mapping_collision: 422,
  reserved_name: 422,
  bucket_name_not_allowed: 422,
  cluster_version_unsupported: 422,
  idempotency_mismatch: 422,
  no_namespaces: 422,
  throttled: 429,
  cluster_unreachable: 503,
  credentials_expired: 503,
  bucket_unavailable: 503,
};

const TITLES: Readonly<Record<number, string>> = {
  400: 'Bad request',
  401: 'Not authenticated',
  403: 'Not allowed',
  404: 'Not found',
  405: 'Method not allowed',
  409: 'Conflict',
  413: 'Body too large',
  422: 'Not valid',
  429: 'Too many requests',
  500: 'Internal error',
  503: 'A service cannot be reached',
};

/** HTTP status of a reply that carries this code. */
export function statusOf(code: ErrorCode): number {
  return STATUS_BY_CODE[code] ?? 500;
}

/** The problem document of an error; unknown errors say nothing of their insides. */
export function errorResponse(error: unknown): Response {
  const known = error instanceof BackupCentreError ? error : undefined;
  const status = known === undefined ? 500 : statusOf(known.code);
  const code = status === 500 ? 'internal' : (known?.code ?? 'internal');
  const problem: Problem = {
    type: `/problems/${code}`,
    title: TITLES[status] ?? 'Error',
    status,
    code,
    detail:
      status === 500
        ? 'The request could not be served because of an internal error; it is in the log'
        : (known?.message ?? ''),
    ...(error instanceof ValidationError ? { errors: [...error.rules] } : {}),
  };
  const headers: Record<string, string> = { 'content-type': 'application/problem+json' };
  if (error instanceof ThrottledError) {
    headers['retry-after'] = String(Math.ceil(error.retryAfterMs / 1000));
  }
  if (status === 401) headers['www-authenticate'] = 'Bearer';
  return new Response(JSON.stringify(problem), { status, headers });
}
