/** Rules of networking, RBAC, scheduling, admission and extension kinds. */
import {
  type FieldError,
  forbiddenField,
  invalidField,
  requiredField,
  unsupportedValue,
} from '../field-error.ts';
import {
  deepEqual,
  type JsonObject,
  numberAt,
  objectAt,
  objectsAt,
  textAt,
  textsAt,
} from '../json-tree.ts';
import type { KindRules } from './strategy-table.ts';

function validateIngress(object: JsonObject): FieldError[] {
  const spec = objectAt(object, 'spec') ?? {};
  const rules = objectsAt(spec, 'rules');
  if (rules.length === 0 && spec.defaultBackend === undefined) {
    const why = 'either `defaultBackend` or `rules` must be specified';
    return [invalidField('spec', null, why)];
  }
  const wrong: FieldError[] = [];
  rules.forEach((rule, r) => {
    objectsAt(rule, 'http', 'paths').forEach((path, p) => {
      const at = `spec.rules[${r}].http.paths[${p}]`;
      const type = textAt(path, 'pathType');
      if (type === '') wrong.push(requiredField(`${at}.pathType`, 'pathType must be specified'));
      const text = textAt(path, 'path');
      if ((type === 'Exact' || type === 'Prefix') && !text.startsWith('/')) {
        wrong.push(invalidField(`${at}.path`, text, 'must be an absolute path'));
      }
    });
  });
  return wrong;
}

function validateRules(object: JsonObject): FieldError[] {
  return objectsAt(object, 'rules').flatMap((rule, index) => {
    if (textsAt(rule, 'verbs').length > 0) return [];
    return [requiredField(`rules[${index}].verbs`, 'verbs must contain at least one value')];
  });
}

function validateBinding(object: JsonObject, kinds: readonly string[]): FieldError[] {
  const wrong: FieldError[] = [];
  const kind = textAt(object, 'roleRef', 'kind');
  if (!kinds.includes(kind)) wrong.push(unsupportedValue('roleRef.kind', kind, kinds));
  if (textAt(object, 'roleRef', 'name') === '') wrong.push(requiredField('roleRef.name'));
  objectsAt(object, 'subjects').forEach((subject, index) => {
    if (textAt(subject, 'name') === '') wrong.push(requiredField(`subjects[${index}].name`));
    const isAccount = textAt(subject, 'kind') === 'ServiceAccount';
    if (isAccount && textAt(subject, 'namespace') === '') {
      wrong.push(requiredField(`subjects[${index}].namespace`));
    }
  });
  return wrong;
}

const bindingRules = (kinds: readonly string[]): KindRules => ({
  validate: (object) => validateBinding(object, kinds),
  validateUpdate: (object, old) => {
    const wrong = validateBinding(object, kinds);
    if (!deepEqual(object.roleRef, old.roleRef)) {
      const ref = objectAt(object, 'roleRef');
      const shown = { APIGroup: ref?.apiGroup, Kind: ref?.kind, Name: ref?.name };
      wrong.push(invalidField('roleRef', shown, 'cannot change roleRef'));
    }
    return wrong;
  },
});

function validateBudget(object: JsonObject): FieldError[] {
  const spec = objectAt(object, 'spec') ?? {};
  if (spec.minAvailable === undefined || spec.maxUnavailable === undefined) return [];
  const shown = {
    MinAvailable: spec.minAvailable,
    Selector: spec.selector ?? null,
    MaxUnavailable: spec.maxUnavailable,
    UnhealthyPodEvictionPolicy: spec.unhealthyPodEvictionPolicy ?? null,
  };
  const why = 'minAvailable and maxUnavailable cannot be both set';
  return [invalidField('spec', shown, why)];
}

const systemClasses: Readonly<Record<string, number>> = {
  'system-cluster-critical': 2_000_000_000,
  'system-node-critical': 2_000_001_000,
};

/** Values above this belong to the system. @see scheduling.HighestUserDefinablePriority */
const userPriorityMax = 1_000_000_000;

