import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../kube-object.ts';
import { applyRules, type ModifierRule, matchingRules } from './modifier-rule.ts';

const source = { resource: 'deployments.apps', namespace: 'shop', name: 'web-1' };
const deployment = (): KubeObject => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web-1', namespace: 'shop2', labels: { app: 'web' } },
  spec: { replicas: 2 },
});

const patches = [{ operation: 'replace', path: '/spec/replicas', value: 1 }] as const;

function rule(conditions: Partial<ModifierRule['conditions']>): ModifierRule {
  return { conditions: { groupResource: 'deployments.apps', ...conditions }, patches };
}

describe('conditions', () => {
  it.each<[string, Partial<ModifierRule['conditions']>]>([
    ['the kind', {}],
    ['every kind', { groupResource: '*' }],
    ['kinds of a group', { groupResource: '*.apps' }],
    ['the name in the backup', { resourceNameRegex: '^web-[0-9]$' }],
    ['the namespace of the backup', { namespaces: ['a', 'shop'] }],
    ['labels', { labelSelector: { matchLabels: { app: 'web' } } }],
    ['a value', { matches: [{ path: '/spec/replicas', value: 2 }] }],
    ['no namespace at all', { namespaces: [] }],
  ])('hold for %s', (_what, conditions) => {
    expect(matchingRules([rule(conditions)], source, deployment())).toHaveLength(1);
  });

  it.each<[string, Partial<ModifierRule['conditions']>]>([
    ['another kind', { groupResource: 'deployments' }],
    ['a dot that is meant as a dot', { groupResource: 'deployments?apps.x' }],
    ['another name', { resourceNameRegex: '^web$' }],
    ['the namespace of the target', { namespaces: ['shop2'] }],
    ['other labels', { labelSelector: { matchLabels: { app: 'api' } } }],
    ['another value', { matches: [{ path: '/spec/replicas', value: '2' }] }],
    [
      'one of two values',
      {
        matches: [
          { path: '/spec/replicas', value: 2 },
          { path: '/spec/paused', value: true },
        ],
      },
    ],
  ])('do not hold for %s', (_what, conditions) => {
    expect(matchingRules([rule(conditions)], source, deployment())).toEqual([]);
  });

  it('of namespaces do not hold for what has none', () => {
    const cluster = { resource: 'deployments.apps', name: 'web-1' };
    expect(matchingRules([rule({ namespaces: ['shop'] })], cluster, deployment())).toEqual([]);
  });

  it('are judged before any rule changes the object', () => {
    const matches = [{ path: '/spec/replicas', value: 2 }];
    const object = deployment();
    const found = matchingRules([rule({ matches }), rule({ matches })], source, object);
    expect(found.map((f) => f.number)).toEqual([1, 2]);
  });
});

describe('rules', () => {
  it('apply in order, and each patch is listed without its value', () => {
    const object = deployment();
    const rules = matchingRules(
      [
        rule({}),
        { conditions: { groupResource: '*' }, mergePatches: [{ patchData: { spec: { x: 1 } } }] },
      ],
      source,
      object,
    );
    expect(applyRules(object, rules, undefined)).toEqual({
      changes: [
        'resource modifier 1: patch 1 (replace /spec/replicas)',
        'resource modifier 2: merge patch 1 (spec)',
      ],
    });
    expect(object.spec).toEqual({ replicas: 1, x: 1 });
  });

  it.each<[string, Omit<ModifierRule, 'conditions'>]>([
    ['patch 1 (remove /spec/no)', { patches: [{ operation: 'remove', path: '/spec/no' }] }],
    ['publishes no merge keys', { strategicPatches: [{ patchData: {} }] }],
    ['kind', { patches: [{ operation: 'replace', path: '/kind', value: 'Pod' }] }],
    ['metadata.name', { mergePatches: [{ patchData: { metadata: { name: 'x' } } }] }],
    ['metadata.namespace', { mergePatches: [{ patchData: { metadata: { namespace: null } } }] }],
    [
      'metadata.ownerReferences',
      {
        patches: [{ operation: 'add', path: '/metadata/ownerReferences', value: [] }],
      },
    ],
    ['metadata.name', { patches: [{ operation: 'remove', path: '/metadata' }] }],
  ])('that fail name the rule and the cause: %s', (words, what) => {
    const object = deployment();
    const failing: ModifierRule = { conditions: { groupResource: '*' }, ...what };
    const rules = matchingRules([rule({}), failing], source, object);
    const result = applyRules(object, rules, undefined);
    const refused = 'refused' in result ? result.refused : '';
    expect(refused).toContain('resource modifier 2');
    expect(refused).toContain(words);
  });

  it('leave the data of a claim to the restore', () => {
    const claim: KubeObject = {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: { name: 'data' },
      spec: { volumeName: 'pv1' },
    };
    const given: ModifierRule = {
      conditions: { groupResource: '*' },
      mergePatches: [{ patchData: { spec: { volumeName: 'pv2' } } }],
    };
    const rules = [{ number: 1, rule: given }];
    const result = applyRules(claim, rules, undefined);
    expect('refused' in result ? result.refused : '').toContain('spec.volumeName');
  });
});
