/** Rules of workloads. @see pkg/apis/{apps,batch}/validation/validation.go, v1.34 */
import {
  type FieldError,
  forbiddenField,
  invalidField,
  requiredField,
  unsupportedValue,
} from '../field-error.ts';
import {
  deepEqual,
  ensureObject,
  type JsonObject,
  numberAt,
  objectAt,
  textAt,
} from '../json-tree.ts';
import { matchesLabelSelector } from '../read/label-selector.ts';
import { validatePodTemplate } from '../validation/pod-spec.ts';
import type { KindRules } from './strategy-table.ts';

const immutable = 'field is immutable';

/** Counts that may not be negative. */
export function validateCounts(
  spec: JsonObject,
  fields: readonly string[],
  at = 'spec',
): FieldError[] {
  return fields.flatMap((field) => {
    const value = numberAt(spec, field) ?? 0;
    if (value >= 0) return [];
    return [invalidField(`${at}.${field}`, value, 'must be greater than or equal to 0')];
  });
}

function isEmptySelector(selector: JsonObject): boolean {
  const labels = Object.keys(objectAt(selector, 'matchLabels') ?? {});
  const expressions = selector.matchExpressions;
  return labels.length === 0 && !(Array.isArray(expressions) && expressions.length > 0);
}

function validateSelector(spec: JsonObject): FieldError[] {
  const selector = objectAt(spec, 'selector');
  if (selector === undefined) return [requiredField('spec.selector')];
  if (!isEmptySelector(selector)) return [];
  return [invalidField('spec.selector', {}, 'empty selector is invalid for deployment')];
}

function validateMatch(spec: JsonObject): FieldError[] {
  const selector = objectAt(spec, 'selector');
  const labels = objectAt(spec, 'template', 'metadata', 'labels');
  const matches =
    selector !== undefined &&
    !isEmptySelector(selector) &&
    matchesLabelSelector(selector, labels ?? {});
  if (matches) return [];
  const field = 'spec.template.metadata.labels';
  return [invalidField(field, labels ?? null, '`selector` does not match template `labels`')];
}

function validateAlways(spec: JsonObject): FieldError[] {
  const policy = textAt(spec, 'template', 'spec', 'restartPolicy');
  if (policy === 'Always') return [];
  return [unsupportedValue('spec.template.spec.restartPolicy', policy, ['Always'])];
}

function validateReplicated(object: JsonObject): FieldError[] {
  const spec = objectAt(object, 'spec') ?? {};
  return [
    ...validateCounts(spec, ['replicas']),
    ...validateSelector(spec),
    ...validateMatch(spec),
    ...validatePodTemplate(spec.template, 'spec.template'),
    ...validateAlways(spec),
    ...validateCounts(spec, ['minReadySeconds', 'revisionHistoryLimit']),
  ];
}

/** The containers of a StatefulSet are not looked at: its claims become volumes only later. */
function validateStatefulSet(object: JsonObject): FieldError[] {
  const spec = objectAt(object, 'spec') ?? {};
  return [
    ...validateCounts(spec, ['replicas']),
    ...validateSelector(spec),
    ...validateMatch(spec),
    ...validateAlways(spec),
  ];
}

function selectorIsImmutable(object: JsonObject, old: JsonObject): FieldError[] {
  const [next, before] = [objectAt(object, 'spec')?.selector, objectAt(old, 'spec')?.selector];
  if (deepEqual(next, before)) return [];
  return [invalidField('spec.selector', next, immutable)];
}

const deploymentRules: KindRules = {
  validate: validateReplicated,
  validateUpdate: (object, old) => [
    ...validateReplicated(object),
    ...selectorIsImmutable(object, old),
  ],
};

const templateGeneration = 'deprecated.daemonset.template.generation';

const daemonSetRules: KindRules = {
  prepareForUpdate: (object, old) => {
    const before = textAt(old, 'metadata', 'annotations', templateGeneration) || '1';
    const same = deepEqual(objectAt(object, 'spec')?.template, objectAt(old, 'spec')?.template);
    setTemplateGeneration(object, same ? before : String(Number(before) + 1));
  },
  validate: validateReplicated,
  validateUpdate: (object, old) => [
    ...selectorIsImmutable(object, old),
    ...validateReplicated(object),
  ],
};

function setTemplateGeneration(object: JsonObject, value: string): void {
  ensureObject(ensureObject(object, 'metadata'), 'annotations')[templateGeneration] = value;
}

const statefulSetMutable = new Set([
  'replicas',
  'ordinals',
  'template',
  'updateStrategy',
  'revisionHistoryLimit',
  'persistentVolumeClaimRetentionPolicy',
  'minReadySeconds',
]);

const statefulSetRules: KindRules = {
  validate: validateStatefulSet,
  validateUpdate: (object, old) => {
    const [spec, before] = [objectAt(object, 'spec') ?? {}, objectAt(old, 'spec') ?? {}];
    const fixed = (s: JsonObject): JsonObject =>
      Object.fromEntries(Object.entries(s).filter(([key]) => !statefulSetMutable.has(key)));
    if (deepEqual(fixed(spec), fixed(before))) return validateStatefulSet(object);
    const why =
      "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', " +
      "'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and " +
      "'minReadySeconds' are forbidden";
    return [forbiddenField('spec', why)];
  },
};

const autoscalerRules: KindRules = {
  validate: (object) => {
    const spec = objectAt(object, 'spec') ?? {};
    const maximum = numberAt(spec, 'maxReplicas') ?? 0;
    const minimum = numberAt(spec, 'minReplicas') ?? 1;
    const wrong: FieldError[] = [];
    if (maximum < 1) {
      wrong.push(invalidField('spec.maxReplicas', maximum, 'must be greater than 0'));
    }
    if (maximum < minimum) {
      const why = 'must be greater than or equal to `minReplicas`';
      wrong.push(invalidField('spec.maxReplicas', maximum, why));
    }
    for (const field of ['kind', 'name']) {
      const at = `spec.scaleTargetRef.${field}`;
      if (textAt(spec, 'scaleTargetRef', field) === '') wrong.push(requiredField(at));
    }
    const version = textAt(spec, 'scaleTargetRef', 'apiVersion');
    if (version === '') {
      const why = 'apiVersion must specify API group';
      wrong.push(invalidField('spec.scaleTargetRef.apiVersion', version, why));
    }
    return wrong;
  },
};

/** Rules by resource. */
export const workloadRules: Readonly<Record<string, KindRules>> = {
  'deployments.apps': deploymentRules,
  'replicasets.apps': deploymentRules,
  'daemonsets.apps': daemonSetRules,
  'statefulsets.apps': statefulSetRules,
  'horizontalpodautoscalers.autoscaling': autoscalerRules,
  replicationcontrollers: {
    validate: (object) => validateCounts(objectAt(object, 'spec') ?? {}, ['replicas']),
  },
};
