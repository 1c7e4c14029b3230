import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type EcsFixture, filesOf, listed, startFixture } from './ecs-fixture.ts';

describe('snapshots of the ECS emulator', () => {
  let fixture: EcsFixture;

  beforeEach(async () => {
    fixture = await startFixture({ durations: { snapshotMs: () => 10_000 } });
  });
  afterEach(() => fixture.close());

  async function described(query: Record<string, unknown>): Promise<Record<string, unknown>[]> {
    const reply = await fixture.call('DescribeSnapshots', { RegionId: 'cn-hangzhou', ...query });
    return listed(reply, 'Snapshots', 'Snapshot');
  }

  async function one(snapshotId: string): Promise<Record<string, unknown>> {
    const [snapshot] = await described({ SnapshotIds: JSON.stringify([snapshotId]) });
    return snapshot ?? {};
  }

  it('are progressing, then accomplished, by the clock', async () => {
    const diskId = await fixture.makeAttachedDisk({ DiskCategory: 'cloud_ssd', Size: 40 });
    const { SnapshotId } = await fixture.call('CreateSnapshot', {
      DiskId: diskId,
      SnapshotName: 'bc-one',
      RetentionDays: 3,
      Tag: [{ Key: 'cluster', Value: 'c1' }],
    });
    expect(SnapshotId).toMatch(/^s-bp1\w{17}$/);
    fixture.advance(3700);
    const begun = await one(String(SnapshotId));
    expect(begun).toMatchObject({
      SnapshotName: 'bc-one',
      Status: 'progressing',
      Progress: '37%',
      RemainTime: 7,
      Available: false,
      SourceDiskId: diskId,
      SourceDiskSize: '40',
      RetentionDays: 3,
      CreationTime: '2026-01-02T03:04:06Z',
      Usage: 'none',
      Tags: { Tag: [{ TagKey: 'cluster', TagValue: 'c1' }] },
    });
    fixture.advance(6300);
    expect(await one(String(SnapshotId))).toMatchObject({
      Status: 'accomplished',
      Progress: '100%',
      RemainTime: 0,
      Available: true,
    });
  });

  it('hold the bytes of the moment of the call, and give them to new disks', async () => {
    const diskId = await fixture.makeAttachedDisk();
    fixture.write(diskId, 'a', 'before');
    const snapshotId = await fixture.makeSnapshot(diskId);
    fixture.write(diskId, 'a', 'after');
    const restored = await fixture.makeDisk({ SnapshotId: snapshotId });
    expect(filesOf(fixture.ecs.diskDirectory(restored))).toEqual({ a: 'before' });
    fixture.write(restored, 'a', 'changed');
    expect(filesOf(fixture.ecs.snapshotDirectory(snapshotId))).toEqual({ a: 'before' });
    expect(await one(snapshotId)).toMatchObject({ Usage: 'disk' });
  });
});
