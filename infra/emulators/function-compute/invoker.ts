import { randomBytes } from 'node:crypto';
import type { FaultPlan } from '../kit/fault-plan.ts';
import type { ClockOffset } from './clock-offset.ts';
import type { FunctionDefinition } from './definition.ts';
import { FunctionInstance, type InvocationContext, type InvocationResult } from './instance.ts';
import { DEFAULT_INSTANCES, ROLE_KEY_SECONDS } from './limits.ts';

/** Temporary keys of a role. */
export interface RoleKeys {
  readonly accessKeyId: string;
  readonly accessKeySecret: string;
  readonly securityToken: string;
}

export interface InvokerOptions {
  readonly now: () => number;
  readonly region: string;
  readonly accountId: string;
  /** Keys of a role (ARN), valid for at least 36 hours; asked for again at half of that. */
  readonly roleCredentials: (role: string) => RoleKeys;
  readonly clockOffset: ClockOffset;
  readonly faults: FaultPlan;
  readonly log: (line: string) => void;
  /** Real milliseconds after which an unused instance ends. */
  readonly instanceIdleMs: number;
  /** Told the name of a function that has room for a request again. */
  readonly onRoom: (functionName: string) => void;
}

/** One request for a function. */
export interface Invocation {
  readonly definition: FunctionDefinition;
  readonly event: Buffer;
  readonly requestId: string;
}

interface Pool {
  readonly idle: { readonly instance: FunctionInstance; readonly timer: NodeJS.Timeout }[];
  /** By request id. */
  readonly busy: Map<string, FunctionInstance>;
}

const NO_KEYS: RoleKeys = { accessKeyId: '', accessKeySecret: '', securityToken: '' };
const KILLED = 'Process exited unexpectedly before completing request';

/** Runs requests in instances: one at a time in each, warm ones first, up to the function's limit. */
export class Invoker {
  private readonly options: InvokerOptions;
  private readonly pools = new Map<string, Pool>();
  private readonly keys = new Map<string, { keys: RoleKeys; issuedAtMs: number }>();
  private readonly ending = new Set<Promise<void>>();

  constructor(options: InvokerOptions) {
    this.options = options;
  }

  /**
   * Starts a request, or returns `undefined` when every instance that may exist is busy. The place
   * is taken before this returns. The promise never rejects.
   */
  tryInvoke(invocation: Invocation): Promise<InvocationResult> | undefined {
    const { definition } = invocation;
    const pool = this.poolOf(definition.functionName);
    const instance = this.takeWarm(pool) ?? this.startInstance(pool, definition);
    if (instance === undefined) return undefined;
    pool.busy.set(invocation.requestId, instance);
    return this.run(pool, instance, invocation);
  }

  /** Ends every instance of a function; what runs in them fails as a crash does. */
  kill(functionName: string): void {
    const pool = this.poolOf(functionName);
    for (const { instance, timer } of pool.idle.splice(0)) {
      clearTimeout(timer);
      this.retire(instance);
    }
    for (const instance of pool.busy.values()) instance.kill(KILLED);
  }

  /** Kills the run of one request, if it is running. */
  killRequest(functionName: string, requestId: string): void {
    this.poolOf(functionName).busy.get(requestId)?.kill(KILLED);
  }

  /** Ends all instances; resolves when their threads are gone. */
  async close(): Promise<void> {
    for (const [functionName, pool] of this.pools) {
      for (const instance of pool.busy.values()) this.retire(instance);
      this.kill(functionName);
    }
    await Promise.all(this.ending);
  }

  /** Keys of a role, renewed at half their validity. @throws what `roleCredentials` throws */
  keysOf(role: string | undefined): RoleKeys {
    if (role === undefined) return NO_KEYS;
    const known = this.keys.get(role);
    const now = this.options.now();
    if (known !== undefined && now - known.issuedAtMs < (ROLE_KEY_SECONDS * 1000) / 2) {
      return known.keys;
    }
    const keys = this.options.roleCredentials(role);
    this.keys.set(role, { keys, issuedAtMs: now });
    return keys;
  }

