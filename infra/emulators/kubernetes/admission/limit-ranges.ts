/** LimitRanges: defaults and bounds of pods and claims. @see plugin/pkg/admission/limitranger */
import type { Cluster } from '../cluster.ts';
import { ensureObject, type JsonObject, objectsAt, textAt, textMapAt } from '../json-tree.ts';
import type { ServedResource } from '../resources/served-resource.ts';
import { compareQuantities, quantityRatio } from '../schema/scalars.ts';
import { forbidden } from '../status-error.ts';
import { prefixOf } from '../storage/keys.ts';
import { parseStored } from '../storage/store-event.ts';
import { podResources, type ResourceList } from './pod-resources.ts';

const annotation = 'kubernetes.io/limit-ranger';

/** A need that has bounds: of a container, a pod or a claim. */
interface Need {
  readonly requests: ResourceList;
  readonly limits: ResourceList;
}

function limitRanges(cluster: Cluster, namespace: string): JsonObject[][] {
  const stored = [...cluster.store.scan(prefixOf('limitranges', namespace))];
  return stored.map(({ json }) => objectsAt(parseStored(json), 'spec', 'limits'));
}

function fill(container: JsonObject, side: 'requests' | 'limits', values: ResourceList): string[] {
  const had = textMapAt(container, 'resources', side);
  const added = Object.keys(values).filter((name) => had[name] === undefined);
  if (added.length > 0) ensureObject(container, 'resources')[side] = { ...values, ...had };
  return added.sort();
}

function fillContainer(container: JsonObject, limits: readonly JsonObject[], what: string) {
  const told: string[] = [];
  const ofContainers = limits.filter((limit) => limit.type === 'Container');
  const merged = (field: string): ResourceList => {
    const values: ResourceList = {};
    for (const limit of ofContainers) Object.assign(values, textMapAt(limit, field));
    return values;
  };
  const name = textAt(container, 'name');
  const requests = fill(container, 'requests', merged('defaultRequest'));
  if (requests.length > 0) told.push(`${requests.join(', ')} request for ${what} ${name}`);
  const set = fill(container, 'limits', merged('default'));
  if (set.length > 0) told.push(`${set.join(', ')} limit for ${what} ${name}`);
  return told;
}

/** Fills in what the containers of a new pod leave out. */
export function applyLimitDefaults(cluster: Cluster, namespace: string, pod: JsonObject): void {
  for (const limits of limitRanges(cluster, namespace)) {
    const told = [
      ...objectsAt(pod, 'spec', 'containers').flatMap((c) => fillContainer(c, limits, 'container')),
      ...objectsAt(pod, 'spec', 'initContainers').flatMap((c) =>
        fillContainer(c, limits, 'init container'),
      ),
    ];
    if (told.length === 0) continue;
    const annotations = ensureObject(ensureObject(pod, 'metadata'), 'annotations');
    annotations[annotation] = `LimitRanger plugin set: ${told.join('; ')}`;
  }
}

function outOfBound(
  bound: 'minimum' | 'maximum',
  at: { readonly name: string; readonly type: string; readonly value: string },
  sides: readonly (readonly [string, string | undefined])[],
): string[] {
  const { name, type, value } = at;
  const rule = `${bound} ${name} usage per ${type} is ${value}`;
  const sign = bound === 'minimum' ? -1 : 1;
  const [first] = sides;
  if (first !== undefined && first[1] === undefined)
    return [`${rule}.  No ${first[0]} is specified`];
  const wrong = sides.find(
    ([, given]) => given !== undefined && compareQuantities(given, value) * sign > 0,
  );
  return wrong === undefined ? [] : [`${rule}, but ${wrong[0]} is ${wrong[1]}`];
}

function beyondRatio(
  at: { readonly name: string; readonly type: string; readonly value: string },
  request: string | undefined,
  limit: string | undefined,
): string[] {
  const rule = `${at.name} max limit to request ratio per ${at.type} is ${at.value}`;
  const isMissing = (given: string | undefined): boolean =>
    given === undefined || compareQuantities(given, '0') === 0;
  if (isMissing(request)) return [`${rule}, but no request is specified or request is 0`];
  if (isMissing(limit)) return [`${rule}, but no limit is specified or limit is 0`];
  const ratio = quantityRatio(limit ?? '0', request ?? '0') ?? 0;
  const most = quantityRatio(at.value, '1') ?? 0;
  return ratio > most ? [`${rule}, but provided ratio is ${ratio.toFixed(6)}`] : [];
}

function boundsBroken(limit: JsonObject, { requests, limits }: Need): string[] {
  const type = textAt(limit, 'type');
  const rules = (field: string): { name: string; type: string; value: string }[] =>
    Object.entries(textMapAt(limit, field)).map(([name, value]) => ({ name, type, value }));
  const request = (name: string) => ['request', requests[name]] as const;
  // Of a claim only what it requests is looked at.
  const ofClaim = type === 'PersistentVolumeClaim';
  return [
    ...rules('min').flatMap((at) =>
      outOfBound('minimum', at, [request(at.name), ['limit', limits[at.name]]]),
    ),
    ...rules('max').flatMap((at) => {
      const asked = request(at.name);
      return outOfBound('maximum', at, ofClaim ? [asked] : [['limit', limits[at.name]], asked]);
    }),
    ...(ofClaim ? [] : rules('maxLimitRequestRatio')).flatMap((at) =>
      beyondRatio(at, requests[at.name], limits[at.name]),
    ),
  ];
}

function needsOf(limit: JsonObject, storageKey: string, object: JsonObject): Need[] {
  const spec = ensureObject(object, 'spec');
  if (storageKey === 'persistentvolumeclaims') {
    if (limit.type !== 'PersistentVolumeClaim') return [];
    return [{ requests: textMapAt(spec, 'resources', 'requests'), limits: {} }];
  }
  if (limit.type === 'Pod') {
    return [{ requests: podResources(spec, 'requests'), limits: podResources(spec, 'limits') }];
  }
  if (limit.type !== 'Container') return [];
  const containers = [...objectsAt(spec, 'containers'), ...objectsAt(spec, 'initContainers')];
  return containers.map((container) => ({
    requests: textMapAt(container, 'resources', 'requests'),
    limits: textMapAt(container, 'resources', 'limits'),
  }));
}

/** Holds a pod or a claim against the bounds of its namespace. @throws StatusError 403 */
export function checkLimits(
  cluster: Cluster,
  request: {
    readonly resource: ServedResource;
    readonly namespace: string | undefined;
    readonly object: JsonObject;
  },
): void {
  const { resource, namespace, object } = request;
  const { storageKey } = resource;
  if (namespace === undefined) return;
  if (storageKey !== 'pods' && storageKey !== 'persistentvolumeclaims') return;
  for (const limits of limitRanges(cluster, namespace)) {
    const broken = limits.flatMap((limit) =>
      needsOf(limit, storageKey, object).flatMap((need) => boundsBroken(limit, need)),
    );
    if (broken.length === 0) continue;
    const subject = { group: '', plural: storageKey, name: textAt(object, 'metadata', 'name') };
    // Go's aggregate of errors tells each text once.
    const texts = [...new Set(broken)];
    throw forbidden(subject, texts.length === 1 ? texts.join() : `[${texts.join(', ')}]`);
  }
}
