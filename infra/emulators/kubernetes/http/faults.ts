/** Planned faults in the words of the API server. */
import type { Fault } from '../../kit/fault-plan.ts';
import { StatusError } from '../status-error.ts';

export type { Fault } from '../../kit/fault-plan.ts';

/** The next fault planned under one of these names, if any. */
export type TakeFault = (actions: readonly string[]) => Fault | undefined;

/** The refusal that a fault stands for; undefined for those that are no refusal. */
export function faultStatus(fault: Fault): StatusError | undefined {
  switch (fault.kind) {
    case 'throttle':
      return new StatusError({
        code: 429,
        reason: 'TooManyRequests',
        message: 'Too many requests, please try again later.',
        details: { retryAfterSeconds: 1 },
      });
    case 'unavailable':
      return new StatusError({
        code: 503,
        reason: 'ServiceUnavailable',
        message: 'apiserver is shutting down',
        details: { retryAfterSeconds: 1 },
      });
    case 'error':
      return new StatusError({
        code: 500,
        reason: 'InternalError',
        message: 'Internal error occurred: etcdserver: request timed out',
        details: { causes: [{ message: 'etcdserver: request timed out' }] },
      });
    case 'forbidden':
      return new StatusError({
        code: 403,
        reason: 'Forbidden',
        message: `forbidden: User cannot ${fault.action} at the cluster scope`,
        details: {},
      });
    case 'drop':
    case 'lostReply':
    case 'slow':
      return undefined;
  }
}
