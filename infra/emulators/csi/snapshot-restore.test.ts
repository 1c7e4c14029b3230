import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { claims, volumes } from '../controllers/engine/storage-objects.ts';
import { type CsiBench, startCsiBench } from './csi-fixture.ts';
import {
  type VolumeSnapshot,
  type VolumeSnapshotContent,
  volumeSnapshotContents,
  volumeSnapshots,
} from './snapshot-objects.ts';

const DISK = 'diskplugin.csi.alibabacloud.com';

let bench: CsiBench;
let ns: string;
let snapshotId: string;

beforeAll(async () => {
  bench = await startCsiBench();
  await bench.startCsi();
  ns = await bench.sandbox.namespace();
  snapshotId = await bench.takenSnapshot(30, 'hello');
});
afterAll(async () => {
  await bench.close();
});

/** A content and a VolumeSnapshot that name each other, as a restore makes them. */
async function promise(name: string, spec: object = {}): Promise<string> {
  const contentName = bench.sandbox.unique(name);
  await bench.sandbox.client.create(volumeSnapshotContents, undefined, {
    metadata: { name: contentName },
    spec: {
      deletionPolicy: 'Retain',
      driver: DISK,
      source: { snapshotHandle: snapshotId },
      volumeSnapshotRef: { namespace: ns, name },
      sourceVolumeMode: 'Filesystem',
      ...spec,
    },
  });
  await bench.sandbox.client.create(volumeSnapshots, ns, {
    metadata: { name },
    spec: { source: { volumeSnapshotContentName: contentName } },
  });
  await bench.sandbox.idle();
  return contentName;
}
const getSnapshot = (name: string): Promise<VolumeSnapshot> =>
  bench.sandbox.get(volumeSnapshots, `${ns}/${name}`);
const getContent = (name: string): Promise<VolumeSnapshotContent> =>
  bench.sandbox.get(volumeSnapshotContents, name);
const readySnapshot = (name: string) =>
  bench.until(
    () => getSnapshot(name),
    (found) => found.status?.readyToUse === true,
  );
const restored = (name: string, snapshot: string, spec: object = {}) =>
  bench.claim(ns, name, {
    resources: { requests: { storage: '30Gi' } },
    dataSource: { apiGroup: 'snapshot.storage.k8s.io', kind: 'VolumeSnapshot', name: snapshot },
    ...spec,
  });
const warnings = async (name: string): Promise<string> =>
  (await bench.events(await bench.getClaim(ns, name))).join('\n');

describe('a snapshot that exists in ECS', () => {
  it('becomes ready with the size and time of its source', async () => {
    const contentName = await promise('ready');
    const snapshot = await readySnapshot('ready');
    const content = await getContent(contentName);
    expect(snapshot.status).toMatchObject({
      boundVolumeSnapshotContentName: contentName,
      restoreSize: '30Gi',
    });
    expect(snapshot.status?.error).toBeUndefined();
    expect(snapshot.metadata.finalizers).toEqual([
      'snapshot.storage.kubernetes.io/volumesnapshot-as-source-protection',
    ]);
    expect(content.status).toMatchObject({
      readyToUse: true,
      restoreSize: 30 * 2 ** 30,
      snapshotHandle: snapshotId,
    });
    expect(content.spec.volumeSnapshotRef.uid).toBe(snapshot.metadata.uid);
    expect(content.metadata.finalizers).toEqual([
      'snapshot.storage.kubernetes.io/volumesnapshotcontent-bound-protection',
    ]);
    const created = String((await bench.snapshot(snapshotId))?.CreationTime);
    expect(Number(content.status?.creationTime)).toBe(Date.parse(created) * 1e6);
  });

  it('fills a new disk for each claim, and is still there afterwards', async () => {
    await promise('twice');
    await readySnapshot('twice');
    await restored('first', 'twice');
    await restored('second', 'twice', { resources: { requests: { storage: '40Gi' } } });
    const first = (await bench.bound(ns, 'first')).volume;
    const second = (await bench.bound(ns, 'second')).volume;
    expect(first.spec.csi?.volumeHandle).not.toBe(second.spec.csi?.volumeHandle);
    expect(second.spec.capacity).toEqual({ storage: '40Gi' });
    const disk = await bench.disk(first.spec.csi?.volumeHandle);
    expect(disk).toMatchObject({ SourceSnapshotId: snapshotId, Size: 30 });
    const directory = await bench.csi.volumeDirectory(first.metadata.name);
    expect(await readFile(join(directory ?? '', 'file'), 'utf8')).toBe('hello');

    await bench.sandbox.client.remove(volumeSnapshots, { namespace: ns, name: 'twice' });
    await bench.until(
      () => bench.sandbox.client.read(volumeSnapshots, { namespace: ns, name: 'twice' }),
      (found) => found === undefined,
    );
    expect(await bench.snapshot(snapshotId)).toBeDefined();
  });

  it('survives the deletion of its content under policy Retain', async () => {
    const contentName = await promise('kept');
    await readySnapshot('kept');
    await bench.sandbox.client.remove(volumeSnapshots, { namespace: ns, name: 'kept' });
    await bench.until(
      () => bench.sandbox.client.read(volumeSnapshots, { namespace: ns, name: 'kept' }),
      (found) => found === undefined,
    );
    expect((await getContent(contentName)).metadata.deletionTimestamp).toBeUndefined();
    await bench.sandbox.client.remove(volumeSnapshotContents, { name: contentName });
    await bench.until(
      () => bench.sandbox.client.read(volumeSnapshotContents, { name: contentName }),
      (found) => found === undefined,
    );
    expect(await bench.snapshot(snapshotId)).toBeDefined();
  });

  it('is destroyed with its VolumeSnapshot under policy Delete', async () => {
    const doomed = await bench.takenSnapshot(20, 'gone');
    const contentName = await promise('doomed', {
      deletionPolicy: 'Delete',
      source: { snapshotHandle: doomed },
    });
    const snapshot = await readySnapshot('doomed');
    expect(snapshot.metadata.finalizers).toContain(
      'snapshot.storage.kubernetes.io/volumesnapshot-bound-protection',
    );
    await bench.sandbox.client.remove(volumeSnapshots, { namespace: ns, name: 'doomed' });
    await bench.until(
      () => bench.sandbox.client.read(volumeSnapshots, { namespace: ns, name: 'doomed' }),
      (found) => found === undefined,
    );
    const content = await bench.sandbox.client.read(volumeSnapshotContents, { name: contentName });
    expect(content).toBeUndefined();
    expect(await bench.snapshot(doomed)).toBeUndefined();
  });
});

