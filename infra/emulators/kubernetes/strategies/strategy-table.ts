/** Which rules of its own each built-in kind has. @see kubernetes pkg/registry/<group>/<kind>/strategy.go */
import type { ResourceInfo } from '../resources/resource-table.ts';
import { groupResource } from '../resources/resource-table.ts';
import type { NameRule, Strategy } from '../resources/served-resource.ts';
import { dns1035Name, labelName, pathSegmentName, subdomainName } from '../validation/names.ts';

/** What a kind may add to the common rules. */
export type KindRules = Omit<
  Partial<Strategy>,
  | 'hasStatus'
  | 'acceptsStatusAtCreation'
  | 'createsOnUpdate'
  | 'updatesUnconditionally'
  | 'checkName'
  | 'generationFields'
>;

const spec: readonly string[] = ['spec'];

/** Fields whose changes `metadata.generation` counts; kinds that are missing have no generation. */
const generations: Readonly<Record<string, readonly string[] | 'all'>> = {
  pods: spec,
  podtemplates: ['template'],
  replicationcontrollers: spec,
  'deployments.apps': spec,
  'daemonsets.apps': spec,
  'statefulsets.apps': spec,
  'replicasets.apps': spec,
  'jobs.batch': spec,
  'cronjobs.batch': spec,
  'ingresses.networking.k8s.io': spec,
  'ingressclasses.networking.k8s.io': spec,
  'networkpolicies.networking.k8s.io': spec,
  'poddisruptionbudgets.policy': spec,
  'endpointslices.discovery.k8s.io': 'all',
  'priorityclasses.scheduling.k8s.io': [],
  'flowschemas.flowcontrol.apiserver.k8s.io': spec,
  'prioritylevelconfigurations.flowcontrol.apiserver.k8s.io': spec,
  'mutatingwebhookconfigurations.admissionregistration.k8s.io': ['webhooks'],
  'validatingwebhookconfigurations.admissionregistration.k8s.io': ['webhooks'],
  'validatingadmissionpolicies.admissionregistration.k8s.io': spec,
  'validatingadmissionpolicybindings.admissionregistration.k8s.io': spec,
  'customresourcedefinitions.apiextensions.k8s.io': spec,
  'deviceclasses.resource.k8s.io': spec,
  'resourceslices.resource.k8s.io': spec,
};

const createsOnUpdate = new Set([
  'services',
  'events',
  'endpoints',
  'limitranges',
  'leases.coordination.k8s.io',
  'runtimeclasses.node.k8s.io',
  'roles.rbac.authorization.k8s.io',
  'rolebindings.rbac.authorization.k8s.io',
  'clusterroles.rbac.authorization.k8s.io',
  'clusterrolebindings.rbac.authorization.k8s.io',
]);

const needsVersionToUpdate = new Set([
  'poddisruptionbudgets.policy',
  'runtimeclasses.node.k8s.io',
  'leases.coordination.k8s.io',
  'csidrivers.storage.k8s.io',
  'csinodes.storage.k8s.io',
  'csistoragecapacities.storage.k8s.io',
  'volumeattachments.storage.k8s.io',
  'mutatingwebhookconfigurations.admissionregistration.k8s.io',
  'validatingwebhookconfigurations.admissionregistration.k8s.io',
  'validatingadmissionpolicies.admissionregistration.k8s.io',
  'validatingadmissionpolicybindings.admissionregistration.k8s.io',
  'customresourcedefinitions.apiextensions.k8s.io',
  'apiservices.apiregistration.k8s.io',
]);

function nameRuleOf(resource: string): NameRule {
  if (resource === 'namespaces') return labelName;
  if (resource === 'services') return dns1035Name;
  const anything = /\.(rbac\.authorization|apiregistration)\.k8s\.io$/;
  if (anything.test(resource)) return pathSegmentName;
  return subdomainName;
}

/** The strategy of a built-in kind. */
export function builtinStrategy(info: ResourceInfo, rules: KindRules): Strategy {
  const name = groupResource(info);
  const generationFields = generations[name];
  return {
    checkName: nameRuleOf(name),
    hasStatus: info.subresources.some((sub) => sub.name === 'status'),
    // A node reports its status as it registers.
    acceptsStatusAtCreation: name === 'nodes',
    ...(generationFields === undefined ? {} : { generationFields }),
    createsOnUpdate: createsOnUpdate.has(name),
    updatesUnconditionally: !needsVersionToUpdate.has(name),
    ...rules,
  };
}
