import { describe, expect, it } from 'vitest';
import {
  chooseNeeded,
  type RestoreFilters,
  type SelectionSubject,
  standingOf,
} from './restore-selection.ts';

const EVERYTHING: RestoreFilters = { namespaces: [], clusterScope: 'all', volumes: 'restore' };
const SHOP: RestoreFilters = { ...EVERYTHING, namespaces: ['shop'], clusterScope: 'related' };
const LABELLED: RestoreFilters = { ...EVERYTHING, labelSelector: { matchLabels: { app: 'web' } } };

const configMap: SelectionSubject = { resource: 'configmaps', namespace: 'shop', name: 'a' };
const elsewhere: SelectionSubject = { resource: 'configmaps', namespace: 'other', name: 'a' };
const namespace: SelectionSubject = { resource: 'namespaces', name: 'shop' };
const role: SelectionSubject = { resource: 'clusterroles.rbac.authorization.k8s.io', name: 'r' };
const volume: SelectionSubject = { resource: 'persistentvolumes', name: 'v' };
const system: SelectionSubject = { resource: 'configmaps', namespace: 'kube-system', name: 'a' };

/** `kind`, or `kind reason`. */
function standing(filters: RestoreFilters, subject: SelectionSubject): string {
  const found = standingOf(filters, subject);
  return found.kind === 'in' ? 'in' : `${found.kind} ${found.reason}`;
}

describe('the standing of an object', () => {
  it.each([
    ['of everything', EVERYTHING, configMap, 'in'],
    ['of everything', EVERYTHING, role, 'in'],
    ['of everything', EVERYTHING, namespace, 'in'],
    ['of everything', EVERYTHING, system, 'out system_namespace'],
    [
      'of everything',
      EVERYTHING,
      { resource: 'namespaces', name: 'kube-system' },
      'out system_namespace',
    ],
    ['of everything', EVERYTHING, { resource: 'nodes', name: 'n' }, 'out owned_by:the node pool'],
    ['of one namespace', SHOP, configMap, 'in'],
    ['of one namespace', SHOP, elsewhere, 'out filtered'],
    ['of one namespace', SHOP, namespace, 'in'],
    ['of one namespace', SHOP, { resource: 'namespaces', name: 'other' }, 'out filtered'],
    ['of one namespace', SHOP, role, 'candidate cluster_scoped'],
    [
      'of one namespace with all of the cluster',
      { ...SHOP, clusterScope: 'all' as const },
      role,
      'in',
    ],
    ['without the cluster', { ...SHOP, clusterScope: 'none' as const }, role, 'out cluster_scoped'],
    [
      'without the cluster',
      { ...SHOP, clusterScope: 'none' as const },
      namespace,
      'out cluster_scoped',
    ],
    ['of some kinds', { ...SHOP, resources: ['secrets'] }, configMap, 'out filtered'],
    ['of some kinds', { ...SHOP, resources: ['configmaps'] }, configMap, 'in'],
    ['of some kinds', { ...SHOP, resources: ['configmaps'] }, namespace, 'candidate filtered'],
    ['of some kinds', { ...EVERYTHING, resources: ['configmaps'] }, role, 'out filtered'],
    ['without a kind', { ...SHOP, excludedResources: ['configmaps'] }, configMap, 'out filtered'],
    [
      'without namespaces',
      { ...SHOP, excludedResources: ['namespaces'] },
      namespace,
      'out filtered',
    ],
    ['of a label', LABELLED, configMap, 'labelled filtered'],
    ['of a label', LABELLED, role, 'labelled filtered'],
    ['of a label', LABELLED, namespace, 'labelled filtered'],
    ['without volumes', { ...EVERYTHING, volumes: 'none' as const }, volume, 'out filtered'],
    ['with volumes', EVERYTHING, volume, 'in'],
  ])('%s: %o has %o', (_what, filters, subject, expected) => {
    expect(standing(filters, subject)).toBe(expected);
  });
});

describe('what is needed', () => {
  const choose = (needs: Readonly<Record<number, readonly number[]>>, followers: number[] = []) => {
    const chosen = new Set([0]);
    chooseNeeded({
      chosen,
      candidates: new Set([1, 2, 3]),
      needs: (i) => needs[i] ?? [],
      followers: () => followers,
    });
    return [...chosen].sort();
  };

  it('comes along, and what that needs', () => {
    expect(choose({ 0: [1], 1: [2] })).toEqual([0, 1, 2]);
  });

  it('ends where objects need each other', () => {
    expect(choose({ 0: [1], 1: [0, 1] })).toEqual([0, 1]);
  });

  it('leaves out what is no candidate', () => {
    expect(choose({ 0: [7] })).toEqual([0]);
  });

  it('is joined by followers, and what those need', () => {
    expect(choose({ 3: [2] }, [3])).toEqual([0, 2, 3]);
  });
});
