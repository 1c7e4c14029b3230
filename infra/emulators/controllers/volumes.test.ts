import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  claims,
  type PersistentVolume,
  SELECTED_NODE_ANNOTATION,
  storageClasses,
  volumes,
} from './engine/storage-objects.ts';
import { pods } from './engine/workload-objects.ts';
import { onRealServer, type Sandbox, startSandbox } from './sandbox-fixture.ts';

let sandbox: Sandbox;
let ns: string;
/** A class name of this run, so that volumes of others do not fit. */
let manual: string;

beforeAll(async () => {
  sandbox = await startSandbox();
  await sandbox.controllers();
  await sandbox.nodes();
  ns = await sandbox.namespace();
  manual = sandbox.unique('manual');
});
afterAll(async () => {
  await sandbox.close();
});

const volume = (name: string, spec: object = {}) =>
  sandbox.client.create(volumes, undefined, {
    metadata: { name },
    spec: {
      capacity: { storage: '10Gi' },
      accessModes: ['ReadWriteOnce'],
      persistentVolumeReclaimPolicy: 'Retain',
      storageClassName: manual,
      csi: { driver: 'suite.example.com', volumeHandle: name },
      ...spec,
    },
  });
const claim = (name: string, spec: object = {}) =>
  sandbox.client.create(claims, ns, {
    metadata: { name },
    spec: {
      accessModes: ['ReadWriteOnce'],
      storageClassName: manual,
      resources: { requests: { storage: '5Gi' } },
      ...spec,
    },
  });
const storageClass = (name: string, fields: object = {}) =>
  sandbox.client.create(storageClasses, undefined, {
    metadata: { name },
    provisioner: 'sandbox.local/directory',
    ...fields,
  });
const getClaim = (name: string) => sandbox.get(claims, `${ns}/${name}`);
const pod = (name: string, claimName: string) =>
  sandbox.client.create(pods, ns, {
    metadata: { name },
    spec: {
      containers: [{ name: 'c', image: 'x:1' }],
      volumes: [{ name: 'v', persistentVolumeClaim: { claimName } }],
    },
  });

describe('a claim without a volume name', () => {
  it('is bound to the smallest free volume that fits', async () => {
    const [big, small, tiny] = ['big', 'small', 'tiny'].map((name) => sandbox.unique(name));
    await volume(big ?? '', { capacity: { storage: '20Gi' } });
    await volume(small ?? '');
    await volume(tiny ?? '', { capacity: { storage: '1Gi' } });
    await claim('fit');
    await sandbox.idle();
    const bound = await getClaim('fit');
    expect(bound).toMatchObject({
      spec: { volumeName: small },
      status: {
        phase: 'Bound',
        accessModes: ['ReadWriteOnce'],
        capacity: { storage: '10Gi' },
      },
    });
    expect(bound.metadata.annotations).toMatchObject({
      'pv.kubernetes.io/bind-completed': 'yes',
      'pv.kubernetes.io/bound-by-controller': 'yes',
    });
    expect(bound.metadata.finalizers).toContain('kubernetes.io/pvc-protection');
    const taken = await sandbox.get(volumes, small ?? '');
    expect(taken).toMatchObject({
      spec: { claimRef: { name: 'fit', namespace: ns, uid: bound.metadata.uid } },
      status: { phase: 'Bound' },
    });
    expect(taken.metadata.annotations).toMatchObject({
      'pv.kubernetes.io/bound-by-controller': 'yes',
    });
    expect(taken.metadata.finalizers).toContain('kubernetes.io/pv-protection');
    for (const name of [big, tiny]) {
      expect((await sandbox.get(volumes, name ?? '')).status?.phase).toBe('Available');
    }
  });

  it.each([
    ['class', { storageClassName: 'no-such-class' }],
    ['size', { resources: { requests: { storage: '1000Gi' } } }],
    ['access mode', { accessModes: ['ReadWriteMany'] }],
    ['volume mode', { volumeMode: 'Block' }],
    ['label', { selector: { matchLabels: { tier: 'none' } } }],
  ])('stays pending when no volume has its %s', async (what, spec) => {
    await volume(sandbox.unique('other'));
    const name = `unmet-${what.replace(' ', '-')}`;
    await claim(name, spec);
    await sandbox.idle();
    expect((await getClaim(name)).status?.phase).toBe('Pending');
  });

  it('waits for a volume that comes later', async () => {
    const later = sandbox.unique('later');
    await claim('early', { storageClassName: later });
    await sandbox.idle();
    await volume(later, { storageClassName: later });
    await sandbox.idle();
    expect((await getClaim('early')).spec.volumeName).toBe(later);
  });
});

