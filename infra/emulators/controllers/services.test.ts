import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Secret, secrets, serviceAccounts } from './engine/kube-objects.ts';
import { endpointSlices, endpointsKind, services } from './engine/network-objects.ts';
import { deployments, pods } from './engine/workload-objects.ts';
import { type Sandbox, startSandbox } from './sandbox-fixture.ts';

let sandbox: Sandbox;
let ns: string;

beforeAll(async () => {
  sandbox = await startSandbox();
  await sandbox.controllers();
  await sandbox.nodes((image) => !image.includes('absent'));
  ns = await sandbox.namespace();
});
afterAll(async () => {
  await sandbox.close();
});

const pod = (name: string, more: object = {}) =>
  sandbox.client.create(pods, ns, {
    metadata: { name, labels: { app: 'web' } },
    spec: {
      containers: [{ name: 'c', image: 'web:1', ports: [{ name: 'http', containerPort: 8080 }] }],
      ...more,
    },
  });
const slicesOf = async (service: string) =>
  (await sandbox.list(endpointSlices, ns)).filter(
    (slice) => slice.metadata.labels?.['kubernetes.io/service-name'] === service,
  );

describe('a Service with a selector', () => {
  it('leads to its ready pods by Endpoints and one EndpointSlice', async () => {
    await sandbox.client.create(services, ns, {
      metadata: { name: 'web', labels: { team: 'a' } },
      spec: { selector: { app: 'web' }, ports: [{ port: 80, targetPort: 'http' }] },
    });
    await sandbox.idle();
    expect((await slicesOf('web')).map((slice) => slice.endpoints ?? [])).toEqual([[]]);
    await pod('web-1');
    const ports = [{ name: 'http', containerPort: 8080 }];
    await pod('web-2', { containers: [{ name: 'c', image: 'absent:1', ports }] });
    await sandbox.idle();
    const first = await sandbox.get(pods, `${ns}/web-1`);
    const second = await sandbox.get(pods, `${ns}/web-2`);
    const [slice, ...others] = await slicesOf('web');
    expect(others).toEqual([]);
    expect(slice).toMatchObject({
      addressType: 'IPv4',
      metadata: {
        labels: {
          team: 'a',
          'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io',
        },
        ownerReferences: [{ apiVersion: 'v1', kind: 'Service', name: 'web', controller: true }],
      },
      ports: [{ port: 8080, protocol: 'TCP' }],
      endpoints: [
        {
          addresses: [first.status?.podIP],
          conditions: { ready: true, serving: true, terminating: false },
          nodeName: first.spec.nodeName,
          zone: first.spec.nodeName === 'node-h' ? 'cn-hangzhou-h' : 'cn-hangzhou-i',
          targetRef: { kind: 'Pod', name: 'web-1', uid: first.metadata.uid },
        },
        {
          addresses: [second.status?.podIP],
          conditions: { ready: false, serving: false, terminating: false },
        },
      ],
    });
    const endpoints = await sandbox.get(endpointsKind, `${ns}/web`);
    expect(endpoints.subsets).toMatchObject([
      {
        addresses: [{ ip: first.status?.podIP }],
        notReadyAddresses: [{ ip: second.status?.podIP }],
        ports: [{ port: 8080 }],
      },
    ]);
    expect(endpoints.metadata.labels).toMatchObject({ team: 'a' });
  });

  it('drops a pod that goes, and takes its Endpoints along when it goes itself', async () => {
    await sandbox.client.remove(pods, { namespace: ns, name: 'web-1' });
    await sandbox.idle();
    const [subset] = (await sandbox.get(endpointsKind, `${ns}/web`)).subsets ?? [];
    expect(subset?.addresses).toBeUndefined();
    expect(subset?.notReadyAddresses).toHaveLength(1);
    await sandbox.client.remove(services, { namespace: ns, name: 'web' });
    await sandbox.idle();
    const name = { namespace: ns, name: 'web' };
    expect(await sandbox.client.read(endpointsKind, name)).toBeUndefined();
    await expect.poll(() => slicesOf('web'), { timeout: 10_000 }).toEqual([]);
  });

  it('puts pods with other port numbers into slices of their own', async () => {
    await sandbox.client.create(services, ns, {
      metadata: { name: 'mixed' },
      spec: { selector: { mix: 'yes' }, ports: [{ name: 'p', port: 80, targetPort: 'http' }] },
    });
    for (const port of [1001, 1002]) {
      await sandbox.client.create(pods, ns, {
        metadata: { name: `mixed-${port}`, labels: { mix: 'yes' } },
        spec: {
          containers: [
            { name: 'c', image: 'web:1', ports: [{ name: 'http', containerPort: port }] },
          ],
        },
      });
    }
    await sandbox.idle();
    const ports = (await slicesOf('mixed')).flatMap((slice) => slice.ports ?? []);
    expect(ports.map((port) => port.port).sort()).toEqual([1001, 1002]);
  });

  it('lists a hundred endpoints in a slice and no more', async () => {
    await sandbox.client.create(services, ns, {
      metadata: { name: 'wide' },
      spec: { selector: { app: 'wide' }, ports: [{ port: 80 }] },
    });
    await sandbox.client.create(deployments, ns, {
      metadata: { name: 'wide' },
      spec: {
        replicas: 120,
        selector: { matchLabels: { app: 'wide' } },
        template: {
          metadata: { labels: { app: 'wide' } },
          spec: { containers: [{ name: 'c', image: 'web:1' }] },
        },
      },
    });
    await sandbox.idle();
    const sizes = (await slicesOf('wide')).map((slice) => slice.endpoints?.length ?? 0);
    expect(sizes.sort((a, b) => a - b)).toEqual([20, 100]);
  });
});

