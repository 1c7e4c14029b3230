/** What every DiskCloud makes of snapshots: copies and disks. */
import { describe, expect, test } from 'vitest';
import { failureOf } from './contract-objects.ts';
import {
  asked,
  type DiskCloudHarness,
  diskOf,
  type Get,
  PACE,
  taken,
  token,
} from './disk-cloud-harness.ts';

/** Copies into another region. */
export function describeCopies(get: Get): void {
  describe('a copy', () => {
    const copyOf = (harness: DiskCloudHarness, snapshotId: string) => ({
      region: harness.region,
      snapshotId,
      targetRegion: harness.otherRegion,
      name: 'bc-copy',
      description: 'copy of a backup',
      retentionDays: 7,
      tags: { 'bc-copy': 'yes' },
      clientToken: token(),
    });

    test('is made in the other region, and available when it is complete', async () => {
      const harness = get();
      const { cloud, region, otherRegion } = harness;
      const request = copyOf(harness, await taken(harness, await harness.makeDisk()));
      const id = await cloud.copySnapshot(request);
      expect(await cloud.copySnapshot(request)).toBe(id);
      expect(await cloud.describeSnapshots(region, [id])).toEqual([]);
      await harness.advance(PACE.copyMs - 1);
      const [unfinished] = await cloud.describeSnapshots(otherRegion, [id]);
      expect(unfinished).toMatchObject({ status: 'progressing', available: false });
      await harness.advance(1);
      const [whole] = await cloud.describeSnapshots(otherRegion, [id]);
      expect(whole).toMatchObject({ status: 'accomplished', available: true, sizeGiB: 40 });
      expect(whole).toMatchObject({ retentionDays: 7, tags: { 'bc-copy': 'yes' } });
      expect(await cloud.copySnapshot(request)).toBe(id);
    });

    test('waits for the other copy of its disk, and for its snapshot', async () => {
      const harness = get();
      const { cloud } = harness;
      const diskId = await harness.makeDisk();
      const first = await taken(harness, diskId);
      const second = await cloud.createSnapshot(asked(harness, diskId));
      const busy = { code: 'disk_busy', retryable: true };
      expect(await failureOf(cloud.copySnapshot(copyOf(harness, second)))).toMatchObject(busy);
      await harness.advance(PACE.snapshotMs);
      await cloud.copySnapshot(copyOf(harness, first));
      expect(await failureOf(cloud.copySnapshot(copyOf(harness, second)))).toMatchObject(busy);
      await harness.advance(PACE.copyMs);
      expect(await cloud.copySnapshot(copyOf(harness, second))).toMatch(/^s-/);
    });

    test('of what is not there, or into its own region, is refused', async () => {
      const harness = get();
      const { cloud, region } = harness;
      const unknown = await failureOf(cloud.copySnapshot(copyOf(harness, 's-none')));
      expect(unknown).toMatchObject({ code: 'snapshot_not_found', retryable: false });
      const id = await taken(harness, await harness.makeDisk());
      const home = { ...copyOf(harness, id), targetRegion: region };
      const refused = await failureOf(cloud.copySnapshot(home));
      expect(refused).toMatchObject({ code: 'cloud_refused', retryable: false });
      expect(refused.message).toContain(`Cannot copy snapshot ${id} from ${region} to ${region}: `);
    });
  });
}

/** Disks made of snapshots, and their end. */
export function describeDisks(get: Get): void {
  describe('a disk of a snapshot', () => {
    test('is made once per token, in its zone, with its tags', async () => {
      const harness = get();
      const { cloud, region, zone } = harness;
      const request = diskOf({ region, zone }, await taken(harness, await harness.makeDisk()));
      const id = await cloud.createDisk({ ...request, sizeGiB: 60 });
      expect(await cloud.describeDisks(region, [id])).toMatchObject([{ status: 'Creating' }]);
      expect(await failureOf(cloud.deleteDisk(region, id))).toMatchObject({
        code: 'disk_busy',
        retryable: true,
      });
      await harness.advance(PACE.diskMs);
      expect(await cloud.createDisk({ ...request, sizeGiB: 60 })).toBe(id);
      const tag = { key: 'bc-restore', value: request.tags['bc-restore'] };
      const { category, performanceLevel, tags } = request;
      const shape = { category, performanceLevel, sizeGiB: 60, zone, tags };
      const state = { id, status: 'Available', everAttached: false };
      expect(await cloud.findDisks(region, tag)).toEqual([{ ...state, ...shape }]);
    });

    test('is refused where it is smaller or its snapshot is gone, and waits for one', async () => {
      const harness = get();
      const { cloud, region, zone } = harness;
      const diskId = await harness.makeDisk({ category: 'cloud_ssd' });
      const id = await cloud.createSnapshot(asked(harness, diskId));
      const early = await failureOf(cloud.createDisk(diskOf({ region, zone }, id)));
      expect(early).toMatchObject({ code: 'disk_busy', retryable: true });
      await harness.advance(PACE.snapshotMs);
      const smaller = { ...diskOf({ region, zone }, id), sizeGiB: 39 };
      expect(await failureOf(cloud.createDisk(smaller))).toMatchObject({ code: 'cloud_refused' });
      const unknown = await failureOf(cloud.createDisk(diskOf({ region, zone }, 's-none')));
      expect(unknown).toMatchObject({ code: 'snapshot_not_found', retryable: false });
    });
  });

  describe('deleting a disk', () => {
    test('waits while it is attached or snapshotted, and works twice', async () => {
      const harness = get();
      const { cloud, region } = harness;
      const id = await harness.makeDisk();
      const busy = { code: 'disk_busy', retryable: true };
      expect(await failureOf(cloud.deleteDisk(region, id))).toMatchObject(busy);
      await cloud.createSnapshot(asked(harness, id));
      await harness.detach(id);
      expect(await failureOf(cloud.deleteDisk(region, id))).toMatchObject(busy);
      await harness.advance(PACE.snapshotMs);
      await cloud.deleteDisk(region, id);
      await cloud.deleteDisk(region, id);
      await cloud.deleteDisk(region, 'd-none');
      expect(await cloud.describeDisks(region, [id])).toEqual([]);
    });
  });
}
