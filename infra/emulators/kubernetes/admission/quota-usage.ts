/** What an object uses of a namespace's quota. @see pkg/quota/v1/evaluator/core, v1.34 */
import { type JsonObject, numberAt, objectAt, objectsAt, textAt, textMapAt } from '../json-tree.ts';
import { podResources, type ResourceList } from './pod-resources.ts';

/** Kinds that had a name of their own in quotas before there was `count/`. */
const aliases = new Set(['configmaps', 'secrets', 'replicationcontrollers', 'resourcequotas']);
const classInfix = '.storageclass.storage.k8s.io/';
const legacyClass = 'volume.beta.kubernetes.io/storage-class';
const computeNames = ['cpu', 'memory', 'ephemeral-storage'];
const podNames = new Set([
  'pods',
  ...computeNames,
  ...computeNames.flatMap((name) => [`requests.${name}`, `limits.${name}`]),
]);
const serviceNames = new Set(['services', 'services.nodeports', 'services.loadbalancers']);
const claimNames = ['persistentvolumeclaims', 'requests.storage'];

/** Whether a quota on `name` counts objects of a kind. */
export function isCounted(storageKey: string, name: string): boolean {
  if (name === `count/${storageKey}`) return true;
  switch (storageKey) {
    case 'pods':
      if (podNames.has(name) || name.startsWith('hugepages-')) return true;
      return name.startsWith('requests.') && (name.includes('/') || name.includes('.hugepages-'));
    case 'services':
      return serviceNames.has(name);
    case 'persistentvolumeclaims':
      return claimNames.some((own) => name === own || name.endsWith(`${classInfix}${own}`));
    default:
      return aliases.has(storageKey) && name === storageKey;
  }
}

/** Requests and limits under the names that quotas have for them. */
export function computeUsage(requests: ResourceList, limits: ResourceList): ResourceList {
  const used: ResourceList = {};
  for (const [name, value] of Object.entries(requests)) {
    const isHuge = name.startsWith('hugepages-');
    const isCompute = computeNames.includes(name);
    if (isHuge || isCompute) used[name] = value;
    if (isHuge || isCompute || name.includes('/')) used[`requests.${name}`] = value;
  }
  for (const name of computeNames) {
    const limit = limits[name];
    if (limit !== undefined) used[`limits.${name}`] = limit;
  }
  return used;
}

/** A pod that has ended, or should have, counts as an object only. */
function isOver(pod: JsonObject, nowMs: number): boolean {
  if (['Failed', 'Succeeded'].includes(textAt(pod, 'status', 'phase'))) return true;
  const deleted = textAt(pod, 'metadata', 'deletionTimestamp');
  const seconds = numberAt(pod, 'metadata', 'deletionGracePeriodSeconds');
  if (deleted === '' || seconds === undefined) return false;
  return nowMs > Date.parse(deleted) + seconds * 1000;
}

function podUsage(pod: JsonObject, nowMs: number): ResourceList {
  if (isOver(pod, nowMs)) return {};
  const spec = objectAt(pod, 'spec') ?? {};
  const used = computeUsage(podResources(spec, 'requests'), podResources(spec, 'limits'));
  return { pods: '1', ...used };
}

function serviceUsage(service: JsonObject): ResourceList {
  const type = textAt(service, 'spec', 'type');
  const ports = objectsAt(service, 'spec', 'ports');
  const isBalanced = type === 'LoadBalancer';
  const chosen = isBalanced && objectAt(service, 'spec')?.allocateLoadBalancerNodePorts === false;
  const nodePorts = chosen ? ports.filter((port) => (numberAt(port, 'nodePort') ?? 0) > 0) : ports;
  return {
    services: '1',
    'services.loadbalancers': isBalanced ? '1' : '0',
    'services.nodeports': isBalanced || type === 'NodePort' ? String(nodePorts.length) : '0',
  };
}

function claimUsage(claim: JsonObject): ResourceList {
  const used: ResourceList = { persistentvolumeclaims: '1' };
  const size = textAt(claim, 'spec', 'resources', 'requests', 'storage');
  if (size !== '') used['requests.storage'] = size;
  const legacy = textMapAt(claim, 'metadata', 'annotations')[legacyClass];
  const className = legacy ?? textAt(claim, 'spec', 'storageClassName');
  if (className === '') return used;
  for (const [name, value] of Object.entries(used))
    used[`${className}${classInfix}${name}`] = value;
  return used;
}

/** What one object uses, by the names that quotas have. */
export function usageOf(storageKey: string, object: JsonObject, nowMs: number): ResourceList {
  const counted = { [`count/${storageKey}`]: '1' };
  switch (storageKey) {
    case 'pods':
      return { ...counted, ...podUsage(object, nowMs) };
    case 'services':
      return { ...counted, ...serviceUsage(object) };
    case 'persistentvolumeclaims':
      return { ...counted, ...claimUsage(object) };
    default:
      return aliases.has(storageKey) ? { ...counted, [storageKey]: '1' } : counted;
  }
}
