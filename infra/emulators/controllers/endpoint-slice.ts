import { keyOf, type Labels, timestamp } from './engine/kube-objects.ts';
import {
  type Endpoint,
  type EndpointPort,
  type EndpointSlice,
  type Endpoints,
  endpointSlices,
  endpointsKind,
  type Service,
  services,
} from './engine/network-objects.ts';
import { controllerOf, controllerReference } from './engine/ownership.ts';
import { isReady } from './engine/pod-state.ts';
import type { Reconcilers } from './engine/reconcilers.ts';
import { canonical } from './engine/stable-hash.ts';
import { nodes, type Pod } from './engine/workload-objects.ts';
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

const MANAGED_BY_LABEL = 'endpointslice.kubernetes.io/managed-by';
const SERVICE_LABEL = 'kubernetes.io/service-name';
const SKIP_MIRROR_LABEL = 'endpointslice.kubernetes.io/skip-mirror';
const CONTROLLER = 'endpointslice-controller.k8s.io';
const MIRROR_CONTROLLER = 'endpointslicemirroring-controller.k8s.io';
/** The default of `--max-endpoints-per-slice`. */
const ENDPOINTS_PER_SLICE_MAX = 100;

interface SliceContent {
  readonly endpoints: readonly Endpoint[];
  readonly ports: readonly EndpointPort[];
}

/** Keeps the EndpointSlices of Services: from their pods, or mirrored from Endpoints made by hand. */
export function runEndpointSlices(reconcilers: Reconcilers): void {
  const queue = reconcilers.queue('EndpointSlice', (key) => reconcileSlices(reconcilers, key), {
    gatherMs: GATHER_MS,
  });
  feedServices(reconcilers, queue);
  const allServices = reconcilers.cluster.informer(services);
  reconcilers.follow(nodes, (after, before) => {
    // Endpoints tell their zone, which is known once their node is.
    if (before === undefined || after === undefined) {
      for (const service of allServices.all()) queue.add(keyOf(service));
    }
  });
  reconcilers.feed(endpointsKind, queue);
  reconcilers.follow(endpointSlices, (after, before) => {
    const { namespace, labels } = (after ?? before)?.metadata ?? {};
    const name = labels?.[SERVICE_LABEL];
    if (name !== undefined) queue.add(`${namespace}/${name}`);
  });
}

async function reconcileSlices(reconcilers: Reconcilers, key: string): Promise<void> {
  const { cluster } = reconcilers;
  const service = cluster.informer(services).get(key);
  // Slices of a Service or Endpoints object that is gone are collected by their owner reference.
  if (service === undefined || service.metadata.deletionTimestamp !== undefined) return;
  if (service.spec.type === 'ExternalName') return;
  const mine = cluster
    .informer(endpointSlices)
    .inNamespace(service.metadata.namespace)
    .filter((slice) => slice.metadata.labels?.[SERVICE_LABEL] === service.metadata.name);
  const by = (manager: string): EndpointSlice[] =>
    mine.filter((slice) => slice.metadata.labels?.[MANAGED_BY_LABEL] === manager);
  if (hasManagedEndpoints(service)) {
    await write(reconcilers, by(CONTROLLER), {
      name: service.metadata.name,
      namespace: service.metadata.namespace,
      owner: controllerReference(services, service),
      labels: {
        ...copiedLabels(service),
        [SERVICE_LABEL]: service.metadata.name,
        [MANAGED_BY_LABEL]: CONTROLLER,
      },
      contents: contentsOf(reconcilers, service),
    });
    return;
  }
  const endpoints = cluster.informer(endpointsKind).get(key);
  if (endpoints === undefined || endpoints.metadata.labels?.[SKIP_MIRROR_LABEL] === 'true') return;
  await write(reconcilers, by(MIRROR_CONTROLLER), {
    name: service.metadata.name,
    namespace: service.metadata.namespace,
    owner: controllerReference(endpointsKind, endpoints),
    labels: {
      ...endpoints.metadata.labels,
      [SERVICE_LABEL]: service.metadata.name,
      [MANAGED_BY_LABEL]: MIRROR_CONTROLLER,
    },
    contents: mirrored(endpoints),
  });
}