describe('a content whose snapshot does not exist', () => {
  it('stays unready with a warning', async () => {
    const contentName = await promise('lost', { source: { snapshotHandle: 's-absent' } });
    const content = await bench.until(
      () => getContent(contentName),
      (found) => found.status?.error !== undefined,
    );
    expect(content.status?.readyToUse).toBe(false);
    expect((await bench.events(content)).join()).toMatch(
      /^Warning SnapshotContentCheckandUpdateFailed .*can not find snapshot for snapshotID s-absent/,
    );
    const snapshot = await bench.until(
      () => getSnapshot('lost'),
      (found) => found.status?.error !== undefined,
    );
    expect(snapshot.status?.readyToUse).toBe(false);
  });
});

describe('a VolumeSnapshot that cannot be bound', () => {
  it('says that its content is missing, and is bound once it is there', async () => {
    const contentName = bench.sandbox.unique('later');
    await bench.sandbox.client.create(volumeSnapshots, ns, {
      metadata: { name: 'early' },
      spec: { source: { volumeSnapshotContentName: contentName } },
    });
    await bench.sandbox.idle();
    expect((await getSnapshot('early')).status).toMatchObject({
      readyToUse: false,
      error: { message: 'VolumeSnapshotContent is missing' },
    });
    await bench.sandbox.client.create(volumeSnapshotContents, undefined, {
      metadata: { name: contentName },
      spec: {
        deletionPolicy: 'Retain',
        driver: DISK,
        source: { snapshotHandle: snapshotId },
        volumeSnapshotRef: { namespace: ns, name: 'early' },
      },
    });
    expect((await readySnapshot('early')).status?.error).toBeUndefined();
  });

  it('is refused a content that names another one', async () => {
    const contentName = await promise('owner');
    await bench.sandbox.client.create(volumeSnapshots, ns, {
      metadata: { name: 'thief' },
      spec: { source: { volumeSnapshotContentName: contentName } },
    });
    await bench.sandbox.idle();
    const thief = await getSnapshot('thief');
    expect(thief.status?.error?.message).toBe(
      `VolumeSnapshotContent [${contentName}] is bound to a different snapshot`,
    );
    expect(thief.status?.readyToUse).toBe(false);
  });
});

describe('a claim that asks too much of a snapshot', () => {
  it.each([
    [
      'smaller than its source',
      { resources: { requests: { storage: '20Gi' } } },
      `requested volume size ${20 * 2 ** 30} is less than the size ${30 * 2 ** 30} for the source`,
    ],
    ['of another volume mode', { volumeMode: 'Block' }, 'modifies the mode of the source volume'],
    [
      'of a class without snapshots',
      { storageClassName: 'alibabacloud-cnfs-nas', accessModes: ['ReadWriteMany'] },
      'does not support snapshot restore',
    ],
  ])('is refused when %s', async (what, spec, text) => {
    const name = what.replaceAll(' ', '-');
    await promise(`source-${name}`);
    await readySnapshot(`source-${name}`);
    await restored(name, `source-${name}`, spec);
    await bench.sandbox.idle();
    expect((await bench.getClaim(ns, name)).status?.phase).toBe('Pending');
    expect(await warnings(name)).toContain('ProvisioningFailed failed to provision volume with');
    expect(await warnings(name)).toContain(text);
  });

  it('gets a block device where the source volume mode is not said', async () => {
    await promise('unsaid', { sourceVolumeMode: undefined });
    await readySnapshot('unsaid');
    await restored('block', 'unsaid', { volumeMode: 'Block' });
    const { volume } = await bench.bound(ns, 'block');
    expect(volume.spec).toMatchObject({ volumeMode: 'Block' });
  });

  it('waits for a snapshot that comes later', async () => {
    await restored('patient', 'not-yet');
    expect(await warnings('patient')).toContain('snapshot.storage.k8s.io "not-yet" not found');
    await promise('not-yet');
    await bench.bound(ns, 'patient');
  });
});

