/** What every DiskCloud does; run against the double and the adapter on the ECS emulator. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { failureOf } from './contract-objects.ts';
import {
  asked,
  type DiskCloudHarness,
  diskOf,
  type Get,
  PACE,
  snapshot,
  taken,
  token,
} from './disk-cloud-harness.ts';
import { describeCopies, describeDisks } from './disk-making.contract.ts';

/** Runs the suite. */
export function describeDiskCloud(name: string, make: () => Promise<DiskCloudHarness>): void {
  describe(`${name} as DiskCloud`, () => {
    let harness: DiskCloudHarness;
    beforeAll(async () => {
      harness = await make();
    });
    afterAll(async () => {
      await harness.close();
    });
    const get = () => harness;
    describeLooking(get);
    describeSnapshots(get);
    describeMaking(get);
    describeKeeping(get);
    describeDeleting(get);
    describeCopies(get);
    describeDisks(get);
  });
}

function describeLooking(get: Get): void {
  describe('looking', () => {
    test('a disk is described, attached or never', async () => {
      const { cloud, region, zone, makeDisk, detach } = get();
      const used = await makeDisk();
      const fresh = await makeDisk({ category: 'cloud_ssd', attached: false });
      const once = await makeDisk();
      await detach(once);
      const found = await cloud.describeDisks(region, [used, fresh, once]);
      const by = (id: string) => found.find((disk) => disk.id === id);
      const common = { sizeGiB: 40, zone, tags: {} };
      const attached = { status: 'In_use', instance: 'i-1', everAttached: true };
      expect(by(used)).toMatchObject({ ...common, ...attached, category: 'cloud_essd' });
      const never = { status: 'Available', everAttached: false, category: 'cloud_ssd' };
      expect(by(fresh)).toMatchObject({ ...common, ...never });
      expect(by(fresh)).not.toHaveProperty('instance');
      expect(by(once)).toMatchObject({ status: 'Available', everAttached: true });
      expect(by(once)).not.toHaveProperty('instance');
    });

    test('any number of ids is taken; unknown ones and none show nothing', async () => {
      const { cloud, region, otherRegion, makeDisk } = get();
      const diskId = await makeDisk();
      const snapshotId = await taken(get(), diskId);
      const unknown = (prefix: string) => Array.from({ length: 150 }, (_, i) => `${prefix}-no${i}`);
      const disks = await cloud.describeDisks(region, [...unknown('d'), diskId, diskId]);
      expect(disks.map((d) => d.id)).toEqual([diskId]);
      const snapshots = await cloud.describeSnapshots(region, [...unknown('s'), snapshotId]);
      expect(snapshots.map((s) => s.id)).toEqual([snapshotId]);
      expect(await cloud.describeDisks(region, [])).toEqual([]);
      expect(await cloud.describeSnapshots(region, [])).toEqual([]);
      expect(await cloud.describeDisks(otherRegion, [diskId])).toEqual([]);
      expect(await cloud.describeSnapshots(otherRegion, [snapshotId])).toEqual([]);
    });

    test('a tag finds what carries it with that value, in its region', async () => {
      const harness = get();
      const { cloud, region, otherRegion, makeDisk } = harness;
      const diskId = await makeDisk();
      const value = token();
      const make = async (tags: Record<string, string>) =>
        await cloud.createSnapshot({ ...asked(harness, diskId), tags });
      const wanted = [await make({ a: value, b: '1' }), await make({ b: '2', a: value })];
      await make({ a: `${value}x` });
      await make({ b: value });
      const tag = { key: 'a', value };
      const found = await cloud.findSnapshots(region, tag);
      expect(found.map((s) => s.id).sort()).toEqual(wanted.sort());
      expect(found.map((s) => s.tags.b).sort()).toEqual(['1', '2']);
      expect(await cloud.findSnapshots(otherRegion, tag)).toEqual([]);
      expect(await cloud.findDisks(region, tag)).toEqual([]);
      await harness.advance(PACE.snapshotMs);
    });
  });
}

