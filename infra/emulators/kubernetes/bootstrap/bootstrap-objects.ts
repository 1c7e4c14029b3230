/** What a new cluster holds before anybody uses it. */

import { serviceCidr } from '../allocators/service-allocators.ts';
import type { JsonObject } from '../json-tree.ts';

/** An object to create at the start, with the resource it belongs to. */
export interface BootstrapObject {
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly namespace?: string;
  readonly object: JsonObject;
}

/** groupPriorityMinimum and versionPriority of the groups that the server serves itself. */
const servicePriorities: Readonly<Record<string, readonly [number, number]>> = {
  'v1.': [18000, 1],
  'v1.admissionregistration.k8s.io': [16700, 15],
  'v1.apiextensions.k8s.io': [16700, 15],
  'v1.apps': [17800, 15],
  'v1.authentication.k8s.io': [17700, 15],
  'v1.authorization.k8s.io': [17600, 15],
  'v1.autoscaling': [17500, 15],
  'v1.batch': [17400, 15],
  'v1.certificates.k8s.io': [17300, 15],
  'v1.coordination.k8s.io': [16500, 15],
  'v1.discovery.k8s.io': [16200, 15],
  'v1.events.k8s.io': [17750, 15],
  'v1.flowcontrol.apiserver.k8s.io': [16100, 21],
  'v1.networking.k8s.io': [17200, 15],
  'v1.node.k8s.io': [16300, 15],
  'v1.policy': [17100, 15],
  'v1.rbac.authorization.k8s.io': [17000, 15],
  'v1.resource.k8s.io': [16200, 21],
  'v1.scheduling.k8s.io': [16600, 15],
  'v1.storage.k8s.io': [16800, 15],
  'v2.autoscaling': [17500, 30],
};

/** A local APIService; the label says who looks after it. */
export function localApiService(
  name: string,
  priorities: readonly [number, number],
  automanaged: 'onstart' | 'true',
): JsonObject {
  const dot = name.indexOf('.');
  const group = name.slice(dot + 1);
  return {
    metadata: { name, labels: { 'kube-aggregator.kubernetes.io/automanaged': automanaged } },
    spec: {
      ...(group === '' ? {} : { group }),
      version: name.slice(0, dot),
      groupPriorityMinimum: priorities[0],
      versionPriority: priorities[1],
    },
  };
}

function namespaces(): BootstrapObject[] {
  return ['kube-system', 'kube-public', 'kube-node-lease', 'default'].map((name) => ({
    group: '',
    version: 'v1',
    plural: 'namespaces',
    object: { metadata: { name } },
  }));
}

function apiServices(): BootstrapObject[] {
  return Object.entries(servicePriorities).map(([name, priorities]) => ({
    group: 'apiregistration.k8s.io',
    version: 'v1',
    plural: 'apiservices',
    object: localApiService(name, priorities, 'onstart'),
  }));
}

function priorityClasses(): BootstrapObject[] {
  const words = {
    'system-cluster-critical':
      'Used for system critical pods that must run in the cluster, but can be moved to another ' +
      'node if necessary.',
    'system-node-critical':
      'Used for system critical pods that must not be moved from their current node.',
  };
  const values = {
    'system-cluster-critical': 2_000_000_000,
    'system-node-critical': 2_000_001_000,
  };
  return (['system-node-critical', 'system-cluster-critical'] as const).map((name) => ({
    group: 'scheduling.k8s.io',
    version: 'v1',
    plural: 'priorityclasses',
    object: { metadata: { name }, value: values[name], description: words[name] },
  }));
}

const bootstrapLabels = { 'kubernetes.io/bootstrapping': 'rbac-defaults' };
const autoupdate = { 'rbac.authorization.kubernetes.io/autoupdate': 'true' };

function clusterRole(name: string, rules: readonly JsonObject[]): BootstrapObject {
  return {
    group: 'rbac.authorization.k8s.io',
    version: 'v1',
    plural: 'clusterroles',
    object: { metadata: { name, labels: bootstrapLabels, annotations: autoupdate }, rules },
  };
}

function rbac(): BootstrapObject[] {
  const everything = { apiGroups: ['*'], resources: ['*'], verbs: ['*'] };
  const reading = { apiGroups: ['*'], resources: ['*'], verbs: ['get', 'list', 'watch'] };
  return [
    clusterRole('cluster-admin', [everything, { nonResourceURLs: ['*'], verbs: ['*'] }]),
    clusterRole('admin', [everything]),
    clusterRole('edit', [everything]),
    clusterRole('view', [reading]),
    {
      group: 'rbac.authorization.k8s.io',
      version: 'v1',
      plural: 'clusterrolebindings',
      object: {
        metadata: { name: 'cluster-admin', labels: bootstrapLabels, annotations: autoupdate },
        roleRef: {
          apiGroup: 'rbac.authorization.k8s.io',
          kind: 'ClusterRole',
          name: 'cluster-admin',
        },
        subjects: [
          { apiGroup: 'rbac.authorization.k8s.io', kind: 'Group', name: 'system:masters' },
        ],
      },
    },
  ];
}

function network(): BootstrapObject[] {
  return [
    {
      group: 'networking.k8s.io',
      version: 'v1',
      plural: 'servicecidrs',
      object: {
        metadata: { name: 'kubernetes', finalizers: ['networking.k8s.io/service-cidr-finalizer'] },
        spec: { cidrs: [serviceCidr] },
      },
    },
    {
      group: '',
      version: 'v1',
      plural: 'services',
      namespace: 'default',
      object: {
        metadata: {
          name: 'kubernetes',
          labels: { component: 'apiserver', provider: 'kubernetes' },
        },
        spec: {
          clusterIP: '10.96.0.1',
          ports: [{ name: 'https', port: 443, protocol: 'TCP', targetPort: 6443 }],
        },
      },
    },
  ];
}

/** Everything that is there from the start, in the order of its creation. */
export function bootstrapObjects(): BootstrapObject[] {
  return [...namespaces(), ...apiServices(), ...priorityClasses(), ...rbac(), ...network()];
}
