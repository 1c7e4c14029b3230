import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../json.ts';
import type { KubeObject } from '../kube-object.ts';
import { treatService } from './treat-service.ts';

const port = (given: JsonObject = {}) => ({ port: 80, nodePort: 30080, ...given });
const lastApplied = (spec: JsonObject) => ({
  annotations: { 'kubectl.kubernetes.io/last-applied-configuration': JSON.stringify({ spec }) },
});
const managed = (fields: JsonObject) => ({ managedFields: [{ fieldsV1: { 'f:spec': fields } }] });

describe('a Service', () => {
  const service = (
    spec: JsonObject,
    metadata: JsonObject = {},
    options: { readonly preserveNodePorts?: boolean | undefined } = {},
  ) => {
    const result: KubeObject = {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'x', ...metadata },
      spec,
    };
    return { object: result, changes: treatService(result, options.preserveNodePorts) };
  };

  it('gets a new cluster address', () => {
    const spec = { clusterIP: '10.0.0.1', clusterIPs: ['10.0.0.1'], ports: [{ port: 80 }] };
    expect(service(spec).object.spec).toEqual({ ports: [{ port: 80 }] });
  });

  it.each([
    ['headless', { clusterIP: 'None', clusterIPs: ['None'] }],
    ['external', { type: 'ExternalName', externalName: 'a.example.com', clusterIP: '' }],
  ])('stays as it is when it is %s', (_what, spec) => {
    expect(service({ ...spec }).object.spec).toEqual(spec);
  });

  it.each([
    ['by default', undefined],
    ['when asked to', true],
  ])('keeps node ports %s', (_what, preserveNodePorts) => {
    const { object: result, changes } = service({ ports: [port()] }, {}, { preserveNodePorts });
    expect(result.spec).toEqual({ ports: [port()] });
    expect(changes).toEqual([]);
  });

  it.each([
    ['of the cluster', {}],
    ['that the user set', lastApplied({ ports: [port()] })],
    ['that fields prove', managed({ 'f:ports': { 'k:{"port":80}': { 'f:nodePort': {} } } })],
  ])('gets fresh node ports instead of those %s when asked to, and says so', (_what, metadata) => {
    const asked = { preserveNodePorts: false };
    const { object: result, changes } = service({ ports: [port()] }, metadata, asked);
    expect(result.spec).toEqual({ ports: [{ port: 80 }] });
    expect(changes).toEqual(['node port 30080 of 80: given anew']);
  });

  it.each([
    ['by default', undefined, {}, undefined],
    ['when node ports are preserved', true, {}, 31000],
    ['when the user set it', undefined, lastApplied({ healthCheckNodePort: 31000 }), 31000],
    ['when managed fields prove it', undefined, managed({ 'f:healthCheckNodePort': {} }), 31000],
    ['anew when asked to', false, lastApplied({ healthCheckNodePort: 31000 }), undefined],
    ['when fresh ones are wanted', false, {}, undefined],
  ])('has its health check port %s', (_what, preserveNodePorts, metadata, expected) => {
    const spec = { type: 'NodePort', healthCheckNodePort: 31000 };
    const result = service(spec, metadata, { preserveNodePorts }).object;
    expect(result.spec).toEqual({
      type: 'NodePort',
      ...(expected === undefined ? {} : { healthCheckNodePort: expected }),
    });
  });

  const ID = 'service.beta.kubernetes.io/alibaba-cloud-loadbalancer-id';
  const OVERRIDE = 'service.beta.kubernetes.io/alibaba-cloud-loadbalancer-force-override-listeners';

  it('stays on the user’s load balancer without taking over its listeners', () => {
    const annotations = { [ID]: 'lb-1', [OVERRIDE]: 'true' };
    const { object: result, changes } = service({ type: 'LoadBalancer' }, { annotations });
    expect(result.metadata.annotations).toEqual({ [ID]: 'lb-1', [OVERRIDE]: 'false' });
    expect(changes).toEqual([
      `${OVERRIDE}: false, so that the listeners of the other cluster stay`,
    ]);
  });

  it('gets a new load balancer where the cloud controller made the old one', () => {
    const labels = { 'service.k8s.alibaba/loadbalancer-id': 'lb-1', app: 'web' };
    const { object: result, changes } = service({ type: 'LoadBalancer' }, { labels });
    expect(result.metadata.labels).toEqual({ app: 'web' });
    expect(changes).toEqual(['load balancer: made anew by the cloud controller']);
  });

  it('keeps such annotations alone when it is no load balancer', () => {
    const annotations = { [ID]: 'lb-1' };
    const { object: result } = service({ type: 'ClusterIP' }, { annotations });
    expect(result.metadata.annotations).toEqual({ [ID]: 'lb-1' });
  });
});
