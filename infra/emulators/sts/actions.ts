import { type Caller, type GatewayReply, ServiceRefusal } from '../acs-signature/gateway.ts';
import { type IdentityStore, idOfRole, type StsCredential } from './identities.ts';

/**
 * AssumeRole: DurationSeconds 900 to the role's MaxSessionDuration, RoleSessionName 2 to 64 characters.
 * @see https://help.aliyun.com/zh/ram/developer-reference/api-sts-2015-04-01-assumerole
 */
const MIN_SESSION_SECONDS = 900;
const DEFAULT_SESSION_SECONDS = 3600;
const SESSION_NAME = /^[a-zA-Z0-9.@\-_]{2,64}$/;
const ROLE_ARN = /^acs:ram::\d+:role\/[\w.-]{1,64}$/;

/** Says who signed the call; needs no permission. */
export function getCallerIdentity(credential: StsCredential, requestId: string): GatewayReply {
  const { accountId, arn, identityType, principalId, roleId } = credential;
  return {
    body: {
      IdentityType: identityType,
      AccountId: accountId,
      RequestId: requestId,
      PrincipalId: principalId,
      Arn: arn,
      ...(roleId === undefined ? { UserId: principalId } : { RoleId: roleId }),
    },
  };
}

/** Opens a session of a role for a RAM user (or another session) of the role's account. */
export function assumeRole(
  identities: IdentityStore,
  caller: Caller & { readonly credential: StsCredential },
  parameters: ReadonlyMap<string, string>,
  requestId: string,
): GatewayReply {
  const roleArnText = required(parameters, 'RoleArn');
  const sessionName = required(parameters, 'RoleSessionName');
  if (!ROLE_ARN.test(roleArnText)) throw malformed('RoleArn');
  if (!SESSION_NAME.test(sessionName)) throw malformed('RoleSessionName');
  if (caller.credential.identityType === 'Account') {
    throw new ServiceRefusal(403, 'NoPermission', 'Roles may not be assumed by root accounts.');
  }
  const role = identities.role(roleArnText);
  if (role === undefined) {
    throw new ServiceRefusal(404, 'EntityNotExist.Role', 'The specified Role not exists .');
  }
  if (role.accountId !== caller.credential.accountId) {
    throw new ServiceRefusal(
      403,
      'NoPermission',
      'You are not authorized to do this action. You should be authorized by RAM.',
    );
  }
  const maxSeconds = role.maxSessionSeconds ?? DEFAULT_SESSION_SECONDS;
  const durationText = parameters.get('DurationSeconds') ?? `${DEFAULT_SESSION_SECONDS}`;
  const seconds = /^\d+$/.test(durationText) ? Number(durationText) : Number.NaN;
  if (!(seconds >= MIN_SESSION_SECONDS && seconds <= maxSeconds)) {
    throw new ServiceRefusal(
      400,
      'InvalidParameter.DurationSeconds',
      `The Min/Max value of DurationSeconds is 15min/${maxSeconds / 3600}hr.`,
    );
  }
  const credentials = identities.openSession(role, sessionName, seconds);
  return {
    body: {
      RequestId: requestId,
      AssumedRoleUser: {
        AssumedRoleId: `${idOfRole(role)}:${sessionName}`,
        Arn: `${roleArnText}/${sessionName}`,
      },
      Credentials: {
        AccessKeyId: credentials.accessKeyId,
        AccessKeySecret: credentials.accessKeySecret,
        SecurityToken: credentials.securityToken,
        Expiration: credentials.expiration,
      },
    },
  };
}

function required(parameters: ReadonlyMap<string, string>, name: string): string {
  const value = parameters.get(name);
  if (value !== undefined && value !== '') return value;
  throw new ServiceRefusal(400, `Missing${name}`, `${name} is mandatory for this action.`);
}

function malformed(name: string): ServiceRefusal {
  return new ServiceRefusal(
    400,
    `InvalidParameter.${name}`,
    `The parameter ${name} is wrongly formed.`,
  );
}
