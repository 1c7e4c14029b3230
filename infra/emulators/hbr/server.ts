import { join } from 'node:path';
import type { CredentialLookup } from '../acs-signature/credential.ts';
import {
  type GatewayCall,
  type GatewayReply,
  ServiceRefusal,
  serveThroughGateway,
} from '../acs-signature/gateway.ts';
import { readRpcCall } from '../acs-signature/rpc-call.ts';
import { AcsSignatureVerifier } from '../acs-signature/verifier.ts';
import { FaultPlan } from '../kit/fault-plan.ts';
import { listen } from '../kit/listener.ts';
import type { HbrAction } from './actions/action.ts';
import { actionTable, WITHOUT_ACTIVATION } from './actions/action-table.ts';
import { BlobStore } from './data/blob-store.ts';
import { HbrRefusal, hbrFaultRefusals, serviceNotActivated } from './errors.ts';
import type { HbrCore, HbrPlaces, HbrTimes } from './hbr-core.ts';
import { JobRunner } from './job-runner.ts';
import { CallParameters } from './parameters.ts';
import { type PlannedOutcome, PlannedOutcomes } from './planned-outcomes.ts';
import type {
  AgentStatus,
  BackupJobRecord,
  RestoreJobRecord,
  SnapshotRecord,
  VaultRecord,
  VaultStatus,
} from './records.ts';
import { HbrState } from './state.ts';

/** The API version that the emulator speaks. */
const HBR_VERSION = '2017-09-08';

/** How long a reply waits for a source that is being read; then it tells the state before that. */
const PATIENCE_MS = 2000;

/** How often the clock is looked at while nobody calls. */
const TICK_MS = 100;

/** Calls that are remembered. */
const CALLS_MAX = 10_000;

const DEFAULT_TIMES: HbrTimes = {
  vaultMs: 3000,
  queueMs: 500,
  jobMs: (bytes) => 500 + bytes / 50_000,
  cancelMs: 0,
  expireMs: 86_400_000,
};

export interface HbrEmulatorOptions extends HbrPlaces, Partial<HbrTimes> {
  /** Where records and backed-up bytes are kept; survives restarts and kill -9. */
  readonly dir: string;
  /** The emulators' clock, in milliseconds. */
  readonly now: () => number;
  readonly port?: number;
  readonly region: string;
  readonly credentials: CredentialLookup;
  readonly faults?: FaultPlan;
  /** Whether accounts have opened the service without calling OpenHbrService; true by default. */
  readonly isActivated?: boolean;
  /** Service roles that accounts have granted (`NasRole`, ...); all by default. */
  readonly grantedRoles?: readonly string[];
  /** Real time that a reply waits for a source that is being read; 2 s by default. */
  readonly patienceMs?: number;
}

/** One signed call as it came, also one that was refused; those hit by `faults` are not seen. */
interface HbrRecordedCall {
  readonly action: string;
  readonly parameters: Readonly<Record<string, string>>;
}

/** Cloud Backup on a loopback port. */
export interface HbrEmulator {
  readonly url: string;
  readonly port: number;
  readonly faults: FaultPlan;
  /** Faults (throttle, unavailable, error, forbidden) answered with status 200 and Success false. */
  readonly softFaults: FaultPlan;
  /** What the client in a cluster is; MISS until something else is said. Kept on disk. */
  setAgentStatus(clusterIdentifier: string, status: AgentStatus): Promise<void>;
  /** A vault's status instead of the clock's, or the clock's again. */
  setVaultStatus(vaultId: string, status: VaultStatus | undefined): Promise<void>;
  /** Plans how the next jobs of a kind end. */
  failJob(outcome: PlannedOutcome): void;
  /** Planned outcomes that no job has met yet. */
  unhitOutcomes(): PlannedOutcome[];
  /** Resolves when everything due by the clock has happened; calls do the same before they act. */
  advance(): Promise<void>;
  vaults(): VaultRecord[];
  snapshots(): SnapshotRecord[];
  jobs(): BackupJobRecord[];
  restores(): RestoreJobRecord[];
  /** The calls so far, oldest first; of one action, or all. */
  calls(action?: string): HbrRecordedCall[];
  close(): Promise<void>;
}

/** Starts the emulator; `port` 0 or none takes a free one. */
export async function startHbrEmulator(options: HbrEmulatorOptions): Promise<HbrEmulator> {
  const core = await openCore(options);
  const { state } = core;
  const runner = new JobRunner(core);
  await runner.recover();
  const service = new HbrService(core, runner, options);
  const faults = options.faults ?? new FaultPlan();
  const gateway = {
    verifier: new AcsSignatureVerifier(options),
    faults,
    actionOf: (request: GatewayCall['request']) => readRpcCall(request).action,
    handle: (call: GatewayCall) => service.answer(call),
    refusalBody: refusalBody.bind(undefined, options.region),
    faultRefusals: hbrFaultRefusals,
  };
  const listener = await listen(
    (request, response) => serveThroughGateway(gateway, request, response),
    options.port,
  );
  const ticker = setInterval(() => service.tick(), TICK_MS);
  ticker.unref();
  return {
    url: listener.url,
    port: listener.port,
    faults,
    softFaults: service.softFaults,
    setAgentStatus: async (clusterIdentifier, status) => {
      // Said again, a status does not delay the jobs that already wait for it.
      if (state.agents.get(clusterIdentifier)?.status === status) return;
      state.agents.put({ id: clusterIdentifier, status, sinceMs: core.now() });
      await state.settled();
    },
    setVaultStatus: async (vaultId, status) => {
      const vault = state.vaults.get(vaultId);
      if (vault === undefined) throw new Error(`Cannot set status of vault ${vaultId}: none such`);
      const { forcedStatus: _, ...rest } = vault;
      state.vaults.put(status === undefined ? rest : { ...rest, forcedStatus: status });
      await state.settled();
    },
    failJob: (outcome) => core.planned.add(outcome),
    unhitOutcomes: () => core.planned.unhit(),
    advance: () => runner.advance(),
    vaults: () => state.vaults.all(),
    snapshots: () => state.snapshots.all(),
    jobs: () => state.jobs.all(),
    restores: () => state.restores.all(),
    calls: (action) => service.calls.filter((c) => action === undefined || c.action === action),
    close: async () => {
      clearInterval(ticker);
      await listener.close();
      await runner.advance();
      await state.close();
    },
  };
}

