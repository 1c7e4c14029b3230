/** A few built-in kinds as an API server serves them, for doubles and tests. */
import type { ApiResource } from '../../shared/domain/api-resource.ts';

const ALL_VERBS = [
  'create',
  'delete',
  'deletecollection',
  'get',
  'list',
  'patch',
  'update',
  'watch',
];

function builtIn(kind: string, resource: string, more: Partial<ApiResource> = {}): ApiResource {
  return {
    group: '',
    version: 'v1',
    resource,
    singular: kind.toLowerCase(),
    kind,
    shortNames: [],
    namespaced: true,
    verbs: ALL_VERBS,
    preferred: true,
    ...more,
  };
}

export const NAMESPACES = builtIn('Namespace', 'namespaces', {
  namespaced: false,
  shortNames: ['ns'],
});
export const CONFIG_MAPS = builtIn('ConfigMap', 'configmaps', { shortNames: ['cm'] });
export const SECRETS = builtIn('Secret', 'secrets');
export const DEPLOYMENTS = builtIn('Deployment', 'deployments', {
  group: 'apps',
  shortNames: ['deploy'],
});

/** What a double serves unless a test says otherwise. */
export const SAMPLE_RESOURCES: readonly ApiResource[] = [
  NAMESPACES,
  CONFIG_MAPS,
  SECRETS,
  DEPLOYMENTS,
];
