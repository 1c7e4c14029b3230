import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type EcsFixture, filesOf, listed, startFixture } from './ecs-fixture.ts';

describe('copies of snapshots to other regions', () => {
  let fixture: EcsFixture;
  let diskId: string;
  let snapshotId: string;

  beforeEach(async () => {
    fixture = await startFixture({ durations: { copyMs: () => 10_000 } });
    diskId = await fixture.makeAttachedDisk();
    fixture.write(diskId, 'a', 'x');
    snapshotId = await fixture.makeSnapshot(diskId);
  });
  afterEach(() => fixture.close());

  const copyQuery = (query: Record<string, unknown> = {}) => ({
    RegionId: 'cn-hangzhou',
    SnapshotId: snapshotId,
    DestinationRegionId: 'cn-beijing',
    DestinationSnapshotName: 'bc-copy',
    DestinationSnapshotDescription: 'for a restore',
    ...query,
  });

  async function inBeijing(): Promise<Record<string, unknown>[]> {
    const reply = await fixture.call('DescribeSnapshots', { RegionId: 'cn-beijing' });
    return listed(reply, 'Snapshots', 'Snapshot');
  }

  it('are progressing there, then give the bytes to disks of that region', async () => {
    const { SnapshotId: copyId } = await fixture.call(
      'CopySnapshot',
      copyQuery({ RetentionDays: 1, Tag: [{ Key: 'k', Value: 'v' }] }),
    );
    fixture.advance(3000);
    expect(await inBeijing()).toMatchObject([
      {
        SnapshotId: copyId,
        SnapshotName: 'bc-copy',
        RegionId: 'cn-beijing',
        Status: 'progressing',
        Progress: '30%',
        Available: false,
        InstantAccess: false,
        SourceDiskId: diskId,
        SourceDiskSize: '20',
        SourceRegionId: 'cn-hangzhou',
        SourceSnapshotId: snapshotId,
        RetentionDays: 1,
        Tags: { Tag: [{ TagKey: 'k', TagValue: 'v' }] },
      },
    ]);
    const disk = {
      RegionId: 'cn-beijing',
      ZoneId: 'cn-beijing-k',
      DiskCategory: 'cloud_essd',
      SnapshotId: copyId,
    };
    expect(await fixture.refused('CreateDisk', disk)).toMatchObject({
      code: 'InvalidSnapshotId.NotReady',
    });
    fixture.advance(7000);
    const { DiskId } = await fixture.call('CreateDisk', disk);
    expect(filesOf(fixture.ecs.diskDirectory(String(DiskId)))).toEqual({ a: 'x' });
  });

  it('outlive their source', async () => {
    const { SnapshotId: copyId } = await fixture.call('CopySnapshot', copyQuery());
    await fixture.call('DeleteSnapshot', { SnapshotId: snapshotId });
    fixture.advance(10_000);
    expect(await inBeijing()).toMatchObject([{ SnapshotId: copyId, Status: 'accomplished' }]);
    expect(filesOf(fixture.ecs.snapshotDirectory(String(copyId)))).toEqual({ a: 'x' });
  });

  it('of one disk into one region come one after the other', async () => {
    await fixture.call('CopySnapshot', copyQuery());
    const second = await fixture.makeSnapshot(diskId);
    const first = await fixture.call('CopySnapshot', copyQuery());
    expect(await fixture.refused('CopySnapshot', copyQuery({ SnapshotId: second }))).toMatchObject({
      code: 'InvalidOperation.DiskHasUnfinishedSnapshotCopy',
      statusCode: 403,
      message: expect.stringContaining(String(first.SnapshotId)) as string,
    });
    await fixture.call('CopySnapshot', copyQuery({ DestinationRegionId: 'cn-shanghai' }));
    fixture.advance(10_000);
    await fixture.call('CopySnapshot', copyQuery({ SnapshotId: second }));
    expect(await inBeijing()).toHaveLength(3);
  });

  it.each([
    [
      'into the same region',
      { DestinationRegionId: 'cn-hangzhou' },
      'InvalidOperation.NotSupportCopyInSameRegion',
    ],
    [
      'into a region that is none',
      { DestinationRegionId: 'cn-nowhere' },
      'InvalidRegionId.NotExists',
    ],
    ['of an unknown snapshot', { SnapshotId: 's-none' }, 'InvalidSnapshotId.NotFound'],
    ['of a snapshot elsewhere', { RegionId: 'cn-shanghai' }, 'InvalidSnapshotId.NotFound'],
    ['with a bad name', { DestinationSnapshotName: 'a' }, 'InvalidSnapshotName.Malformed'],
    [
      'with a bad description',
      { DestinationSnapshotDescription: 'https://a' },
      'InvalidDescription.Malformed',
    ],
    ['for no days', { RetentionDays: 0 }, 'InvalidRetentionDays.Malformed'],
    ['with a key, not encrypted', { KMSKeyId: 'key-1' }, 'InvalidEncrypted.NotMatchKmsKeyId'],
  ])('are refused %s', async (_, query, code) => {
    const error = await fixture.refused('CopySnapshot', copyQuery(query));
    expect(error).toMatchObject({ code, statusCode: 403 });
    expect(await inBeijing()).toEqual([]);
  });

  it('of unfinished snapshots are refused', async () => {
    const { SnapshotId } = await fixture.call('CreateSnapshot', { DiskId: diskId });
    expect(await fixture.refused('CopySnapshot', copyQuery({ SnapshotId }))).toMatchObject({
      code: 'InvalidSnapshotId.NotReady',
      statusCode: 403,
    });
  });

  it('of encrypted snapshots stay encrypted', async () => {
    const encrypted = await fixture.makeAttachedDisk({ Encrypted: true });
    const SnapshotId = await fixture.makeSnapshot(encrypted);
    expect(await fixture.refused('CopySnapshot', copyQuery({ SnapshotId }))).toMatchObject({
      code: 'InvalidEncrypted.NotSupportDecrypt',
    });
    await fixture.call('CopySnapshot', copyQuery({ SnapshotId, Encrypted: true }));
    expect(await inBeijing()).toMatchObject([{ Encrypted: true }]);
  });

  it('cannot roll the source disk back, nor count against its limit', async () => {
    await fixture.restart({ quotas: { snapshotsPerDisk: 2 } });
    const { SnapshotId: copyId } = await fixture.call('CopySnapshot', copyQuery());
    fixture.advance(60_000);
    await fixture.call('CreateSnapshot', { DiskId: diskId });
    fixture.advance(60_000);
    await fixture.ecs.putInstance({
      instanceId: 'i-1',
      zoneId: 'cn-hangzhou-k',
      status: 'Stopped',
    });
    expect(
      await fixture.refused('ResetDisk', { DiskId: diskId, SnapshotId: copyId }),
    ).toMatchObject({ code: 'InvalidParameter.Mismatch' });
  });

  it('fail when it was planned', async () => {
    fixture.ecs.failNextSnapshots(1);
    await fixture.call('CopySnapshot', copyQuery());
    fixture.advance(10_000);
    expect(await inBeijing()).toMatchObject([{ Status: 'failed' }]);
  });
});
