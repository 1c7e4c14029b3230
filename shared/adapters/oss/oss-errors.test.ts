import { describe, expect, test } from 'vitest';
import { NotFoundError, UnavailableError } from '../../domain/errors.ts';
import { fromOssError } from './oss-errors.ts';

function vendorError(status: number | undefined, code: string | undefined, name?: string): Error {
  const error = new Error('Some words.');
  error.name = name ?? `${code ?? 'Unknown'}Error`;
  return Object.assign(error, { status, code, requestId: 'R1' });
}

describe('errors of OSS', () => {
  test.each([
    [404, 'NoSuchKey', 'not_found', false],
    [404, 'NoSuchVersion', 'not_found', false],
    [404, 'NoSuchUpload', 'not_found', false],
    [404, 'NoSuchBucket', 'bucket_unavailable', false],
    [403, 'AccessDenied', 'bucket_unavailable', false],
    [403, 'SignatureDoesNotMatch', 'bucket_unavailable', false],
    [403, 'InvalidAccessKeyId', 'bucket_unavailable', false],
    [403, 'RequestTimeTooSkewed', 'bucket_unavailable', false],
    [403, 'SecurityTokenExpired', 'credentials_expired', true],
    [403, 'InvalidSecurityToken', 'credentials_expired', true],
    [403, 'UserDisable', 'bucket_unavailable', false],
    [409, 'FileAlreadyExists', 'already_exists', false],
    [409, 'FileImmutable', 'file_immutable', false],
    [400, 'InvalidPart', 'bundle_invalid', false],
    [400, 'InvalidPartOrder', 'bundle_invalid', false],
    [400, 'EntityTooSmall', 'bundle_invalid', false],
    [400, 'BadDigest', 'bucket_unavailable', true],
    [400, 'RequestTimeout', 'bucket_unavailable', true],
    [400, 'InvalidArgument', 'internal', false],
    [400, 'InvalidObjectName', 'internal', false],
    [503, 'QpsLimitExceeded', 'throttled', true],
    [503, 'DownloadTrafficRateLimitExceeded', 'throttled', true],
    [429, 'TooManyRequests', 'throttled', true],
    [503, 'ServerBusy', 'bucket_unavailable', true],
    [500, 'InternalError', 'bucket_unavailable', true],
    [502, undefined, 'bucket_unavailable', true],
    [-1, 'RequestError', 'bucket_unavailable', true],
    [-2, 'ConnectionTimeoutError', 'bucket_unavailable', true],
  ] as const)('%s %s is %s', (status, code, ours, retryable) => {
    const error = fromOssError(vendorError(status, code), 'read a of bucket b');
    expect(error).toMatchObject({ code: ours, retryable });
    expect(error.message).toContain('Cannot read a of bucket b in OSS: ');
    expect(error.message).toContain('Some words.');
    expect(error.cause).toBeUndefined();
  });

  test.each([
    vendorError(undefined, undefined, 'ResponseTimeoutError'),
    vendorError(undefined, 'ECONNRESET'),
    vendorError(undefined, 'ETIMEDOUT'),
    vendorError(undefined, undefined, 'RemoteSocketClosedError'),
  ])('no reply (%s) is unavailable', (error) => {
    expect(fromOssError(error, 'x')).toBeInstanceOf(UnavailableError);
  });

  test('an error of ours passes, a bug is internal', () => {
    const ours = new NotFoundError('x');
    expect(fromOssError(ours, 'x')).toBe(ours);
    expect(fromOssError(new TypeError('bug'), 'x')).toMatchObject({ code: 'internal' });
    expect(fromOssError('words', 'x').message).toContain('words');
  });
});
