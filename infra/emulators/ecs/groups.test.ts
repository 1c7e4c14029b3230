import { existsSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type EcsFixture, filesOf, listed, startFixture } from './ecs-fixture.ts';

const HANGZHOU = { RegionId: 'cn-hangzhou' };

describe('snapshot groups', () => {
  let fixture: EcsFixture;

  beforeEach(async () => {
    fixture = await startFixture({ durations: { snapshotMs: () => 10_000 } });
  });
  afterEach(() => fixture.close());

  async function described(
    query: Record<string, unknown> = {},
  ): Promise<Record<string, unknown>[]> {
    const reply = await fixture.call('DescribeSnapshotGroups', { ...HANGZHOU, ...query });
    return listed(reply, 'SnapshotGroups', 'SnapshotGroup');
  }

  it('hold the disks of an instance at one moment, less those excluded', async () => {
    const one = await fixture.makeAttachedDisk();
    const two = await fixture.makeAttachedDisk();
    const excluded = await fixture.makeAttachedDisk();
    fixture.write(one, 'a', '1');
    fixture.write(two, 'a', '2');
    const { SnapshotGroupId } = await fixture.call('CreateSnapshotGroup', {
      ...HANGZHOU,
      InstanceId: 'i-1',
      ExcludeDiskId: [excluded],
      Name: 'bc-group',
      Tag: [{ Key: 'k', Value: 'v' }],
    });
    expect(SnapshotGroupId).toMatch(/^ssg-bp1\w{17}$/);
    fixture.advance(5000);
    const [group] = await described();
    expect(group).toMatchObject({
      SnapshotGroupId,
      Name: 'bc-group',
      InstanceId: 'i-1',
      Status: 'progressing',
      Tags: { Tag: [{ Key: 'k', Value: 'v' }] },
      Snapshots: {
        Snapshot: [
          { SourceDiskId: one, Progress: '50%', Available: true },
          { SourceDiskId: two, Progress: '50%', Available: true },
        ],
      },
    });
    fixture.advance(5000);
    expect(await described({ Status: ['accomplished'] })).toHaveLength(1);
    const members = fixture.ecs.snapshots();
    expect(members.map((s) => filesOf(fixture.ecs.snapshotDirectory(s.snapshotId)))).toEqual([
      { a: '1' },
      { a: '2' },
    ]);
    const byInstance = await described({ InstanceId: 'i-2' });
    expect(byInstance).toEqual([]);
  });

  it('hold disks by id, of several instances of a zone', async () => {
    await fixture.ecs.putInstance({ instanceId: 'i-3', zoneId: 'cn-hangzhou-k' });
    const one = await fixture.makeAttachedDisk();
    const two = await fixture.makeDisk();
    await fixture.call('AttachDisk', { DiskId: two, InstanceId: 'i-3' });
    await fixture.call('CreateSnapshotGroup', { ...HANGZHOU, DiskId: [one, two] });
    expect(fixture.ecs.snapshots().map((s) => s.sourceDiskId)).toEqual([two, one]);
    expect(await described()).toMatchObject([{ InstanceId: '' }]);
  });

  it('are failed when a member is', async () => {
    await fixture.makeAttachedDisk();
    await fixture.makeAttachedDisk();
    fixture.ecs.failNextSnapshots(1);
    await fixture.call('CreateSnapshotGroup', { ...HANGZHOU, InstanceId: 'i-1' });
    fixture.advance(10_000);
    expect(await described({ Status: ['failed'] })).toHaveLength(1);
  });

  it('go with their snapshots, unless disks were made of one', async () => {
    await fixture.makeAttachedDisk();
    const group = await fixture.call('CreateSnapshotGroup', { ...HANGZHOU, InstanceId: 'i-1' });
    fixture.advance(10_000);
    const SnapshotId = fixture.ecs.snapshots()[0]?.snapshotId ?? '';
    const disk = await fixture.makeDisk({ SnapshotId });
    const remove = { ...HANGZHOU, SnapshotGroupId: group.SnapshotGroupId };
    expect(await fixture.refused('DeleteSnapshotGroup', remove)).toMatchObject({
      code: 'SnapshotCreatedDisk',
    });
    await fixture.call('DeleteDisk', { DiskId: disk });
    await fixture.call('DeleteSnapshotGroup', remove);
    expect(await described()).toEqual([]);
    expect(fixture.ecs.snapshots()).toEqual([]);
    expect(existsSync(fixture.ecs.snapshotDirectory(SnapshotId))).toBe(false);
    expect(await fixture.refused('DeleteSnapshotGroup', remove)).toMatchObject({
      code: 'InvalidSnapshotGroupId.NotFound',
    });
  });

  it.each([
    ['nothing', {}, 'MissingParamter.InstanceId', 400],
    ['an instance without disks', { InstanceId: 'i-2' }, 'InvalidInstance.NoDisk', 403],
    ['an unknown instance', { InstanceId: 'i-9' }, 'InvalidInstanceId.NotFound', 404],
    ['an unknown disk', { DiskId: ['d-none'] }, 'InvalidDiskId.NotFound', 404],
    [
      'disks both named and excluded',
      { InstanceId: 'i-1', DiskId: ['d-1'], ExcludeDiskId: ['d-2'] },
      'InvalidParam.ExcludeDiskIdsAndDiskIds.Conflict',
      400,
    ],
    ['a bad name', { InstanceId: 'i-1', Name: '1' }, 'InvalidParameter.Name', 400],
  ])('are refused for %s', async (_, query, code, statusCode) => {
    const error = await fixture.refused('CreateSnapshotGroup', { ...HANGZHOU, ...query });
    expect(error).toMatchObject({ code, statusCode });
  });

  it('take only ESSDs of one zone that one instance has each', async () => {
    const essd = await fixture.makeAttachedDisk();
    const ssd = await fixture.makeAttachedDisk({ DiskCategory: 'cloud_ssd' });
    const elsewhere = await fixture.makeDisk({ ZoneId: 'cn-hangzhou-j' });
    await fixture.call('AttachDisk', { DiskId: elsewhere, InstanceId: 'i-2' });
    const shared = await fixture.makeAttachedDisk({ MultiAttach: 'Enabled' });
    const codeOf = async (DiskId: string[]) =>
      (await fixture.refused('CreateSnapshotGroup', { ...HANGZHOU, DiskId })).code;
    expect(await codeOf([essd, ssd])).toBe('DiskCategory.OperationNotSupported');
    expect(await codeOf([essd, elsewhere])).toBe('InvalidDiskIds.NotInSameZone');
    expect(await codeOf([essd, shared])).toBe('InvalidOperation.MultiAttachDisk');
    expect(fixture.ecs.snapshots()).toEqual([]);
  });
});
