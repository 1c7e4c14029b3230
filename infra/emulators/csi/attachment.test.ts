import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { asObject } from '../controllers/engine/api-client.ts';
import {
  claims,
  type PersistentVolume,
  type VolumeAttachment,
  volumeAttachments,
  volumes,
} from '../controllers/engine/storage-objects.ts';
import { type Pod, pods } from '../controllers/engine/workload-objects.ts';
import { type CsiBench, startCsiBench } from './csi-fixture.ts';

const DISK = 'diskplugin.csi.alibabacloud.com';
const onNode = (name: string) => ({ nodeSelector: { 'kubernetes.io/hostname': name } });

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

const getPod = (name: string): Promise<Pod> => bench.sandbox.get(pods, `${ns}/${name}`);
const running = (name: string): Promise<Pod> =>
  bench.until(
    () => getPod(name),
    (pod) => pod.status?.phase === 'Running',
  );
const handleOf = (volume: PersistentVolume): string => volume.spec.csi?.volumeHandle ?? '';
const attachmentsOf = async (volume: PersistentVolume): Promise<VolumeAttachment[]> => {
  const page = await bench.sandbox.client.list(volumeAttachments, {});
  return page.items
    .map((item) => asObject<VolumeAttachment>(item))
    .filter((each) => each.spec.source.persistentVolumeName === volume.metadata.name);
};
/** A bound claim that a pod mounts. */
async function mounted(name: string): Promise<PersistentVolume> {
  await bench.claim(ns, name);
  await bench.pod(ns, name, { claims: [name] });
  const { volume } = await bench.bound(ns, name);
  await running(name);
  return volume;
}
const removePod = (name: string): Promise<void> =>
  bench.sandbox.client.remove(pods, { namespace: ns, name });

describe('a disk whose claim a pod mounts', () => {
  it('is attached to the node’s instance while the pod is there', async () => {
    const volume = await mounted('app');
    const node = (await getPod('app')).spec.nodeName ?? '';
    const disk = await bench.disk(handleOf(volume));
    expect(disk).toMatchObject({ Status: 'In_use', InstanceId: node.replace('node-', 'i-') });
    expect(disk?.AttachedTime).not.toBe('');
    const name = createHash('sha256')
      .update(`${handleOf(volume)}${DISK}${node}`)
      .digest('hex');
    const attachment = await bench.sandbox.get(volumeAttachments, `csi-${name}`);
    expect(attachment).toMatchObject({
      metadata: { finalizers: ['external-attacher/diskplugin-csi-alibabacloud-com'] },
      spec: { attacher: DISK, nodeName: node },
      status: { attached: true },
    });
    expect((await bench.events(await getPod('app'))).join()).toContain('SuccessfulAttachVolume');

    await removePod('app');
    await bench.untilDisk(handleOf(volume), 'Available');
    await bench.until(
      () => attachmentsOf(volume),
      (found) => found.length === 0,
    );
    await bench.sandbox.client.remove(claims, { namespace: ns, name: 'app' });
    await bench.until(
      () => bench.sandbox.client.read(volumes, { name: volume.metadata.name }),
      (found) => found === undefined,
    );
    expect(await bench.disk(handleOf(volume))).toBeUndefined();
  });

  it('keeps its pod in ContainerCreating until it is attached', async () => {
    bench.faults.add({ action: 'AttachDisk', kind: 'forbidden', times: 1 });
    await bench.claim(ns, 'slow');
    const pod = await bench.pod(ns, 'slow', { claims: ['slow'] });
    expect(pod.status).toMatchObject({
      phase: 'Pending',
      containerStatuses: [{ state: { waiting: { reason: 'ContainerCreating' } } }],
    });
    await running('slow');
    expect((await bench.events(pod)).join()).toContain('FailedAttachVolume');
    expect(bench.faults.unhit()).toEqual([]);
  });

  it('serves every pod on its node, and none on another one', async () => {
    const volume = await mounted('mover');
    const first = (await getPod('mover')).spec.nodeName ?? '';
    await bench.pod(ns, 'second', { claims: ['mover'], spec: { nodeName: first } });
    await running('second');
    expect(await attachmentsOf(volume)).toHaveLength(1);
    await removePod('mover');
    await bench.sandbox.idle();
    expect(await bench.disk(handleOf(volume))).toMatchObject({ Status: 'In_use' });
    const other = first === 'node-h' ? 'node-i' : 'node-h';
    const late = await bench.pod(ns, 'third', { claims: ['mover'], spec: { nodeName: other } });
    expect((await bench.events(late)).join()).toContain('FailedAttachVolume Multi-Attach error');
    expect((await getPod('third')).status?.phase).toBe('Pending');
  });

  it('stays attached when its attachment is deleted under the pod', async () => {
    const volume = await mounted('held');
    const [attachment] = await attachmentsOf(volume);
    const { name = '', uid } = attachment?.metadata ?? {};
    await bench.sandbox.client.remove(volumeAttachments, { name });
    await bench.until(
      () => bench.sandbox.client.read(volumeAttachments, { name }),
      (found) =>
        found !== undefined && found.metadata.uid !== uid && found.status?.attached === true,
    );
    expect(await bench.disk(handleOf(volume))).toMatchObject({ Status: 'In_use' });
  });

  it('is torn off an instance of another cluster', async () => {
    await bench.claim(ns, 'torn', { storageClassName: 'alicloud-disk-topology-alltype' });
    await bench.pod(ns, 'torn', { claims: ['torn'], spec: onNode('node-h') });
    const { volume } = await bench.bound(ns, 'torn');
    await running('torn');
    await removePod('torn');
    await bench.untilDisk(handleOf(volume), 'Available');
    await bench.call('AttachDisk', { InstanceId: 'i-foreign', DiskId: handleOf(volume) });
    await bench.untilDisk(handleOf(volume), 'In_use');
    await bench.pod(ns, 'again', { claims: ['torn'], spec: onNode('node-h') });
    await running('again');
    expect(await bench.disk(handleOf(volume))).toMatchObject({ InstanceId: 'i-h' });
  });
});

describe('an OSS volume', () => {
  it('is attached at once, and has no bytes here', async () => {
    const name = bench.sandbox.unique('bucket');
    await bench.sandbox.client.create(volumes, undefined, {
      metadata: { name },
      spec: {
        capacity: { storage: '5Gi' },
        accessModes: ['ReadWriteMany'],
        persistentVolumeReclaimPolicy: 'Retain',
        storageClassName: name,
        csi: {
          driver: 'ossplugin.csi.alibabacloud.com',
          volumeHandle: name,
          volumeAttributes: { bucket: 'b', url: 'oss-cn-hangzhou.aliyuncs.com', path: '/' },
        },
      },
    });
    await bench.claim(ns, 'bucket', {
      storageClassName: name,
      accessModes: ['ReadWriteMany'],
      resources: { requests: { storage: '5Gi' } },
    });
    await bench.pod(ns, 'bucket', { claims: ['bucket'] });
    await running('bucket');
    expect(await bench.csi.volumeDirectory(name)).toBeUndefined();
  });
});