describe('a claim and a volume that name each other', () => {
  it('are bound, with no mark of the binder on what the user wrote', async () => {
    const name = sandbox.unique('static');
    await volume(name, { claimRef: { namespace: ns, name: 'static' } });
    await claim('static', { volumeName: name });
    await sandbox.idle();
    const [bound, taken] = [await getClaim('static'), await sandbox.get(volumes, name)];
    expect([bound.status?.phase, taken.status?.phase]).toEqual(['Bound', 'Bound']);
    expect(taken.spec.claimRef?.uid).toBe(bound.metadata.uid);
    const mark = 'pv.kubernetes.io/bound-by-controller';
    expect(bound.metadata.annotations?.[mark]).toBeUndefined();
    expect(taken.metadata.annotations?.[mark]).toBeUndefined();
  });

  it('keep others away: a promised volume is not given to another claim', async () => {
    const name = sandbox.unique('promised');
    const className = sandbox.unique('promised');
    const claimRef = { namespace: ns, name: 'chosen' };
    await volume(name, { storageClassName: className, claimRef });
    await claim('rival', { storageClassName: className });
    await sandbox.idle();
    expect((await getClaim('rival')).status?.phase).toBe('Pending');
    expect((await sandbox.get(volumes, name)).status?.phase).toBe('Available');
    await claim('chosen', { storageClassName: className });
    await sandbox.idle();
    expect((await getClaim('chosen')).spec.volumeName).toBe(name);
  });

  it('stay apart while the volume belongs to a claim of another UID', async () => {
    const name = sandbox.unique('old');
    const uid = '00000000-0000-0000-0000-000000000001';
    await volume(name, { claimRef: { namespace: ns, name: 'reborn', uid } });
    await claim('reborn', { volumeName: name });
    await sandbox.idle();
    expect((await getClaim('reborn')).status?.phase).toBe('Pending');
    expect((await sandbox.get(volumes, name)).status?.phase).toBe('Released');
  });

  it('are lost to each other when the volume vanishes', async () => {
    const name = sandbox.unique('vanish');
    await volume(name);
    await claim('vanish', { volumeName: name });
    await sandbox.idle();
    await sandbox.client.remove(volumes, { name });
    // Somebody takes the protection away by hand.
    await sandbox.client.patch(volumes, { name }, { patch: { metadata: { finalizers: null } } });
    await sandbox.idle();
    expect((await getClaim('vanish')).status?.phase).toBe('Lost');
  });
});

