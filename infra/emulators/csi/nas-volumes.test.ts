import { existsSync } from 'node:fs';
import { readdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  claims,
  type PersistentVolume,
  storageClasses,
  volumes,
} from '../controllers/engine/storage-objects.ts';
import { pods } from '../controllers/engine/workload-objects.ts';
import { type CsiBench, startCsiBench } from './csi-fixture.ts';

const NAS = 'nasplugin.csi.alibabacloud.com';
const SERVER = '0cafe0beef-abc12.cn-hangzhou.nas.aliyuncs.com';

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

const shared = { accessModes: ['ReadWriteMany'], resources: { requests: { storage: '1Gi' } } };
const removed = async (name: string, volume: PersistentVolume): Promise<void> => {
  await bench.sandbox.client.remove(claims, { namespace: ns, name });
  await bench.until(
    () => bench.sandbox.client.read(volumes, { name: volume.metadata.name }),
    (found) => found === undefined,
  );
};
async function nasClass(parameters: object): Promise<string> {
  const name = bench.sandbox.unique('nas');
  await bench.sandbox.client.create(storageClasses, undefined, {
    metadata: { name },
    provisioner: NAS,
    mountOptions: ['nolock,tcp,noresvport', 'vers=3'],
    parameters: { volumeAs: 'subpath', ...parameters },
  });
  return name;
}

describe('a claim of a NAS class', () => {
  it('gets a directory on the cluster’s own file system, which is archived with it', async () => {
    await bench.claim(ns, 'cnfs', { storageClassName: 'alibabacloud-cnfs-nas', ...shared });
    const { volume } = await bench.bound(ns, 'cnfs');
    const { name } = volume.metadata;
    expect(volume.spec).toMatchObject({
      mountOptions: ['nolock,tcp,noresvport', 'vers=3'],
      csi: {
        driver: NAS,
        volumeHandle: name,
        volumeAttributes: {
          containerNetworkFileSystem: 'default-cnfs-nas-c-suite',
          path: `/${name}`,
        },
      },
    });
    expect(volume.spec.nodeAffinity).toBeUndefined();
    const directory = (await bench.csi.volumeDirectory(name)) ?? '';
    await writeFile(join(directory, 'file'), 'bytes');
    await bench.pod(ns, 'reader', { claims: ['cnfs'] });
    await bench.until(
      () => bench.sandbox.get(pods, `${ns}/reader`),
      (pod) => pod.status?.phase === 'Running',
    );
    await bench.sandbox.client.remove(pods, { namespace: ns, name: 'reader' });
    await removed('cnfs', volume);
    expect(existsSync(directory)).toBe(false);
    expect(await readdir(join(dirname(directory), `archived-${name}`))).toEqual(['file']);
  });

  it('gets a directory below the path of the mount target that its class names', async () => {
    const storageClassName = await nasClass({
      server: `${SERVER}:/k8s/`,
      archiveOnDelete: 'false',
    });
    await bench.claim(ns, 'server', { storageClassName, ...shared });
    const { volume } = await bench.bound(ns, 'server');
    const { name } = volume.metadata;
    expect(volume.spec.csi?.volumeAttributes).toMatchObject({
      server: SERVER,
      path: `/k8s/${name}`,
    });
    const directory = (await bench.csi.volumeDirectory(name)) ?? '';
    expect(directory).toBe(join(bench.dir, 'nas', '0cafe0beef', 'k8s', name));
    await removed('server', volume);
    expect(existsSync(directory)).toBe(false);
    expect(await readdir(dirname(directory))).toEqual([]);
  });

  it.each([
    ['without a server', {}, 'invalid nas server'],
    [
      'with a CNFS that is not there',
      { containerNetworkFileSystem: 'none' },
      'CNFS not found: none',
    ],
    ['that wants whole file systems', { volumeAs: 'filesystem' }, 'unsupported volumeAs'],
  ])('is refused of a class %s', async (what, parameters, text) => {
    const name = what.replaceAll(' ', '-').toLowerCase();
    await bench.claim(ns, name, { storageClassName: await nasClass(parameters), ...shared });
    await bench.sandbox.idle();
    const claim = await bench.getClaim(ns, name);
    expect(claim.status?.phase).toBe('Pending');
    expect((await bench.events(claim)).join()).toContain(
      `rpc error: code = InvalidArgument desc = ${text}`,
    );
  });
});

describe('a static NAS volume', () => {
  it('has its bytes where its path says', async () => {
    const name = bench.sandbox.unique('static');
    await bench.sandbox.client.create(volumes, undefined, {
      metadata: { name },
      spec: {
        capacity: { storage: '5Gi' },
        accessModes: ['ReadWriteMany'],
        persistentVolumeReclaimPolicy: 'Retain',
        storageClassName: name,
        csi: {
          driver: NAS,
          volumeHandle: name,
          volumeAttributes: { server: SERVER, path: '/data' },
        },
      },
    });
    expect(await bench.csi.volumeDirectory(name)).toBe(
      join(bench.dir, 'nas', '0cafe0beef', 'data'),
    );
  });
});
