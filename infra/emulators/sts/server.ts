import {
  type GatewayCall,
  type GatewayReply,
  gatewayFaultRefusals,
  ServiceRefusal,
  serveThroughGateway,
} from '../acs-signature/gateway.ts';
import { readRpcCall } from '../acs-signature/rpc-call.ts';
import { AcsSignatureVerifier } from '../acs-signature/verifier.ts';
import { FaultPlan } from '../kit/fault-plan.ts';
import { listen } from '../kit/listener.ts';
import { assumeRole, getCallerIdentity } from './actions.ts';
import {
  IdentityStore,
  type RoleCredentials,
  type StsCredential,
  type StsRole,
  type StsUser,
} from './identities.ts';

/** The API version that the emulator speaks. */
const STS_VERSION = '2015-04-01';

export interface StsEmulatorOptions {
  /** Where role sessions are kept; survives restarts and kill -9. */
  readonly dir: string;
  /** The emulators' clock, in milliseconds. */
  readonly now: () => number;
  readonly port?: number;
  readonly region: string;
  readonly users: readonly StsUser[];
  readonly roles: readonly StsRole[];
  readonly faults?: FaultPlan;
}

/** STS on a loopback port, and the directory of access keys that other emulators check against. */
export interface StsEmulator {
  readonly url: string;
  readonly port: number;
  readonly faults: FaultPlan;
  /** The credential behind an access key id; ended sessions are still found for a while. */
  credentials(accessKeyId: string): StsCredential | undefined;
  /**
   * A role session made for a service of the account, such as Function Compute (any duration).
   * `role` is the role's name or ARN. On disk when this returns.
   */
  issueRoleCredentials(role: string, sessionName: string, durationSeconds: number): RoleCredentials;
  close(): Promise<void>;
}

/** Starts the emulator; `port` 0 or none takes a free one. */
export async function startStsEmulator(options: StsEmulatorOptions): Promise<StsEmulator> {
  const faults = options.faults ?? new FaultPlan();
  const identities = new IdentityStore(options);
  const credentials = (accessKeyId: string) => identities.credential(accessKeyId);
  const gateway = {
    verifier: new AcsSignatureVerifier({ credentials, now: options.now }),
    faults,
    actionOf: (request: Parameters<typeof readRpcCall>[0]) => readRpcCall(request).action,
    handle: (call: GatewayCall) => Promise.resolve().then(() => answer(identities, call)),
    refusalBody: (refusal: ServiceRefusal, requestId: string) => ({
      RequestId: requestId,
      HostId: `sts.${options.region}.aliyuncs.com`,
      Code: refusal.code,
      Message: refusal.message,
    }),
    faultRefusals: gatewayFaultRefusals,
  };
  const listener = await listen(
    (request, response) => serveThroughGateway(gateway, request, response),
    options.port,
  );
  return {
    url: listener.url,
    port: listener.port,
    faults,
    credentials,
    issueRoleCredentials: (nameOrArn, sessionName, durationSeconds) => {
      const role = identities.role(nameOrArn);
      if (role === undefined) throw new Error(`Cannot assume role ${nameOrArn}: no such role`);
      return identities.openSession(role, sessionName, durationSeconds);
    },
    close: async () => {
      await listener.close();
      await identities.close();
    },
  };
}

function answer(identities: IdentityStore, call: GatewayCall): GatewayReply {
  const { action, version, parameters } = readRpcCall(call.request);
  if (version !== STS_VERSION) {
    throw new ServiceRefusal(400, 'InvalidVersion', 'Specified parameter Version is not valid.');
  }
  const credential = identities.credential(call.caller.accessKeyId);
  if (credential === undefined) {
    throw new ServiceRefusal(
      404,
      'InvalidAccessKeyId.NotFound',
      'Specified access key is not found.',
    );
  }
  switch (action) {
    case 'GetCallerIdentity':
      return getCallerIdentity(credential, call.requestId);
    case 'AssumeRole':
      return assumeRole(identities, { ...call.caller, credential }, parameters, call.requestId);
    default:
      throw new ServiceRefusal(
        404,
        'InvalidAction.NotFound',
        'Specified api is not found, please check your url and method.',
      );
  }
}