describe('a VolumeSnapshot that is deleted while a claim waits for it', () => {
  it('stays until the controller looks again, a quarter of an hour later', async () => {
    await promise('needed');
    await readySnapshot('needed');
    await restored('waiting', 'needed', { storageClassName: 'alicloud-disk-topology-alltype' });
    await bench.sandbox.client.remove(volumeSnapshots, { namespace: ns, name: 'needed' });
    await bench.sandbox.idle();
    const held = await getSnapshot('needed');
    expect(held.metadata.deletionTimestamp).toBeDefined();
    expect((await bench.events(held)).join()).toContain('SnapshotDeletePending');
    await bench.sandbox.client.remove(claims, { namespace: ns, name: 'waiting' });
    await bench.sandbox.idle();
    expect((await getSnapshot('needed')).metadata.deletionTimestamp).toBeDefined();
    bench.sandbox.advance(15 * 60_000);
    await bench.until(
      () => bench.sandbox.client.read(volumeSnapshots, { namespace: ns, name: 'needed' }),
      (found) => found === undefined,
    );
  });
});

describe('a snapshot that is to be taken', () => {
  it('is taken of the claim’s disk and restored into another disk', async () => {
    await bench.claim(ns, 'source');
    await bench.pod(ns, 'writer', { claims: ['source'] });
    const { volume } = await bench.bound(ns, 'source');
    await bench.untilDisk(volume.spec.csi?.volumeHandle, 'In_use');
    await bench.sandbox.client.create(volumeSnapshots, ns, {
      metadata: {
        name: 'dynamic',
        annotations: { 'storage.alibabacloud.com/snapshot-ttl': '7' },
      },
      spec: {
        source: { persistentVolumeClaimName: 'source' },
        volumeSnapshotClassName: 'alibabacloud-disk-snapshot',
      },
    });
    const snapshot = await readySnapshot('dynamic');
    const contentName = `snapcontent-${snapshot.metadata.uid}`;
    const content = await getContent(contentName);
    expect(content.spec).toMatchObject({
      deletionPolicy: 'Delete',
      source: { volumeHandle: volume.spec.csi?.volumeHandle },
      sourceVolumeMode: 'Filesystem',
    });
    const handle = content.status?.snapshotHandle ?? '';
    expect(await bench.snapshot(handle)).toMatchObject({
      SourceDiskId: volume.spec.csi?.volumeHandle,
      SnapshotName: `snapshot-${snapshot.metadata.uid}`,
    });
    expect(Number((await bench.snapshot(handle))?.RetentionDays)).toBe(7);
    const source = await bench.until(
      () => bench.getClaim(ns, 'source'),
      (found) => found.metadata.finalizers?.length === 1,
    );
    expect(source.metadata.finalizers).toEqual(['kubernetes.io/pvc-protection']);
    await restored('copy', 'dynamic', { resources: { requests: { storage: '20Gi' } } });
    const copy = (await bench.bound(ns, 'copy')).volume;
    expect(await bench.disk(copy.spec.csi?.volumeHandle)).toMatchObject({
      SourceSnapshotId: handle,
    });
  });

  it('is refused of a claim that is not bound', async () => {
    await bench.claim(ns, 'unbound', { storageClassName: 'no-such-class' });
    await bench.sandbox.client.create(volumeSnapshots, ns, {
      metadata: { name: 'of-unbound' },
      spec: {
        source: { persistentVolumeClaimName: 'unbound' },
        volumeSnapshotClassName: 'alibabacloud-disk-snapshot',
      },
    });
    await bench.sandbox.idle();
    expect((await getSnapshot('of-unbound')).status?.error?.message).toContain(
      'the PVC unbound is not yet bound to a PV',
    );
  });
});

describe('a claim whose snapshot object is of an unbound volume', () => {
  it('has no volume left behind when it is deleted', async () => {
    const before = await bench.diskIds();
    await restored('fleeting', 'never');
    await bench.sandbox.client.remove(claims, { namespace: ns, name: 'fleeting' });
    await bench.sandbox.idle();
    expect(await bench.diskIds()).toEqual(before);
    const page = await bench.sandbox.client.list(volumes, {});
    expect(JSON.stringify(page.items)).not.toContain('fleeting');
  });
});
