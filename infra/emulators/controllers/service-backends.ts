import type { Labels } from './engine/kube-objects.ts';
import {
  type EndpointPort,
  type Service,
  type ServicePort,
  services,
} from './engine/network-objects.ts';
import { controllerOf } from './engine/ownership.ts';
import { isFinished } from './engine/pod-state.ts';
import type { Reconcilers } from './engine/reconcilers.ts';
import { hasAll } from './engine/selectors.ts';
import type { WorkQueue } from './engine/work-queue.ts';
import { type Pod, pods } from './engine/workload-objects.ts';

/** Marks what belongs to a Service without a cluster IP. */
const HEADLESS_LABEL = 'service.kubernetes.io/headless';
/** When the change that a controller wrote out has happened. */
export const TRIGGER_ANNOTATION = 'endpoints.kubernetes.io/last-change-trigger-time';

/** A Service of many pods is written once for a burst of their news, not once for each. */
export const GATHER_MS = 25;

/** Queues the Services that a pod's change may concern, and every Service that changes. */
export function feedServices(reconcilers: Reconcilers, queue: WorkQueue): void {
  const all = reconcilers.cluster.informer(services);
  reconcilers.feed(services, queue);
  reconcilers.follow(pods, (after, before) => {
    const pod = after ?? before;
    if (pod === undefined) return;
    if (after !== undefined && before !== undefined && sameBackend(after, before)) return;
    for (const service of all.inNamespace(pod.metadata.namespace)) {
      const concerned = [after, before].some(
        (each) => each !== undefined && isBehind(service, each),
      );
      if (concerned) queue.add(`${service.metadata.namespace}/${service.metadata.name}`);
    }
  });
}

/** The pods that have an address and are, or will soon be, behind the Service. */
export function backendsOf(reconcilers: Reconcilers, service: Service): Pod[] {
  return reconcilers.cluster
    .informer(pods)
    .inNamespace(service.metadata.namespace)
    .filter((pod) => isBehind(service, pod) && hasAddress(pod) && !isFinished(pod))
    .sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
}

/** Whether a controller makes the Service's endpoints, by its selector. */
export function hasManagedEndpoints(service: Service): boolean {
  return (
    service.spec.type !== 'ExternalName' && Object.keys(service.spec.selector ?? {}).length > 0
  );
}

/** The ports of the pod that the Service's ports lead to; a name that it lacks leads nowhere. */
export function portsOf(service: Service, pod: Pod): EndpointPort[] {
  return (service.spec.ports ?? []).flatMap((port) => {
    const number = targetOf(port, pod);
    if (number === undefined) return [];
    return {
      name: port.name ?? '',
      port: number,
      protocol: port.protocol ?? 'TCP',
      ...(port.appProtocol === undefined ? {} : { appProtocol: port.appProtocol }),
    };
  });
}

/** The hostname under which a headless Service's DNS lists the pod. */
export function hostnameOf(service: Service, pod: Pod): { hostname?: string } {
  const { hostname, subdomain } = pod.spec;
  const listed = subdomain === service.metadata.name && hostname !== undefined && hostname !== '';
  return listed ? { hostname } : {};
}

/** The Service's labels as its endpoints carry them. */
export function copiedLabels(service: Service): Labels {
  const { clusterIP } = service.spec;
  const headless = clusterIP === undefined || clusterIP === '' || clusterIP === 'None';
  return { ...service.metadata.labels, ...(headless ? { [HEADLESS_LABEL]: '' } : {}) };
}

function targetOf(port: ServicePort, pod: Pod): number | undefined {
  const { targetPort } = port;
  if (targetPort === undefined || targetPort === 0 || targetPort === '') return port.port;
  if (typeof targetPort === 'number') return targetPort;
  const helpers = (pod.spec.initContainers ?? []).filter((each) => each.restartPolicy === 'Always');
  for (const container of [...pod.spec.containers, ...helpers]) {
    const found = container.ports?.find(
      (each) => each.name === targetPort && (each.protocol ?? 'TCP') === (port.protocol ?? 'TCP'),
    );
    if (found !== undefined) return found.containerPort;
  }
  return undefined;
}

function isBehind(service: Service, pod: Pod): boolean {
  return hasManagedEndpoints(service) && hasAll(service.spec.selector, pod.metadata.labels);
}

function hasAddress(pod: Pod): boolean {
  return (pod.status?.podIP ?? '') !== '';
}

function sameBackend(a: Pod, b: Pod): boolean {
  const input = (pod: Pod): string =>
    JSON.stringify([
      pod.metadata.labels,
      pod.metadata.deletionTimestamp,
      controllerOf(pod)?.uid,
      pod.spec.nodeName,
      pod.status?.podIP,
      pod.status?.phase,
      pod.status?.conditions?.find((condition) => condition.type === 'Ready')?.status,
    ]);
  return input(a) === input(b);
}
