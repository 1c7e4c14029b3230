import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  claims,
  type PersistentVolume,
  SELECTED_NODE_ANNOTATION,
  storageClasses,
  volumes,
} from '../controllers/engine/storage-objects.ts';
import { pods } from '../controllers/engine/workload-objects.ts';
import { type CsiBench, startCsiBench } from './csi-fixture.ts';

const DISK = 'diskplugin.csi.alibabacloud.com';
const ZONE = 'topology.diskplugin.csi.alibabacloud.com/zone';

let bench: CsiBench;
let ns: string;

beforeAll(async () => {
  bench = await startCsiBench();
  await bench.startCsi();
  ns = await bench.sandbox.namespace();
});
afterAll(async () => {
  await bench.close();
});

const handleOf = (volume: PersistentVolume): string => volume.spec.csi?.volumeHandle ?? '';
const removeClaim = (name: string): Promise<void> =>
  bench.sandbox.client.remove(claims, { namespace: ns, name });
const gone = (volume: PersistentVolume): Promise<unknown> =>
  bench.until(
    () => bench.sandbox.client.read(volumes, { name: volume.metadata.name }),
    (found) => found === undefined,
  );
/** A disk class of this suite. */
async function diskClass(name: string, fields: object): Promise<string> {
  const unique = bench.sandbox.unique(name);
  await bench.sandbox.client.create(storageClasses, undefined, {
    metadata: { name: unique },
    provisioner: DISK,
    ...fields,
  });
  return unique;
}
const failures = async (name: string): Promise<string> =>
  (await bench.events(await bench.getClaim(ns, name)))
    .filter((event) => event.startsWith('Warning ProvisioningFailed'))
    .join('\n');

describe('a claim of an immediate disk class', () => {
  it('is bound to a new disk, which goes with the claim', async () => {
    await bench.claim(ns, 'data');
    const { claim, volume } = await bench.bound(ns, 'data');
    const disk = await bench.disk(handleOf(volume));
    expect(disk).toMatchObject({
      Size: 20,
      Category: 'cloud_essd',
      DiskName: volume.metadata.name,
    });
    expect(volume.metadata).toMatchObject({
      name: `disk-${claim.metadata.uid}`,
      annotations: { 'pv.kubernetes.io/provisioned-by': DISK },
    });
    expect(volume.metadata.finalizers).toEqual(
      expect.arrayContaining([
        'external-provisioner.volume.kubernetes.io/finalizer',
        'kubernetes.io/pv-protection',
      ]),
    );
    expect(volume.spec).toMatchObject({
      capacity: { storage: '20Gi' },
      persistentVolumeReclaimPolicy: 'Delete',
      csi: { driver: DISK, fsType: 'ext4', volumeAttributes: { type: 'cloud_essd' } },
      nodeAffinity: {
        required: {
          nodeSelectorTerms: [
            { matchExpressions: [{ key: ZONE, operator: 'In', values: [disk?.ZoneId] }] },
          ],
        },
      },
    });
    const events = (await bench.events(claim)).join('\n');
    expect(events).toContain('Normal Provisioning External provisioner is provisioning volume');
    expect(events).toContain(`Normal ProvisioningSucceeded Successfully provisioned volume`);
    const directory = await bench.csi.volumeDirectory(volume.metadata.name);
    expect(existsSync(directory ?? '')).toBe(true);

    await removeClaim('data');
    await gone(volume);
    expect(await bench.disk(handleOf(volume))).toBeUndefined();
    expect(existsSync(directory ?? '')).toBe(false);
  });

  it('tags its disk with the cluster, the PV and the claim', async () => {
    await bench.claim(ns, 'tagged');
    const { volume } = await bench.bound(ns, 'tagged');
    const { Tags } = (await bench.disk(handleOf(volume))) ?? {};
    const tags = (Tags as { Tag: { TagKey: string; TagValue: string }[] }).Tag;
    expect(Object.fromEntries(tags.map((tag) => [tag.TagKey, tag.TagValue]))).toEqual({
      'k8s.aliyun.com': 'true',
      createdby: 'alibabacloud-csi-plugin',
      'ack.aliyun.com': 'c-suite',
      'kubernetes.io/created-for/pv/name': volume.metadata.name,
      'kubernetes.io/created-for/pvc/name': 'tagged',
      'kubernetes.io/created-for/pvc/namespace': ns,
      'csi.alibabacloud.com/volume-name': volume.metadata.name,
    });
  });

  it('keeps its disk under policy Retain', async () => {
    const retaining = await diskClass('retain', {
      reclaimPolicy: 'Retain',
      parameters: { type: 'cloud_essd' },
    });
    await bench.claim(ns, 'kept', { storageClassName: retaining });
    const { volume } = await bench.bound(ns, 'kept');
    expect(volume.metadata.finalizers).toEqual(['kubernetes.io/pv-protection']);
    await removeClaim('kept');
    await bench.until(
      () => bench.sandbox.get(volumes, volume.metadata.name),
      (found) => found.status?.phase === 'Released',
    );
    expect(await bench.disk(handleOf(volume))).toMatchObject({ Status: 'Available' });
    await bench.sandbox.client.remove(volumes, { name: volume.metadata.name });
    await gone(volume);
    expect(await bench.disk(handleOf(volume))).toBeDefined();
  });

  it('has no file system when it asks for a block device', async () => {
    await bench.claim(ns, 'raw', { volumeMode: 'Block' });
    const { volume } = await bench.bound(ns, 'raw');
    expect(volume.spec.volumeMode).toBe('Block');
    expect(volume.spec.csi).not.toHaveProperty('fsType');
  });

  it('is left alone when it asks for another provisioner', async () => {
    const before = await bench.diskIds();
    await bench.sandbox.client.create(storageClasses, undefined, {
      metadata: { name: bench.sandbox.unique('foreign') },
      provisioner: 'other.example.com',
    });
    await bench.claim(ns, 'foreign', { storageClassName: 'no-such-class' });
    await bench.sandbox.idle();
    expect(await bench.diskIds()).toEqual(before);
  });
});

