import { runCronJobs } from './cron-job.ts';
import { runDaemonSets } from './daemon-set.ts';
import { runDeployments } from './deployment.ts';
import { runDirectoryProvisioner } from './directory-provisioner.ts';
import { runDisruptionBudgets } from './disruption-budget.ts';
import { runEndpointSlices } from './endpoint-slice.ts';
import { runEndpoints } from './endpoints.ts';
import type { ApiAccess } from './engine/api-client.ts';
import { Reconcilers, type Runner } from './engine/reconcilers.ts';
import { runEphemeralClaims } from './ephemeral-claim.ts';
import { runJobs } from './job.ts';
import { runLoadBalancers } from './load-balancer.ts';
import { runPodCollector } from './pod-collector.ts';
import { runReplicaSets } from './replica-set.ts';
import { runStatefulSets } from './stateful-set.ts';
import { runTokenSecrets } from './token-secret.ts';
import { runVolumeBinder } from './volume-binder.ts';
import { runVolumeProtection } from './volume-protection.ts';

/** The clock of the controllers, and whether Services get load balancers (default: they do). */
export interface ControllersOptions {
  readonly now: () => number;
  readonly loadBalancers?: boolean;
}

/** Runs the controllers of the sandbox against one API server, until closed. */
export function runControllers(access: ApiAccess, options: ControllersOptions): Promise<Runner> {
  const reconcilers = new Reconcilers(access, options.now);
  runDeployments(reconcilers);
  runReplicaSets(reconcilers);
  runStatefulSets(reconcilers);
  runDaemonSets(reconcilers);
  runJobs(reconcilers);
  runCronJobs(reconcilers);
  runEndpoints(reconcilers);
  runEndpointSlices(reconcilers);
  if (options.loadBalancers !== false) runLoadBalancers(reconcilers);
  runVolumeBinder(reconcilers);
  runVolumeProtection(reconcilers);
  runDirectoryProvisioner(reconcilers);
  runEphemeralClaims(reconcilers);
  runDisruptionBudgets(reconcilers);
  runTokenSecrets(reconcilers);
  runPodCollector(reconcilers);
  return Promise.resolve(reconcilers);
}

/**
 * Runs only what a cloud adds to kube-controller-manager: load balancers and the provisioner of
 * `sandbox.local/directory`. For a real control plane that stands in the sandbox's place.
 */
export function runCloudControllers(
  access: ApiAccess,
  options: { now: () => number },
): Promise<Runner> {
  const reconcilers = new Reconcilers(access, options.now);
  runLoadBalancers(reconcilers);
  runDirectoryProvisioner(reconcilers);
  return Promise.resolve(reconcilers);
}
