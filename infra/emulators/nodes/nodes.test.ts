import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  configMaps,
  type KubeObject,
  type ResourceKind,
  secrets,
} from '../controllers/engine/kube-objects.ts';
import { nodes, type Pod, pods } from '../controllers/engine/workload-objects.ts';
import { onRealServer, type Sandbox, startSandbox } from '../controllers/sandbox-fixture.ts';

const csiNodes: ResourceKind<KubeObject & { spec: { drivers: unknown[] } }> = {
  apiVersion: 'storage.k8s.io/v1',
  kind: 'CSINode',
  plural: 'csinodes',
};
const leases: ResourceKind<KubeObject & { spec: { renewTime: string } }> = {
  apiVersion: 'coordination.k8s.io/v1',
  kind: 'Lease',
  plural: 'leases',
};

let sandbox: Sandbox;
let ns: string;
const refused = new Set(['absent:1']);

beforeAll(async () => {
  sandbox = await startSandbox();
  await sandbox.nodes((image) => !refused.has(image));
  ns = await sandbox.namespace();
});
afterAll(async () => {
  await sandbox.close();
});

const create = async (name: string, spec: object = {}): Promise<Pod> => {
  await sandbox.client.create(pods, ns, {
    metadata: { name },
    spec: { containers: [{ name: 'c', image: 'app:1' }], ...spec },
  });
  await sandbox.idle();
  return get(name);
};
const get = (name: string): Promise<Pod> => sandbox.get(pods, `${ns}/${name}`);
const waiting = (pod: Pod) => pod.status?.containerStatuses?.[0]?.state?.waiting;
const condition = (pod: Pod, type: string) =>
  pod.status?.conditions?.find((each) => each.type === type);

describe('a node', () => {
  it('registers as ready with its zone, region, provider id, drivers and lease', async () => {
    const node = await sandbox.get(nodes, 'node-h');
    expect(node.metadata.labels).toMatchObject({
      'kubernetes.io/hostname': 'node-h',
      'topology.kubernetes.io/zone': 'cn-hangzhou-h',
      'topology.kubernetes.io/region': 'cn-hangzhou',
      'topology.diskplugin.csi.alibabacloud.com/zone': 'cn-hangzhou-h',
    });
    expect(node.metadata.labels?.['node.kubernetes.io/instance-type']).toMatch(/^ecs\./);
    expect(node.spec?.providerID).toBe('cn-hangzhou.i-h');
    const ready = node.status?.conditions?.find((each) => each.type === 'Ready');
    expect(ready).toMatchObject({ status: 'True', reason: 'KubeletReady' });
    const csi = await sandbox.get(csiNodes, 'node-h');
    expect(csi.spec.drivers).toContainEqual(
      expect.objectContaining({ name: 'diskplugin.csi.alibabacloud.com', nodeID: 'i-h' }),
    );
    expect((await sandbox.get(leases, 'kube-node-lease/node-h')).spec.renewTime).toBeDefined();
  });

  it.skipIf(onRealServer)('renews its lease as the clock goes', async () => {
    const before = await sandbox.get(leases, 'kube-node-lease/node-i');
    sandbox.advance(60_000);
    await sandbox.idle();
    const after = await sandbox.get(leases, 'kube-node-lease/node-i');
    const passedMs = Date.parse(after.spec.renewTime) - Date.parse(before.spec.renewTime);
    expect(passedMs).toBeGreaterThanOrEqual(60_000);
  });

  it('takes no pods and confirms nothing while it is silent', async () => {
    const before = await create('silent', { nodeSelector: { 'kubernetes.io/hostname': 'node-h' } });
    expect(before.status?.phase).toBe('Running');
    const silence = (value: string | null) => ({
      patch: { metadata: { annotations: { 'sandbox.local/not-ready': value } } },
    });
    await sandbox.client.patch(nodes, { name: 'node-h' }, silence('true'));
    await sandbox.idle();
    const ready = (await sandbox.get(nodes, 'node-h')).status?.conditions?.find(
      (each) => each.type === 'Ready',
    );
    expect(ready?.status).toBe('Unknown');
    await sandbox.client.remove(pods, { namespace: ns, name: 'silent' });
    const elsewhere = await create('moved');
    expect(elsewhere.spec.nodeName).toBe('node-i');
    expect((await get('silent')).metadata.deletionTimestamp).toBeDefined();
    await sandbox.client.patch(nodes, { name: 'node-h' }, silence(null));
    await sandbox.idle();
    expect(await sandbox.client.read(pods, { namespace: ns, name: 'silent' })).toBeUndefined();
  });
});

