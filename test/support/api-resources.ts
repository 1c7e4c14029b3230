/** Kinds as an API server serves them, for doubles. */
import type { ApiResource } from '../../shared/domain/api-resource.ts';

const VERBS = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];

/** A kind with all verbs at its preferred version; `name` is `plural.group`. */
export function apiResource(
  name: string,
  kind: string,
  given: Partial<ApiResource> = {},
): ApiResource {
  const dot = name.indexOf('.');
  const resource = dot < 0 ? name : name.slice(0, dot);
  return {
    group: dot < 0 ? '' : name.slice(dot + 1),
    version: 'v1',
    resource,
    singular: kind.toLowerCase(),
    kind,
    shortNames: [],
    namespaced: true,
    verbs: VERBS,
    preferred: true,
    ...given,
  };
}

const CLUSTER = { namespaced: false };

/** The kinds that most tests need. */
export const COMMON_RESOURCES: readonly ApiResource[] = [
  apiResource('namespaces', 'Namespace', CLUSTER),
  apiResource('configmaps', 'ConfigMap', { shortNames: ['cm'] }),
  apiResource('secrets', 'Secret'),
  apiResource('services', 'Service'),
  apiResource('serviceaccounts', 'ServiceAccount'),
  apiResource('pods', 'Pod'),
  apiResource('nodes', 'Node', CLUSTER),
  apiResource('events', 'Event'),
  apiResource('bindings', 'Binding', { verbs: ['create'] }),
  apiResource('persistentvolumeclaims', 'PersistentVolumeClaim', { shortNames: ['pvc'] }),
  apiResource('persistentvolumes', 'PersistentVolume', CLUSTER),
  apiResource('deployments.apps', 'Deployment', { shortNames: ['deploy'] }),
  apiResource('replicasets.apps', 'ReplicaSet'),
  apiResource('statefulsets.apps', 'StatefulSet'),
  apiResource('leases.coordination.k8s.io', 'Lease'),
  apiResource('ingresses.networking.k8s.io', 'Ingress'),
  apiResource('ingressclasses.networking.k8s.io', 'IngressClass', CLUSTER),
  apiResource('roles.rbac.authorization.k8s.io', 'Role'),
  apiResource('rolebindings.rbac.authorization.k8s.io', 'RoleBinding'),
  apiResource('clusterroles.rbac.authorization.k8s.io', 'ClusterRole', CLUSTER),
  apiResource('clusterrolebindings.rbac.authorization.k8s.io', 'ClusterRoleBinding', CLUSTER),
  apiResource('storageclasses.storage.k8s.io', 'StorageClass', CLUSTER),
  apiResource('priorityclasses.scheduling.k8s.io', 'PriorityClass', CLUSTER),
  apiResource(
    'customresourcedefinitions.apiextensions.k8s.io',
    'CustomResourceDefinition',
    CLUSTER,
  ),
  apiResource('volumesnapshots.snapshot.storage.k8s.io', 'VolumeSnapshot'),
  apiResource('volumesnapshotcontents.snapshot.storage.k8s.io', 'VolumeSnapshotContent', CLUSTER),
  apiResource('volumesnapshotclasses.snapshot.storage.k8s.io', 'VolumeSnapshotClass', CLUSTER),
  apiResource('widgets.example.com', 'Widget'),
];
