/** Errors of OSS and of the way to it as ours. */
import {
  AlreadyExistsError,
  BackupCentreError,
  NotFoundError,
  ThrottledError,
  UnavailableError,
} from '../../domain/errors.ts';

/** First pause asked of a caller who was throttled, ms. */
const THROTTLED_RETRY_MS = 1_000;

const NOT_FOUND = new Set(['NoSuchKey', 'NoSuchUpload', 'NoSuchVersion']);
const BAD_PARTS = new Set(['InvalidPart', 'InvalidPartOrder', 'EntityTooSmall']);
/** Broken on the way. */
const PASSING = new Set(['BadDigest', 'InvalidDigest', 'RequestTimeout']);
/** Temporary keys that ended: the next client has fresh ones. */
const EXPIRED = new Set(['SecurityTokenExpired', 'InvalidSecurityToken']);

/** The vendor's code of an SDK error, or its name where no reply came. */
export function ossCode(error: unknown): string {
  if (typeof error !== 'object' || error === null) return '';
  if ('code' in error && typeof error.code === 'string') return error.code;
  return 'name' in error && typeof error.name === 'string' ? error.name : '';
}

/** Total: whatever the SDK throws. `attempt` is `put bucket/key`. */
export function fromOssError(error: unknown, attempt: string): BackupCentreError {
  if (error instanceof BackupCentreError) return error;
  const code = ossCode(error);
  const words = error instanceof Error ? error.message : String(error);
  const message = `Cannot ${attempt} in OSS: ${[code, words].filter((w) => w !== '').join(': ')}`;
  const status = ossStatus(error);
  const details = { vendorCode: code, status: status ?? 0, requestId: requestIdOf(error) };
  if (NOT_FOUND.has(code)) return new NotFoundError(message, details);
  if (code === 'FileAlreadyExists') return new AlreadyExistsError(message, details);
  if (code === 'FileImmutable')
    return new BackupCentreError('file_immutable', message, { details });
  if (BAD_PARTS.has(code)) return new BackupCentreError('bundle_invalid', message, { details });
  // The SDK's error is not kept as the cause: it carries sockets, headers and keys.
  if (status === 429 || /QpsLimit|RateLimit|Throttl/i.test(code)) {
    return new ThrottledError(message, THROTTLED_RETRY_MS);
  }
  if (EXPIRED.has(code)) {
    return new BackupCentreError('credentials_expired', message, { retryable: true, details });
  }
  if (PASSING.has(code) || isNoReply(error, status) || (status !== undefined && status >= 500)) {
    return new UnavailableError('bucket_unavailable', message);
  }
  if (code === 'NoSuchBucket') {
    const gone = { ...details, bucketGone: true };
    return new BackupCentreError('bucket_unavailable', message, { details: gone });
  }
  const isRefused = status === 403 || (status === 404 && code !== '');
  return new BackupCentreError(isRefused ? 'bucket_unavailable' : 'internal', message, { details });
}

function requestIdOf(error: unknown): string {
  const hasId = typeof error === 'object' && error !== null && 'requestId' in error;
  return hasId && typeof error.requestId === 'string' ? error.requestId : '';
}

/** HTTP status; the SDK uses -1 for network errors and -2 for time-outs. */
export function ossStatus(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null || !('status' in error)) return undefined;
  return typeof error.status === 'number' ? error.status : undefined;
}

/** Connection errors, time-outs, cut replies; streams carry node's codes. */
function isNoReply(error: unknown, status: number | undefined): boolean {
  if (status !== undefined && status < 0) return true;
  if (status !== undefined && status > 0) return false;
  const name = error instanceof Error ? error.name : '';
  return /^E[A-Z]+$|^UND_|aborted/.test(ossCode(error)) || /Timeout|Socket|Response/.test(name);
}
