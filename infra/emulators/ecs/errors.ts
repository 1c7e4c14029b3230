import { ServiceRefusal } from '../acs-signature/gateway.ts';

/**
 * Refusals of ECS. Codes, statuses and messages are those of each action's page in the API
 * reference; where a page has several for one case, the one that the CSI driver or the public list
 * of codes uses.
 * @see https://api.aliyun.com/document/Ecs/2014-05-26/errorCode
 */
export const refuse = {
  badRequest: (code: string, message: string) => new ServiceRefusal(400, code, message),
  denied: (code: string, message: string) => new ServiceRefusal(403, code, message),
  notFound: (code: string, message: string) => new ServiceRefusal(404, code, message),

  missing: (name: string) =>
    new ServiceRefusal(400, `Missing${name}`, `${name} is mandatory for this action.`),
  invalid: (name: string) =>
    new ServiceRefusal(400, 'InvalidParameter', `The specified parameter "${name}" is not valid.`),

  diskNotFound: () =>
    new ServiceRefusal(404, 'InvalidDiskId.NotFound', 'The specified disk does not exist.'),
  snapshotNotFound: () =>
    new ServiceRefusal(
      404,
      'InvalidSnapshotId.NotFound',
      'The specified SnapshotId does not exist.',
    ),
  instanceNotFound: () =>
    new ServiceRefusal(
      404,
      'InvalidInstanceId.NotFound',
      'The specified InstanceId does not exist.',
    ),
  regionNotFound: () =>
    new ServiceRefusal(
      404,
      'InvalidRegionId.NotFound',
      'The RegionId provided does not exist in our records.',
    ),
  zoneNotFound: () =>
    new ServiceRefusal(404, 'InvalidZoneId.NotFound', 'The specified zone does not exist.'),

  diskStatus: () =>
    new ServiceRefusal(
      403,
      'IncorrectDiskStatus',
      'The current disk status does not support this operation.',
    ),
  instanceLocked: () =>
    new ServiceRefusal(
      403,
      'InstanceLockedForSecurity',
      'The disk attached instance is locked due to security.',
    ),
  snapshotNotReady: () =>
    new ServiceRefusal(
      403,
      'InvalidSnapshotId.NotReady',
      'The specified snapshot has not completed yet.',
    ),
  dryRun: () =>
    new ServiceRefusal(
      400,
      'DryRunOperation',
      'Request validation has been passed with DryRun flag set.',
    ),
} as const;

/** A resource whose status forbids the action; the status differs from page to page. */
export function instanceStatusRefusal(status: 400 | 403): ServiceRefusal {
  return new ServiceRefusal(
    status,
    'IncorrectInstanceStatus',
    'The current status of the resource does not support this operation.',
  );
}
