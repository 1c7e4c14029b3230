import { BackupCentreError, type ErrorCode, UnavailableError } from '../../domain/errors.ts';
import type { VendorRefusal } from '../open-api-calls.ts';

/**
 * Conflicts with a call that is in work at this moment, such as the one whose reply was lost: over
 * within seconds.
 */
const BRIEF = [
  'LastTokenProcessing',
  'IdempotentProcessing',
  'OperationConflict',
  'Operation.Conflict',
  'InvalidOperation.Conflict',
];

/** What ends by itself, or by somebody's doing, after minutes: the same call may work then. */
const LASTING = [
  'IncorrectDiskStatus.CreatingSnapshot',
  'IncorrectDiskStatus.TooManyCreatingSnapshots',
  'IncorrectDiskStatus.Transferring',
  'IncorrectDiskStatus.Initializing',
  'QuotaExceed.ConcurrentSnapshotQuota',
  'DiskCreatingSnapshot',
  'DiskStillAttached',
  'InvalidOperation.DiskHasUnfinishedSnapshotCopy',
  'InvalidOperation.UnfinishedCrossRegionCopy',
  'InvalidOperation.UnfinishedEncryptedSnapshotCopy',
  'InvalidOperation.RelatedSnapshotNotFinished',
  'InvalidSnapshotId.NotReady',
  'InvalidSnapshot.NotReady',
  'SnapshotCreatedImage',
  'SnapshotCreatedDisk',
];

/**
 * Codes with a meaning of their own; the first that the vendor's code equals, or begins with before
 * a dot, counts.
 * @see https://www.alibabacloud.com/help/en/ecs/developer-reference/api-ecs-2014-05-26-createsnapshot
 * @see https://api.aliyun.com/document/Ecs/2014-05-26/errorCode (read 2026-11)
 */
const MEANINGS: readonly (readonly [code: string, meaning: ErrorCode])[] = [
  ...[...BRIEF, ...LASTING].map((code) => [code, 'disk_busy'] as const),
  ['InvalidDiskId.NotFound', 'disk_not_found'],
  ['InvalidVolumeId.NotFound', 'disk_not_found'],
  ['InvalidSnapshotId.NotFound', 'snapshot_not_found'],
  ['IncorrectDiskStatus', 'disk_state'],
  ['IncorrectVolumeStatus', 'disk_state'],
  ['IncorrectInstanceStatus', 'disk_state'],
  ['QuotaExceed', 'cloud_quota'],
  ['QuotaExceeded', 'cloud_quota'],
  ['InstanceDiskLimitExceeded', 'cloud_quota'],
  ['Forbidden', 'cloud_access_denied'],
  ['NoPermission', 'cloud_access_denied'],
  ['InvalidAccessKeyId', 'cloud_access_denied'],
  ['InvalidSecurityToken', 'cloud_access_denied'],
  ['SignatureDoesNotMatch', 'cloud_access_denied'],
  ['InvalidOperation.Unauthorized', 'cloud_access_denied'],
  ['UserNotInTheWhiteList', 'cloud_access_denied'],
  ['InvalidUser.NotInWhiteList', 'cloud_access_denied'],
  ['RegionUnauthorized', 'cloud_access_denied'],
];

/** The vendor's own trouble, whatever the status it comes with. */
const TROUBLE = ['InternalError', 'ServiceUnavailable', 'UnknownError'];

/** Temporary keys that ended; other codes speak of instances and disks that are `Expired`. */
const KEYS_ENDED = /SecurityToken\.?Expired$/;

/**
 * What a refusal by ECS means to us: `disk_busy` is retryable, every other refusal is final.
 * Undefined for throttling, keys that ended and calls without an answer.
 */
export function ecsError({ code, status, message }: VendorRefusal): BackupCentreError | undefined {
  if (status === 429 || code.startsWith('Throttling') || KEYS_ENDED.test(code)) return undefined;
  if (TROUBLE.includes(code)) return new UnavailableError('internal', message);
  if (status < 400 || status >= 500) return undefined;
  const meant = MEANINGS.find(([known]) => code === known || code.startsWith(`${known}.`));
  const meaning = meant?.[1] ?? 'cloud_refused';
  return new BackupCentreError(meaning, message, {
    retryable: meaning === 'disk_busy',
    details: { code },
  });
}

/** Whether the same call is likely to work within seconds. */
export function isBriefConflict(code: string): boolean {
  return BRIEF.includes(code);
}