describe('a bound volume', () => {
  it('is released and kept when its claim goes (Retain)', async () => {
    const name = sandbox.unique('retain');
    await volume(name);
    await claim('retain', { volumeName: name });
    await sandbox.idle();
    const before = await sandbox.get(volumes, name);
    await sandbox.client.remove(claims, { namespace: ns, name: 'retain' });
    await sandbox.idle();
    const after = await sandbox.get(volumes, name);
    expect(after.status?.phase).toBe('Released');
    expect(after.spec.claimRef?.uid).toBe(before.spec.claimRef?.uid);
    await sandbox.client.patch(volumes, { name }, { patch: { spec: { claimRef: null } } });
    await sandbox.idle();
    expect((await sandbox.get(volumes, name)).status?.phase).toBe('Available');
  });

  it('outlives its own deletion while it is bound', async () => {
    const name = sandbox.unique('held');
    await volume(name);
    await claim('held', { volumeName: name });
    await sandbox.idle();
    await sandbox.client.remove(volumes, { name });
    await sandbox.idle();
    expect((await sandbox.get(volumes, name)).metadata.deletionTimestamp).toBeDefined();
    await sandbox.client.remove(claims, { namespace: ns, name: 'held' });
    await sandbox.idle();
    expect(await sandbox.client.read(volumes, { name })).toBeUndefined();
  });

  it('keeps its claim from vanishing while a pod uses it', async () => {
    const name = sandbox.unique('used');
    await volume(name);
    await claim('used', { volumeName: name });
    await pod('user', 'used');
    await sandbox.idle();
    await sandbox.client.remove(claims, { namespace: ns, name: 'used' });
    await sandbox.idle();
    expect((await getClaim('used')).metadata.deletionTimestamp).toBeDefined();
    await sandbox.client.remove(pods, { namespace: ns, name: 'user' });
    await sandbox.idle();
    const gone = await sandbox.client.read(claims, { namespace: ns, name: 'used' });
    expect(gone).toBeUndefined();
  });
});

describe('a StorageClass of the sandbox', () => {
  const volumeOf = async (name: string): Promise<PersistentVolume> =>
    sandbox.get(volumes, (await getClaim(name)).spec.volumeName ?? '');

  it('makes volumes at once, and deletes them with their claim (Delete)', async () => {
    const name = sandbox.unique('now');
    await storageClass(name, { parameters: { tier: 'gold' } });
    await claim('now', { storageClassName: name, accessModes: ['ReadWriteMany'] });
    await sandbox.idle();
    const made = await volumeOf('now');
    expect(made).toMatchObject({
      metadata: { annotations: { 'pv.kubernetes.io/provisioned-by': 'sandbox.local/directory' } },
      spec: {
        accessModes: ['ReadWriteMany'],
        capacity: { storage: '5Gi' },
        persistentVolumeReclaimPolicy: 'Delete',
        storageClassName: name,
        csi: { driver: 'directory.sandbox.local', volumeAttributes: { tier: 'gold' } },
      },
      status: { phase: 'Bound' },
    });
    expect((await getClaim('now')).metadata.annotations).toMatchObject({
      'volume.kubernetes.io/storage-provisioner': 'sandbox.local/directory',
      'volume.beta.kubernetes.io/storage-provisioner': 'sandbox.local/directory',
    });
    await sandbox.client.remove(claims, { namespace: ns, name: 'now' });
    await sandbox.idle();
    const { name: gone } = made.metadata;
    expect(await sandbox.client.read(volumes, { name: gone })).toBeUndefined();
  });

  it('waits for the first consumer when told to, then knows the node', async () => {
    const name = sandbox.unique('wait');
    await storageClass(name, {
      volumeBindingMode: 'WaitForFirstConsumer',
      reclaimPolicy: 'Retain',
    });
    await claim('wait', { storageClassName: name });
    await sandbox.idle();
    expect((await getClaim('wait')).status?.phase).toBe('Pending');
    await pod('consumer', 'wait');
    await sandbox.idle();
    const [bound, consumer] = [await getClaim('wait'), await sandbox.get(pods, `${ns}/consumer`)];
    expect(bound.status?.phase).toBe('Bound');
    expect(consumer.status?.phase).toBe('Running');
    expect(bound.metadata.annotations?.[SELECTED_NODE_ANNOTATION]).toBe(consumer.spec.nodeName);
    expect((await volumeOf('wait')).spec.persistentVolumeReclaimPolicy).toBe('Retain');
  });

  it('makes no empty volume for a claim that wants the data of another', async () => {
    const name = sandbox.unique('data');
    await storageClass(name);
    await claim('copy', {
      storageClassName: name,
      dataSource: { kind: 'PersistentVolumeClaim', name: 'origin' },
    });
    await sandbox.idle();
    expect((await getClaim('copy')).status?.phase).toBe('Pending');
  });

  it('gives a pod a volume of its own for a generic ephemeral volume', async () => {
    const name = sandbox.unique('eph');
    await storageClass(name);
    const spec = {
      accessModes: ['ReadWriteOnce'],
      storageClassName: name,
      resources: { requests: { storage: '1Gi' } },
    };
    await sandbox.client.create(pods, ns, {
      metadata: { name: 'scratchy' },
      spec: {
        containers: [{ name: 'c', image: 'x:1' }],
        volumes: [{ name: 'scratch', ephemeral: { volumeClaimTemplate: { spec } } }],
      },
    });
    await sandbox.idle();
    expect((await sandbox.get(pods, `${ns}/scratchy`)).status?.phase).toBe('Running');
    expect((await getClaim('scratchy-scratch')).metadata.ownerReferences).toMatchObject([
      { kind: 'Pod', name: 'scratchy', controller: true },
    ]);
  });
});

