import { describe, expect, it } from 'vitest';
import { chooseZone } from './choose-zone.ts';
import { isEcsNode, isVirtualNode, takesPod, zoneOfNode } from './node-rules.ts';

const ZONE = 'topology.kubernetes.io/zone';
const DISK_ZONE = 'topology.diskplugin.csi.alibabacloud.com/zone';

function node(zone: string, given: { labels?: object; spec?: object; ready?: string } = {}) {
  return {
    metadata: { name: 'n', labels: { [ZONE]: zone, ...given.labels } },
    spec: { providerID: 'cn-hangzhou.i-bp1', ...given.spec },
    status: {
      conditions: [
        { type: 'MemoryPressure', status: 'False' },
        { type: 'Ready', status: given.ready ?? 'True' },
      ],
    },
  };
}

const tainted = (effect: string, value = 'db') => ({
  spec: { taints: [{ key: 'team', value, effect }] },
});
const virtual = { labels: { type: 'virtual-kubelet' } };
const affinity = (...terms: readonly object[]) => ({
  affinity: {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: terms },
    },
  },
});
const needs = (key: string, operator: string, values?: readonly string[]) => ({
  matchExpressions: [{ key, operator, values }],
});

describe('the zone of a new disk', () => {
  it.each([
    ['the original one with a ready node', ['h', 'i', 'i'].map((z) => node(z)), 'h'],
    ['the one with most nodes', ['i', 'g', 'g', 'j'].map((z) => node(z)), 'g'],
    ['the first of equal ones', ['j', 'g', 'i'].map((z) => node(z)), 'g'],
    ['another where the original is not ready', [node('h', { ready: 'False' }), node('i')], 'i'],
    ['another where nothing is heard', [node('h', { ready: 'Unknown' }), node('i')], 'i'],
    [
      'another where it is cordoned',
      [node('h', { spec: { unschedulable: true } }), node('i')],
      'i',
    ],
    ['another where it is tainted', [node('h', tainted('NoSchedule')), node('i')], 'i'],
    ['another where pods are evicted', [node('h', tainted('NoExecute')), node('i')], 'i'],
    ['the original though pods prefer others', [node('h', tainted('PreferNoSchedule'))], 'h'],
    ['another where the original is virtual', [node('h', virtual), node('i')], 'i'],
    ['the one with most fitting nodes', [node('g', virtual), node('g', virtual), node('i')], 'i'],
  ])('is %s', (_what, nodes, zone) => {
    expect(chooseZone({ original: 'h', nodes })).toEqual({ kind: 'zone', zone });
  });

  it('is the one that the pod can be in', () => {
    const nodes = [node('h'), node('h'), node('i', { labels: { pool: 'db' } })];
    const podSpec = { nodeSelector: { pool: 'db' } };
    expect(chooseZone({ original: 'h', nodes, podSpec })).toEqual({ kind: 'zone', zone: 'i' });
  });

  it.each([
    ['no nodes', [], 'the cluster has no nodes'],
    ['virtual nodes only', [node('h', virtual), node('h', virtual)], 'none of 2 nodes is ready'],
    ['nodes of no zone', [{ ...node('h'), metadata: { name: 'n' } }], 'none of 1 nodes'],
  ])('is none with %s', (_what, nodes, words) => {
    const choice = chooseZone({ original: 'h', nodes });
    expect(choice).toMatchObject({ kind: 'none', code: 'no_zone' });
    expect(choice.kind === 'none' && choice.message).toContain(words);
  });
});

describe('a node takes a pod', () => {
  const team = { key: 'team', operator: 'Equal', value: 'db' };

  it.each([
    ['that tolerates its taint', { tolerations: [team] }, true],
    ['that tolerates the key', { tolerations: [{ key: 'team', operator: 'Exists' }] }, true],
    ['that tolerates all', { tolerations: [{ operator: 'Exists' }] }, true],
    ['that tolerates the effect', { tolerations: [{ ...team, effect: 'NoSchedule' }] }, true],
    ['not one of another effect', { tolerations: [{ ...team, effect: 'NoExecute' }] }, false],
    ['not one of another value', { tolerations: [{ ...team, value: 'web' }] }, false],
    ['not one of another key', { tolerations: [{ ...team, key: 'x' }] }, false],
    ['not one that tolerates nothing', {}, false],
  ])('%s', (_what, podSpec, takes) => {
    expect(takesPod(node('h', tainted('NoSchedule')), podSpec)).toBe(takes);
  });

  it.each([
    ['that wants its zone', affinity(needs(ZONE, 'In', ['h'])), true],
    ['not one of other zones', affinity(needs(ZONE, 'NotIn', ['h'])), false],
    ['that wants one of two things', affinity(needs('gpu', 'Exists'), needs(ZONE, 'Exists')), true],
    ['that avoids what it lacks', affinity(needs('gpu', 'DoesNotExist')), true],
    ['not one that wants what it lacks', affinity(needs('gpu', 'Exists')), false],
    ['not one that wants nothing at all', affinity({}), false],
    ['that compares numbers', affinity(needs('cpus', 'Gt', ['4'])), true],
    ['not one of another selector', { nodeSelector: { [ZONE]: 'i' } }, false],
  ])('%s', (_what, podSpec, takes) => {
    expect(takesPod(node('h'), podSpec)).toBe(takes);
  });
});

describe('a node', () => {
  it.each([
    ['cn-hangzhou.i-bp1abc', true],
    ['alicloud://cn-hangzhou.i-bp1abc', true],
    ['cn-hangzhou.eci-bp1abc', false],
    ['kind://docker/x/y', false],
    ['', false],
  ])('of provider id "%s" is an ECS instance: %s', (providerID, ecs) => {
    expect(isEcsNode(node('h', { spec: { providerID } }))).toBe(ecs);
  });

  it('without a provider id is none', () => {
    expect(isEcsNode({ spec: {} })).toBe(false);
  });

  it('is virtual by its label', () => {
    expect([node('h', virtual), node('h')].map(isVirtualNode)).toEqual([true, false]);
  });

  it("is in the disk driver's zone where it names one", () => {
    expect(zoneOfNode(node('h', { labels: { [DISK_ZONE]: 'g' } }))).toBe('g');
    expect(zoneOfNode({ metadata: { labels: { [ZONE]: '' } } })).toBeUndefined();
  });
});
