import { describe, expect, it } from 'vitest';
import type { JsonObject } from './json.ts';
import { CHECKED_KINDS, readinessOf, waitsForPod } from './readiness.ts';

const endpoints = { subsets: [{ addresses: [{ ip: '10.0.0.1' }] }] };
const selecting = { spec: { selector: { app: 'web' } } };
const balancer = (ingress: JsonObject[]) => ({
  spec: { type: 'LoadBalancer' },
  status: { loadBalancer: { ingress } },
});

describe('a restored object', () => {
  it.each([
    ['namespaces', { status: { phase: 'Active' } }, undefined, 'Active', true],
    ['namespaces', { status: { phase: 'Terminating' } }, undefined, 'Active', false],
    ['persistentvolumeclaims', { status: { phase: 'Bound' } }, undefined, 'Bound', true],
    ['persistentvolumeclaims', { status: { phase: 'Pending' } }, undefined, 'Bound', false],
    ['pods', { status: { phase: 'Running' } }, undefined, 'Running', true],
    ['pods', { status: { phase: 'Succeeded' } }, undefined, 'Running', true],
    ['pods', {}, undefined, 'Running', false],
    [
      'deployments.apps',
      { spec: { replicas: 2 }, status: { availableReplicas: 2 } },
      undefined,
      'Available',
      true,
    ],
    [
      'deployments.apps',
      { spec: { replicas: 2 }, status: { availableReplicas: 1 } },
      undefined,
      'Available',
      false,
    ],
    ['deployments.apps', { spec: { replicas: 0 } }, undefined, 'Available', true],
    [
      'deployments.apps',
      { metadata: { generation: 2 }, spec: { replicas: 0 }, status: { observedGeneration: 1 } },
      undefined,
      'Available',
      false,
    ],
    ['statefulsets.apps', { spec: {}, status: { readyReplicas: 1 } }, undefined, 'Available', true],
    ['statefulsets.apps', { spec: {} }, undefined, 'Available', false],
    [
      'daemonsets.apps',
      { status: { desiredNumberScheduled: 3, numberAvailable: 3 } },
      undefined,
      'Available',
      true,
    ],
    ['daemonsets.apps', { status: { desiredNumberScheduled: 3 } }, undefined, 'Available', false],
    ['services', selecting, endpoints, 'endpoints', true],
    [
      'services',
      selecting,
      { subsets: [{ notReadyAddresses: [{ ip: '1' }] }] },
      'endpoints',
      false,
    ],
    ['services', selecting, undefined, 'endpoints', false],
    ['services', balancer([{ ip: '1.2.3.4' }]), undefined, 'address', true],
    ['services', balancer([]), undefined, 'address', false],
  ])('%s %o with %o: %s is %o', (resource, object, given, check, ok) => {
    expect(readinessOf(resource, object, given)).toEqual([expect.objectContaining({ check, ok })]);
    expect(CHECKED_KINDS).toContain(resource);
  });

  it.each([
    ['services', { spec: {} }],
    ['services', { spec: { type: 'ExternalName', selector: { a: 'b' } } }],
    ['configmaps', { data: {} }],
  ])('%s %o has nothing to show', (resource, object) => {
    expect(readinessOf(resource, object, undefined)).toEqual([]);
  });
});

describe('a claim waits for its pod', () => {
  const late = { volumeBindingMode: 'WaitForFirstConsumer' };
  const node = { 'volume.kubernetes.io/selected-node': 'n1' };
  it.each([
    ['where its class says so', {}, late, true],
    ['and not in a class that binds at once', {}, { volumeBindingMode: 'Immediate' }, false],
    ['and not in a class that is not there', {}, undefined, false],
    ['and not once a pod is placed', { metadata: { annotations: node } }, late, false],
    ['and not once it is bound', { status: { phase: 'Bound' } }, late, false],
  ])('%s', (_when, claim, storageClass, waits) => {
    expect(waitsForPod(claim, storageClass)).toBe(waits);
  });
});
