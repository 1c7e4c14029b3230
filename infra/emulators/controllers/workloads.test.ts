import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { claims } from './engine/storage-objects.ts';
import {
  controllerRevisions,
  daemonSets,
  deployments,
  nodes,
  podDisruptionBudgets,
  pods,
  replicaSets,
  statefulSets,
} from './engine/workload-objects.ts';
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

const template = (app: string, image = 'nginx:1') => ({
  metadata: { labels: { app } },
  spec: { containers: [{ name: 'c', image }] },
});
const selector = (app: string) => ({ matchLabels: { app } });
const ofApp = async (app: string) =>
  (await sandbox.list(pods, ns)).filter((pod) => pod.metadata.labels?.app === app);
const conditionOf = (status: Record<string, unknown>, type: string) =>
  (status.conditions as { type: string; status: string; reason: string }[]).find(
    (each) => each.type === type,
  );

async function deploy(app: string, spec: object = {}): Promise<void> {
  await sandbox.client.create(deployments, ns, {
    metadata: { name: app },
    spec: { replicas: 3, selector: selector(app), template: template(app), ...spec },
  });
  await sandbox.idle();
}
const setImage = async (app: string, image: string) => {
  await sandbox.client.patch(
    deployments,
    { namespace: ns, name: app },
    { patch: { spec: { template: { spec: { containers: [{ name: 'c', image }] } } } } },
  );
  await sandbox.idle();
};

describe('a Deployment', () => {
  it('makes a ReplicaSet whose pods become ready, and says so', async () => {
    await deploy('web');
    const status = await sandbox.status(deployments, `${ns}/web`);
    expect(status).toMatchObject({
      replicas: 3,
      updatedReplicas: 3,
      readyReplicas: 3,
      availableReplicas: 3,
    });
    expect(conditionOf(status, 'Available')).toMatchObject({ status: 'True' });
    expect(conditionOf(status, 'Progressing')?.reason).toBe('NewReplicaSetAvailable');
    const deployment = await sandbox.get(deployments, `${ns}/web`);
    expect(status.observedGeneration).toBe(deployment.metadata.generation);
    expect(deployment.metadata.generation).toBe(1);
    expect(deployment.metadata.annotations?.['deployment.kubernetes.io/revision']).toBe('1');
    const [set] = (await sandbox.list(replicaSets, ns)).filter((each) =>
      each.metadata.name.startsWith('web-'),
    );
    const hash = set?.metadata.labels?.['pod-template-hash'];
    expect(set?.metadata.name).toBe(`web-${hash}`);
    expect(set?.spec.selector.matchLabels).toEqual({ app: 'web', 'pod-template-hash': hash });
    expect(set?.metadata.ownerReferences).toMatchObject([
      { kind: 'Deployment', name: 'web', controller: true, blockOwnerDeletion: true },
    ]);
    for (const pod of await ofApp('web')) {
      expect(pod.metadata.labels?.['pod-template-hash']).toBe(hash);
      expect(pod.metadata.ownerReferences).toMatchObject([
        { apiVersion: 'apps/v1', kind: 'ReplicaSet', uid: set?.metadata.uid, controller: true },
      ]);
    }
  });

  it('rolls a new template out, back again under a new revision, and keeps both sets', async () => {
    await deploy('roll');
    await setImage('roll', 'nginx:2');
    expect((await ofApp('roll')).map((pod) => pod.spec.containers[0]?.image)).toEqual([
      'nginx:2',
      'nginx:2',
      'nginx:2',
    ]);
    await setImage('roll', 'nginx:1');
    const sets = (await sandbox.list(replicaSets, ns)).filter(
      (each) => each.metadata.labels?.app === 'roll',
    );
    const view = sets.map((set) => [
      set.spec.template.spec.containers[0]?.image,
      set.spec.replicas,
      set.metadata.annotations?.['deployment.kubernetes.io/revision'],
    ]);
    expect(view.sort()).toEqual([
      ['nginx:1', 3, '3'],
      ['nginx:2', 0, '2'],
    ]);
  });

  it('keeps enough old pods while the new image cannot be pulled', async () => {
    await deploy('stuck');
    await setImage('stuck', 'absent:1');
    const images = (await ofApp('stuck')).map((pod) => pod.spec.containers[0]?.image);
    expect(images.filter((image) => image === 'nginx:1')).toHaveLength(3);
    expect(images.filter((image) => image === 'absent:1')).toHaveLength(1);
    const status = await sandbox.status(deployments, `${ns}/stuck`);
    expect(status).toMatchObject({ updatedReplicas: 1, availableReplicas: 3 });
  });

  it('recreates: no new pod beside an old one', async () => {
    await deploy('re', { strategy: { type: 'Recreate' } });
    await setImage('re', 'nginx:2');
    const images = (await ofApp('re')).map((pod) => pod.spec.containers[0]?.image);
    expect(images).toEqual(['nginx:2', 'nginx:2', 'nginx:2']);
  });

  it('scales down to the wanted number, and waits while paused', async () => {
    await deploy('down');
    const name = { namespace: ns, name: 'down' };
    await sandbox.client.patch(deployments, name, { patch: { spec: { replicas: 1 } } });
    await sandbox.idle();
    expect(await ofApp('down')).toHaveLength(1);
    await sandbox.client.patch(deployments, name, { patch: { spec: { paused: true } } });
    await setImage('down', 'nginx:2');
    expect((await ofApp('down'))[0]?.spec.containers[0]?.image).toBe('nginx:1');
  });

  it('adopts the ReplicaSet and pods that a deleted one left', async () => {
    await deploy('left');
    const before = (await ofApp('left')).map((pod) => pod.metadata.uid);
    const name = { namespace: ns, name: 'left' };
    await sandbox.client.remove(deployments, name, { propagationPolicy: 'Orphan' });
    await expect
      .poll(() => sandbox.client.read(deployments, name), { timeout: 10_000 })
      .toBeUndefined();
    await deploy('left');
    expect((await ofApp('left')).map((pod) => pod.metadata.uid)).toEqual(before);
    const owner = await sandbox.get(deployments, `${ns}/left`);
    const sets = (await sandbox.list(replicaSets, ns)).filter(
      (set) => set.metadata.labels?.app === 'left',
    );
    expect(sets.map((set) => set.metadata.ownerReferences?.[0]?.uid)).toEqual([owner.metadata.uid]);
  });
});

