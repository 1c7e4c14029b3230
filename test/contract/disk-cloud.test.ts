import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type EcsFixture, startFixture } from '../../infra/emulators/ecs/ecs-fixture.ts';
import { EcsDiskCloud } from '../../shared/adapters/ecs/ecs-disk-cloud.ts';
import { SystemClock } from '../../shared/adapters/node/system-clock.ts';
import { UnavailableError } from '../../shared/domain/errors.ts';
import type { Clock } from '../../shared/ports/clock.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { InMemoryDiskCloud } from '../support/in-memory-disk-cloud.ts';
import { SeededEntropy } from '../support/seeded-entropy.ts';
import { describeDiskCloud } from './disk-cloud.contract.ts';
import { PACE } from './disk-cloud-harness.ts';

const region = 'cn-hangzhou';
const places = { region, otherRegion: 'cn-beijing', zone: 'cn-hangzhou-k' };

describeDiskCloud('InMemoryDiskCloud', async () => {
  await Promise.resolve();
  const clock = new FakeClock();
  const cloud = new InMemoryDiskCloud(clock, PACE);
  let made = 0;
  return {
    cloud,
    ...places,
    makeDisk: async ({ category = 'cloud_essd', attached = true } = {}) => {
      await Promise.resolve();
      made += 1;
      const id = `d-made${made}`;
      const fresh = attached ? {} : { status: 'Available', everAttached: false };
      cloud.addDisk(region, { id, category, sizeGiB: 40, ...fresh });
      return id;
    },
    detach: async (id) => {
      await Promise.resolve();
      cloud.attach(id, undefined);
    },
    failNextSnapshot: () => cloud.failNextSnapshots(1),
    advance: async (ms) => await clock.advance(ms),
    close: async () => undefined,
  };
});

describeDiskCloud('EcsDiskCloud on the emulator', async () => {
  const fixture = await startEcs();
  // Real pauses: a token in work is asked for again while the emulator really writes.
  return {
    cloud: cloudOn(fixture, new SystemClock()),
    ...places,
    makeDisk: async ({ category = 'cloud_essd', attached = true } = {}) => {
      const shape = { DiskCategory: category, Size: 40 };
      const id = attached ? await fixture.makeAttachedDisk(shape) : await fixture.makeDisk(shape);
      fixture.advance(PACE.diskMs);
      return id;
    },
    detach: async (id) => {
      await fixture.call('DetachDisk', { DiskId: id, InstanceId: 'i-1' });
    },
    failNextSnapshot: () => fixture.ecs.failNextSnapshots(1),
    advance: async (ms) => {
      await Promise.resolve();
      fixture.advance(ms);
    },
    close: async () => await fixture.close(),
  };
});

describe('EcsDiskCloud, when ECS or the way to it fails', () => {
  let fixture: EcsFixture;
  let cloud: EcsDiskCloud;
  let diskId: string;
  let snapshotId: string;
  beforeEach(async () => {
    fixture = await startEcs();
    cloud = cloudOn(fixture);
    diskId = await fixture.makeAttachedDisk();
    snapshotId = await fixture.makeSnapshot(diskId);
  });
  afterEach(async () => await fixture.close());

  const creation = { name: 'bc-1', tags: { 'bc-run': 'r1' }, clientToken: 't1' };
  const kept = { description: 'of a backup', retentionDays: 1 };
  const actions = ['CreateSnapshot', 'CopySnapshot', 'CreateDisk', 'DeleteSnapshot', 'DeleteDisk'];
  const readings = ['DescribeSnapshots', 'DescribeDisks'];

  test.each(['throttle', 'unavailable', 'error', 'drop', 'lostReply'] as const)(
    '%s is outlived, and everything happens once',
    async (kind) => {
      for (const action of [...actions, ...readings]) {
        fixture.ecs.faults.add({ action, kind, times: 2 });
      }
      const made = await cloud.createSnapshot({ region, diskId, ...creation, ...kept });
      const from = { region, snapshotId, ...creation };
      const copy = await cloud.copySnapshot({ ...from, ...kept, targetRegion: 'cn-beijing' });
      const shape = { zone: 'cn-hangzhou-k', category: 'cloud_essd', sizeGiB: 20 };
      const disk = await cloud.createDisk({ ...from, ...shape });
      const tag = { key: 'bc-run', value: 'r1' };
      expect(await ids(cloud.findSnapshots(region, tag))).toEqual([made]);
      expect(await ids(cloud.findSnapshots('cn-beijing', tag))).toEqual([copy]);
      expect(await ids(cloud.findDisks(region, tag))).toEqual([disk]);
      fixture.advance(PACE.copyMs);
      await cloud.deleteSnapshot(region, made);
      await cloud.deleteDisk(region, disk);
      expect(await cloud.describeSnapshots(region, [made])).toEqual([]);
      expect(await cloud.describeDisks(region, [disk])).toEqual([]);
      expect(fixture.ecs.faults.unhit()).toEqual([]);
    },
  );

  test.each([
    ['throttle', 'throttled', true],
    ['unavailable', 'internal', true],
    ['drop', 'internal', true],
    ['forbidden', 'cloud_access_denied', false],
  ] as const)('%s that lasts is %s', async (kind, code, retryable) => {
    const times = retryable ? 6 : 1;
    fixture.ecs.faults.add({ action: 'CreateSnapshot', kind, times });
    const failing = cloud.createSnapshot({ region, diskId, ...creation, ...kept });
    await expect(failing).rejects.toMatchObject({ code, retryable });
    expect(fixture.ecs.faults.unhit()).toEqual([]);
    expect(await cloud.createSnapshot({ region, diskId, ...creation, ...kept })).toMatch(/^s-/);
  });

  test('a disk busy for minutes costs one call', async () => {
    const old = await fixture.makeAttachedDisk({ DiskCategory: 'cloud_ssd' });
    await cloud.createSnapshot({ region, diskId: old, ...creation, ...kept });
    const before = fixture.ecs.calls('CreateSnapshot');
    const again = { ...creation, clientToken: 't2' };
    await expect(
      cloud.createSnapshot({ region, diskId: old, ...again, ...kept }),
    ).rejects.toMatchObject({ code: 'disk_busy' });
    expect(fixture.ecs.calls('CreateSnapshot') - before).toBe(1);
  });

  test('an encrypted snapshot gives encrypted copies and disks', async () => {
    const encrypted = await fixture.makeAttachedDisk({ Encrypted: true, KMSKeyId: 'k-1' });
    const from = { region, snapshotId: await fixture.makeSnapshot(encrypted), ...creation };
    const copy = await cloud.copySnapshot({ ...from, ...kept, targetRegion: 'cn-beijing' });
    const shape = { zone: 'cn-hangzhou-k', category: 'cloud_essd', sizeGiB: 20 };
    const disk = await cloud.createDisk({ ...from, ...shape });
    expect(fixture.ecs.snapshots().find((s) => s.snapshotId === copy)?.encrypted).toBe(true);
    const made = fixture.ecs.disks().find((d) => d.diskId === disk);
    expect(made).toMatchObject({ encrypted: true, kmsKeyId: 'k-1' });
  });

  test('200 snapshots, polled to their end, cost 206 calls', async () => {
    const disks: string[] = [];
    for (let i = 0; i < 20; i += 1) disks.push(await fixture.makeDisk());
    for (const id of disks.slice(0, 10)) await attach(id, 'i-1');
    for (const id of disks.slice(10)) await attach(id, 'i-3');
    const before = fixture.ecs.calls();
    const made: string[] = [];
    for (const id of disks) {
      for (let n = 0; n < 10; n += 1) {
        const clientToken = `${id}/${n}`;
        const request = { region, diskId: id, ...creation, ...kept, clientToken };
        made.push(await cloud.createSnapshot(request));
      }
    }
    for (const ms of [0, 5_000, 5_000]) {
      fixture.advance(ms);
      expect(await cloud.describeSnapshots(region, made)).toHaveLength(200);
    }
    expect(fixture.ecs.calls() - before).toBe(206);
  });

  async function attach(id: string, instance: string): Promise<void> {
    await fixture.call('AttachDisk', { DiskId: id, InstanceId: instance });
  }
});

