import { randomUUID } from 'node:crypto';
import { parseTimer } from './cron.ts';
import type { FunctionDefinition, OssTrigger, TriggerDefinition } from './definition.ts';
import { fcErrors } from './errors.ts';
import type { FunctionComputeStore, StoredTrigger } from './function-compute-store.ts';
import { MAX_OSS_TRIGGERS } from './limits.ts';
import { bucketOf, checkOssTrigger, ossTriggersOverlap } from './oss-trigger.ts';

/** A trigger and the function it calls. */
export interface FunctionTrigger extends StoredTrigger {
  readonly functionName: string;
}

/**
 * All triggers: the deployed ones, put back at every start, and those made at run time, which are on
 * disk. A deployed trigger that is changed or deleted at run time is as deployed again after a start.
 */
export class TriggerRegistry {
  private readonly store: FunctionComputeStore;
  private readonly region: string;
  private readonly now: () => number;
  private readonly triggers = new Map<string, FunctionTrigger>();

  constructor(options: {
    readonly store: FunctionComputeStore;
    readonly region: string;
    readonly now: () => number;
    readonly functions: readonly FunctionDefinition[];
  }) {
    this.store = options.store;
    this.region = options.region;
    this.now = options.now;
    for (const { key, value } of this.store.triggers.getRange()) {
      const [functionName] = key;
      const isLive = options.functions.some((f) => f.functionName === functionName);
      if (isLive) this.set({ ...value, functionName });
    }
    for (const { functionName, triggers } of options.functions) {
      for (const definition of triggers) {
        this.triggers.delete(`${functionName}/${definition.triggerName}`);
        this.check(functionName, definition);
        this.set({ ...this.stamped(definition), functionName });
      }
    }
  }

  all(): FunctionTrigger[] {
    return [...this.triggers.values()];
  }

  /** Triggers of a function, by name. */
  of(functionName: string): FunctionTrigger[] {
    return this.all()
      .filter((trigger) => trigger.functionName === functionName)
      .sort((a, b) => (a.definition.triggerName < b.definition.triggerName ? -1 : 1));
  }

  get(functionName: string, triggerName: string): FunctionTrigger {
    const trigger = this.triggers.get(`${functionName}/${triggerName}`);
    if (trigger === undefined) throw fcErrors.triggerNotFound(triggerName, functionName);
    return trigger;
  }

  /** On disk when this resolves. */
  async create(functionName: string, definition: TriggerDefinition): Promise<FunctionTrigger> {
    const { triggerName } = definition;
    if (this.triggers.has(`${functionName}/${triggerName}`)) {
      throw fcErrors.triggerAlreadyExists(triggerName, functionName);
    }
    this.check(functionName, definition);
    return this.save({ ...this.stamped(definition), functionName });
  }

  /** On disk when this resolves. */
  async update(functionName: string, definition: TriggerDefinition): Promise<FunctionTrigger> {
    const before = this.get(functionName, definition.triggerName);
    this.check(functionName, definition);
    const lastModifiedTime = new Date(this.now()).toISOString();
    return this.save({ ...before, definition, lastModifiedTime });
  }

  async delete(functionName: string, triggerName: string): Promise<void> {
    this.get(functionName, triggerName);
    this.triggers.delete(`${functionName}/${triggerName}`);
    await this.store.triggers.remove([functionName, triggerName]);
  }

  private async save(trigger: FunctionTrigger): Promise<FunctionTrigger> {
    this.set(trigger);
    const { functionName, ...stored } = trigger;
    await this.store.triggers.put([functionName, trigger.definition.triggerName], stored);
    return trigger;
  }

  private set(trigger: FunctionTrigger): void {
    this.triggers.set(`${trigger.functionName}/${trigger.definition.triggerName}`, trigger);
  }

  private stamped(definition: TriggerDefinition): StoredTrigger {
    const time = new Date(this.now()).toISOString();
    return { triggerId: randomUUID(), createdTime: time, lastModifiedTime: time, definition };
  }

  /** @throws the vendor's refusal */
  private check(functionName: string, definition: TriggerDefinition): void {
    if (definition.triggerType === 'timer') {
      try {
        parseTimer(definition.triggerConfig.cronExpression, this.now());
      } catch (error) {
        throw fcErrors.invalidArgument(error instanceof Error ? error.message : String(error));
      }
    }
    if (definition.triggerType === 'oss') this.checkOss(functionName, definition);
  }

  private checkOss(functionName: string, definition: OssTrigger): void {
    checkOssTrigger(definition, this.region);
    const others = this.all().filter(
      (t) => t.functionName !== functionName || t.definition.triggerName !== definition.triggerName,
    );
    const ossTriggers = others.flatMap((t) =>
      t.definition.triggerType === 'oss'
        ? [{ functionName: t.functionName, definition: t.definition }]
        : [],
    );
    const bucket = bucketOf(definition);
    const onBucket = ossTriggers.filter((t) => bucketOf(t.definition) === bucket);
    if (onBucket.some((t) => ossTriggersOverlap(t.definition, definition))) {
      throw fcErrors.overlappingOssTrigger();
    }
    if (onBucket.length >= MAX_OSS_TRIGGERS) {
      throw fcErrors.limitExceeded(`bucket '${bucket}' has ${MAX_OSS_TRIGGERS} triggers already`);
    }
    const onFunction = ossTriggers.filter((t) => t.functionName === functionName);
    if (onFunction.length >= MAX_OSS_TRIGGERS) {
      throw fcErrors.limitExceeded(
        `function '${functionName}' has ${MAX_OSS_TRIGGERS} OSS triggers already`,
      );
    }
  }
}
