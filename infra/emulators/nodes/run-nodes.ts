import type { ApiAccess } from '../controllers/engine/api-client.ts';
import { Reconcilers, type Runner } from '../controllers/engine/reconcilers.ts';
import { runKubelets } from './kubelet.ts';
import type { NodeSpec } from './node-spec.ts';
import { runRegistration } from './registration.ts';
import { runScheduler } from './scheduler.ts';

/** The nodes to play, the clock, and which images can be pulled (default: all). */
export interface NodesOptions {
  readonly now: () => number;
  readonly nodes: readonly NodeSpec[];
  readonly imagePulls?: (image: string) => boolean;
}

/**
 * Plays nodes and the scheduler for one API server: pods get a node, an address and become
 * Running. Resolves when the nodes are registered.
 */
export async function runNodes(access: ApiAccess, options: NodesOptions): Promise<Runner> {
  const reconcilers = new Reconcilers(access, options.now);
  try {
    await runRegistration(reconcilers, options.nodes);
  } catch (error) {
    await reconcilers.close();
    throw error;
  }
  runScheduler(reconcilers);
  runKubelets(reconcilers, {
    nodes: options.nodes,
    imagePulls: options.imagePulls ?? (() => true),
  });
  return reconcilers;
}
