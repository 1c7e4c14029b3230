import { describe, expect, test } from 'vitest';
import { ThrottledError } from '../../domain/errors.ts';
import { hbrError, isGone, isRefusal, refusalIn } from './hbr-errors.ts';

const message = 'Cannot back up volume shop/data: code: words';

describe('refusals of Cloud Backup', () => {
  test.each([
    [403, 'ServiceNotActivated', 'cloud_backup_unavailable', false],
    [403, 'InDebt', 'cloud_backup_unavailable', false],
    [403, 'InDebtOverdue', 'cloud_backup_unavailable', false],
    [403, 'RiskControlProhibited', 'cloud_backup_unavailable', false],
    [400, 'MagpieBridgeSlrNotExist', 'cloud_backup_unavailable', false],
    [400, 'ClientNotExist', 'cloud_backup_unavailable', true],
    [404, 'VaultNotExist', 'hbr_vault_missing', false],
    [403, 'NoPermission', 'cloud_access_denied', false],
    [403, 'Forbidden.RAM', 'cloud_access_denied', false],
    [403, 'AssumeRoleFail', 'cloud_access_denied', false],
    [404, 'RoleNotExist', 'cloud_access_denied', false],
    [404, 'InvalidAccessKeyId.NotFound', 'cloud_access_denied', false],
    [400, 'InvalidSecurityToken.Malformed', 'cloud_access_denied', false],
    [400, 'SignatureDoesNotMatch', 'cloud_access_denied', false],
    [400, 'BadRequest', 'cloud_refused', false],
    [400, '400', 'cloud_refused', false],
    [400, 'MissingVaultId', 'cloud_refused', false],
    [404, 'ResourceNotFound', 'cloud_refused', false],
    [404, 'TaskNotFound', 'cloud_refused', false],
    [500, 'InitVaultError', 'cloud_refused', false],
    [500, 'BrowseFileError', 'cloud_refused', false],
    [500, 'EcsClientError', 'cloud_refused', false],
    [500, 'InternalError', 'internal', true],
    [400, 'InternalError', 'internal', true],
    [500, 'AccessVaultFail', 'internal', true],
    [503, 'ServiceUnavailable', 'internal', true],
    [400, 'Throttling', 'throttled', true],
    [400, 'Throttling.User', 'throttled', true],
    [429, 'TooManyRequests', 'throttled', true],
  ])('%i %s is %s', (status, code, ours, retryable) => {
    expect(hbrError({ code, status, message })).toMatchObject({ code: ours, retryable, message });
  });

  test.each([
    [400, 'InvalidSecurityToken.Expired'],
    [403, 'SecurityTokenExpired'],
    [0, 'ECONNREFUSED'],
    [502, ''],
  ])('%i %s is left to the rules of all services', (status, code) => {
    expect(hbrError({ code, status, message })).toBeUndefined();
  });

  test('who was throttled is told to pause', () => {
    const error = hbrError({ code: 'Throttling.User', status: 400, message });
    expect(error).toBeInstanceOf(ThrottledError);
  });

  test('what is gone, and what was refused for good', () => {
    const of = (code: string) => hbrError({ code, status: 404, message });
    expect(['VaultNotExist', 'ResourceNotFound', 'BadRequest'].map((c) => isGone(of(c)))).toEqual([
      true,
      true,
      false,
    ]);
    expect(['BadRequest', 'InternalError', 'NoPermission'].map((c) => isRefusal(of(c)))).toEqual([
      true,
      false,
      false,
    ]);
    expect([isGone(new Error('x')), isRefusal(new Error('x'))]).toEqual([false, false]);
  });
});

describe('replies of status 200', () => {
  test.each([{ Success: true, Code: '200' }, { Success: true, Code: 200 }, { JobId: 'j' }, {}])(
    '%j is no refusal',
    (body) => {
      expect(refusalIn(body, 'start')).toBeUndefined();
    },
  );

  test.each([
    [{ Success: false, Code: 'InDebt', Message: 'owes' }, 'InDebt', 'Cannot start: InDebt: owes'],
    [{ Success: true, Code: '400', Message: 'illegal' }, '400', 'Cannot start: 400: illegal'],
    [{ Success: false, Code: '200' }, '200', 'Cannot start: 200: the reply says no success'],
    [{ Success: false }, '', 'Cannot start: the reply says no success'],
  ])('%j is one', (body, code, words) => {
    expect(refusalIn(body, 'start')).toEqual({ code, status: 400, message: words });
  });
});
