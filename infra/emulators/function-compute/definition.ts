/** How a function answers asynchronous calls. */
export interface AsyncInvokeConfig {
  /** Runs after the first that fail: 0 to 8, 3 by default. */
  readonly maxAsyncRetryAttempts?: number;
  /** An event that waited longer is dropped: 1 to 604800 s, 86400 by default. */
  readonly maxAsyncEventAgeInSeconds?: number;
  /** Whether each asynchronous call is a task with an id and a state that can be asked for. */
  readonly asyncTask?: boolean;
}

/** `cronExpression`: `@every 1m`, or six fields, seconds first, in UTC or after `CRON_TZ=<zone> `. */
interface TimerTriggerConfig {
  readonly cronExpression: string;
  readonly enable?: boolean;
  readonly payload?: string;
}

/** Which HTTP requests reach the function. */
export interface HttpTriggerConfig {
  readonly authType: 'anonymous' | 'function';
  readonly methods: readonly string[];
}

/** Which changes of a bucket reach the function; events like `oss:ObjectCreated:*`. */
interface OssTriggerConfig {
  readonly events: readonly string[];
  readonly filter: { readonly key: { readonly prefix: string; readonly suffix: string } };
}

interface TriggerBase {
  readonly triggerName: string;
  readonly invocationRole?: string;
  readonly description?: string;
}

/** A trigger; `sourceArn` of OSS triggers is `acs:oss:<region>:<account>:<bucket>`. */
export type TriggerDefinition =
  | (TriggerBase & { readonly triggerType: 'timer'; readonly triggerConfig: TimerTriggerConfig })
  | (TriggerBase & { readonly triggerType: 'http'; readonly triggerConfig: HttpTriggerConfig })
  | (TriggerBase & {
      readonly triggerType: 'oss';
      readonly triggerConfig: OssTriggerConfig;
      readonly sourceArn: string;
    });

/** A trigger that listens to a bucket. */
export type OssTrigger = Extract<TriggerDefinition, { triggerType: 'oss' }>;

/** A deployed function: what s.yaml says of it, and where its built bundle is. */
export interface FunctionDefinition {
  readonly functionName: string;
  /** Absolute path of a built CommonJS bundle. */
  readonly codeFile: string;
  /** `<module>.<export>`; only the export matters here: `index.handler`. */
  readonly handler: string;
  /** MB: heap limit of an instance. */
  readonly memorySize: number;
  /** vCPU; shown, not enforced. */
  readonly cpu: number;
  /** Seconds: 1 to 86400. */
  readonly timeout: number;
  readonly environmentVariables: Readonly<Record<string, string>>;
  /** ARN of the role whose temporary key the function gets. */
  readonly role?: string;
  /** Runs once per instance, before its first request. */
  readonly initializer?: { readonly handler: string; readonly timeout: number };
  readonly asyncInvokeConfig?: AsyncInvokeConfig;
  readonly triggers: readonly TriggerDefinition[];
  /** Instances at once, 10 by default; a synchronous request beyond is refused with 429. */
  readonly maxInstances?: number;
}
