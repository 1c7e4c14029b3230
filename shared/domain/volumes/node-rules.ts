/** What a Node object says about pods and volumes that could be there. */
import { isJsonObject, type JsonObject, objectAt, objectsAt, textAt } from '../json.ts';
import { matchesSelector } from '../label-selector.ts';
import { ZONE_LABELS } from './zone-labels.ts';

/**
 * Whether no machine stands behind the node: no agent runs there and its pods have no node's
 * folders.
 */
export function isVirtualNode(node: JsonObject): boolean {
  return textAt(node, 'metadata', 'labels', 'type') === 'virtual-kubelet';
}

/** Whether the node is an ECS instance, by its provider id: `cn-hangzhou.i-bp1...`. */
export function isEcsNode(node: JsonObject): boolean {
  return /(^|[./])i-[0-9a-z]+$/.test(textAt(node, 'spec', 'providerID') ?? '');
}

/** The zone that the node's labels name. */
export function zoneOfNode(node: JsonObject): string | undefined {
  const labels = ZONE_LABELS.map((label) => textAt(node, 'metadata', 'labels', label));
  return labels.find((zone) => zone !== undefined && zone !== '');
}

/**
 * Whether a pod can be put on the node: it is ready, real and not cordoned, no taint keeps the pod
 * away, and the pod's node selector and required affinity hold. Without a pod spec: any pod that
 * asks nothing.
 */
export function takesPod(node: JsonObject, podSpec: JsonObject = {}): boolean {
  return (
    isReady(node) &&
    !isVirtualNode(node) &&
    objectAt(node, 'spec')?.unschedulable !== true &&
    isTolerated(node, podSpec) &&
    isWanted(node, podSpec)
  );
}

function isReady(node: JsonObject): boolean {
  const conditions = objectsAt(node, 'status', 'conditions');
  return conditions.some(({ type, status }) => type === 'Ready' && status === 'True');
}

function isTolerated(node: JsonObject, podSpec: JsonObject): boolean {
  const tolerations = objectsAt(podSpec, 'tolerations');
  return objectsAt(node, 'spec', 'taints')
    .filter(({ effect }) => effect === 'NoSchedule' || effect === 'NoExecute')
    .every((taint) => tolerations.some((toleration) => tolerates(toleration, taint)));
}

/** Empty fields of a toleration cover everything (core/v1 Toleration). */
function tolerates(toleration: JsonObject, taint: JsonObject): boolean {
  const { key = '', effect = '', operator = 'Equal', value = '' } = toleration;
  if (effect !== '' && effect !== taint.effect) return false;
  if (key !== '' && key !== taint.key) return false;
  return operator === 'Exists' || (key !== '' && value === (taint.value ?? ''));
}

function isWanted(node: JsonObject, podSpec: JsonObject): boolean {
  const labels = textsOf(objectAt(node, 'metadata', 'labels'));
  const matchLabels = textsOf(objectAt(podSpec, 'nodeSelector'));
  if (!matchesSelector({ matchLabels }, labels)) return false;
  const required = objectAt(
    podSpec,
    'affinity',
    'nodeAffinity',
    'requiredDuringSchedulingIgnoredDuringExecution',
  );
  if (required === undefined) return true;
  return objectsAt(required, 'nodeSelectorTerms').some((term) => {
    const expressions = objectsAt(term, 'matchExpressions');
    return expressions.length > 0 && expressions.every((each) => meets(each, labels));
  });
}

/** Operators that compare numbers or fields say nothing about zones: they count as met. */
function meets(expression: JsonObject, labels: Readonly<Record<string, string>>): boolean {
  const { key, operator, values } = expression;
  if (typeof key !== 'string') return false;
  switch (operator) {
    case 'In':
    case 'NotIn':
    case 'Exists':
    case 'DoesNotExist': {
      const wanted = Array.isArray(values) ? values.filter((v) => typeof v === 'string') : [];
      return matchesSelector({ matchExpressions: [{ key, operator, values: wanted }] }, labels);
    }
    default:
      return true;
  }
}

function textsOf(labels: unknown): Readonly<Record<string, string>> {
  const entries = isJsonObject(labels) ? Object.entries(labels) : [];
  return Object.fromEntries(entries.flatMap(([k, v]) => (typeof v === 'string' ? [[k, v]] : [])));
}
