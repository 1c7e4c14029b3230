import { timestamp } from './engine/kube-objects.ts';
import {
  type EndpointAddress,
  type EndpointPort,
  type EndpointSubset,
  type Endpoints,
  endpointsKind,
  type Service,
  services,
} from './engine/network-objects.ts';
import { isReady } from './engine/pod-state.ts';
import type { Reconcilers } from './engine/reconcilers.ts';
import { canonical } from './engine/stable-hash.ts';
import type { Pod } from './engine/workload-objects.ts';
import {
  backendsOf,
  copiedLabels,
  feedServices,
  GATHER_MS,
  hasManagedEndpoints,
  hostnameOf,
  portsOf,
  TRIGGER_ANNOTATION,
} from './service-backends.ts';

const MANAGED_BY = { 'endpoints.kubernetes.io/managed-by': 'endpoint-controller' };

/** Keeps the Endpoints object of each Service that has a selector. */
export function runEndpoints(reconcilers: Reconcilers): void {
  const queue = reconcilers.queue('Endpoints', (key) => reconcileEndpoints(reconcilers, key), {
    gatherMs: GATHER_MS,
  });
  feedServices(reconcilers, queue);
  reconcilers.feed(endpointsKind, queue);
}

async function reconcileEndpoints(reconcilers: Reconcilers, key: string): Promise<void> {
  const { cluster } = reconcilers;
  const service = cluster.informer(services).get(key);
  const present = cluster.informer(endpointsKind).get(key);
  if (service === undefined) {
    await removeLeftover(reconcilers, present);
    return;
  }
  if (!hasManagedEndpoints(service)) return;
  const subsets = subsetsFor(reconcilers, service);
  const labels = { ...copiedLabels(service), ...MANAGED_BY };
  if (
    present !== undefined &&
    canonical(present.subsets ?? []) === canonical(subsets) &&
    canonical(present.metadata.labels ?? {}) === canonical(labels)
  ) {
    return;
  }
  const annotations = { [TRIGGER_ANNOTATION]: timestamp(reconcilers.now()) };
  const { name, namespace } = service.metadata;
  if (present === undefined) {
    const metadata = { name, namespace, labels, annotations };
    await cluster.create(endpointsKind, namespace, { metadata, subsets });
    return;
  }
  const dropped = Object.keys(present.metadata.labels ?? {}).filter((label) => !(label in labels));
  const removal = Object.fromEntries(dropped.map((label) => [label, null]));
  await cluster.patch(endpointsKind, present, {
    metadata: { labels: { ...removal, ...labels }, annotations },
    subsets: subsets.length === 0 ? null : subsets,
  });
}

/** Endpoints have no owner: those that this controller made go when their Service does. */
async function removeLeftover(
  reconcilers: Reconcilers,
  present: Endpoints | undefined,
): Promise<void> {
  const manager = present?.metadata.labels?.['endpoints.kubernetes.io/managed-by'];
  if (present === undefined || manager !== 'endpoint-controller') return;
  if (present.metadata.deletionTimestamp !== undefined) return;
  // The cache of Services may lag behind that of Endpoints: ask before destroying.
  const { cluster } = reconcilers;
  const { name, namespace } = present.metadata;
  if ((await cluster.read(services, { name, namespace })) !== undefined) return;
  await cluster.remove(endpointsKind, present, { now: reconcilers.now() });
}

/** Addresses grouped by the ports they offer, all in a fixed order. */
function subsetsFor(reconcilers: Reconcilers, service: Service): EndpointSubset[] {
  const groups = new Map<string, { ready: EndpointAddress[]; waiting: EndpointAddress[] }>();
  const { publishNotReadyAddresses } = service.spec;
  for (const pod of backendsOf(reconcilers, service)) {
    const published = publishNotReadyAddresses === true;
    if (!published && pod.metadata.deletionTimestamp !== undefined) continue;
    const ports = portsOf(service, pod).map(withoutEmptyName).sort(byPort);
    if (ports.length === 0 && (service.spec.ports ?? []).length > 0) continue;
    const group = groups.get(canonical(ports)) ?? { ready: [], waiting: [] };
    groups.set(canonical(ports), group);
    (published || isReady(pod) ? group.ready : group.waiting).push(addressOf(service, pod));
  }
  return [...groups.entries()]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([ports, group]) => ({
      ...(group.ready.length === 0 ? {} : { addresses: group.ready.sort(byIp) }),
      ...(group.waiting.length === 0 ? {} : { notReadyAddresses: group.waiting.sort(byIp) }),
      ...(ports === '[]' ? {} : { ports: JSON.parse(ports) as EndpointPort[] }),
    }));
}

function addressOf(service: Service, pod: Pod): EndpointAddress {
  const { name, namespace, uid } = pod.metadata;
  return {
    ip: pod.status?.podIP ?? '',
    ...hostnameOf(service, pod),
    ...(pod.spec.nodeName === undefined ? {} : { nodeName: pod.spec.nodeName }),
    targetRef: { kind: 'Pod', ...(namespace === undefined ? {} : { namespace }), name, uid },
  };
}

function withoutEmptyName(port: EndpointPort): EndpointPort {
  const { name, ...rest } = port;
  return name === undefined || name === '' ? rest : port;
}

function byPort(a: EndpointPort, b: EndpointPort): number {
  return a.port - b.port || (canonical(a) < canonical(b) ? -1 : 1);
}

function byIp(a: EndpointAddress, b: EndpointAddress): number {
  return a.ip < b.ip ? -1 : 1;
}
