import { describe, expect, it } from 'vitest';
import { apiResource, COMMON_RESOURCES } from '../../test/support/api-resources.ts';
import { groupResource } from './api-resource.ts';
import { leftOut, listTasks, planKinds } from './selection.ts';

const roles = (
  spec: Partial<Parameters<typeof planKinds>[0]> = {},
  served = COMMON_RESOURCES,
): Record<string, string> =>
  Object.fromEntries(
    planKinds({ clusterScope: 'related', ...spec }, served).map((k) => [
      groupResource(k.resource),
      k.role,
    ]),
  );

describe('the kinds of a capture', () => {
  it('are namespaced ones as a whole and cluster-scoped ones by relation', () => {
    expect(roles()).toMatchObject({
      namespaces: 'take',
      pods: 'take',
      'deployments.apps': 'take',
      persistentvolumes: 'related',
      'storageclasses.storage.k8s.io': 'related',
    });
  });

  it.each([
    ['nodes', 'lives with a machine'],
    ['events', 'lives with the moment'],
    ['leases.coordination.k8s.io', 'lives with the moment'],
    ['bindings', 'cannot be listed'],
  ])('leave out %s, which %s', (name) => {
    expect(roles({ clusterScope: 'all' })).not.toHaveProperty(name);
  });

  it.each([
    'csinodes.storage.k8s.io',
    'csistoragecapacities.storage.k8s.io',
    'volumeattachments.storage.k8s.io',
    'resourceslices.resource.k8s.io',
  ])('leave out %s, which live with a node, also where they are asked for', (name) => {
    const served = [apiResource(name, 'OfNodes'), ...COMMON_RESOURCES];
    expect(roles({ clusterScope: 'all' }, served)).not.toHaveProperty(name);
    expect(roles({ clusterScope: 'all', resources: [name] }, served)).not.toHaveProperty(name);
  });

  it('leave out versions that the server does not prefer', () => {
    const old = apiResource('deployments.apps', 'Deployment', {
      version: 'v1beta1',
      preferred: false,
    });
    const kinds = planKinds({ clusterScope: 'all' }, [old, ...COMMON_RESOURCES]);
    const versions = kinds.filter((k) => k.resource.kind === 'Deployment');
    expect(versions.map((k) => k.resource.version)).toEqual(['v1']);
  });

  it('take all cluster-scoped kinds when asked to, and none when told so', () => {
    expect(roles({ clusterScope: 'all' }).persistentvolumes).toBe('take');
    const none = roles({ clusterScope: 'none' });
    expect(none.pods).toBe('take');
    expect(none).not.toHaveProperty('persistentvolumes');
    expect(none).not.toHaveProperty('namespaces');
  });

  it('are only those listed, Namespaces aside; pods and claims are read for their volumes', () => {
    expect(roles({ resources: ['deployments.apps', 'persistentvolumes'] })).toEqual({
      namespaces: 'take',
      'deployments.apps': 'take',
      persistentvolumes: 'related',
      pods: 'observe',
      persistentvolumeclaims: 'observe',
    });
  });

  it('are never those excluded, listed or not', () => {
    const kinds = roles({ excludedResources: ['secrets', 'pods', 'namespaces'] });
    expect(kinds).not.toHaveProperty('secrets');
    expect(kinds).not.toHaveProperty('namespaces');
    expect(kinds.pods).toBe('observe');
  });

  it('come owners first and aliases of the group extensions last', () => {
    const alias = apiResource('ingresses.extensions', 'Ingress');
    const names = Object.keys(roles({}, [alias, ...COMMON_RESOURCES]));
    const at = (name: string) => names.indexOf(name);
    expect(at('namespaces')).toBe(0);
    expect(at('deployments.apps')).toBeLessThan(at('replicasets.apps'));
    expect(at('replicasets.apps')).toBeLessThan(at('pods'));
    expect(at('configmaps')).toBeLessThan(at('ingresses.networking.k8s.io'));
    expect(at('ingresses.extensions')).toBe(names.length - 1);
  });
});

describe('lists', () => {
  const pods = apiResource('pods', 'Pod');
  const classes = apiResource('storageclasses.storage.k8s.io', 'StorageClass', {
    namespaced: false,
  });

  it('read a kind once for a whole selection', () => {
    expect(listTasks([pods, classes], { chosen: ['a', 'b'], whole: true })).toEqual([
      { resource: pods },
      { resource: classes },
    ]);
  });

  it('read a few named namespaces one by one, and many out of a whole list', () => {
    expect(listTasks([pods, classes], { chosen: ['a', 'b'], whole: false })).toEqual([
      { resource: pods, namespace: 'a' },
      { resource: pods, namespace: 'b' },
      { resource: classes },
    ]);
    const many = Array.from({ length: 11 }, (_, i) => `n${i}`);
    expect(listTasks([pods], { chosen: many, whole: false })).toEqual([{ resource: pods }]);
  });
});

describe('single objects left out', () => {
  it.each([
    [
      'what is being deleted',
      'configmaps',
      { deletionTimestamp: '2026-01-01T00:00:00Z' },
      'deleting',
    ],
    [
      'pods made from files of a node',
      'pods',
      { annotations: { 'kubernetes.io/config.mirror': 'x' } },
      'mirrorPod',
    ],
    ['nothing else', 'pods', { annotations: { a: 'b' } }, undefined],
    [
      'no other kind for that annotation',
      'secrets',
      { annotations: { 'kubernetes.io/config.mirror': 'x' } },
      undefined,
    ],
  ])('are %s', (_, resource, metadata, reason) => {
    expect(leftOut(resource, metadata)).toBe(reason);
  });
});
