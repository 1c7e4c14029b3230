/** Configuration of all functions: read once per cold start, validated whole, frozen. */
import { z } from 'zod';

const url = z.url();

const environment = z.object({
  /** Alibaba Cloud account the centre runs in. */
  ACCOUNT_ID: z.string().min(1),
  /** Region the centre runs in. */
  REGION: z.string().min(1),
  /** Bucket of dispatches and scratch streams. */
  CONTROL_BUCKET: z.string().min(3),
  TABLESTORE_INSTANCE: z.string().min(1),
  TABLESTORE_ENDPOINT: url,
  /** Only where OSS is not reached at its regional address (local stack, internal network). */
  OSS_ENDPOINT: url.optional(),
  CS_ENDPOINT: url.optional(),
  ECS_ENDPOINT: url.optional(),
  HBR_ENDPOINT: url.optional(),
  /** Names of private networks with a worker pair of their own, comma separated. */
  NETWORKS: z.string().default(''),
  /** Bucket names a managed cluster may use (ACK §2.3). */
  MANAGED_BUCKET_PATTERN: z.string().default('^cnfs-oss'),
  /** Image of the pods that hold new volumes while their files are restored: it only has to wait. */
  LANDING_IMAGE: z.string().min(1).default('registry-cn-hangzhou.ack.aliyuncs.com/acs/pause:3.9'),
  /** Bearer token of the account owner, until identity has its own way in. */
  API_TOKEN: z.string().min(16).optional(),
  /** Seconds a function may run; must equal its deployed timeout. */
  FUNCTION_TIMEOUT_SECONDS: z.coerce.number().int().min(1).max(86_400).default(600),
  LOG_LEVEL: z.enum(['debug', 'info', 'warn', 'error']).default('info'),
});

/** Validated configuration. */
export interface Config {
  readonly accountId: string;
  readonly region: string;
  readonly controlBucket: string;
  readonly tablestore: { readonly instance: string; readonly endpoint: string };
  readonly ossEndpoint: string | undefined;
  readonly csEndpoint: string | undefined;
  readonly ecsEndpoint: string | undefined;
  readonly hbrEndpoint: string | undefined;
  readonly networks: readonly string[];
  readonly managedBucketPattern: RegExp;
  readonly landingImage: string;
  readonly apiToken: Secret | undefined;
  readonly functionTimeoutMs: number;
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error';
}

/** A text that never prints. */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  /** The text itself, for the one place that compares or sends it. */
  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return '[redacted]';
  }

  toJSON(): string {
    return '[redacted]';
  }
}

/**
 * Reads the configuration.
 * @throws Error that names every missing or malformed variable at once
 */
export function readConfig(env: Readonly<Record<string, string | undefined>>): Config {
  const parsed = environment.safeParse(env);
  if (!parsed.success) {
    const found = parsed.error.issues.map((i) => `${i.path.join('.')}: ${i.message}`).join('; ');
    throw new Error(`Configuration is not usable: ${found}`);
  }
  const e = parsed.data;
  return Object.freeze({
    accountId: e.ACCOUNT_ID,
    region: e.REGION,
    controlBucket: e.CONTROL_BUCKET,
    tablestore: Object.freeze({ instance: e.TABLESTORE_INSTANCE, endpoint: e.TABLESTORE_ENDPOINT }),
    ossEndpoint: e.OSS_ENDPOINT,
    csEndpoint: e.CS_ENDPOINT,
    ecsEndpoint: e.ECS_ENDPOINT,
    hbrEndpoint: e.HBR_ENDPOINT,
    networks: e.NETWORKS.split(',').filter((n) => n !== ''),
    managedBucketPattern: new RegExp(e.MANAGED_BUCKET_PATTERN),
    landingImage: e.LANDING_IMAGE,
    apiToken: e.API_TOKEN === undefined ? undefined : new Secret(e.API_TOKEN),
    functionTimeoutMs: e.FUNCTION_TIMEOUT_SECONDS * 1000,
    logLevel: e.LOG_LEVEL,
  });
}

/** Names of all variables, for the test that compares them with s.yaml. */
export const CONFIG_NAMES: readonly string[] = Object.keys(environment.shape);
