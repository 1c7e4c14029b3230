import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../json.ts';
import { applyMergePatch, applyStrategicPatch, kindSchema } from './merge-patch.ts';

const ref = (name: string) => ({ allOf: [{ $ref: `#/components/schemas/${name}` }] });
const POD = { group: '', version: 'v1', kind: 'Pod' };
const SCHEMAS: JsonObject = {
  'io.k8s.api.core.v1.Pod': {
    'x-kubernetes-group-version-kind': [POD],
    properties: { spec: ref('io.k8s.api.core.v1.PodSpec') },
  },
  'io.k8s.api.core.v1.PodSpec': {
    properties: {
      containers: {
        items: ref('io.k8s.api.core.v1.Container'),
        'x-kubernetes-patch-strategy': 'merge',
        'x-kubernetes-patch-merge-key': 'name',
      },
      finalizers: { items: { type: 'string' }, 'x-kubernetes-patch-strategy': 'merge' },
      tolerations: { items: { type: 'object' } },
    },
  },
  'io.k8s.api.core.v1.Container': {
    properties: {
      env: {
        items: { type: 'object' },
        'x-kubernetes-patch-strategy': 'merge',
        'x-kubernetes-patch-merge-key': 'name',
      },
    },
  },
};

const given = (): JsonObject => ({
  spec: {
    containers: [
      { name: 'a', image: 'a:1', env: [{ name: 'X', value: '1' }] },
      { name: 'b', image: 'b:1' },
    ],
    finalizers: ['f', 'g'],
    tolerations: [{ key: 'k' }],
  },
});

function strategic(spec: JsonObject): { refused: string | undefined; spec: unknown } {
  const object = given();
  const schema = kindSchema({ components: { schemas: SCHEMAS } }, POD);
  if (schema === undefined) throw new Error('no schema');
  const refused = applyStrategicPatch(object, { spec }, schema);
  return { refused, spec: object.spec };
}

describe('a merge patch', () => {
  it('merges objects, removes by null and replaces lists', () => {
    const object: JsonObject = { a: { b: 1, c: 2 }, list: [1, 2], n: 1 };
    applyMergePatch(object, { a: { b: null, d: { e: null } }, list: [3], n: { x: 1 } });
    expect(object).toEqual({ a: { c: 2, d: {} }, list: [3], n: { x: 1 } });
  });
});

describe('a strategic patch', () => {
  const [first, second] = [
    { name: 'a', image: 'a:1', env: [{ name: 'X', value: '1' }] },
    { name: 'b', image: 'b:1' },
  ];

  it.each<[string, JsonObject, JsonObject]>([
    [
      'merges elements by key and adds new ones',
      { containers: [{ name: 'b', image: 'b:2' }, { name: 'c' }] },
      { containers: [first, { name: 'b', image: 'b:2' }, { name: 'c' }] },
    ],
    [
      'merges lists inside elements',
      { containers: [{ name: 'a', env: [{ name: 'Y' }] }] },
      { containers: [{ ...first, env: [{ name: 'X', value: '1' }, { name: 'Y' }] }, second] },
    ],
    [
      'removes an element',
      { containers: [{ name: 'a', $patch: 'delete' }] },
      { containers: [second] },
    ],
    [
      'replaces a whole list on request',
      { containers: [{ $patch: 'replace' }, { name: 'z' }] },
      { containers: [{ name: 'z' }] },
    ],
    ['adds to lists of plain values', { finalizers: ['g', 'h'] }, { finalizers: ['f', 'g', 'h'] }],
    [
      'removes from lists of plain values',
      { '$deleteFromPrimitiveList/finalizers': ['f'] },
      { finalizers: ['g'] },
    ],
    ['replaces lists without a strategy', { tolerations: [] }, { tolerations: [] }],
  ])('%s', (_what, patch, expected) => {
    const result = strategic(patch);
    expect(result.refused).toBeUndefined();
    expect(result.spec).toEqual({ ...(given().spec as JsonObject), ...expected });
  });

  it('keeps only the fields of $retainKeys, and replaces an object on request', () => {
    expect(strategic({ $retainKeys: ['finalizers'] }).spec).toEqual({ finalizers: ['f', 'g'] });
    expect(strategic({ $patch: 'replace', x: 1 }).spec).toEqual({ x: 1 });
  });

  it.each<[string, JsonObject]>([
    ['merge key', { containers: [{ image: 'c' }] }],
    ['not supported', { '$setElementOrder/containers': [] }],
    ['unknown', { $patch: 'merge-all' }],
  ])('is refused: %s', (words, patch) => {
    expect(strategic(patch).refused).toContain(words);
  });

  it('knows the documents of version 2, and no kind that a definition serves', () => {
    expect(kindSchema({ definitions: SCHEMAS }, POD)).toBeDefined();
    const kind = { group: 'snapshot.storage.k8s.io', version: 'v1', kind: 'VolumeSnapshot' };
    const custom = {
      'io.k8s.storage.snapshot.v1.VolumeSnapshot': { 'x-kubernetes-group-version-kind': [kind] },
    };
    expect(kindSchema({ components: { schemas: custom } }, kind)).toBeUndefined();
  });
});
