import type { LabelSelector, Labels, SelectorRequirement } from './kube-objects.ts';
import type { Node, NodeSelector, Pod, Toleration } from './workload-objects.ts';

/** Whether the labels meet the selector; an absent selector selects nothing. */
export function selects(selector: LabelSelector | undefined, labels: Labels | undefined): boolean {
  if (selector === undefined) return false;
  return (
    hasAll(selector.matchLabels, labels) &&
    (selector.matchExpressions ?? []).every((term) => meets(term, labels?.[term.key]))
  );
}

/** Whether every wanted label is there with its value; none wanted is always met. */
export function hasAll(wanted: Labels | undefined, labels: Labels | undefined): boolean {
  return Object.entries(wanted ?? {}).every(([key, value]) => labels?.[key] === value);
}

/** Whether a pod may be on the node by its node selector and required node affinity. */
export function nodeSuits(pod: Pod['spec'], node: Node): boolean {
  const required = pod.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  return (
    hasAll(pod.nodeSelector, node.metadata.labels) &&
    (required === undefined || nodeMatches(required, node))
  );
}

/** Whether one of the selector's terms holds for the node; a term without requirements never does. */
export function nodeMatches(selector: NodeSelector, node: Node): boolean {
  return (selector.nodeSelectorTerms ?? []).some((term) => {
    const expressions = term.matchExpressions ?? [];
    const fields = term.matchFields ?? [];
    if (expressions.length + fields.length === 0) return false;
    return (
      expressions.every((each) => meets(each, node.metadata.labels?.[each.key])) &&
      fields.every((each) => each.key === 'metadata.name' && meets(each, node.metadata.name))
    );
  });
}

/**
 * Whether the tolerations cover every taint of the node that keeps pods away. A node that is
 * cordoned or not ready counts as tainted so, whether or not a lifecycle controller wrote it down.
 */
export function tolerates(tolerations: readonly Toleration[], node: Node): boolean {
  return taintsOf(node).every(
    (taint) =>
      taint.effect === 'PreferNoSchedule' ||
      tolerations.some(
        (each) =>
          (each.effect === undefined || each.effect === '' || each.effect === taint.effect) &&
          (each.key === undefined || each.key === '' || each.key === taint.key) &&
          (each.operator === 'Exists' || (each.value ?? '') === (taint.value ?? '')),
      ),
  );
}

function taintsOf(node: Node): readonly { key: string; value?: string; effect: string }[] {
  const ready = node.status?.conditions?.find((condition) => condition.type === 'Ready');
  const implied = [
    ...(node.spec?.unschedulable === true ? ['node.kubernetes.io/unschedulable'] : []),
    ...(ready?.status === 'True' ? [] : ['node.kubernetes.io/not-ready']),
  ];
  return [...(node.spec?.taints ?? []), ...implied.map((key) => ({ key, effect: 'NoSchedule' }))];
}

function meets(term: SelectorRequirement, value: string | undefined): boolean {
  const values = term.values ?? [];
  switch (term.operator) {
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      return value === undefined || !values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
    case 'Gt':
      return value !== undefined && Number(value) > Number(values[0]);
    case 'Lt':
      return value !== undefined && Number(value) < Number(values[0]);
    default:
      return false;
  }
}
