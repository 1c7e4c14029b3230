/** What refusals of Cloud Backup mean to us, whether they come with an HTTP status or in a 200. */
import {
  BackupCentreError,
  type ErrorCode,
  ThrottledError,
  UnavailableError,
} from '../../domain/errors.ts';
import { type JsonObject, textAt } from '../../domain/json.ts';
import type { VendorRefusal } from '../open-api-calls.ts';

/** Pause asked of a caller who was throttled, ms. */
const THROTTLED_RETRY_MS = 1_000;

/** The client in the cluster is away: it may come back within the hour, as after a node's restart. */
const AGENT_AWAY = ['ClientNotExist'];

/**
 * Codes with a meaning of their own; the first that the vendor's code equals, or begins with before
 * a dot, counts.
 * @see https://alibabacloud.com/help/en/cloud-backup/developer-reference/api-hbr-2017-09-08-errorcodes
 */
const MEANINGS: readonly (readonly [code: string, meaning: ErrorCode])[] = [
  ...AGENT_AWAY.map((code) => [code, 'cloud_backup_unavailable'] as const),
  ['ServiceNotActivated', 'cloud_backup_unavailable'],
  ['InDebt', 'cloud_backup_unavailable'],
  ['InDebtOverdue', 'cloud_backup_unavailable'],
  ['RiskControlProhibited', 'cloud_backup_unavailable'],
  ['MagpieBridgeSlrNotExist', 'cloud_backup_unavailable'],
  ['VaultNotExist', 'hbr_vault_missing'],
  ['NoPermission', 'cloud_access_denied'],
  ['Forbidden', 'cloud_access_denied'],
  ['AssumeRoleFail', 'cloud_access_denied'],
  ['RoleNotExist', 'cloud_access_denied'],
  ['InvalidAccessKeyId', 'cloud_access_denied'],
  ['InvalidSecurityToken', 'cloud_access_denied'],
  ['SignatureDoesNotMatch', 'cloud_access_denied'],
];

/** The vendor's own trouble, whatever the status it comes with. */
const TROUBLE = ['InternalError', 'AccessVaultFail', 'ServiceUnavailable', 'UnknownError'];
/** Codes of status 500 that the same call meets again. */
const LASTING = ['InitVaultError', 'BrowseFileError', 'EcsClientError'];

/** Temporary keys that ended. */
const KEYS_ENDED = /SecurityToken\.?Expired$/;

/** What a refusal means; undefined for keys that ended and calls without an answer. */
export function hbrError({ code, status, message }: VendorRefusal): BackupCentreError | undefined {
  if (KEYS_ENDED.test(code)) return undefined;
  if (status === 429 || code.startsWith('Throttling')) {
    return new ThrottledError(message, THROTTLED_RETRY_MS);
  }
  if (TROUBLE.includes(code)) return new UnavailableError('internal', message);
  if ((status < 400 || status >= 500) && !LASTING.includes(code)) return undefined;
  const meant = MEANINGS.find(([known]) => code === known || code.startsWith(`${known}.`));
  return new BackupCentreError(meant?.[1] ?? 'cloud_refused', message, {
    retryable: AGENT_AWAY.includes(code),
    details: { code },
  });
}

/** The refusal that a reply with status 200 holds, if it holds one. */
export function refusalIn(body: JsonObject, attempt: string): VendorRefusal | undefined {
  const { Success: success, Code: told } = body;
  const code = typeof told === 'string' || typeof told === 'number' ? `${told}` : '';
  if (success !== false && ['', '200'].includes(code)) return undefined;
  const words = textAt(body, 'Message') || 'the reply says no success';
  const named = code === '' ? words : `${code}: ${words}`;
  return { code, status: 400, message: `Cannot ${attempt}: ${named}` };
}

/** Whether HBR says that the object of a call is not there. */
export function isGone(error: unknown): boolean {
  if (!(error instanceof BackupCentreError)) return false;
  return error.code === 'hbr_vault_missing' || error.details.code === 'ResourceNotFound';
}

/** Whether a call was refused for good, for what it asked. */
export function isRefusal(error: unknown): error is BackupCentreError {
  return error instanceof BackupCentreError && error.code === 'cloud_refused' && !error.retryable;
}
