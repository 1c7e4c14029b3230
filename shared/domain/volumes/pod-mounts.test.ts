import { describe, expect, it } from 'vitest';
import { podMounts } from './pod-mounts.ts';

const claim = (claimName: string) => ({ name: 'v', persistentVolumeClaim: { claimName } });

function pod(volumes: readonly object[], rest: { status?: object; metadata?: object } = {}) {
  return {
    kind: 'Pod',
    metadata: { namespace: 'shop', name: 'web-0', uid: 'u1', ...rest.metadata },
    spec: { nodeName: 'node-1', volumes },
    status: rest.status ?? { phase: 'Running' },
  };
}

describe('mounts of a pod', () => {
  it('name pod, node and claims', () => {
    expect(podMounts(pod([claim('data')]))).toEqual({
      namespace: 'shop',
      pod: 'web-0',
      podUid: 'u1',
      node: 'node-1',
      running: true,
      claims: ['data'],
    });
  });

  it.each([
    ['several, each once', [claim('a'), claim('b'), claim('a')], ['a', 'b']],
    [
      'an ephemeral volume after pod and volume',
      [{ name: 'scratch', ephemeral: { volumeClaimTemplate: { spec: {} } } }],
      ['web-0-scratch'],
    ],
  ])('hold %s', (_what, volumes, claims) => {
    expect(podMounts(pod(volumes))?.claims).toEqual(claims);
  });

  it('are none without claims', () => {
    expect(
      podMounts(
        pod([
          { name: 'tmp', emptyDir: {} },
          { name: 'c', configMap: {} },
        ]),
      ),
    ).toBeUndefined();
    expect(podMounts({ kind: 'Pod', metadata: { name: 'bare' } })).toBeUndefined();
  });

  it.each([
    ['pending', { status: { phase: 'Pending' } }],
    ['ended', { status: { phase: 'Succeeded' } }],
    ['leaving', { metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' } }],
  ])('of a %s pod are no running one', (_what, rest) => {
    expect(podMounts(pod([claim('data')], rest))?.running).toBe(false);
  });

  it('lack a node before scheduling', () => {
    const waiting = { ...pod([claim('data')]), spec: { volumes: [claim('data')] } };
    expect(podMounts(waiting)).not.toHaveProperty('node');
  });
});
