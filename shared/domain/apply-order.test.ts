import { describe, expect, it } from 'vitest';
import { compareStages, stagesOf, waveName, waveOf } from './apply-order.ts';

/** Kinds in the order they must be created (design §7). */
const ORDER = [
  'customresourcedefinitions.apiextensions.k8s.io',
  'namespaces',
  'storageclasses.storage.k8s.io',
  'persistentvolumes',
  'persistentvolumeclaims',
  'serviceaccounts',
  'configmaps',
  'services',
  'deployments.apps',
  'widgets.example.com',
  'ingresses.networking.k8s.io',
  'mutatingwebhookconfigurations.admissionregistration.k8s.io',
];

describe('the order of kinds', () => {
  it.each(ORDER.slice(1).map((kind, i) => [ORDER[i] ?? '', kind]))('has %s before %s', (a, b) => {
    expect(waveOf(a)).toBeLessThan(waveOf(b));
  });

  it.each([
    ['priorityclasses.scheduling.k8s.io', 'pods'],
    ['clusterrolebindings.rbac.authorization.k8s.io', 'pods'],
    ['serviceaccounts', 'secrets'],
    ['resourcequotas', 'pods'],
    ['poddisruptionbudgets.policy', 'apiservices.apiregistration.k8s.io'],
  ])('has %s before %s', (a, b) => {
    expect(waveOf(a)).toBeLessThan(waveOf(b));
  });

  it('puts kinds it does not know with the custom resources', () => {
    expect(waveName(waveOf('anything.example.com'))).toBe('custom resources');
  });

  it('names waves beyond its list by number', () => {
    expect(waveName(99)).toBe('wave 99');
  });
});

/** Stages of objects given as `name: [kind, owners]`. */
function stages(
  objects: Readonly<Record<string, readonly [kind: string, ...owners: string[]]>>,
): Record<string, { wave: number; depth: number }> {
  const names = Object.keys(objects);
  const found = stagesOf(
    names.map((_, i) => i),
    (i) => objects[names[i] ?? '']?.[0] ?? '',
    (i) => (objects[names[i] ?? ''] ?? []).slice(1).map((owner) => names.indexOf(owner)),
  );
  return Object.fromEntries(names.map((n, i) => [n, found.get(i) ?? { wave: -1, depth: -1 }]));
}

describe('stages', () => {
  it('put an owner before what it owns inside a wave, whatever their order', () => {
    const found = stages({
      grandchild: ['configmaps', 'child'],
      child: ['secrets', 'parent'],
      parent: ['configmaps'],
    });
    expect([found.parent?.depth, found.child?.depth, found.grandchild?.depth]).toEqual([0, 1, 2]);
  });

  it('put what a custom resource owns after it', () => {
    const found = stages({ db: ['dbs.example.com'], web: ['deployments.apps', 'db'] });
    expect(compareStages(found.db ?? nowhere, found.web ?? nowhere)).toBeLessThan(0);
  });

  it('leave what comes in a later wave anyway where it is', () => {
    const found = stages({
      web: ['deployments.apps'],
      ing: ['ingresses.networking.k8s.io', 'web'],
    });
    expect(found.ing).toEqual({ wave: waveOf('ingresses.networking.k8s.io'), depth: 0 });
  });

  it.each([
    ['persistentvolumeclaims', 'statefulsets.apps'],
    ['customresourcedefinitions.apiextensions.k8s.io', 'dbs.example.com'],
    ['namespaces', 'tenants.example.com'],
  ])('never make %s wait for an owner of %s', (kind, owner) => {
    const found = stages({ owner: [owner], owned: [kind, 'owner'] });
    expect(found.owned).toEqual({ wave: waveOf(kind), depth: 0 });
  });

  it('end where owners own each other', () => {
    const found = stages({ a: ['configmaps', 'b'], b: ['configmaps', 'a'] });
    expect(found.a?.depth).not.toBe(found.b?.depth);
  });
});

const nowhere = { wave: -1, depth: -1 };