async function openCore(options: HbrEmulatorOptions): Promise<HbrCore> {
  return {
    state: new HbrState(join(options.dir, 'records')),
    blobs: await BlobStore.open(join(options.dir, 'blobs')),
    now: options.now,
    region: options.region,
    places: options,
    times: {
      vaultMs: options.vaultMs ?? DEFAULT_TIMES.vaultMs,
      queueMs: options.queueMs ?? DEFAULT_TIMES.queueMs,
      jobMs: options.jobMs ?? DEFAULT_TIMES.jobMs,
      cancelMs: options.cancelMs ?? DEFAULT_TIMES.cancelMs,
      expireMs: options.expireMs ?? DEFAULT_TIMES.expireMs,
    },
    planned: new PlannedOutcomes(),
  };
}

/** Answers calls, and lets the clock act before and after each. */
class HbrService {
  readonly softFaults = new FaultPlan();
  readonly calls: HbrRecordedCall[] = [];
  private readonly core: HbrCore;
  private readonly runner: JobRunner;
  private readonly actions: ReadonlyMap<string, HbrAction>;
  private readonly isActivated: boolean;
  private readonly patienceMs: number;
  private isTicking = false;

  constructor(core: HbrCore, runner: JobRunner, options: HbrEmulatorOptions) {
    this.core = core;
    this.runner = runner;
    this.actions = actionTable(options.grantedRoles);
    this.isActivated = options.isActivated ?? true;
    this.patienceMs = options.patienceMs ?? PATIENCE_MS;
  }

  async answer(call: GatewayCall): Promise<GatewayReply> {
    const { action, version, parameters } = readRpcCall(call.request);
    if (version !== HBR_VERSION) {
      throw new ServiceRefusal(400, 'InvalidVersion', 'Specified parameter Version is not valid.');
    }
    const run = this.actions.get(action);
    if (run === undefined) {
      throw new ServiceRefusal(
        404,
        'InvalidAction.NotFound',
        'Specified api is not found, please check your url and method.',
      );
    }
    this.calls.push({ action, parameters: Object.fromEntries(parameters) });
    if (this.calls.length > CALLS_MAX) this.calls.shift();
    const soft = this.takeSoftFault(action);
    if (soft !== undefined) return { body: commonFields(call.requestId, soft) };
    const { accountId } = call.caller.credential;
    await this.settleFor(this.patienceMs);
    const isOpen = this.isActivated || this.core.state.activated.get(accountId) !== undefined;
    if (!isOpen && !WITHOUT_ACTIVATION.has(action)) throw serviceNotActivated();
    const fields = run(this.core, { parameters: new CallParameters(parameters), accountId });
    await this.core.state.settled();
    this.tick();
    return { body: { ...commonFields(call.requestId, undefined), ...fields } };
  }

  /** Lets the clock act, unless it still does. */
  tick(): void {
    if (this.isTicking) return;
    this.isTicking = true;
    this.runner.advance().then(
      () => {
        this.isTicking = false;
      },
      (error: unknown) => {
        this.isTicking = false;
        process.stderr.write(`hbr emulator: jobs cannot go on: ${String(error)}\n`);
      },
    );
  }

  /** A large source must not keep callers waiting: they then see the state before it. */
  private async settleFor(patienceMs: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, patienceMs);
    });
    await Promise.race([this.runner.advance(), patience]);
    clearTimeout(timer);
  }

  private takeSoftFault(action: string): ServiceRefusal | undefined {
    const kind = this.softFaults.take(action)?.kind;
    if (kind === undefined) return undefined;
    const refusals: Readonly<Record<string, ServiceRefusal>> = hbrFaultRefusals;
    return refusals[kind] ?? hbrFaultRefusals.error;
  }
}

function commonFields(requestId: string, refusal: ServiceRefusal | undefined): object {
  return {
    RequestId: requestId,
    Success: refusal === undefined,
    Code: refusal?.code ?? '200',
    Message: refusal?.message ?? 'successful',
  };
}

function refusalBody(region: string, refusal: ServiceRefusal, requestId: string): unknown {
  return {
    RequestId: requestId,
    HostId: `hbr.${region}.aliyuncs.com`,
    Code: refusal.code,
    Message: refusal.message,
    ...(refusal instanceof HbrRefusal ? { Success: false } : {}),
  };
}