describe('kinds of disk', () => {
  it.each([
    ['the first that is large enough', { type: 'cloud_ssd,cloud_auto' }, '5Gi', 'cloud_auto', 5],
    [
      'the performance level that the size allows',
      { type: 'cloud_essd', performanceLevel: 'PL2,PL1' },
      '20Gi',
      'cloud_essd',
      20,
    ],
    ['the default ones', {}, '20Gi', 'cloud_ssd', 20],
    [
      '20 GiB where the class raises small claims',
      { type: 'cloud_essd', volumeSizeAutoAvailable: 'true' },
      '1Gi',
      'cloud_essd',
      20,
    ],
    ['whole GiB', { type: 'cloud_essd' }, '20500Mi', 'cloud_essd', 21],
  ])('are tried in turn: %s', async (what, parameters, storage, category, sizeGiB) => {
    const storageClassName = await diskClass('kind', { parameters });
    const name = `kind-${what.replaceAll(/[^a-z0-9]+/gi, '-').toLowerCase()}`;
    await bench.claim(ns, name, { storageClassName, resources: { requests: { storage } } });
    const { volume } = await bench.bound(ns, name);
    expect(await bench.disk(handleOf(volume))).toMatchObject({
      Category: category,
      Size: sizeGiB,
    });
    expect(volume.spec.capacity).toEqual({ storage: `${sizeGiB}Gi` });
    expect(volume.spec.csi?.volumeAttributes).toMatchObject({ type: category });
  });

  it.each([
    [
      'too small for any',
      { parameters: { type: 'cloud_essd,cloud_ssd' } },
      { resources: { requests: { storage: '5Gi' } } },
      'all attempts failed: cloud_essd: requested size 5GiB is less than minimum 20GiB; cloud_ssd: requested size 5GiB is less than minimum 20GiB',
    ],
    [
      'shared by writers',
      { parameters: { type: 'cloud_essd' } },
      { accessModes: ['ReadWriteMany'] },
      'multi-node writing is only supported for block volume',
    ],
    [
      'of an unknown type',
      { parameters: { type: 'cloud_gold' } },
      {},
      'rpc error: code = InvalidArgument desc = Invalid parameters from input: disk-',
    ],
    [
      'where no zone is allowed',
      {
        parameters: { type: 'cloud_essd' },
        allowedTopologies: [
          { matchLabelExpressions: [{ key: ZONE, values: ['cn-hangzhou-nowhere'] }] },
        ],
      },
      {},
      'error generating accessibility requirements: no available topology found',
    ],
  ])('are refused with an Event when %s', async (what, classFields, spec, text) => {
    const storageClassName = await diskClass('refused', classFields);
    const name = `refused-${what.replaceAll(' ', '-')}`;
    await bench.claim(ns, name, { storageClassName, ...spec });
    await bench.sandbox.idle();
    expect((await bench.getClaim(ns, name)).status?.phase).toBe('Pending');
    expect(await failures(name)).toContain(
      `failed to provision volume with StorageClass "${storageClassName}": `,
    );
    expect(await failures(name)).toContain(text);
    await removeClaim(name);
  });
});

describe('a claim that waits for its first consumer', () => {
  it('gets its disk in the zone of the pod that mounts it', async () => {
    await bench.claim(ns, 'late', { storageClassName: 'alicloud-disk-topology-alltype' });
    await bench.sandbox.idle();
    expect((await bench.getClaim(ns, 'late')).status?.phase).toBe('Pending');
    await bench.pod(ns, 'late', {
      claims: ['late'],
      spec: { nodeSelector: { 'kubernetes.io/hostname': 'node-i' } },
    });
    const { claim, volume } = await bench.bound(ns, 'late');
    expect(claim.metadata.annotations?.[SELECTED_NODE_ANNOTATION]).toBe('node-i');
    expect(await bench.disk(handleOf(volume))).toMatchObject({ ZoneId: 'cn-hangzhou-i' });
    const pod = await bench.until(
      () => bench.sandbox.get(pods, `${ns}/late`),
      (found) => found.status?.phase === 'Running',
    );
    expect(pod.spec.nodeName).toBe('node-i');
  });
});

describe('failures of ECS', () => {
  it.each(['throttle', 'unavailable', 'drop', 'lostReply'] as const)(
    'are survived without a second disk: %s',
    async (kind) => {
      const before = (await bench.diskIds()).length;
      bench.faults.add({ action: 'CreateDisk', kind, times: 2 });
      const name = `fault-${kind.toLowerCase()}`;
      await bench.claim(ns, name);
      const { volume } = await bench.bound(ns, name);
      expect(bench.faults.unhit()).toEqual([]);
      expect(await bench.diskIds()).toHaveLength(before + 1);
      expect(await failures(name)).not.toBe('');
      bench.faults.add({ action: 'DeleteDisk', kind, times: 1 });
      await removeClaim(name);
      await gone(volume);
      expect(bench.faults.unhit()).toEqual([]);
      expect(await bench.diskIds()).toHaveLength(before);
    },
  );
});
