import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  claims,
  csiDrivers,
  storageClasses,
  volumes,
} from '../controllers/engine/storage-objects.ts';
import { pods } from '../controllers/engine/workload-objects.ts';
import { type CsiBench, startCsiBench } from './csi-fixture.ts';
import { csiNodes } from './csi-node.ts';
import { volumeSnapshotClasses } from './snapshot-objects.ts';

let bench: CsiBench;
let ns: string;

beforeAll(async () => {
  bench = await startCsiBench();
  await bench.startCsi();
  ns = await bench.sandbox.namespace();
});
afterEach(async () => {
  bench.faults.clear();
});
afterAll(async () => {
  await bench.close();
});

/** Stops the stand-in between the disk and its PV: the disk is there, its reply never came. */
async function stopAfterDisk(name: string): Promise<void> {
  const before = (await bench.diskIds()).length;
  bench.faults.add({ action: 'CreateDisk', kind: 'lostReply', times: 1 });
  bench.faults.add({ action: 'CreateDisk', kind: 'drop', times: 1_000 });
  await bench.sandbox.client.create(claims, ns, {
    metadata: { name },
    spec: {
      accessModes: ['ReadWriteOnce'],
      storageClassName: 'alicloud-disk-essd',
      resources: { requests: { storage: '20Gi' } },
    },
  });
  await bench.until(
    () => bench.diskIds(),
    (ids) => ids.length === before + 1,
  );
  await bench.stopCsi();
  bench.faults.clear();
}

describe('a stand-in that died between a disk and its PV', () => {
  it('gives that very disk to the claim when it is back', async () => {
    await stopAfterDisk('again');
    const disks = await bench.diskIds();
    await bench.startCsi();
    const { volume } = await bench.bound(ns, 'again');
    expect(await bench.diskIds()).toEqual(disks);
    expect(disks).toContain(volume.spec.csi?.volumeHandle);
  });

  it('deletes the disk when the claim has gone meanwhile', async () => {
    const before = await bench.diskIds();
    await stopAfterDisk('gone');
    await bench.sandbox.client.remove(claims, { namespace: ns, name: 'gone' });
    await bench.sandbox.idle();
    await bench.startCsi();
    expect(
      await bench.until(
        () => bench.diskIds(),
        (ids) => ids.length === before.length,
      ),
    ).toEqual(before);
  });

  it('deletes what was released while it was away', async () => {
    await bench.claim(ns, 'released');
    const { volume } = await bench.bound(ns, 'released');
    await bench.stopCsi();
    await bench.sandbox.client.remove(claims, { namespace: ns, name: 'released' });
    await bench.sandbox.idle();
    await bench.startCsi();
    await bench.until(
      () => bench.sandbox.client.read(volumes, { name: volume.metadata.name }),
      (found) => found === undefined,
    );
    expect(await bench.disk(volume.spec.csi?.volumeHandle)).toBeUndefined();
  });

  it('detaches what its pods left while it was away', async () => {
    await bench.claim(ns, 'left');
    await bench.pod(ns, 'left', { claims: ['left'] });
    const { volume } = await bench.bound(ns, 'left');
    await bench.untilDisk(volume.spec.csi?.volumeHandle, 'In_use');
    await bench.stopCsi();
    await bench.sandbox.client.remove(pods, { namespace: ns, name: 'left' });
    await bench.sandbox.idle();
    await bench.startCsi();
    await bench.untilDisk(volume.spec.csi?.volumeHandle, 'Available');
  });
});

describe('what the add-ons install', () => {
  it('is the drivers and classes of an ACK cluster, none of them the default', async () => {
    const classes = await bench.sandbox.client.list(storageClasses, {});
    const names = (classes.items as { metadata: { name: string } }[]).map(
      (each) => each.metadata.name,
    );
    expect(names).toEqual(
      expect.arrayContaining([
        'alibabacloud-cnfs-nas',
        'alicloud-disk-efficiency',
        'alicloud-disk-essd',
        'alicloud-disk-ssd',
        'alicloud-disk-topology-alltype',
      ]),
    );
    expect(JSON.stringify(classes.items)).not.toContain('is-default-class');
    for (const [name, attachRequired] of [
      ['diskplugin.csi.alibabacloud.com', true],
      ['nasplugin.csi.alibabacloud.com', false],
      ['ossplugin.csi.alibabacloud.com', true],
    ] as const) {
      expect((await bench.sandbox.get(csiDrivers, name)).spec.attachRequired).toBe(attachRequired);
    }
    expect(
      await bench.sandbox.get(volumeSnapshotClasses, 'alibabacloud-disk-snapshot'),
    ).toMatchObject({ driver: 'diskplugin.csi.alibabacloud.com', deletionPolicy: 'Delete' });
    expect((await bench.sandbox.get(csiNodes, 'node-h')).spec.drivers).toHaveLength(3);
  });

  it('stays as a user changed it', async () => {
    const name = { name: 'alicloud-disk-ssd' };
    await bench.sandbox.client.patch(storageClasses, name, {
      patch: {
        metadata: { annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } },
      },
    });
    await bench.stopCsi();
    await bench.startCsi();
    const changed = await bench.sandbox.get(storageClasses, 'alicloud-disk-ssd');
    expect(changed.metadata.annotations).toEqual({
      'storageclass.kubernetes.io/is-default-class': 'true',
    });
    await bench.sandbox.client.patch(storageClasses, name, {
      patch: { metadata: { annotations: { 'storageclass.kubernetes.io/is-default-class': null } } },
    });
  });
});
