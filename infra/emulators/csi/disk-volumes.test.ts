import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { claims, volumes } from '../controllers/engine/storage-objects.ts';
import { type CsiBench, startCsiBench } from './csi-fixture.ts';

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

describe('a claim of an immediate disk class', () => {
  it('is bound to a new disk, which goes with the claim', async () => {
    await bench.claim(ns, 'data');
    const { claim, volume } = await bench.bound(ns, 'data');
    const handle = volume.spec.csi?.volumeHandle ?? '';
    const disk = bench.ecs.disks.get(handle);
    expect(disk).toMatchObject({
      Size: 20,
      Category: 'cloud_essd',
      DiskName: volume.metadata.name,
    });
    expect(volume).toMatchObject({
      metadata: {
        annotations: { 'pv.kubernetes.io/provisioned-by': 'diskplugin.csi.alibabacloud.com' },
      },
      spec: {
        capacity: { storage: '20Gi' },
        persistentVolumeReclaimPolicy: 'Delete',
        csi: { driver: 'diskplugin.csi.alibabacloud.com', fsType: 'ext4' },
      },
    });
    const directory = await bench.csi.volumeDirectory(volume.metadata.name);
    expect(existsSync(directory ?? '')).toBe(true);

    await bench.sandbox.client.remove(claims, { namespace: ns, name: claim.metadata.name });
    await bench.until(
      () => bench.sandbox.client.read(volumes, { name: volume.metadata.name }),
      (found) => found === undefined,
    );
    expect(bench.ecs.disks.has(handle)).toBe(false);
    expect(existsSync(directory ?? '')).toBe(false);
  });
});