  private async run(
    pool: Pool,
    instance: FunctionInstance,
    invocation: Invocation,
  ): Promise<InvocationResult> {
    const { definition, event, requestId } = invocation;
    const { functionName } = definition;
    this.options.clockOffset.sync();
    this.options.log(`[${functionName}] FC Invoke Start RequestId: ${requestId}`);
    const running = instance.invoke(event, this.contextOf(invocation));
    const deathMs = this.plannedDeathMs(functionName);
    const death =
      deathMs === undefined ? undefined : setTimeout(() => instance.kill(KILLED), deathMs);
    const result = await running;
    clearTimeout(death);
    pool.busy.delete(requestId);
    if (instance.isAlive) this.keepWarm(pool, instance);
    else this.retire(instance);
    const end = result.ok ? '' : `, Error: ${result.errorMessage}`;
    this.options.log(`[${functionName}] FC Invoke End RequestId: ${requestId}${end}`);
    this.options.onRoom(functionName);
    return result;
  }

  /** A fault of action `function:<name>` kills the invocation: at its start, or after `delayMs`. */
  private plannedDeathMs(functionName: string): number | undefined {
    const action = `function:${functionName}`;
    // Faults of any action (`*`) are meant for requests, not for invocations.
    const isPlanned = this.options.faults.unhit().some((fault) => fault.action === action);
    return isPlanned ? (this.options.faults.take(action)?.delayMs ?? 0) : undefined;
  }

  private takeWarm(pool: Pool): FunctionInstance | undefined {
    for (let warm = pool.idle.pop(); warm !== undefined; warm = pool.idle.pop()) {
      clearTimeout(warm.timer);
      if (warm.instance.isAlive) return warm.instance;
      this.retire(warm.instance);
    }
    return undefined;
  }

  private startInstance(pool: Pool, definition: FunctionDefinition): FunctionInstance | undefined {
    if (pool.busy.size >= (definition.maxInstances ?? DEFAULT_INSTANCES)) return undefined;
    const instanceId = `c-${randomBytes(4).toString('hex')}-${randomBytes(6).toString('hex')}`;
    const { functionName } = definition;
    return new FunctionInstance({
      instanceId,
      definition,
      env: this.environmentOf(definition, instanceId),
      clockOffset: this.options.clockOffset.shared,
      log: (line) => this.options.log(`[${functionName}] ${line}`),
    });
  }

  private keepWarm(pool: Pool, instance: FunctionInstance): void {
    const timer = setTimeout(() => {
      const at = pool.idle.findIndex((warm) => warm.instance === instance);
      if (at >= 0) pool.idle.splice(at, 1);
      this.retire(instance);
    }, this.options.instanceIdleMs);
    timer.unref();
    pool.idle.push({ instance, timer });
  }

  private retire(instance: FunctionInstance): void {
    const ended = instance.close().finally(() => this.ending.delete(ended));
    this.ending.add(ended);
  }

  private poolOf(functionName: string): Pool {
    const known = this.pools.get(functionName);
    if (known !== undefined) return known;
    const pool: Pool = { idle: [], busy: new Map() };
    this.pools.set(functionName, pool);
    return pool;
  }

  /** @see https://help.aliyun.com/zh/functioncompute/fc/user-guide/environment-variables */
  private environmentOf(
    definition: FunctionDefinition,
    instanceId: string,
  ): Record<string, string> {
    const keys = this.keysOf(definition.role);
    return {
      ...definition.environmentVariables,
      FC_ACCOUNT_ID: this.options.accountId,
      FC_REGION: this.options.region,
      FC_INSTANCE_ID: instanceId,
      FC_FUNCTION_NAME: definition.functionName,
      FC_FUNCTION_HANDLER: definition.handler,
      FC_FUNCTION_MEMORY_SIZE: `${definition.memorySize}`,
      ALIBABA_CLOUD_ACCESS_KEY_ID: keys.accessKeyId,
      ALIBABA_CLOUD_ACCESS_KEY_SECRET: keys.accessKeySecret,
      ALIBABA_CLOUD_SECURITY_TOKEN: keys.securityToken,
    };
  }

  private contextOf({ definition, requestId }: Invocation): InvocationContext {
    const { accessKeyId, accessKeySecret, securityToken } = this.keysOf(definition.role);
    return {
      requestId,
      region: this.options.region,
      accountId: this.options.accountId,
      credentials: { accessKeyId, accessKeySecret, securityToken },
      function: {
        name: definition.functionName,
        handler: definition.handler,
        memory: definition.memorySize,
        timeout: definition.timeout,
        initializer: definition.initializer?.handler ?? '',
      },
      service: {
        name: '',
        logProject: '',
        logStore: '',
        qualifier: 'LATEST',
        versionId: '',
      },
      tracing: { openTracingSpanContext: '', jaegerEndpoint: '' },
    };
  }
}
