/** What a Service loses of its former cluster: addresses, ports, cloud load balancers (ACK §6.3). */
import { objectAt } from '../json.ts';
import type { KubeObject } from '../kube-object.ts';
import { dropNodePorts, userSetPorts } from './service-ports.ts';

/** Labels in which the cloud controller keeps what it made. */
const CONTROLLER_LABELS: readonly string[] = [
  'service.beta.kubernetes.io/hash',
  'service.k8s.alibaba/loadbalancer-id',
];

/** By this annotation a user chooses a load balancer; the older prefix is still read. */
const LOAD_BALANCER_ID =
  /^(service\.beta\.kubernetes\.io\/(?:alibaba-cloud|alicloud)-loadbalancer)-id$/;

/**
 * Changes the Service in place; returns what a user should know of. Where `preserveNodePorts` is false all
 * ports are given anew, also those that the user set: a copy beside the original must not want them (ACK
 * §6.3, §10-56; Velero would keep these). Else node ports stay, and health check ports where the user set
 * them or it is true.
 */
export function treatService(
  service: KubeObject,
  preserveNodePorts: boolean | undefined,
): readonly string[] {
  const spec = objectAt(service, 'spec');
  if (spec === undefined || spec.type === 'ExternalName') return [];
  const changes: string[] = [];
  if (spec.clusterIP !== 'None' && spec.clusterIP !== undefined) {
    changes.push(`cluster IP ${String(spec.clusterIP)}: given anew`);
  }
  if (spec.clusterIP !== 'None') {
    delete spec.clusterIP;
    delete spec.clusterIPs;
  }
  changes.push(...treatLoadBalancer(service));
  if (preserveNodePorts === true) return changes;
  if (preserveNodePorts === false) return [...changes, ...dropNodePorts(service, new Set())];
  if (typeof spec.healthCheckNodePort !== 'number') return changes;
  if (userSetPorts(service).has('healthCheckNodePort')) return changes;
  const port = spec.healthCheckNodePort;
  delete spec.healthCheckNodePort;
  return [...changes, `health check node port ${port}: given anew`];
}

/** An address wanted of a load balancer that is made anew: the one of the source still has it. */
export function treatLoadBalancerIp(service: KubeObject): readonly string[] {
  const spec = objectAt(service, 'spec');
  const { annotations = {} } = service.metadata;
  if (typeof spec?.loadBalancerIP !== 'string' || spec.loadBalancerIP === '') return [];
  if (Object.keys(annotations).some((name) => LOAD_BALANCER_ID.test(name))) return [];
  const address = spec.loadBalancerIP;
  delete spec.loadBalancerIP;
  return [`loadBalancerIP ${address}: left off, the load balancer is made anew`];
}

/** A load balancer of the user's stays, without taking over its listeners; one of CCM's is made anew. */
function treatLoadBalancer(service: KubeObject): string[] {
  if (objectAt(service, 'spec')?.type !== 'LoadBalancer') return [];
  const { labels, annotations = {} } = service.metadata;
  for (const label of CONTROLLER_LABELS) delete labels?.[label];
  const prefix = Object.keys(annotations)
    .map((name) => LOAD_BALANCER_ID.exec(name)?.[1])
    .find((found) => found !== undefined);
  if (prefix === undefined) return ['load balancer: made anew by the cloud controller'];
  const override = `${prefix}-force-override-listeners`;
  if (annotations[override] === 'false') return [];
  annotations[override] = 'false';
  return [`${override}: false, so that the listeners of the other cluster stay`];
}