describe('a ReplicaSet', () => {
  it('adopts matching pods, releases a relabelled one and fills the gap', async () => {
    await sandbox.client.create(pods, ns, {
      metadata: { name: 'lone', labels: { app: 'rs' } },
      spec: template('rs').spec,
    });
    await sandbox.client.create(replicaSets, ns, {
      metadata: { name: 'rs' },
      spec: { replicas: 2, selector: selector('rs'), template: template('rs') },
    });
    await sandbox.idle();
    const adopted = await ofApp('rs');
    expect(adopted).toHaveLength(2);
    expect(adopted.map((pod) => pod.metadata.name)).toContain('lone');
    await sandbox.client.patch(
      pods,
      { namespace: ns, name: 'lone' },
      { patch: { metadata: { labels: { app: 'other' } } } },
    );
    await sandbox.idle();
    expect(await ofApp('rs')).toHaveLength(2);
    const released = await sandbox.get(pods, `${ns}/lone`);
    expect(released.metadata.ownerReferences ?? []).toEqual([]);
    expect(await sandbox.status(replicaSets, `${ns}/rs`)).toMatchObject({
      replicas: 2,
      fullyLabeledReplicas: 2,
      readyReplicas: 2,
      availableReplicas: 2,
    });
  });
});

describe('a StatefulSet', () => {
  const create = (app: string, spec: object = {}) =>
    sandbox.client.create(statefulSets, ns, {
      metadata: { name: app },
      spec: {
        replicas: 3,
        serviceName: app,
        selector: selector(app),
        template: template(app),
        ...spec,
      },
    });

  it('makes ordered pods with names, claims and a revision of their own', async () => {
    await create('db', {
      volumeClaimTemplates: [
        {
          metadata: { name: 'data' },
          spec: {
            accessModes: ['ReadWriteOnce'],
            storageClassName: 'sts-none',
            resources: { requests: { storage: '1Gi' } },
          },
        },
      ],
    });
    await sandbox.idle();
    // Without a volume for its claim the first pod waits, and so does everything behind it.
    expect((await ofApp('db')).map((pod) => pod.metadata.name)).toEqual(['db-0']);
    const claim = await sandbox.get(claims, `${ns}/data-db-0`);
    expect(claim.metadata.labels).toEqual({ app: 'db' });
    const [pod] = await ofApp('db');
    expect(pod?.metadata.labels).toMatchObject({
      'statefulset.kubernetes.io/pod-name': 'db-0',
      'apps.kubernetes.io/pod-index': '0',
    });
    expect(pod?.spec).toMatchObject({ hostname: 'db-0', subdomain: 'db' });
    expect(pod?.spec.volumes?.[0]).toMatchObject({
      name: 'data',
      persistentVolumeClaim: { claimName: 'data-db-0' },
    });
    const revisions = (await sandbox.list(controllerRevisions, ns)).filter(
      (each) => each.metadata.labels?.app === 'db',
    );
    expect(revisions).toHaveLength(1);
    expect(pod?.metadata.labels?.['controller-revision-hash']).toBe(revisions[0]?.metadata.name);
  });

  it('updates from the last ordinal down, not below its partition', async () => {
    await create('part', { updateStrategy: { rollingUpdate: { partition: 2 } } });
    await sandbox.idle();
    const name = { namespace: ns, name: 'part' };
    const image = { spec: { template: template('part', 'nginx:2') } };
    await sandbox.client.patch(statefulSets, name, { patch: image });
    await sandbox.idle();
    const images = async () => (await ofApp('part')).map((pod) => pod.spec.containers[0]?.image);
    expect(await images()).toEqual(['nginx:1', 'nginx:1', 'nginx:2']);
    let status = await sandbox.status(statefulSets, `${ns}/part`);
    expect(status).toMatchObject({ currentReplicas: 2, updatedReplicas: 1, readyReplicas: 3 });
    expect(status.currentRevision).not.toBe(status.updateRevision);
    await sandbox.client.patch(statefulSets, name, {
      patch: { spec: { updateStrategy: { rollingUpdate: { partition: 0 } } } },
    });
    await sandbox.idle();
    expect(await images()).toEqual(['nginx:2', 'nginx:2', 'nginx:2']);
    status = await sandbox.status(statefulSets, `${ns}/part`);
    expect(status.currentRevision).toBe(status.updateRevision);
  });

  it('starts all at once when Parallel, stops at the last ordinal when ordered', async () => {
    await create('par', {
      podManagementPolicy: 'Parallel',
      template: template('par', 'absent:1'),
    });
    await create('ord', { template: template('ord', 'absent:1') });
    await sandbox.idle();
    expect(await ofApp('par')).toHaveLength(3);
    expect(await ofApp('ord')).toHaveLength(1);
  });

  it('scales down from the last ordinal', async () => {
    await create('less');
    await sandbox.idle();
    const name = { namespace: ns, name: 'less' };
    await sandbox.client.patch(statefulSets, name, { patch: { spec: { replicas: 1 } } });
    await sandbox.idle();
    expect((await ofApp('less')).map((pod) => pod.metadata.name)).toEqual(['less-0']);
  });
});