function describeSnapshots(get: Get): void {
  describe('a snapshot', () => {
    test('goes on by the clock, is available before it is complete, and then is', async () => {
      const harness = get();
      const diskId = await harness.makeDisk();
      const id = await harness.cloud.createSnapshot(asked(harness, diskId));
      expect(await snapshot(harness, id)).toMatchObject({
        id,
        status: 'progressing',
        progress: 0,
        available: false,
        sourceDiskId: diskId,
        sizeGiB: 40,
        retentionDays: 3,
        tags: { 'bc-cluster': 'c1', 'bc-empty': '' },
      });
      await harness.advance(3_700);
      const half = { status: 'progressing', progress: 0.37, available: true };
      expect(await snapshot(harness, id)).toMatchObject(half);
      await harness.advance(6_300);
      const whole = { status: 'accomplished', progress: 1, available: true };
      expect(await snapshot(harness, id)).toMatchObject(whole);
    });

    test('of an older disk is available only when it is complete', async () => {
      const harness = get();
      const diskId = await harness.makeDisk({ category: 'cloud_ssd' });
      const id = await harness.cloud.createSnapshot(asked(harness, diskId));
      await harness.advance(PACE.snapshotMs - 1);
      expect(await snapshot(harness, id)).toMatchObject({ available: false });
      await harness.advance(1);
      expect(await snapshot(harness, id)).toMatchObject({ available: true });
    });

    test('knows when it was begun', async () => {
      const harness = get();
      const diskId = await harness.makeDisk();
      const first = await snapshot(harness, await taken(harness, diskId));
      const second = await snapshot(harness, await taken(harness, diskId));
      const between = (second?.createdAtMs ?? 0) - (first?.createdAtMs ?? 0);
      expect(between).toBe(PACE.snapshotMs);
      expect(new Date(first?.createdAtMs ?? 0).getUTCFullYear()).toBeGreaterThanOrEqual(2026);
    });

    test('may fail', async () => {
      const harness = get();
      harness.failNextSnapshot();
      const id = await taken(harness, await harness.makeDisk());
      const failed = await snapshot(harness, id);
      expect(failed).toMatchObject({ status: 'failed', available: false });
      expect(failed?.progress).toBeLessThan(1);
    });

    test('is gone when its retention is over', async () => {
      const harness = get();
      const id = await taken(harness, await harness.makeDisk());
      await harness.advance(3 * 86_400_000 - PACE.snapshotMs - 1);
      expect(await snapshot(harness, id)).toMatchObject({ retentionDays: 3 });
      await harness.advance(1);
      expect(await snapshot(harness, id)).toBeUndefined();
    });
  });
}

