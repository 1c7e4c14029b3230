import { runDeployments } from './deployment.ts';
import type { ApiAccess } from './engine/api-client.ts';
import { Reconcilers, type Runner } from './engine/reconcilers.ts';
import { runReplicaSets } from './replica-set.ts';

/** The clock of the controllers. */
export interface ControllersOptions {
  readonly now: () => number;
}

/** Runs the controllers of the sandbox against one API server, until closed. */
export async function runControllers(
  access: ApiAccess,
  options: ControllersOptions,
): Promise<Runner> {
  const reconcilers = new Reconcilers(access, options.now);
  runDeployments(reconcilers);
  runReplicaSets(reconcilers);
  return reconcilers;
}