describe('a claim that waits for its first consumer', () => {
  it.skipIf(onRealServer)('is asked for again, after a pause, when it is refused', async () => {
    const name = sandbox.unique('refused');
    await storageClass(name, {
      provisioner: 'suite.example.com/refusing',
      volumeBindingMode: 'WaitForFirstConsumer',
    });
    await claim('refused', { storageClassName: name });
    await pod('refused', 'refused');
    await sandbox.idle();
    const selected = async () => (await getClaim('refused')).metadata.annotations ?? {};
    expect(Object.keys(await selected())).toContain(SELECTED_NODE_ANNOTATION);
    // What an external provisioner does when the node's zone has no room.
    await sandbox.client.patch(
      claims,
      { namespace: ns, name: 'refused' },
      { patch: { metadata: { annotations: { [SELECTED_NODE_ANNOTATION]: null } } } },
    );
    await sandbox.idle();
    expect(Object.keys(await selected())).not.toContain(SELECTED_NODE_ANNOTATION);
    sandbox.advance(1_000);
    await sandbox.idle();
    expect(Object.keys(await selected())).toContain(SELECTED_NODE_ANNOTATION);
  });
});

describe('a pod on static volumes', () => {
  it('goes to the node that its delayed claim can be bound on', async () => {
    const className = sandbox.unique('local');
    await storageClass(className, {
      provisioner: 'kubernetes.io/no-provisioner',
      volumeBindingMode: 'WaitForFirstConsumer',
    });
    const name = sandbox.unique('local');
    await volume(name, {
      storageClassName: className,
      nodeAffinity: {
        required: {
          nodeSelectorTerms: [
            {
              matchExpressions: [
                { key: 'kubernetes.io/hostname', operator: 'In', values: ['node-i'] },
              ],
            },
          ],
        },
      },
    });
    await claim('local', { storageClassName: className });
    await pod('local', 'local');
    await sandbox.idle();
    const placed = await sandbox.get(pods, `${ns}/local`);
    expect([placed.spec.nodeName, placed.status?.phase]).toEqual(['node-i', 'Running']);
    expect((await getClaim('local')).spec.volumeName).toBe(name);
  });

  it('waits, and says why, while its claim is missing or unbound', async () => {
    await pod('waiting', 'absent');
    await sandbox.idle();
    const reason = async () =>
      (await sandbox.get(pods, `${ns}/waiting`)).status?.conditions?.find(
        (condition) => condition.type === 'PodScheduled',
      )?.message;
    expect(await reason()).toContain('persistentvolumeclaim "absent" not found');
    await claim('absent', { storageClassName: sandbox.unique('none') });
    await sandbox.idle();
    expect(await reason()).toContain('unbound immediate PersistentVolumeClaims');
    expect((await sandbox.get(pods, `${ns}/waiting`)).spec.nodeName ?? '').toBe('');
  });
});