describe('a DaemonSet', () => {
  it('has a pod on every node that suits, replaced when the template changes', async () => {
    await sandbox.client.create(daemonSets, ns, {
      metadata: { name: 'agent' },
      spec: { selector: selector('agent'), template: template('agent') },
    });
    await sandbox.idle();
    const hosts = async () => (await ofApp('agent')).map((pod) => pod.spec.nodeName).sort();
    expect(await hosts()).toEqual(['node-h', 'node-i']);
    expect(await sandbox.status(daemonSets, `${ns}/agent`)).toMatchObject({
      desiredNumberScheduled: 2,
      currentNumberScheduled: 2,
      numberReady: 2,
      numberAvailable: 2,
      updatedNumberScheduled: 2,
      numberMisscheduled: 0,
    });
    const inZone = {
      ...template('agent', 'nginx:2'),
      spec: {
        containers: [{ name: 'c', image: 'nginx:2' }],
        nodeSelector: { 'topology.kubernetes.io/zone': 'cn-hangzhou-i' },
      },
    };
    await sandbox.client.patch(
      daemonSets,
      { namespace: ns, name: 'agent' },
      { patch: { spec: { template: inZone } } },
    );
    await sandbox.idle();
    expect(await hosts()).toEqual(['node-i']);
    expect((await ofApp('agent'))[0]?.spec.containers[0]?.image).toBe('nginx:2');
  });

  it('stays away from a node whose taint it does not tolerate', async () => {
    const taint = { key: 'only', value: 'others', effect: 'NoSchedule' };
    const name = { name: 'node-h' };
    await sandbox.client.patch(nodes, name, { patch: { spec: { taints: [taint] } } });
    await sandbox.client.create(daemonSets, ns, {
      metadata: { name: 'shy' },
      spec: { selector: selector('shy'), template: template('shy') },
    });
    await sandbox.idle();
    expect((await ofApp('shy')).map((pod) => pod.spec.nodeName)).toEqual(['node-i']);
    await sandbox.client.patch(nodes, name, { patch: { spec: { taints: null } } });
    await sandbox.idle();
    expect(await ofApp('shy')).toHaveLength(2);
  });
});

describe('a PodDisruptionBudget', () => {
  it('counts its pods and what may be spared', async () => {
    await deploy('budget');
    await sandbox.client.create(podDisruptionBudgets, ns, {
      metadata: { name: 'budget' },
      spec: { minAvailable: '50%', selector: selector('budget') },
    });
    await sandbox.idle();
    expect(await sandbox.status(podDisruptionBudgets, `${ns}/budget`)).toMatchObject({
      currentHealthy: 3,
      desiredHealthy: 2,
      disruptionsAllowed: 1,
      expectedPods: 3,
    });
  });
});
