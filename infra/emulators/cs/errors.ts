import { type RefusingFault, ServiceRefusal } from '../acs-signature/gateway.ts';

/**
 * A refusal by CS itself: `{code, message, requestId, status}`. The gateway before it spells its
 * refusals `{Code, Message, RequestId}`, so clients meet both.
 */
export class CsRefusal extends ServiceRefusal {}

/** 404: no such cluster, or one of another account. */
export function clusterNotFound(clusterId: string): CsRefusal {
  return new CsRefusal(404, 'ErrorClusterNotFound', `cluster ${clusterId} not found`);
}

/** 400: a parameter is outside what CS takes. */
export function invalidParameter(name: string, found: string, needed: string): CsRefusal {
  return new CsRefusal(400, 'InvalidParameter', `${name} is ${found}, must be ${needed}`);
}

/** What CS says for planned faults. */
export const csFaultRefusals: Readonly<Record<RefusingFault, ServiceRefusal>> = {
  throttle: new ServiceRefusal(
    400,
    'Throttling.User',
    'Request was denied due to user flow control.',
  ),
  unavailable: new CsRefusal(503, 'ServiceUnavailable', 'service is temporarily unavailable'),
  error: new CsRefusal(500, 'InternalError', 'internal error'),
  forbidden: new CsRefusal(
    403,
    'Forbidden',
    'the current user is not authorized to operate on the specified resource by RAM',
  ),
};