const priorityClassRules: KindRules = {
  validate: (object) => {
    const name = textAt(object, 'metadata', 'name');
    const value = numberAt(object, 'value') ?? 0;
    if (name.startsWith('system-') && systemClasses[name] === undefined) {
      const why =
        "priority class names with 'system-' prefix are reserved for system use only. error: " +
        `${name} is not a known system priority class`;
      return [forbiddenField('metadata.name', why)];
    }
    if (value > userPriorityMax && systemClasses[name] === undefined) {
      const why = `maximum allowed value of a user defined priority is ${userPriorityMax}`;
      return [forbiddenField('value', why)];
    }
    return [];
  },
  validateUpdate: (object, old) => {
    const wrong: FieldError[] = [];
    if (!deepEqual(object.value, old.value)) {
      wrong.push(forbiddenField('value', 'may not be changed in an update.'));
    }
    if (!deepEqual(object.preemptionPolicy, old.preemptionPolicy)) {
      wrong.push(invalidField('preemptionPolicy', object.preemptionPolicy, 'field is immutable'));
    }
    return wrong;
  },
};

function validateClientConfig(hook: JsonObject, at: string): FieldError[] {
  const config = objectAt(hook, 'clientConfig') ?? {};
  const both = config.url !== undefined && config.service !== undefined;
  const neither = config.url === undefined && config.service === undefined;
  if (!both && !neither) return [];
  return [requiredField(`${at}.clientConfig`, 'exactly one of url or service is required')];
}

function validateWebhooks(object: JsonObject): FieldError[] {
  return objectsAt(object, 'webhooks').flatMap((hook, index) => {
    const at = `webhooks[${index}]`;
    const wrong: FieldError[] = [];
    const name = textAt(hook, 'name');
    if (name.split('.').length < 3) {
      const why = 'should be a domain with at least three segments separated by dots';
      wrong.push(invalidField(`${at}.name`, name, why));
    }
    if (textAt(hook, 'sideEffects') === '') {
      wrong.push(requiredField(`${at}.sideEffects`, 'must specify one of None, NoneOnDryRun'));
    }
    wrong.push(...validateClientConfig(hook, at));
    if (textsAt(hook, 'admissionReviewVersions').length === 0) {
      const why = 'must specify one of v1, v1beta1';
      wrong.push(requiredField(`${at}.admissionReviewVersions`, why));
    }
    return wrong;
  });
}

const webhookRules: KindRules = { validate: validateWebhooks, validateUpdate: validateWebhooks };
const roleRules: KindRules = { validate: validateRules, validateUpdate: validateRules };

/** What this server answers for itself is available at once. */
function localServiceStatus(object: JsonObject): void {
  if (objectAt(object, 'spec')?.service !== undefined) return;
  const available = {
    type: 'Available',
    status: 'True',
    lastTransitionTime: textAt(object, 'metadata', 'creationTimestamp'),
    reason: 'Local',
    message: 'Local APIServices are always available',
  };
  object.status = { conditions: [available] };
}

function validateApiService(object: JsonObject): FieldError[] {
  const spec = objectAt(object, 'spec') ?? {};
  const expected = `${textAt(spec, 'version')}.${textAt(spec, 'group')}`;
  const name = textAt(object, 'metadata', 'name');
  if (name === expected) return [];
  const why = `must be \`spec.version+"."+spec.group\`: "${expected}"`;
  return [invalidField('metadata.name', name, why)];
}

/** Rules by resource. */
export const clusterRules: Readonly<Record<string, KindRules>> = {
  'ingresses.networking.k8s.io': { validate: validateIngress, validateUpdate: validateIngress },
  'roles.rbac.authorization.k8s.io': roleRules,
  'clusterroles.rbac.authorization.k8s.io': roleRules,
  'poddisruptionbudgets.policy': { validate: validateBudget, validateUpdate: validateBudget },
  'rolebindings.rbac.authorization.k8s.io': bindingRules(['Role', 'ClusterRole']),
  'clusterrolebindings.rbac.authorization.k8s.io': bindingRules(['ClusterRole']),
  'priorityclasses.scheduling.k8s.io': priorityClassRules,
  'mutatingwebhookconfigurations.admissionregistration.k8s.io': webhookRules,
  'validatingwebhookconfigurations.admissionregistration.k8s.io': webhookRules,
  'apiservices.apiregistration.k8s.io': {
    prepareForCreate: localServiceStatus,
    validate: validateApiService,
    validateUpdate: validateApiService,
  },
  'certificatesigningrequests.certificates.k8s.io': {
    validate: (object) => {
      const wrong: FieldError[] = [];
      if (textAt(object, 'spec', 'request') === '') {
        const why = 'PEM block type must be CERTIFICATE REQUEST';
        wrong.push(invalidField('spec.request', null, why));
      }
      if (textsAt(object, 'spec', 'usages').length === 0) wrong.push(requiredField('spec.usages'));
      if (textAt(object, 'spec', 'signerName') === '') wrong.push(requiredField('spec.signerName'));
      return wrong;
    },
  },
};
