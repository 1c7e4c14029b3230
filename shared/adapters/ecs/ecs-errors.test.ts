import { describe, expect, test } from 'vitest';
import { ecsError, isBriefConflict } from './ecs-errors.ts';

describe('refusals of ECS', () => {
  test.each([
    [403, 'IncorrectDiskStatus.CreatingSnapshot', 'disk_busy', true],
    [403, 'IncorrectDiskStatus.TooManyCreatingSnapshots', 'disk_busy', true],
    [403, 'IncorrectDiskStatus.Transferring', 'disk_busy', true],
    [403, 'IncorrectDiskStatus.Initializing', 'disk_busy', true],
    [403, 'QuotaExceed.ConcurrentSnapshotQuota', 'disk_busy', true],
    [403, 'OperationConflict', 'disk_busy', true],
    [403, 'Operation.Conflict', 'disk_busy', true],
    [409, 'InvalidOperation.Conflict', 'disk_busy', true],
    [403, 'LastTokenProcessing', 'disk_busy', true],
    [403, 'IdempotentProcessing', 'disk_busy', true],
    [403, 'DiskCreatingSnapshot', 'disk_busy', true],
    [403, 'DiskStillAttached', 'disk_busy', true],
    [403, 'SnapshotCreatedImage', 'disk_busy', true],
    [403, 'SnapshotCreatedDisk', 'disk_busy', true],
    [403, 'InvalidOperation.DiskHasUnfinishedSnapshotCopy', 'disk_busy', true],
    [403, 'InvalidOperation.UnfinishedCrossRegionCopy', 'disk_busy', true],
    [403, 'InvalidOperation.UnfinishedEncryptedSnapshotCopy', 'disk_busy', true],
    [403, 'InvalidOperation.RelatedSnapshotNotFinished', 'disk_busy', true],
    [403, 'InvalidSnapshotId.NotReady', 'disk_busy', true],
    [403, 'InvalidSnapshot.NotReady', 'disk_busy', true],
    [404, 'InvalidDiskId.NotFound', 'disk_not_found', false],
    [404, 'InvalidVolumeId.NotFound', 'disk_not_found', false],
    [404, 'InvalidSnapshotId.NotFound', 'snapshot_not_found', false],
    [403, 'InvalidSnapshotId.NotFound', 'snapshot_not_found', false],
    [403, 'IncorrectDiskStatus', 'disk_state', false],
    [403, 'IncorrectDiskStatus.NeverAttached', 'disk_state', false],
    [403, 'IncorrectDiskStatus.NeverUsed', 'disk_state', false],
    [403, 'IncorrectDiskStatus.Invalid', 'disk_state', false],
    [403, 'IncorrectVolumeStatus', 'disk_state', false],
    [400, 'IncorrectInstanceStatus', 'disk_state', false],
    [403, 'QuotaExceed.Snapshot', 'cloud_quota', false],
    [403, 'QuotaExceed.SnapshotQuota', 'cloud_quota', false],
    [403, 'QuotaExceed.PostPaidDisk', 'cloud_quota', false],
    [403, 'QuotaExceeded.PostpaidDataDiskCapacity', 'cloud_quota', false],
    [403, 'InstanceDiskLimitExceeded', 'cloud_quota', false],
    [403, 'Forbidden', 'cloud_access_denied', false],
    [403, 'Forbidden.RAM', 'cloud_access_denied', false],
    [403, 'NoPermission', 'cloud_access_denied', false],
    [404, 'InvalidAccessKeyId.NotFound', 'cloud_access_denied', false],
    [400, 'SignatureDoesNotMatch', 'cloud_access_denied', false],
    [400, 'InvalidSecurityToken.Malformed', 'cloud_access_denied', false],
    [403, 'InvalidOperation.Unauthorized', 'cloud_access_denied', false],
    [403, 'UserNotInTheWhiteList', 'cloud_access_denied', false],
    [403, 'InvalidUser.NotInWhiteList', 'cloud_access_denied', false],
    [403, 'RegionUnauthorized', 'cloud_access_denied', false],
    [403, 'IdempotentParameterMismatch', 'cloud_refused', false],
    [403, 'InvalidDiskCategory.NotSupported', 'cloud_refused', false],
    [400, 'DiskCategory.OperationNotSupported', 'cloud_refused', false],
    [403, 'DiskInArrears', 'cloud_refused', false],
    [403, 'InstanceLockedForSecurity', 'cloud_refused', false],
    [403, 'InstanceExpiredOrInArrears', 'cloud_refused', false],
    [403, 'IncorrectSnapshotStatus', 'cloud_refused', false],
    [403, 'InvalidSize.TooSmall', 'cloud_refused', false],
    [403, 'InvalidOperation.NotSupportCopyInSameRegion', 'cloud_refused', false],
    [400, 'InvalidParameter.MaxResults', 'cloud_refused', false],
    [400, 'MissingParameter.RegionId', 'cloud_refused', false],
    [403, 'InvalidAccountStatus.SnapshotServiceUnavailable', 'cloud_refused', false],
    [404, 'InvalidZoneId.NotFound', 'cloud_refused', false],
    [500, 'InternalError', 'internal', true],
    [503, 'ServiceUnavailable', 'internal', true],
    [400, 'UnknownError', 'internal', true],
  ])('%i %s', (status, code, ours, retryable) => {
    const message = `Cannot snapshot disk d-1: ${code}: words`;
    const error = ecsError({ code, status, message });
    expect(error).toMatchObject({ code: ours, retryable, message });
  });

  test.each([
    [400, 'Throttling'],
    [400, 'Throttling.User'],
    [400, 'Throttling.Api'],
    [429, 'TooManyRequests'],
    [400, 'InvalidSecurityToken.Expired'],
    [403, 'SecurityTokenExpired'],
    [0, 'ECONNREFUSED'],
    [502, ''],
  ])('%i %s is left to the rules of all services', (status, code) => {
    expect(ecsError({ code, status, message: 'words' })).toBeUndefined();
  });

  test('the vendor’s own code is kept', () => {
    const error = ecsError({ code: 'Zone.NotOnSale', status: 403, message: 'words' });
    expect(error?.details).toEqual({ code: 'Zone.NotOnSale' });
  });

  test('only a call in work is over within seconds', () => {
    expect(isBriefConflict('LastTokenProcessing')).toBe(true);
    expect(isBriefConflict('IncorrectDiskStatus.CreatingSnapshot')).toBe(false);
  });
});
