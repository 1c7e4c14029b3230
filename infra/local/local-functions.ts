/** What s.yaml says of the functions, for the local host: bundles, environment and triggers. */
import { resolve } from 'node:path';
import type {
  FunctionDefinition,
  TriggerDefinition,
} from '../emulators/function-compute/definition.ts';

/** What the functions' environment is made of. */
export interface FunctionSettings {
  readonly accountId: string;
  readonly region: string;
  readonly controlBucket: string;
  readonly environment: Readonly<Record<string, string>>;
}

/** Seconds a worker may run at a time; it goes on in another invocation. */
const WORKER_TIMEOUT_SECONDS = 600;
const API_TIMEOUT_SECONDS = 60;

const EVERY_MINUTE: TriggerDefinition = {
  triggerName: 'every-minute',
  triggerType: 'timer',
  triggerConfig: { cronExpression: '@every 1m', enable: true },
};

/** All functions of the centre. */
export function localFunctions(settings: FunctionSettings): FunctionDefinition[] {
  return [
    definition(settings, 'api', {
      memorySize: 512,
      timeout: API_TIMEOUT_SECONDS,
      triggers: [
        {
          triggerName: 'http',
          triggerType: 'http',
          triggerConfig: {
            authType: 'anonymous',
            methods: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'],
          },
        },
      ],
    }),
    ...['scheduler', 'reconciler'].map((name) =>
      definition(settings, name, {
        memorySize: 512,
        timeout: API_TIMEOUT_SECONDS,
        triggers: [EVERY_MINUTE],
      }),
    ),
    definition(settings, 'backup-worker', {
      memorySize: 1024,
      timeout: WORKER_TIMEOUT_SECONDS,
      triggers: ['backup', 'verify', 'delete'].map((kind) => dispatchTrigger(settings, kind)),
    }),
    definition(settings, 'restore-worker', {
      memorySize: 1024,
      timeout: WORKER_TIMEOUT_SECONDS,
      triggers: ['restore', 'release'].map((kind) => dispatchTrigger(settings, kind)),
    }),
  ];
}

function definition(
  settings: FunctionSettings,
  functionName: string,
  given: Pick<FunctionDefinition, 'memorySize' | 'timeout' | 'triggers'>,
): FunctionDefinition {
  return {
    functionName,
    codeFile: resolve('dist', functionName, 'index.js'),
    handler: 'index.handler',
    cpu: 0.5,
    role: `acs:ram::${settings.accountId}:role/backup-centre`,
    environmentVariables: {
      ...settings.environment,
      FUNCTION_TIMEOUT_SECONDS: String(given.timeout),
    },
    // Ours resume: a retry by the host would only find the lease taken.
    asyncInvokeConfig: { maxAsyncRetryAttempts: 0 },
    ...given,
  };
}

function dispatchTrigger(settings: FunctionSettings, kind: string): TriggerDefinition {
  return {
    triggerName: `dispatch-${kind}`,
    triggerType: 'oss',
    sourceArn: `acs:oss:${settings.region}:${settings.accountId}:${settings.controlBucket}`,
    triggerConfig: {
      events: ['oss:ObjectCreated:PutObject'],
      filter: { key: { prefix: `dispatch/${kind}/public/`, suffix: '' } },
    },
  };
}
