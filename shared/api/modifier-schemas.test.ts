import { describe, expect, it } from 'vitest';
import { modifierRuleSchema, modifiersTextSchema } from './modifier-schemas.ts';

const RULES = `version: v1
resourceModifierRules:
- conditions:
    groupResource: persistentvolumeclaims
    resourceNameRegex: "^mysql.*$"
    namespaces: [bar]
    matches:
    - path: /spec/storageClassName
      value: premium
  patches:
  - operation: replace
    path: /spec/replicas
    value: "3"
  - operation: add
    path: /metadata/annotations/a
    value: "\\"3\\""
  - operation: test
    path: /x
    value: "0x10"
  - operation: remove
    path: /y
- conditions:
    groupResource: deployments.apps
  strategicPatches:
  - patchData: |
      {"spec": {"paused": true}}
`;

describe("Velero's text of resource modifiers", () => {
  it('gives the same rules bare and in a ConfigMap', () => {
    const indented = RULES.replaceAll(/^/gm, '    ');
    const wrapped = `apiVersion: v1\nkind: ConfigMap\ndata:\n  rules.yaml: |\n${indented}`;
    const [first, second] = modifiersTextSchema.parse(RULES);
    expect(first?.patches?.map((p) => p.value)).toEqual([3, '3', '0x10', undefined]);
    expect(first?.conditions.matches).toEqual([
      { path: '/spec/storageClassName', value: 'premium' },
    ]);
    expect(second?.strategicPatches).toEqual([{ patchData: { spec: { paused: true } } }]);
    expect(modifiersTextSchema.parse(wrapped)).toEqual([first, second]);
  });

  it.each([
    ['no YAML', '{'],
    ['another version', RULES.replace('v1', 'v2')],
    ['an unknown field', RULES.replace('patches:', 'jsonPatches:')],
    ['data that is no object', RULES.replace('{"spec": {"paused": true}}', '7')],
    ['too many aliases', `a: &a [x]\nb: [${Array(200).fill('*a').join(',')}]`],
    ['a ConfigMap of two entries', 'kind: ConfigMap\ndata: {a: x, b: y}'],
  ])('is refused for %s', (_what, text) => {
    expect(modifiersTextSchema.safeParse(text).success).toBe(false);
  });
});

describe('a rule', () => {
  const conditions = { groupResource: 'pods' };
  const mergePatches = [{ patchData: { a: 1 } }];

  it.each([
    ['no patch', { conditions }],
    ['two kinds of patches', { conditions, mergePatches, strategicPatches: mergePatches }],
    [
      'a hostile pattern',
      { conditions: { ...conditions, resourceNameRegex: '(a)\\1' }, mergePatches },
    ],
    ['no kind', { conditions: {}, mergePatches }],
    ['an operation without its value', { conditions, patches: [{ operation: 'add', path: '/a' }] }],
    ['a move without its source', { conditions, patches: [{ operation: 'move', path: '/a' }] }],
    ['a path that is none', { conditions, patches: [{ operation: 'remove', path: 'a' }] }],
    ['the whole object', { conditions, patches: [{ operation: 'remove', path: '' }] }],
  ])('is refused with %s', (_what, rule) => {
    expect(modifierRuleSchema.safeParse(rule).success).toBe(false);
  });

  it('takes values in JSON as they are', () => {
    const patches = [{ operation: 'add' as const, path: '/a', value: '3' }];
    expect(modifierRuleSchema.parse({ conditions, patches }).patches).toEqual(patches);
  });
});
