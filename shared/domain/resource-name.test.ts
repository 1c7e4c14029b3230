import { describe, expect, it } from 'vitest';
import { type ApiResource, groupResource } from './api-resource.ts';
import { resolveResourceName } from './resource-name.ts';

const kind = (
  resource: string,
  name: string,
  group: string,
  shortNames: string[] = [],
): ApiResource => ({
  group,
  version: 'v1',
  resource,
  singular: name.toLowerCase(),
  kind: name,
  shortNames,
  namespaced: true,
  verbs: ['list'],
  preferred: true,
});

const SERVED: readonly ApiResource[] = [
  kind('deployments', 'Deployment', 'apps', ['deploy']),
  {
    ...kind('deployments', 'Deployment', 'apps', ['deploy']),
    version: 'v1beta1',
    preferred: false,
  },
  kind('events', 'Event', '', ['ev']),
  kind('events', 'Event', 'events.k8s.io', ['ev']),
];

describe('resource names', () => {
  it.each([
    ['deployments', ['deployments.apps']],
    ['Deployment', ['deployments.apps']],
    ['DEPLOYMENT', ['deployments.apps']],
    ['deploy', ['deployments.apps']],
    ['deployments.apps', ['deployments.apps']],
    ['events', ['events', 'events.events.k8s.io']],
    ['events.events.k8s.io', ['events.events.k8s.io']],
    ['ev', ['events', 'events.events.k8s.io']],
    ['wombats', []],
    ['deployments.extensions', []],
  ])('%s means %j', (name, expected) => {
    expect(resolveResourceName(SERVED, name).map(groupResource)).toEqual(expected);
  });

  it('mean the preferred version', () => {
    expect(resolveResourceName(SERVED, 'deploy')[0]?.version).toBe('v1');
  });
});
