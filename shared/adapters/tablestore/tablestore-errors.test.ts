import { describe, expect, test } from 'vitest';
import { ThrottledError, UnavailableError } from '../../domain/errors.ts';
import { fromTablestoreError, tablestoreCode } from './tablestore-errors.ts';

/** As the SDK throws it: status in `code`, the protobuf body and the request id in `message`. */
function vendorError(status: number, code: string, message: string): Error {
  const field = (tag: number, text: string) => String.fromCharCode(tag, text.length) + text;
  const body = field(0x0a, code) + field(0x12, message);
  return Object.assign(new Error(`${body} requestId:0005-abc`), { code: status });
}

function networkError(code: string): Error {
  return Object.assign(new Error(`connect ${code} 127.0.0.1:1`), { code });
}

describe('errors of Tablestore', () => {
  test.each([
    [403, 'OTSConditionCheckFail', 'condition', 'condition_failed', false],
    [409, 'OTSRowOperationConflict', 'notApplied', 'throttled', true],
    [403, 'OTSNotEnoughCapacityUnit', 'notApplied', 'throttled', true],
    [404, 'OTSTableNotReady', 'notApplied', 'throttled', true],
    [503, 'OTSOperationThrottled', 'notApplied', 'throttled', true],
    [503, 'OTSServerBusy', 'unclear', 'internal', true],
    [503, 'OTSPartitionUnavailable', 'unclear', 'internal', true],
    [503, 'OTSTimeout', 'unclear', 'internal', true],
    [503, 'OTSServerUnavailable', 'unclear', 'internal', true],
    [408, 'OTSRequestTimeout', 'unclear', 'internal', true],
    [500, 'OTSInternalServerError', 'unclear', 'internal', true],
    [500, 'OTSNeverHeardOf', 'unclear', 'internal', true],
    [403, 'OTSAuthFailed', 'notApplied', 'internal', false],
    [403, 'OTSNoPermissionAccess', 'notApplied', 'internal', false],
    [404, 'OTSObjectNotExist', 'notApplied', 'internal', false],
    [400, 'OTSParameterInvalid', 'notApplied', 'internal', false],
    [400, 'OTSInvalidPK', 'notApplied', 'internal', false],
    [400, 'OTSOutOfRowSizeLimit', 'notApplied', 'internal', false],
    [413, 'OTSRequestBodyTooLarge', 'notApplied', 'internal', false],
    [403, 'OTSQuotaExhausted', 'notApplied', 'internal', false],
  ] as const)('%i %s is %s, %s', (status, code, outcome, ours, retryable) => {
    const failure = fromTablestoreError(vendorError(status, code, 'Some words.'), 'read runs/r1');
    expect(failure.outcome).toBe(outcome);
    expect(failure.shown.code).toBe(ours);
    expect(failure.shown.retryable).toBe(retryable);
    expect(failure.shown.message).toMatch(
      new RegExp(`^Cannot read runs/r1 in Tablestore: ${code} .*Some words\\. requestId:0005-abc$`),
    );
  });

  test('too frequent operations are throttling, other exhausted quotas are not', () => {
    const error = vendorError(403, 'OTSQuotaExhausted', 'Too frequent table operations.');
    expect(fromTablestoreError(error, 'x').shown).toBeInstanceOf(ThrottledError);
  });

  test.each(['NetworkingError', 'TimeoutError', 'ECONNREFUSED', 'ECONNRESET', 'Deadline'])(
    'no reply (%s) leaves a write unclear',
    (code) => {
      const failure = fromTablestoreError(networkError(code), 'x');
      expect(failure.outcome).toBe('unclear');
      expect(failure.shown).toBeInstanceOf(UnavailableError);
    },
  );

  test('an empty 5xx body is unclear, an empty 4xx body and any other value are not', () => {
    const empty = (code: unknown) => Object.assign(new Error(''), { code });
    expect(fromTablestoreError(empty(502), 'x').outcome).toBe('unclear');
    expect(fromTablestoreError(empty('Forbidden'), 'x').outcome).toBe('notApplied');
    expect(fromTablestoreError(new TypeError('bug'), 'x').outcome).toBe('notApplied');
    expect(fromTablestoreError('words', 'x').shown.message).toContain('words');
    expect(tablestoreCode(undefined)).toBeUndefined();
  });
});