describe('a Service without a selector', () => {
  it('has the Endpoints that its user made, mirrored into a slice', async () => {
    await sandbox.client.create(services, ns, {
      metadata: { name: 'outside' },
      spec: { ports: [{ port: 5432 }] },
    });
    await sandbox.client.create(endpointsKind, ns, {
      metadata: { name: 'outside' },
      subsets: [{ addresses: [{ ip: '10.1.2.3' }], ports: [{ port: 5432 }] }],
    });
    await sandbox.idle();
    expect(await slicesOf('outside')).toMatchObject([
      {
        metadata: {
          labels: {
            'endpointslice.kubernetes.io/managed-by': 'endpointslicemirroring-controller.k8s.io',
          },
          ownerReferences: [{ kind: 'Endpoints', name: 'outside' }],
        },
        endpoints: [{ addresses: ['10.1.2.3'], conditions: { ready: true } }],
        ports: [{ port: 5432, protocol: 'TCP' }],
      },
    ]);
  });
});

describe('a Service of type LoadBalancer', () => {
  const create = async (name: string, more: { annotations?: object; spec?: object } = {}) => {
    await sandbox.client.create(services, ns, {
      metadata: { name, annotations: more.annotations ?? {} },
      spec: { type: 'LoadBalancer', ports: [{ port: 80 }], ...more.spec },
    });
    await sandbox.idle();
    return sandbox.get(services, `${ns}/${name}`);
  };
  const id = 'service.beta.kubernetes.io/alibaba-cloud-loadbalancer-id';

  it('gets an address of its own, a label and the finalizer of the cloud', async () => {
    const [one, two] = [await create('lb-1'), await create('lb-2')];
    const ip = one.status?.loadBalancer?.ingress?.[0]?.ip;
    expect(ip).toMatch(/^127\.\d+\.\d+\.\d+$/);
    expect(two.status?.loadBalancer?.ingress?.[0]?.ip).not.toBe(ip);
    expect(one.metadata.finalizers).toContain('service.k8s.alibaba/resources');
    expect(one.metadata.labels?.['service.k8s.alibaba/loadbalancer-id']).toBe(
      `lb-${one.metadata.uid}`,
    );
    await sandbox.client.remove(services, { namespace: ns, name: 'lb-1' });
    await sandbox.idle();
    const name = { namespace: ns, name: 'lb-1' };
    expect(await sandbox.client.read(services, name)).toBeUndefined();
  });

  it('shares the address of a load balancer that the user names', async () => {
    const one = await create('own-1', { annotations: { [id]: 'lb-bp1' } });
    const two = await create('own-2', { annotations: { [id]: 'lb-bp1' } });
    expect(one.status).toEqual(two.status);
    expect(one.metadata.labels?.['service.k8s.alibaba/loadbalancer-id']).toBe('lb-bp1');
  });

  it('is left alone when another class serves it, and let go when its type changes', async () => {
    const other = await create('else', { spec: { loadBalancerClass: 'example.com/lb' } });
    expect(other.status?.loadBalancer?.ingress).toBeUndefined();
    await create('back');
    await sandbox.client.patch(
      services,
      { namespace: ns, name: 'back' },
      { patch: { spec: { type: 'ClusterIP' } } },
    );
    await sandbox.idle();
    const back = await sandbox.get(services, `${ns}/back`);
    expect(back.metadata.finalizers ?? []).toEqual([]);
    expect(back.status?.loadBalancer?.ingress).toBeUndefined();
  });
});

describe('a token Secret', () => {
  const create = (name: string, account: string) =>
    sandbox.client.create(secrets, ns, {
      type: 'kubernetes.io/service-account-token',
      metadata: { name, annotations: { 'kubernetes.io/service-account.name': account } },
    });

  it('is filled for its service account and goes with it', async () => {
    const name = { namespace: ns, name: 'robot' };
    const account = await sandbox.client.create(serviceAccounts, ns, { metadata: name });
    await create('robot-token', 'robot');
    await sandbox.idle();
    const secret: Secret = await sandbox.get(secrets, `${ns}/robot-token`);
    expect(Object.keys(secret.data ?? {}).sort()).toEqual(['ca.crt', 'namespace', 'token']);
    expect(Buffer.from(secret.data?.namespace ?? '', 'base64').toString()).toBe(ns);
    expect(secret.metadata.annotations?.['kubernetes.io/service-account.uid']).toBe(
      account.metadata.uid,
    );
    await sandbox.client.remove(serviceAccounts, name);
    await sandbox.idle();
    const token = { namespace: ns, name: 'robot-token' };
    expect(await sandbox.client.read(secrets, token)).toBeUndefined();
  });
});
