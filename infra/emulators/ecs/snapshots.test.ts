import { existsSync } from 'node:fs';
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

  it('of the ESSD family are available before they are accomplished', async () => {
    const diskId = await fixture.makeAttachedDisk();
    fixture.write(diskId, 'a', 'x');
    const { SnapshotId } = await fixture.call('CreateSnapshot', { DiskId: diskId });
    const snapshotId = String(SnapshotId);
    const disk = {
      RegionId: 'cn-hangzhou',
      ZoneId: 'cn-hangzhou-j',
      DiskCategory: 'cloud_essd',
      SnapshotId,
    };
    expect(await fixture.refused('CreateDisk', disk)).toMatchObject({
      code: 'InvalidSnapshotId.NotReady',
      statusCode: 403,
    });
    fixture.advance(500);
    expect(await one(snapshotId)).toMatchObject({
      Status: 'progressing',
      Available: true,
      InstantAccess: true,
    });
    const { DiskId } = await fixture.call('CreateDisk', disk);
    expect(filesOf(fixture.ecs.diskDirectory(String(DiskId)))).toEqual({ a: 'x' });
    expect(fixture.ecs.disks()[0]).toMatchObject({ sizeGib: 20, sourceSnapshotId: snapshotId });
    expect(await fixture.refused('CreateDisk', { ...disk, Size: 10 })).toMatchObject({
      code: 'InvalidDiskSize.TooSmall',
      statusCode: 403,
    });
  });

  it('are not taken of disks that were never attached, or that are in a change', async () => {
    const diskId = await fixture.makeDisk();
    expect(await fixture.refused('CreateSnapshot', { DiskId: diskId })).toMatchObject({
      code: 'IncorrectDiskStatus.NeverAttached',
      statusCode: 403,
    });
    await fixture.restart({ durations: { attachMs: () => 2000 } });
    await fixture.call('AttachDisk', { DiskId: diskId, InstanceId: 'i-1' });
    expect(await fixture.refused('CreateSnapshot', { DiskId: diskId })).toMatchObject({
      code: 'IncorrectDiskStatus',
      statusCode: 403,
    });
    fixture.advance(2000);
    await fixture.call('DetachDisk', { DiskId: diskId, InstanceId: 'i-1' });
    fixture.advance(2000);
    await fixture.call('CreateSnapshot', { DiskId: diskId });
    expect(fixture.ecs.snapshots()).toHaveLength(1);
  });

  it.each([
    ['Starting', {}, 'IncorrectInstanceStatus', 400],
    ['Running', { lockedForSecurity: true }, 'InstanceLockedForSecurity', 403],
  ] as const)(
    'are not taken while the instance is %s %o',
    async (status, more, code, statusCode) => {
      const diskId = await fixture.makeAttachedDisk();
      const instance = { instanceId: 'i-1', zoneId: 'cn-hangzhou-k', status, ...more };
      await fixture.ecs.putInstance(instance);
      const error = await fixture.refused('CreateSnapshot', { DiskId: diskId });
      expect(error).toMatchObject({ code, statusCode });
    },
  );

  it.each([
    ['no disk', { DiskId: undefined }, 'MissingDiskId', 400],
    ['an unknown disk', { DiskId: 'd-none' }, 'InvalidDiskId.NotFound', 404],
    ['a name of automatic ones', { SnapshotName: 'auto-1' }, 'InvalidSnapshotName.Malformed', 400],
    ['a name of one letter', { SnapshotName: 'a' }, 'InvalidSnapshotName.Malformed', 400],
    [
      'an address for a description',
      { Description: 'http://a' },
      'InvalidDescription.Malformed',
      404,
    ],
    ['no days', { RetentionDays: 0 }, 'InvalidRetentionDays.Malformed', 400],
    ['too many days', { RetentionDays: 65_537 }, 'InvalidRetentionDays.Malformed', 400],
    [
      'a key of the vendor',
      { Tag: [{ Key: 'aliyun-x', Value: '' }] },
      'InvalidTagKey.Malformed',
      400,
    ],
    ['a key of ACS', { Tag: [{ Key: 'acs:x', Value: '' }] }, 'InvalidTagKey.Malformed', 400],
    ['a long key', { Tag: [{ Key: 'k'.repeat(129), Value: '' }] }, 'InvalidTagKey.Malformed', 400],
    [
      'a long value',
      { Tag: [{ Key: 'k', Value: 'v'.repeat(129) }] },
      'InvalidTagValue.Malformed',
      400,
    ],
    [
      'an address in a value',
      { Tag: [{ Key: 'k', Value: 'see http://a' }] },
      'InvalidTagValue.Malformed',
      400,
    ],
    [
      'one key twice',
      {
        Tag: [
          { Key: 'k', Value: 'a' },
          { Key: 'k', Value: 'b' },
        ],
      },
      'Duplicate.TagKey',
      400,
    ],
    [
      '21 tags',
      { Tag: Array.from({ length: 21 }, (_, n) => ({ Key: `k${n}`, Value: '' })) },
      'NumberExceed.Tags',
      400,
    ],
    ['a long token', { ClientToken: 't'.repeat(65) }, 'InvalidClientToken.Malformed', 403],
  ])('are refused for %s', async (_, query, code, statusCode) => {
    const diskId = await fixture.makeAttachedDisk();
    const error = await fixture.refused('CreateSnapshot', { DiskId: diskId, ...query });
    expect(error).toMatchObject({ code, statusCode });
    expect(fixture.ecs.snapshots()).toEqual([]);
  });

  it('of an older disk are made one at a time, of an ESSD ten', async () => {
    const ssd = await fixture.makeAttachedDisk({ DiskCategory: 'cloud_ssd' });
    await fixture.call('CreateSnapshot', { DiskId: ssd });
    expect(await fixture.refused('CreateSnapshot', { DiskId: ssd })).toMatchObject({
      code: 'IncorrectDiskStatus.CreatingSnapshot',
      statusCode: 403,
    });
    const essd = await fixture.makeAttachedDisk();
    for (let n = 0; n < 10; n += 1) await fixture.call('CreateSnapshot', { DiskId: essd });
    expect(await fixture.refused('CreateSnapshot', { DiskId: essd })).toMatchObject({
      code: 'QuotaExceed.ConcurrentSnapshotQuota',
      statusCode: 403,
    });
    fixture.advance(10_000);
    await fixture.call('CreateSnapshot', { DiskId: ssd });
    await fixture.call('CreateSnapshot', { DiskId: essd });
    expect(fixture.ecs.snapshots()).toHaveLength(13);
  });

  it('of a disk are at most 256, of which deleted and expired ones do not count', async () => {
    await fixture.restart({ durations: { snapshotMs: () => 0 } });
    const diskId = await fixture.makeAttachedDisk();
    await fixture.call('CreateSnapshot', { DiskId: diskId, RetentionDays: 1 });
    for (let n = 1; n < 256; n += 1) await fixture.call('CreateSnapshot', { DiskId: diskId });
    expect(await fixture.refused('CreateSnapshot', { DiskId: diskId })).toMatchObject({
      code: 'QuotaExceed.Snapshot',
      statusCode: 403,
    });
    fixture.advance(86_400_000);
    await fixture.call('CreateSnapshot', { DiskId: diskId });
    expect(fixture.ecs.snapshots()).toHaveLength(256);
  });

  it('made of disks need force to be deleted; unknown ones are ignored', async () => {
    const diskId = await fixture.makeAttachedDisk();
    const snapshotId = await fixture.makeSnapshot(diskId);
    await fixture.makeDisk({ SnapshotId: snapshotId });
    expect(await fixture.refused('DeleteSnapshot', { SnapshotId: snapshotId })).toMatchObject({
      code: 'SnapshotCreatedDisk',
      statusCode: 403,
    });
    await fixture.call('DeleteSnapshot', { SnapshotId: snapshotId, Force: true });
    await fixture.call('DeleteSnapshot', { SnapshotId: snapshotId });
    expect(await described({})).toEqual([]);
    expect(fixture.ecs.disks()).toHaveLength(2);
    expect(existsSync(fixture.ecs.snapshotDirectory(snapshotId))).toBe(false);
  });

  it('in creation can be deleted', async () => {
    const diskId = await fixture.makeAttachedDisk();
    const { SnapshotId } = await fixture.call('CreateSnapshot', { DiskId: diskId });
    await fixture.call('DeleteSnapshot', { SnapshotId });
    expect(fixture.ecs.snapshots()).toEqual([]);
  });

  it('vanish when their retention is over, and their bytes with the next change', async () => {
    const diskId = await fixture.makeAttachedDisk();
    const snapshotId = await fixture.makeSnapshot(diskId, { RetentionDays: 2 });
    fixture.advance(2 * 86_400_000 - 60_001);
    expect(await described({})).toHaveLength(1);
    fixture.advance(1);
    expect(await described({})).toEqual([]);
    expect(fixture.ecs.snapshots()).toEqual([]);
    await fixture.makeDisk();
    expect(existsSync(fixture.ecs.snapshotDirectory(snapshotId))).toBe(false);
  });

  it('keep longer when asked to, counted from creation, and never shorter', async () => {
    const diskId = await fixture.makeAttachedDisk();
    const snapshotId = await fixture.makeSnapshot(diskId, { RetentionDays: 2 });
    const modify = (query: Record<string, unknown>) => ({ SnapshotId: snapshotId, ...query });
    await fixture.call('ModifySnapshotAttribute', modify({ RetentionDays: 3, SnapshotName: 'bb' }));
    expect(await one(snapshotId)).toMatchObject({ RetentionDays: 3, SnapshotName: 'bb' });
    expect(
      await fixture.refused('ModifySnapshotAttribute', modify({ RetentionDays: 2 })),
    ).toMatchObject({ code: 'InvalidOperation.DecreaseRetentionDaysUnsupported' });
    expect(await fixture.refused('ModifySnapshotAttribute', modify({}))).toMatchObject({
      code: 'NoAttributeToModify',
    });
    fixture.advance(3 * 86_400_000 - 60_001);
    expect(await described({})).toHaveLength(1);
    fixture.advance(1);
    expect(await described({})).toEqual([]);
  });

  it('fail on demand: one at once, or the next at its end', async () => {
    const diskId = await fixture.makeAttachedDisk({ DiskCategory: 'cloud_ssd' });
    const first = await fixture.call('CreateSnapshot', { DiskId: diskId });
    fixture.advance(5000);
    await fixture.ecs.failSnapshot(String(first.SnapshotId));
    fixture.advance(60_000);
    expect(await one(String(first.SnapshotId))).toMatchObject({
      Status: 'failed',
      Progress: '50%',
      Available: false,
    });
    fixture.ecs.failNextSnapshots(1);
    const second = await fixture.call('CreateSnapshot', { DiskId: diskId });
    expect(await one(String(second.SnapshotId))).toMatchObject({ Status: 'progressing' });
    fixture.advance(10_000);
    expect(await one(String(second.SnapshotId))).toMatchObject({ Status: 'failed' });
    const third = await fixture.call('CreateSnapshot', { DiskId: diskId });
    fixture.advance(10_000);
    expect(await one(String(third.SnapshotId))).toMatchObject({ Status: 'accomplished' });
    await expect(fixture.ecs.failSnapshot(String(third.SnapshotId))).rejects.toThrow(
      /it is accomplished, not progressing/,
    );
  });

  it('are listed by every filter that is given', async () => {
    const diskId = await fixture.makeAttachedDisk();
    const done = await fixture.makeSnapshot(diskId, {
      SnapshotName: 'bc-done',
      Tag: [{ Key: 'backup', Value: '1' }],
    });
    const other = await fixture.makeAttachedDisk();
    await fixture.call('DetachDisk', { DiskId: other, InstanceId: 'i-1' });
    const { SnapshotId: begun } = await fixture.call('CreateSnapshot', { DiskId: other });
    const ids = async (query: Record<string, unknown>) =>
      (await described(query)).map((s) => s.SnapshotId);
    expect(await ids({})).toEqual([begun, done]);
    expect(await ids({ Status: 'progressing' })).toEqual([begun]);
    expect(await ids({ DiskId: diskId, SnapshotType: 'user' })).toEqual([done]);
    expect(await ids({ SnapshotName: 'bc-done' })).toEqual([done]);
    expect(await ids({ InstanceId: 'i-1' })).toEqual([done]);
    expect(await ids({ Tag: [{ Key: 'backup', Value: '1' }] })).toEqual([done]);
    expect(await ids({ Tag: [{ Key: 'backup', Value: '2' }] })).toEqual([]);
    expect(await ids({ SnapshotIds: JSON.stringify([done, 's-none']) })).toEqual([done]);
    expect(await ids({ RegionId: 'cn-beijing' })).toEqual([]);
    expect(await ids({ Usage: 'disk' })).toEqual([]);
    const filter = [{ Key: 'CreationStartTime', Value: '2026-01-02T03:05Z' }];
    expect(await ids({ Filter: filter })).toEqual([begun]);
  });

  it.each([
    ['ids that are no array', { SnapshotIds: 's-1' }, 'InvalidSnapshotIds.Malformed', 403],
    [
      '101 ids',
      { SnapshotIds: JSON.stringify(Array(101).fill('s')) },
      'InvalidSnapshotIds.Malformed',
      403,
    ],
    ['a state that is none', { Status: 'done' }, 'InvalidStatus.NotFound', 404],
    ['a type that is none', { SnapshotType: 'x' }, 'InvalidSnapshotType.NotFound', 404],
    ['a use that is none', { Usage: 'x' }, 'InvalidUsage', 404],
    ['101 results', { MaxResults: 101 }, 'InvalidParameter.MaxResults', 400],
    ['a token that is none', { NextToken: 'x' }, 'InvalidParameter.NextToken', 400],
  ])('are not listed for %s', async (_, query, code, statusCode) => {
    const error = await fixture.refused('DescribeSnapshots', { RegionId: 'cn-hangzhou', ...query });
    expect(error).toMatchObject({ code, statusCode });
  });
});
