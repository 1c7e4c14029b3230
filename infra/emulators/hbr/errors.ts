import { type RefusingFault, ServiceRefusal } from '../acs-signature/gateway.ts';

/**
 * A refusal by Cloud Backup itself; its body also says `Success: false`, which the gateway's
 * refusals before it do not.
 * @see https://alibabacloud.com/help/en/cloud-backup/developer-reference/api-hbr-2017-09-08-errorcodes
 */
export class HbrRefusal extends ServiceRefusal {}

/** 400: a parameter is missing or outside what the operation takes. */
export function badRequest(found: string): HbrRefusal {
  return new HbrRefusal(400, 'BadRequest', `The request has invalid parameters. ${found}`);
}

/** 404: no such vault, or one of another account. */
export function vaultNotExist(vaultId: string): HbrRefusal {
  return new HbrRefusal(404, 'VaultNotExist', `The specified vault doesn't exist. ${vaultId}`);
}

/** 404: no such cluster, plan, job, snapshot or file system. */
export function resourceNotFound(what: string): HbrRefusal {
  return new HbrRefusal(404, 'ResourceNotFound', `The specified resource is not found. ${what}`);
}

/** 404: no such task. */
export function taskNotFound(taskId: string): HbrRefusal {
  return new HbrRefusal(404, 'TaskNotFound', `The specified task doesn't exist. ${taskId}`);
}

/** 404: the account has not granted Cloud Backup this service role. */
export function roleNotExist(role: string): HbrRefusal {
  return new HbrRefusal(404, 'RoleNotExist', `The specified role doesn't exist. ${role}`);
}

/** 403: the account has not opened Cloud Backup. */
export function serviceNotActivated(): HbrRefusal {
  return new HbrRefusal(403, 'ServiceNotActivated', 'The service is not activated yet.');
}

/** What Cloud Backup says for planned faults. */
export const hbrFaultRefusals: Readonly<Record<RefusingFault, ServiceRefusal>> = {
  throttle: new ServiceRefusal(
    400,
    'Throttling.User',
    'Request was denied due to user flow control.',
  ),
  unavailable: new ServiceRefusal(
    503,
    'ServiceUnavailable',
    'The request has failed due to a temporary failure of the server.',
  ),
  error: new HbrRefusal(
    500,
    'InternalError',
    'The request processing has failed due to some unknown error.',
  ),
  forbidden: new HbrRefusal(403, 'NoPermission', 'User is not authorized to do this operation.'),
};
