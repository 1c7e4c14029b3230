/** ResourceQuotas: what a write may still use. @see apiserver plugin/resourcequota, v1.34 */
import type { Cluster } from '../cluster.ts';
import {
  copyObject,
  ensureObject,
  type JsonObject,
  objectsAt,
  textAt,
  textMapAt,
  textsAt,
} from '../json-tree.ts';
import { trackUpdate } from '../managed-fields/managed-fields.ts';
import { matchesLabelSelector } from '../read/label-selector.ts';
import type { ServedResource } from '../resources/served-resource.ts';
import { addQuantities, compareQuantities, quantityBeyond } from '../schema/scalars.ts';
import { forbidden } from '../status-error.ts';
import { prefixOf } from '../storage/keys.ts';
import { parseStored } from '../storage/store-event.ts';
import { qosClassOf } from '../validation/pod-spec.ts';
import type { ResourceList } from './pod-resources.ts';
import { computeUsage, isCounted, usageOf } from './quota-usage.ts';

/** A quota as it is to be once the write is done. */
export interface QuotaCharge {
  readonly key: string;
  readonly quota: JsonObject;
}

interface QuotaRequest {
  readonly resource: ServedResource;
  readonly namespace: string | undefined;
  readonly object: JsonObject;
  /** The state before an update. */
  readonly old?: JsonObject;
}

/** Kinds of which a change may use more. */
const growing = new Set(['services', 'persistentvolumeclaims']);
/** With a quota on these, every container has to say what it needs. */
const stated = ['cpu', 'limits.cpu', 'limits.memory', 'memory', 'requests.cpu', 'requests.memory'];

function matchesScope(scope: JsonObject, pod: JsonObject): boolean {
  const spec = ensureObject(pod, 'spec');
  const bestEffort = qosClassOf(spec) === 'BestEffort';
  const limited = typeof spec.activeDeadlineSeconds === 'number';
  const priority = textAt(spec, 'priorityClassName');
  switch (scope.scopeName) {
    case 'Terminating':
      return limited;
    case 'NotTerminating':
      return !limited;
    case 'BestEffort':
      return bestEffort;
    case 'NotBestEffort':
      return !bestEffort;
    case 'PriorityClass': {
      const selector = { matchExpressions: [{ ...scope, key: 'name' }] };
      return matchesLabelSelector(selector, priority === '' ? {} : { name: priority });
    }
    default:
      return false;
  }
}

/** Whether a quota's scopes, if it has any, take in an object; they are of pods only. */
export function isInScope(quota: JsonObject, storageKey: string, object: JsonObject): boolean {
  const scopes: JsonObject[] = [
    ...textsAt(quota, 'spec', 'scopes').map((scopeName) => ({ scopeName, operator: 'Exists' })),
    ...objectsAt(quota, 'spec', 'scopeSelector', 'matchExpressions'),
  ];
  return scopes.every((scope) => storageKey === 'pods' && matchesScope(scope, object));
}

/** What the containers leave out that the quota asks for: `limits.cpu for: main; ...`. */
function unstated(pod: JsonObject, names: readonly string[]): string {
  const containers = [
    ...objectsAt(pod, 'spec', 'containers'),
    ...objectsAt(pod, 'spec', 'initContainers'),
  ];
  const missing = stated
    .filter((name) => names.includes(name))
    .flatMap((name) => {
      const silent = containers.filter((container) => {
        const requests = textMapAt(container, 'resources', 'requests');
        return (
          computeUsage(requests, textMapAt(container, 'resources', 'limits'))[name] === undefined
        );
      });
      const who = [...new Set(silent.map((container) => textAt(container, 'name')))].sort();
      return who.length === 0 ? [] : [`${name} for: ${who.join(',')}`];
    });
  return missing.join('; ');
}

function shown(names: readonly string[], values: ResourceList): string {
  return names.map((name) => `${name}=${values[name] ?? '0'}`).join(',');
}

function chargeOne(
  quota: JsonObject,
  request: QuotaRequest,
  nowMs: number,
): JsonObject | undefined {
  const { storageKey, info } = request.resource;
  const { object, old } = request;
  const refused = (why: string): Error => {
    const name = textAt(object, 'metadata', 'name');
    return forbidden({ group: info.group, plural: info.plural, name }, why);
  };
  const hard = textMapAt(quota, 'status', 'hard');
  const names = Object.keys(hard)
    .filter((name) => isCounted(storageKey, name))
    .sort();
  if (names.length === 0 || !isInScope(quota, storageKey, object)) return undefined;
  const quotaName = textAt(quota, 'metadata', 'name');
  const silent = storageKey === 'pods' ? unstated(object, names) : '';
  if (silent !== '') throw refused(`failed quota: ${quotaName}: must specify ${silent}`);
  const used = textMapAt(quota, 'status', 'used');
  if (names.some((name) => used[name] === undefined)) {
    throw refused(`status unknown for quota: ${quotaName}, resources: ${names.join(',')}`);
  }
  const wanted = usageOf(storageKey, object, nowMs);
  const counted = old !== undefined && isInScope(quota, storageKey, old);
  const had = counted ? usageOf(storageKey, old, nowMs) : {};
  const asked: ResourceList = {};
  const after: ResourceList = { ...used };
  for (const name of names) {
    const more = quantityBeyond(wanted[name] ?? '0', had[name] ?? '0');
    if (more === '0') continue;
    asked[name] = more;
    after[name] = addQuantities(used[name] ?? '0', more);
  }
  const over = Object.keys(asked).filter(
    (name) => compareQuantities(after[name] ?? '0', hard[name] ?? '0') > 0,
  );
  if (over.length > 0) {
    throw refused(
      `exceeded quota: ${quotaName}, requested: ${shown(over, asked)}, ` +
        `used: ${shown(over, used)}, limited: ${shown(over, hard)}`,
    );
  }
  if (Object.keys(asked).length === 0) return undefined;
  return { ...copyObject(quota), status: { hard, used: after } };
}

/** The API server itself owns the usage that it writes. */
function trackCharge(cluster: Cluster, before: JsonObject, quota: JsonObject): void {
  const resource = cluster.registry.find('', 'v1', 'resourcequotas');
  if (resource === undefined) return;
  trackUpdate(before, quota, {
    manager: 'kube-apiserver',
    apiVersion: resource.apiVersion,
    subresource: 'status',
    nowMs: cluster.now(),
    shape: resource.codec.shape,
    resetFields: ['spec'],
  });
}

/** What a write adds to the quotas of its namespace. @throws StatusError 403 where it is too much */
export function quotaCharges(cluster: Cluster, request: QuotaRequest): QuotaCharge[] {
  const { resource, namespace, old } = request;
  if (namespace === undefined) return [];
  if (old !== undefined && !growing.has(resource.storageKey)) return [];
  const charges: QuotaCharge[] = [];
  for (const { key, json } of cluster.store.scan(prefixOf('resourcequotas', namespace))) {
    const before = parseStored(json);
    const quota = chargeOne(before, request, cluster.now());
    if (quota === undefined) continue;
    trackCharge(cluster, before, quota);
    charges.push({ key, quota });
  }
  return charges;
}
