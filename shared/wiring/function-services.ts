/**
 * Services of one function instance: built at the first invocation, kept while it is warm. Every
 * invocation brings the role's present keys.
 */
import type { CloudCredentials } from '../adapters/credentials.ts';
import type { AppServices } from '../app/app-services.ts';
import { type Config, readConfig } from '../config/config.ts';
import { buildServices } from './build-services.ts';

/** The part of Function Compute's context that we use. */
export interface FunctionContext {
  readonly requestId: string;
  readonly credentials: CloudCredentials;
}

/** What a handler works with in one invocation. */
export interface FunctionServices {
  readonly config: Config;
  readonly services: AppServices;
  /** When this invocation must have ended, ms since the epoch. */
  readonly deadlineMs: number;
}

/** Time kept for the last writes of an invocation, ms. */
const MARGIN_MS = 5_000;

let keys: CloudCredentials | undefined;
let kept: { readonly config: Config; readonly services: AppServices } | undefined;

/** Services for this invocation. @throws Error naming every configuration variable that is wrong */
export function functionServices(context: FunctionContext): FunctionServices {
  keys = context.credentials;
  if (kept === undefined) {
    const config = readConfig(process.env);
    const services = buildServices(config, () => {
      if (keys === undefined) throw new Error('No invocation has brought keys yet');
      return keys;
    });
    kept = { config, services };
  }
  const { config, services } = kept;
  const log = services.log.child({ requestId: context.requestId });
  return {
    config,
    services: { ...services, log },
    deadlineMs: services.clock.now() + config.functionTimeoutMs - MARGIN_MS,
  };
}
