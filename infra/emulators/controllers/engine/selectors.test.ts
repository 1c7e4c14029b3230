import { describe, expect, it } from 'vitest';
import { quantityBytes } from '../volume-fit.ts';
import { scaled } from './int-or-percent.ts';
import { nodeMatches, selects, tolerates } from './selectors.ts';
import { canonical, stableHash } from './stable-hash.ts';
import type { Node } from './workload-objects.ts';

const meta = { name: 'n1', uid: 'u', resourceVersion: '1', creationTimestamp: '' };
const ready = { conditions: [{ type: 'Ready', status: 'True' }] };

describe('a label selector', () => {
  const labels = { app: 'web', tier: 'front' };
  it.each([
    [undefined, false],
    [{}, true],
    [{ matchLabels: { app: 'web' } }, true],
    [{ matchLabels: { app: 'db' } }, false],
    [{ matchExpressions: [{ key: 'tier', operator: 'In', values: ['front', 'back'] }] }, true],
    [{ matchExpressions: [{ key: 'tier', operator: 'NotIn', values: ['front'] }] }, false],
    [{ matchExpressions: [{ key: 'none', operator: 'NotIn', values: ['x'] }] }, true],
    [{ matchExpressions: [{ key: 'none', operator: 'Exists' }] }, false],
    [{ matchExpressions: [{ key: 'none', operator: 'DoesNotExist' }] }, true],
  ])('%j selects: %j', (selector, expected) => {
    expect(selects(selector, labels)).toBe(expected);
  });
});

describe('a node', () => {
  it('matches by any term, and a term by all of its requirements', () => {
    const node: Node = { metadata: { ...meta, labels: { zone: 'h', cores: '8' } }, status: ready };
    const zone = (value: string) => ({ key: 'zone', operator: 'In', values: [value] });
    const cores = { key: 'cores', operator: 'Gt', values: ['4'] };
    const matches = (...terms: object[]): boolean =>
      nodeMatches({ nodeSelectorTerms: terms.map((term) => term) }, node);
    expect(matches({ matchExpressions: [zone('i')] }, { matchExpressions: [zone('h')] })).toBe(
      true,
    );
    expect(matches({ matchExpressions: [zone('i'), cores] })).toBe(false);
    expect(matches({ matchExpressions: [zone('h'), cores] })).toBe(true);
    expect(matches({})).toBe(false);
    const field = { key: 'metadata.name', operator: 'In', values: ['n1'] };
    expect(matches({ matchFields: [field] })).toBe(true);
  });

  it('keeps pods away that do not tolerate its taints, its cordon or its silence', () => {
    const tainted: Node = {
      metadata: meta,
      spec: { taints: [{ key: 'gpu', value: 'yes', effect: 'NoSchedule' }] },
      status: ready,
    };
    expect(tolerates([], tainted)).toBe(false);
    expect(tolerates([{ key: 'gpu', operator: 'Equal', value: 'yes' }], tainted)).toBe(true);
    expect(tolerates([{ key: 'gpu', value: 'no' }], tainted)).toBe(false);
    expect(tolerates([{ operator: 'Exists' }], tainted)).toBe(true);
    expect(tolerates([], { metadata: meta, status: ready })).toBe(true);
    expect(tolerates([], { metadata: meta })).toBe(false);
    expect(tolerates([], { metadata: meta, spec: { unschedulable: true }, status: ready })).toBe(
      false,
    );
  });
});

describe('numbers of the API', () => {
  it.each([
    ['1Gi', 2 ** 30],
    ['500M', 5e8],
    ['1.5Gi', 1.5 * 2 ** 30],
    ['1073741824', 2 ** 30],
    ['2e3', 2_000],
    ['x', 0],
    [undefined, 0],
  ])('%s is %d bytes', (text, bytes) => {
    expect(quantityBytes(text)).toBe(bytes);
  });

  it('scale by percentages, rounded as asked', () => {
    expect(scaled('25%', 3, { round: 'up', fallback: 0 })).toBe(1);
    expect(scaled('25%', 3, { round: 'down', fallback: 0 })).toBe(0);
    expect(scaled(undefined, 3, { round: 'down', fallback: 2 })).toBe(2);
  });
});

describe('a stable hash', () => {
  it('is the same whatever the order of keys and whether nulls are spelled out', () => {
    expect(canonical({ b: 1, a: [{ d: null, c: 2 }] })).toBe('{"a":[{"c":2}],"b":1}');
    expect(stableHash({ a: 1, b: 2 })).toBe(stableHash({ b: 2, a: 1, c: null }));
    expect(stableHash({ a: 1 })).not.toBe(stableHash({ a: 2 }));
    expect(stableHash({ a: 1 }, 1)).not.toBe(stableHash({ a: 1 }));
  });
});