describe('InMemoryDiskCloud, beyond its port', () => {
  test('counts the calls that ECS would see, refuses on demand, and shows what lives', async () => {
    const cloud = new InMemoryDiskCloud(new FakeClock());
    cloud.addDisk(region, { id: 'd-1' });
    const request = {
      ...{ region, diskId: 'd-1', name: 'bc-1', description: 'of a backup' },
      ...{ retentionDays: 1, tags: {}, clientToken: 't1' },
    };
    cloud.refuseNext('createSnapshot', new UnavailableError('internal', 'down'));
    await expect(cloud.createSnapshot(request)).rejects.toThrow('down');
    expect(cloud.living()).toEqual({ disks: ['d-1'], snapshots: [] });
    const id = await cloud.createSnapshot(request);
    const many = Array.from({ length: 150 }, (_, i) => `s-no${i}`);
    await cloud.describeSnapshots(region, many);
    await cloud.describeSnapshots(region, []);
    expect(cloud.calls).toMatchObject({ createSnapshot: 2, describeSnapshots: 2, findDisks: 0 });
    expect(cloud.living()).toEqual({ disks: ['d-1'], snapshots: [id] });
  });

  test('a call can be seen, and its reply lost', async () => {
    const cloud = new InMemoryDiskCloud(new FakeClock());
    cloud.addDisk(region, { id: 'd-1', status: 'Available' });
    const seen: string[] = [];
    cloud.intercept = async ({ method, subject }, proceed) => {
      seen.push(`${method} ${subject}`);
      await proceed();
      throw new UnavailableError('internal', 'reply lost');
    };
    await expect(cloud.deleteDisk(region, 'd-1')).rejects.toThrow('reply lost');
    expect(seen).toEqual(['deleteDisk d-1']);
    expect(cloud.living().disks).toEqual([]);
  });
});

async function startEcs(): Promise<EcsFixture> {
  return await startFixture({
    durations: {
      snapshotMs: () => PACE.snapshotMs,
      availableMs: () => PACE.availableMs,
      copyMs: () => PACE.copyMs,
      diskMs: () => 1_000,
    },
    instances: ['i-1', 'i-3'].map((instanceId) => ({ instanceId, zoneId: 'cn-hangzhou-k' })),
    quotas: { disksPerInstance: 1_000 },
  });
}

function cloudOn(
  fixture: EcsFixture,
  clock: Clock = new FakeClock({ impatient: true }),
): EcsDiskCloud {
  return new EcsDiskCloud(
    () => fixture.ecs.url,
    () => ({ accessKeyId: 'AKalice', accessKeySecret: 's1' }),
    { clock, entropy: new SeededEntropy() },
    { callsPerSecond: 1_000 },
  );
}

async function ids(found: Promise<readonly { readonly id: string }[]>): Promise<string[]> {
  return (await found).map((resource) => resource.id);
}