/** Makes the slices hold the contents: one slice each, existing ones kept where they fit. */
async function write(
  reconcilers: Reconcilers,
  present: readonly EndpointSlice[],
  wanted: {
    name: string;
    namespace: string | undefined;
    owner: object;
    labels: Labels;
    contents: readonly SliceContent[];
  },
): Promise<void> {
  const { cluster } = reconcilers;
  const free = present.filter((slice) => controllerOf(slice) !== undefined);
  const annotations = { [TRIGGER_ANNOTATION]: timestamp(reconcilers.now()) };
  for (const { endpoints, ports } of wanted.contents) {
    const same = free.findIndex((slice) => canonical(slice.ports ?? []) === canonical(ports));
    const [slice] = same < 0 ? [] : free.splice(same, 1);
    if (slice === undefined) {
      await cluster.create(endpointSlices, wanted.namespace, {
        metadata: {
          generateName: `${wanted.name}-`,
          namespace: wanted.namespace,
          labels: wanted.labels,
          annotations,
          ownerReferences: [wanted.owner],
        },
        addressType: 'IPv4',
        endpoints,
        ports,
      });
    } else if (!holds(slice, { endpoints, labels: wanted.labels })) {
      const gone = Object.keys(slice.metadata.labels ?? {}).filter((k) => !(k in wanted.labels));
      const removal = Object.fromEntries(gone.map((label) => [label, null]));
      await cluster.patch(endpointSlices, slice, {
        metadata: { labels: { ...removal, ...wanted.labels }, annotations },
        endpoints,
      });
    }
  }
  for (const slice of free) {
    if (slice.metadata.deletionTimestamp !== undefined) continue;
    await cluster.remove(endpointSlices, slice, { now: reconcilers.now() });
  }
}

function holds(
  slice: EndpointSlice,
  wanted: { endpoints: readonly Endpoint[]; labels: Labels },
): boolean {
  return (
    canonical(slice.endpoints ?? []) === canonical(wanted.endpoints) &&
    canonical(slice.metadata.labels ?? {}) === canonical(wanted.labels)
  );
}

/** What the Service's slices have to say: its pods by the ports they offer, in lots of 100. */
function contentsOf(reconcilers: Reconcilers, service: Service): SliceContent[] {
  const groups = new Map<string, { endpoints: Endpoint[]; ports: EndpointPort[] }>();
  for (const pod of backendsOf(reconcilers, service)) {
    const ports = portsOf(service, pod);
    const group = groups.get(canonical(ports)) ?? { endpoints: [], ports };
    groups.set(canonical(ports), group);
    group.endpoints.push(endpointOf(reconcilers, service, pod));
  }
  // A Service without pods has an empty slice, so that watchers can tell it from one not seen yet.
  if (groups.size === 0) return [{ endpoints: [], ports: [] }];
  return [...groups.values()].flatMap(({ endpoints, ports }) => {
    const lots: SliceContent[] = [];
    for (let start = 0; start < endpoints.length; start += ENDPOINTS_PER_SLICE_MAX) {
      lots.push({ endpoints: endpoints.slice(start, start + ENDPOINTS_PER_SLICE_MAX), ports });
    }
    return lots;
  });
}

function endpointOf(reconcilers: Reconcilers, service: Service, pod: Pod): Endpoint {
  const serving = isReady(pod);
  const terminating = pod.metadata.deletionTimestamp !== undefined;
  const { name, namespace, uid } = pod.metadata;
  const { nodeName } = pod.spec;
  const node = reconcilers.cluster.informer(nodes).get(nodeName ?? '');
  const zone = node?.metadata.labels?.['topology.kubernetes.io/zone'];
  return {
    addresses: [pod.status?.podIP ?? ''],
    conditions: {
      ready: service.spec.publishNotReadyAddresses === true || (serving && !terminating),
      serving,
      terminating,
    },
    ...hostnameOf(service, pod),
    ...(nodeName === undefined ? {} : { nodeName }),
    targetRef: { kind: 'Pod', name, ...(namespace === undefined ? {} : { namespace }), uid },
    ...(zone === undefined ? {} : { zone }),
  };
}

function mirrored(endpoints: Endpoints): SliceContent[] {
  return (endpoints.subsets ?? []).map((subset) => {
    const entry =
      (ready: boolean) =>
      (address: NonNullable<typeof subset.addresses>[number]): Endpoint => ({
        addresses: [address.ip],
        conditions: { ready },
        ...(address.hostname === undefined ? {} : { hostname: address.hostname }),
        ...(address.nodeName === undefined ? {} : { nodeName: address.nodeName }),
        ...(address.targetRef === undefined ? {} : { targetRef: address.targetRef }),
      });
    return {
      endpoints: [
        ...(subset.addresses ?? []).map(entry(true)),
        ...(subset.notReadyAddresses ?? []).map(entry(false)),
      ],
      ports: (subset.ports ?? []).map((port) => ({
        ...port,
        name: port.name ?? '',
        protocol: port.protocol ?? 'TCP',
      })),
    };
  });
}