describe('a pod', () => {
  it('becomes Running with an address of its own, all conditions true', async () => {
    const [one, two] = [await create('one'), await create('two')];
    expect(one.status).toMatchObject({
      phase: 'Running',
      qosClass: 'BestEffort',
      containerStatuses: [{ name: 'c', ready: true, started: true, image: 'app:1' }],
    });
    for (const type of ['PodScheduled', 'Initialized', 'ContainersReady', 'Ready']) {
      expect(condition(one, type)?.status).toBe('True');
    }
    expect(one.status?.podIP).toMatch(/^10\./);
    expect(two.status?.podIP).not.toBe(one.status?.podIP);
  });

  it('has its init containers done and its sidecars running', async () => {
    const pod = await create('init', {
      initContainers: [
        { name: 'setup', image: 'setup:1' },
        { name: 'proxy', image: 'proxy:1', restartPolicy: 'Always' },
      ],
    });
    const states = pod.status?.initContainerStatuses?.map((status) =>
      Object.keys(status.state ?? {}),
    );
    expect(states).toEqual([['terminated'], ['running']]);
    expect(pod.status?.phase).toBe('Running');
  });

  it('stops at the init container whose image cannot be pulled', async () => {
    const pod = await create('stopped', {
      initContainers: [
        { name: 'first', image: 'setup:1' },
        { name: 'second', image: 'absent:1' },
      ],
    });
    const init = pod.status?.initContainerStatuses ?? [];
    expect(init[0]?.state?.terminated?.exitCode).toBe(0);
    expect(init[1]?.state?.waiting?.reason).toBe('ImagePullBackOff');
    expect(waiting(pod)?.reason).toBe('PodInitializing');
    expect(condition(pod, 'Initialized')?.status).toBe('False');
  });

  it.skipIf(onRealServer)(
    'backs off an image that is refused and starts once it is there',
    async () => {
      const pod = await create('pull', { containers: [{ name: 'c', image: 'late:1' }] });
      expect(pod.status?.phase).toBe('Running');
      refused.add('late:2');
      const backedOff = await create('pull-2', { containers: [{ name: 'c', image: 'late:2' }] });
      expect(backedOff.status?.phase).toBe('Pending');
      expect(waiting(backedOff)).toMatchObject({ reason: 'ImagePullBackOff' });
      refused.delete('late:2');
      await sandbox.idle();
      expect((await get('pull-2')).status?.phase).toBe('Pending');
      sandbox.advance(300_000);
      await sandbox.idle();
      expect((await get('pull-2')).status?.phase).toBe('Running');
    },
  );

  it('waits for the ConfigMap of its environment, and for the key in it', async () => {
    const configMapKeyRef = { name: 'settings', key: 'level' };
    const env = [{ name: 'LEVEL', valueFrom: { configMapKeyRef } }];
    const pod = await create('env', { containers: [{ name: 'c', image: 'app:1', env }] });
    expect(waiting(pod)).toEqual({
      reason: 'CreateContainerConfigError',
      message: 'configmap "settings" not found',
    });
    const settings = { namespace: ns, name: 'settings' };
    await sandbox.client.create(configMaps, ns, { metadata: settings, data: { other: 'x' } });
    await sandbox.idle();
    expect(waiting(await get('env'))?.message).toBe(
      `couldn't find key level in ConfigMap ${ns}/settings`,
    );
    await sandbox.client.patch(configMaps, settings, { patch: { data: { level: 'debug' } } });
    await sandbox.idle();
    expect((await get('env')).status?.phase).toBe('Running');
  });

  it('waits for the Secret that it mounts, but not for an optional one', async () => {
    const mounting = (secretName: string, optional: boolean) => ({
      volumes: [{ name: 'v', secret: { secretName, optional } }],
    });
    expect((await create('opt', mounting('nowhere', true))).status?.phase).toBe('Running');
    const pod = await create('mount', mounting('keys', false));
    expect(waiting(pod)).toEqual({ reason: 'ContainerCreating' });
    await sandbox.client.create(secrets, ns, { metadata: { name: 'keys' } });
    await sandbox.idle();
    expect((await get('mount')).status?.phase).toBe('Running');
  });

  it('goes only where its selector and affinity allow, and says when that is nowhere', async () => {
    const requiring = (values: string[]) => ({
      affinity: {
        nodeAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: {
            nodeSelectorTerms: [
              {
                matchExpressions: [{ key: 'topology.kubernetes.io/zone', operator: 'In', values }],
              },
            ],
          },
        },
      },
    });
    expect((await create('zone', requiring(['cn-hangzhou-i']))).spec.nodeName).toBe('node-i');
    const lost = await create('lost', requiring(['cn-beijing-a']));
    expect(lost.spec.nodeName ?? '').toBe('');
    expect(condition(lost, 'PodScheduled')).toMatchObject({
      status: 'False',
      reason: 'Unschedulable',
    });
    expect(condition(lost, 'PodScheduled')?.message).toContain(
      "didn't match Pod's node affinity/selector",
    );
  });

  it('waits for a cordon to be lifted', async () => {
    const cordon = async (unschedulable: boolean | null) => {
      for (const name of ['node-h', 'node-i']) {
        await sandbox.client.patch(nodes, { name }, { patch: { spec: { unschedulable } } });
      }
    };
    await cordon(true);
    const pod = await create('cordoned');
    expect(pod.spec.nodeName ?? '').toBe('');
    await cordon(null);
    await sandbox.idle();
    expect((await get('cordoned')).status?.phase).toBe('Running');
  });

  it('is left to another scheduler, or to its gates', async () => {
    expect((await create('foreign', { schedulerName: 'mine' })).spec.nodeName ?? '').toBe('');
    const gated = await create('gated', { schedulingGates: [{ name: 'example.com/wait' }] });
    expect(gated.spec.nodeName ?? '').toBe('');
  });

  it('is gone soon after its deletion', async () => {
    await create('short');
    await sandbox.client.remove(pods, { namespace: ns, name: 'short' });
    await sandbox.idle();
    expect(await sandbox.client.read(pods, { namespace: ns, name: 'short' })).toBeUndefined();
  });

  it('spreads with others over the nodes', async () => {
    const names = ['s1', 's2', 's3', 's4'];
    const hosts = [];
    for (const name of names) hosts.push((await create(name)).spec.nodeName);
    expect(new Set(hosts).size).toBe(2);
  });
});