function describeMaking(get: Get): void {
  describe('making a snapshot', () => {
    test('happens once per token, also at once, whatever the order of its tags', async () => {
      const harness = get();
      const { cloud, region } = harness;
      const request = { ...asked(harness, await harness.makeDisk()), tags: { x: token(), y: '' } };
      const twin = { ...request, tags: { y: '', x: request.tags.x } };
      const ids = await Promise.all([cloud.createSnapshot(request), cloud.createSnapshot(twin)]);
      await harness.advance(PACE.snapshotMs);
      ids.push(await cloud.createSnapshot(request));
      expect(new Set(ids).size).toBe(1);
      const tag = { key: 'x', value: request.tags.x };
      expect(await cloud.findSnapshots(region, tag)).toHaveLength(1);
      const other = await failureOf(cloud.createSnapshot({ ...request, retentionDays: 4 }));
      expect(other).toMatchObject({ code: 'cloud_refused', retryable: false });
    });

    test('of a disk that is not there, or was never attached, is refused', async () => {
      const harness = get();
      const unknown = await failureOf(harness.cloud.createSnapshot(asked(harness, 'd-none')));
      expect(unknown).toMatchObject({ code: 'disk_not_found', retryable: false });
      expect(unknown.message).toMatch(/^Cannot snapshot disk d-none: /);
      const fresh = await harness.makeDisk({ attached: false });
      const never = await failureOf(harness.cloud.createSnapshot(asked(harness, fresh)));
      expect(never).toMatchObject({ code: 'disk_state', retryable: false });
    });

    test.each([
      ['cloud_ssd', 1],
      ['cloud_essd', 10],
    ])('of a %s, %i are made at a time', async (category, count) => {
      const harness = get();
      const diskId = await harness.makeDisk({ category });
      const make = async () => await harness.cloud.createSnapshot(asked(harness, diskId));
      for (let i = 0; i < count; i += 1) await make();
      expect(await failureOf(make())).toMatchObject({ code: 'disk_busy', retryable: true });
      await harness.advance(PACE.snapshotMs);
      expect(await make()).toMatch(/^s-/);
      await harness.advance(PACE.snapshotMs);
    });

    test('with a tag that is too long is not asked for, and the tag is named', async () => {
      const harness = get();
      const request = asked(harness, await harness.makeDisk());
      const error = await failureOf(
        harness.cloud.createSnapshot({ ...request, tags: { 'bc-claim': 'x'.repeat(129) } }),
      );
      expect(error.message).toContain('tag bc-claim of the snapshot of');
      expect(error).toMatchObject({ code: 'internal', retryable: false });
    });
  });
}

function describeKeeping(get: Get): void {
  describe('keeping a snapshot', () => {
    test('counts from its creation, and never makes it shorter', async () => {
      const harness = get();
      const { cloud, region } = harness;
      const id = await taken(harness, await harness.makeDisk());
      await cloud.keepSnapshot(region, id, 5);
      await cloud.keepSnapshot(region, id, 5);
      await cloud.keepSnapshot(region, id, 4);
      expect(await snapshot(harness, id)).toMatchObject({ retentionDays: 5 });
      await harness.advance(5 * 86_400_000 - PACE.snapshotMs - 1);
      expect(await snapshot(harness, id)).toMatchObject({ id });
      await harness.advance(1);
      expect(await snapshot(harness, id)).toBeUndefined();
      const gone = await failureOf(cloud.keepSnapshot(region, id, 6));
      expect(gone).toMatchObject({ code: 'snapshot_not_found', retryable: false });
    });

    test('is for complete ones', async () => {
      const harness = get();
      const { cloud, region } = harness;
      const id = await cloud.createSnapshot(asked(harness, await harness.makeDisk()));
      const early = await failureOf(cloud.keepSnapshot(region, id, 5));
      expect(early).toMatchObject({ code: 'disk_busy', retryable: true });
      await harness.advance(PACE.snapshotMs);
      await cloud.keepSnapshot(region, id, 5);
    });
  });
}

function describeDeleting(get: Get): void {
  describe('deleting a snapshot', () => {
    test('works in its creation and twice, and makes room for another', async () => {
      const harness = get();
      const { cloud, region } = harness;
      const diskId = await harness.makeDisk({ category: 'cloud_ssd' });
      const id = await cloud.createSnapshot(asked(harness, diskId));
      await cloud.deleteSnapshot(region, id);
      await cloud.deleteSnapshot(region, id);
      await cloud.deleteSnapshot(region, 's-none');
      expect(await snapshot(harness, id)).toBeUndefined();
      await taken(harness, diskId);
    });

    test('works where a disk was made of it; the disk stays', async () => {
      const harness = get();
      const { cloud, region, zone } = harness;
      const id = await taken(harness, await harness.makeDisk());
      const made = await cloud.createDisk(diskOf({ region, zone }, id));
      await cloud.deleteSnapshot(region, id);
      expect(await snapshot(harness, id)).toBeUndefined();
      expect(await cloud.describeDisks(region, [made])).toHaveLength(1);
    });
  });
}
