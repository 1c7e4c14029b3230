import type { CredentialLookup, SignedRequest } from '../acs-signature/credential.ts';
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
import { Dispatcher } from './dispatch.ts';
import { EcsCall, type EcsDurations, type EcsQuotas, type EcsWorld } from './ecs-call.ts';
import { type EcsControl, makeControl } from './ecs-control.ts';
import { EcsStore } from './ecs-store.ts';
import { CONCURRENT_SNAPSHOTS, DATA_DISKS_PER_INSTANCE, SNAPSHOTS_PER_DISK_MAX } from './limits.ts';
import { RateLimiter } from './rate-limiter.ts';
import type { EcsInstance } from './records.ts';
import { defaultRegions, type EcsRegion } from './region-catalogue.ts';

/** The API version that the emulator speaks. */
const ECS_VERSION = '2014-05-26';

export interface EcsEmulatorOptions {
  /** Where records and bytes are kept; survives restarts and kill -9. */
  readonly dir: string;
  /** The emulators' clock, in milliseconds. */
  readonly now: () => number;
  readonly port?: number;
  /** The region of instances that name none; every region is served. */
  readonly region: string;
  readonly credentials: CredentialLookup;
  readonly faults?: FaultPlan;
  /** Instances known from the start; they replace those of the same id on disk. */
  readonly instances?: readonly EcsInstance[];
  readonly regions?: readonly EcsRegion[];
  readonly durations?: Partial<EcsDurations>;
  readonly quotas?: Partial<EcsQuotas>;
  /** Calls of an action that an account may make per minute; no limit unless given. */
  readonly callsPerMinute?: Readonly<Record<string, number>>;
}

/** ECS on a loopback port, as far as disks and snapshots go. */
export interface EcsEmulator extends EcsControl {
  readonly url: string;
  readonly port: number;
  readonly faults: FaultPlan;
  /** Requests that arrived since the start, refused ones too: of an action, or all. */
  calls(action?: string): number;
  /** Resolves when no change is under way. */
  idle(): Promise<void>;
  close(): Promise<void>;
}

/** Durations that let a caller see every state; the real ones are minutes. */
const DEFAULT_DURATIONS: EcsDurations = {
  snapshotMs: ({ sizeGib }) => 2000 + 50 * sizeGib,
  availableMs: () => 500,
  diskMs: () => 1000,
  copyMs: ({ sourceDiskSizeGib }) => 5000 + 250 * sourceDiskSizeGib,
  attachMs: () => 0,
};

const DEFAULT_QUOTAS: EcsQuotas = {
  snapshotsPerDisk: SNAPSHOTS_PER_DISK_MAX,
  concurrentSnapshots: CONCURRENT_SNAPSHOTS,
  disksPerInstance: DATA_DISKS_PER_INSTANCE,
  disks: Number.POSITIVE_INFINITY,
};

/** Starts the emulator; `port` 0 or none takes a free one. */
export async function startEcsEmulator(options: EcsEmulatorOptions): Promise<EcsEmulator> {
  const faults = options.faults ?? new FaultPlan();
  const store = await EcsStore.open(options.dir);
  const dispatcher = new Dispatcher();
  const limiter = new RateLimiter(options.callsPerMinute ?? {});
  const counts = new Map<string, number>();
  const control = makeControl({ store, dispatcher, options });
  const world: EcsWorld = {
    store,
    regionId: options.region,
    regions: options.regions ?? defaultRegions(options.region),
    durations: { ...DEFAULT_DURATIONS, ...options.durations },
    quotas: { ...DEFAULT_QUOTAS, ...options.quotas },
    takePlannedFailure: control.takePlannedFailure,
  };
  for (const instance of options.instances ?? []) await control.handle.putInstance(instance);
  const gateway = {
    verifier: new AcsSignatureVerifier(options),
    faults,
    // The gateway asks once per request, before it refuses any: the place to count them all.
    actionOf: (request: SignedRequest) => {
      const { action } = readRpcCall(request);
      counts.set(action, (counts.get(action) ?? 0) + 1);
      return action;
    },
    handle: (call: GatewayCall) => answer(world, dispatcher, limiter, call, options.now()),
    refusalBody: refusalBody.bind(undefined, options.region),
    faultRefusals: gatewayFaultRefusals,
  };
  const listener = await listen(
    (request, response) => serveThroughGateway(gateway, request, response),
    options.port,
  );
  return {
    ...control.handle,
    url: listener.url,
    port: listener.port,
    faults,
    calls: (action) =>
      action === undefined
        ? [...counts.values()].reduce((sum, n) => sum + n, 0)
        : (counts.get(action) ?? 0),
    idle: () => dispatcher.idle(),
    close: async () => {
      await listener.close();
      await dispatcher.idle();
      await store.close();
    },
  };
}

async function answer(
  world: EcsWorld,
  dispatcher: Dispatcher,
  limiter: RateLimiter,
  { request, caller, requestId }: GatewayCall,
  nowMs: number,
): Promise<GatewayReply> {
  const { action, version, parameters } = readRpcCall(request);
  if (version !== ECS_VERSION) {
    throw new ServiceRefusal(400, 'InvalidVersion', 'Specified parameter Version is not valid.');
  }
  const { accountId } = caller.credential;
  if (!limiter.allows(accountId, action, nowMs)) throw gatewayFaultRefusals.throttle;
  const fields = await dispatcher.run(action, new EcsCall(world, parameters, accountId, nowMs));
  return { body: { RequestId: requestId, ...fields } };
}

function refusalBody(regionId: string, refusal: ServiceRefusal, requestId: string): unknown {
  const { code, message } = refusal;
  return {
    RequestId: requestId,
    HostId: `ecs.${regionId}.aliyuncs.com`,
    Code: code,
    Message: message,
    Recommend: `https://api.aliyun.com/troubleshoot?q=${code}&product=Ecs&requestId=${requestId}`,
  };
}
