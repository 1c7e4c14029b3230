import { ServiceRefusal } from '../acs-signature/gateway.ts';
import { RETENTION_DAYS_MAX } from './limits.ts';
import { optional, type Parameters } from './parameters.ts';

/** RetentionDays of a request; `status` is that of a bad one, which differs from page to page. */
export function readRetentionDays(parameters: Parameters, status: 400 | 403): number | undefined {
  const text = optional(parameters, 'RetentionDays');
  if (text === undefined) return undefined;
  const days = /^\d{1,6}$/.test(text) ? Number(text) : 0;
  if (days >= 1 && days <= RETENTION_DAYS_MAX) return days;
  throw new ServiceRefusal(
    status,
    'InvalidRetentionDays.Malformed',
    'The specified RetentionDays is not valid.',
  );
}
