/** Defaults of networking, RBAC, admission and extension kinds. @see pkg/apis/<group>/v1/defaults.go */
import { ensureObject, type JsonObject, objectAt, setDefault, textAt } from '../json-tree.ts';

const rbacGroup = 'rbac.authorization.k8s.io';

function networkPolicySpec(object: JsonObject): void {
  if (Array.isArray(object.policyTypes) && object.policyTypes.length > 0) return;
  const egress = Array.isArray(object.egress) && object.egress.length > 0;
  object.policyTypes = egress ? ['Ingress', 'Egress'] : ['Ingress'];
}

function webhook(object: JsonObject): void {
  setDefault(object, 'failurePolicy', 'Fail');
  matchResources(object);
  setDefault(object, 'timeoutSeconds', 10);
}

function matchResources(object: JsonObject): void {
  setDefault(object, 'matchPolicy', 'Equivalent');
  setDefault(object, 'namespaceSelector', {});
  setDefault(object, 'objectSelector', {});
}

function subject(object: JsonObject): void {
  if (object.kind === 'User' || object.kind === 'Group') setDefault(object, 'apiGroup', rbacGroup);
}

function crdSpec(object: JsonObject): void {
  const names = ensureObject(object, 'names');
  const kind = textAt(names, 'kind');
  if (kind !== '') {
    setDefault(names, 'singular', kind.toLowerCase());
    setDefault(names, 'listKind', `${kind}List`);
  }
  setDefault(object, 'conversion', { strategy: 'None' });
}

function crdStoredVersions(object: JsonObject): void {
  const status = ensureObject(object, 'status');
  if (Array.isArray(status.storedVersions) && status.storedVersions.length > 0) return;
  const versions = objectAt(object, 'spec')?.versions;
  if (!Array.isArray(versions)) return;
  const stored = (versions as unknown[]).find((v) => objectAt({ v }, 'v')?.storage === true);
  if (stored !== undefined) status.storedVersions = [textAt({ stored }, 'stored', 'name')];
}

/** Defaults by the struct that they belong to. */
export const clusterDefaults: Readonly<Record<string, (object: JsonObject) => void>> = {
  'networking/v1.NetworkPolicyPort': (o) => setDefault(o, 'protocol', 'TCP'),
  'networking/v1.NetworkPolicySpec': networkPolicySpec,
  'networking/v1.IngressClassParametersReference': (o) => setDefault(o, 'scope', 'Cluster'),
  'rbac/v1.RoleRef': (o) => setDefault(o, 'apiGroup', rbacGroup),
  'rbac/v1.Subject': subject,
  'scheduling/v1.PriorityClass': (o) => setDefault(o, 'preemptionPolicy', 'PreemptLowerPriority'),
  'admissionregistration/v1.ValidatingWebhook': webhook,
  'admissionregistration/v1.MutatingWebhook': (o) => {
    webhook(o);
    setDefault(o, 'reinvocationPolicy', 'Never');
  },
  'admissionregistration/v1.RuleWithOperations': (o) => setDefault(o, 'scope', '*'),
  'admissionregistration/v1.NamedRuleWithOperations': (o) => setDefault(o, 'scope', '*'),
  'admissionregistration/v1.MatchResources': matchResources,
  'admissionregistration/v1.ValidatingAdmissionPolicySpec': (o) =>
    setDefault(o, 'failurePolicy', 'Fail'),
  'admissionregistration/v1.ServiceReference': (o) => setDefault(o, 'port', 443),
  'flowcontrol/v1.LimitedPriorityLevelConfiguration': (o) => {
    setDefault(o, 'nominalConcurrencyShares', 30);
    setDefault(o, 'lendablePercent', 0);
  },
  'flowcontrol/v1.FlowSchemaSpec': (o) => setDefault(o, 'matchingPrecedence', 1000),
  'apiextensions/v1.ServiceReference': (o) => setDefault(o, 'port', 443),
  'apiregistration/v1.ServiceReference': (o) => setDefault(o, 'port', 443),
  'apiextensions/v1.CustomResourceDefinitionSpec': crdSpec,
  'apiextensions/v1.CustomResourceDefinition': crdStoredVersions,
};
