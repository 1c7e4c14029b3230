import { BackupCentreError, NotFoundError, UnavailableError } from '../../domain/errors.ts';
import type { VendorRefusal } from '../open-api-calls.ts';

/** What a refusal by CS, or by the gateway before it, means to us. */
export function csError(refusal: VendorRefusal): BackupCentreError | undefined {
  const { code, status, message } = refusal;
  if (code === 'ErrorClusterNotFound') return new NotFoundError(message);
  if (code.includes('Expired') || status === 429 || code.startsWith('Throttling')) return undefined;
  if (status === 403 || status === 401 || /^(Forbidden|NoPermission|InvalidAccessKey)/.test(code)) {
    return new BackupCentreError('cluster_access_denied', message);
  }
  if (status >= 400 && status < 500) return new BackupCentreError('cluster_unreachable', message);
  return new UnavailableError('cluster_unreachable', message);
}
