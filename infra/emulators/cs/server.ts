import type { CredentialLookup } from '../acs-signature/credential.ts';
import {
  type GatewayCall,
  type GatewayReply,
  ServiceRefusal,
  serveThroughGateway,
} from '../acs-signature/gateway.ts';
import { AcsSignatureVerifier } from '../acs-signature/verifier.ts';
import { FaultPlan } from '../kit/fault-plan.ts';
import { listen } from '../kit/listener.ts';
import { type CsState, findAction } from './actions.ts';
import type { CsCluster, CsPermission } from './cluster.ts';
import { CsRefusal, csFaultRefusals } from './errors.ts';
import { PermissionStore } from './permissions.ts';

export interface CsEmulatorOptions {
  /** Where grants are kept; survives restarts and kill -9. */
  readonly dir: string;
  /** The emulators' clock, in milliseconds. */
  readonly now: () => number;
  readonly port?: number;
  readonly region: string;
  readonly credentials: CredentialLookup;
  readonly clusters: readonly CsCluster[];
  /** First grants by RAM id (of a user or role); GrantPermissions replaces them. */
  readonly permissions?: ReadonlyMap<string, readonly CsPermission[]>;
  /** Makes the kubeconfig whose token or certificate the cluster's API server accepts. */
  readonly kubeconfigFor: CsState['kubeconfigFor'];
  readonly faults?: FaultPlan;
}

/** Container Service on a loopback port. */
export interface CsEmulator {
  readonly url: string;
  readonly port: number;
  readonly faults: FaultPlan;
  /** Adds a cluster or replaces the one of that id. */
  setCluster(cluster: CsCluster): void;
  removeCluster(clusterId: string): void;
  close(): Promise<void>;
}

/** Starts the emulator; `port` 0 or none takes a free one. */
export async function startCsEmulator(options: CsEmulatorOptions): Promise<CsEmulator> {
  const faults = options.faults ?? new FaultPlan();
  const clusters = new Map(options.clusters.map((c) => [c.fields.cluster_id, c]));
  const permissions = new PermissionStore(options.dir, options.permissions ?? new Map());
  const state: CsState = { clusters, permissions, kubeconfigFor: options.kubeconfigFor };
  const gateway = {
    verifier: new AcsSignatureVerifier(options),
    faults,
    actionOf: ({ method, url }: { method: string; url: string }) =>
      findAction(method, url)?.action ?? '',
    handle: (call: GatewayCall) => answer(state, call),
    refusalBody: refusalBody.bind(undefined, options.region),
    faultRefusals: csFaultRefusals,
  };
  const listener = await listen(
    (request, response) => serveThroughGateway(gateway, request, response),
    options.port,
  );
  return {
    url: listener.url,
    port: listener.port,
    faults,
    setCluster: (cluster) => {
      clusters.set(cluster.fields.cluster_id, cluster);
    },
    removeCluster: (clusterId) => {
      clusters.delete(clusterId);
    },
    close: async () => {
      await listener.close();
      await permissions.close();
    },
  };
}

async function answer(state: CsState, call: GatewayCall): Promise<GatewayReply> {
  const { method, url } = call.request;
  const found = findAction(method, url);
  if (found === undefined) {
    throw new ServiceRefusal(
      404,
      'InvalidAction.NotFound',
      'Specified api is not found, please check your url and method.',
    );
  }
  return found.run(state, { ...call, subject: found.subject, name: found.name });
}

function refusalBody(region: string, refusal: ServiceRefusal, requestId: string): unknown {
  const { code, message, status } = refusal;
  return refusal instanceof CsRefusal
    ? { code, message, requestId, status }
    : { RequestId: requestId, HostId: `cs.${region}.aliyuncs.com`, Code: code, Message: message };
}
