import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { callSdk } from '../acs-signature/sdk-client.ts';
import { type EcsFixture, ecsCall, filesOf, listed, startFixture } from './ecs-fixture.ts';

const HANGZHOU = { RegionId: 'cn-hangzhou' };

describe('disks of the ECS emulator', () => {
  let fixture: EcsFixture;

  beforeEach(async () => {
    fixture = await startFixture({
      durations: { diskMs: () => 1000, attachMs: () => 2000, snapshotMs: () => 10_000 },
    });
  });
  afterEach(() => fixture.close());

  async function described(query: Record<string, unknown>): Promise<Record<string, unknown>[]> {
    const reply = await fixture.call('DescribeDisks', { ...HANGZHOU, ...query });
    return listed(reply, 'Disks', 'Disk');
  }

  async function one(diskId: string): Promise<Record<string, unknown>> {
    const [disk] = await described({ DiskIds: JSON.stringify([diskId]) });
    return disk ?? {};
  }

  async function attached(query: Record<string, unknown> = {}): Promise<string> {
    const diskId = await fixture.makeAttachedDisk(query);
    fixture.advance(2000);
    return diskId;
  }

  it('go through every state, by the clock', async () => {
    const { DiskId } = await fixture.call('CreateDisk', {
      ...HANGZHOU,
      ZoneId: 'cn-hangzhou-k',
      DiskCategory: 'cloud_essd',
      Size: 20,
      DiskName: 'data-1',
      Tag: [{ Key: 'k', Value: 'v' }],
    });
    const diskId = String(DiskId);
    expect(diskId).toMatch(/^d-bp1\w{17}$/);
    expect(await one(diskId)).toMatchObject({
      Status: 'Creating',
      DiskName: 'data-1',
      Size: 20,
      Category: 'cloud_essd',
      PerformanceLevel: 'PL1',
      ZoneId: 'cn-hangzhou-k',
      AttachedTime: '',
      Tags: { Tag: [{ TagKey: 'k', TagValue: 'v' }] },
    });
    fixture.advance(1000);
    expect(await one(diskId)).toMatchObject({ Status: 'Available', InstanceId: '' });
    await fixture.call('AttachDisk', { DiskId: diskId, InstanceId: 'i-1' });
    expect(await one(diskId)).toMatchObject({ Status: 'Attaching' });
    fixture.advance(2000);
    expect(await one(diskId)).toMatchObject({
      Status: 'In_use',
      InstanceId: 'i-1',
      Device: '/dev/xvdb',
      AttachedTime: '2026-01-02T03:04:06Z',
      Attachments: { Attachment: [{ InstanceId: 'i-1', Device: '/dev/xvdb' }] },
    });
    await fixture.call('DetachDisk', { DiskId: diskId, InstanceId: 'i-1' });
    expect(await one(diskId)).toMatchObject({ Status: 'Detaching', InstanceId: 'i-1' });
    fixture.advance(2000);
    expect(await one(diskId)).toMatchObject({
      Status: 'Available',
      AttachedTime: '2026-01-02T03:04:06Z',
      DetachedTime: '2026-01-02T03:04:08Z',
    });
    await fixture.call('DeleteDisk', { DiskId: diskId });
    expect(await described({ DiskIds: JSON.stringify([diskId]) })).toEqual([]);
    expect(fixture.ecs.disks()).toEqual([]);
  });

  it.each([
    ['PL1 below 20 GiB', { Size: 19 }, 'OperationDenied.PerformanceLevelNotMatch', 403],
    [
      'PL2 below 461 GiB',
      { Size: 460, PerformanceLevel: 'PL2' },
      'OperationDenied.PerformanceLevelNotMatch',
      403,
    ],
    ['a level that is none', { PerformanceLevel: 'PL9' }, 'InvalidPerformanceLevel.Malformed', 400],
    [
      'an SSD below 20 GiB',
      { DiskCategory: 'cloud_ssd', Size: 19 },
      'InvalidDiskSize.NotSupported',
      403,
    ],
    [
      'an entry ESSD below 10 GiB',
      { DiskCategory: 'cloud_essd_entry', Size: 9 },
      'InvalidDiskSize.NotSupported',
      403,
    ],
    [
      'an AutoPL disk that is too large',
      { DiskCategory: 'cloud_auto', Size: 65_537 },
      'InvalidDataDiskSize.ValueNotSupported',
      403,
    ],
    ['a size of nothing', { Size: 0 }, 'InvalidSize.ValueNotSupported', 400],
    ['no size', { Size: undefined }, 'MissingParameter', 400],
    ['no zone', { ZoneId: undefined }, 'MissingParameter', 400],
    ['no region', { RegionId: undefined }, 'MissingRegionId', 400],
    ['a region that is none', { RegionId: 'cn-nowhere' }, 'InvalidRegionId.NotFound', 404],
    ['a zone of another region', { ZoneId: 'cn-beijing-k' }, 'InvalidZoneId.NotFound', 404],
    [
      'a category that is none',
      { DiskCategory: 'local_ssd_pro' },
      'InvalidDiskCategory.ValueNotSupported',
      400,
    ],
    [
      'a zone for a regional disk',
      { DiskCategory: 'cloud_regional_disk_auto' },
      'InvalidZoneId.DiskCategoryUnsupported',
      400,
    ],
    ['an unknown snapshot', { SnapshotId: 's-none' }, 'InvalidSnapshotId.NotFound', 404],
    ['a name that begins with a digit', { DiskName: '1a' }, 'InvalidDiskName.Malformed', 400],
    ['a key without encryption', { KMSKeyId: 'key-1' }, 'InvalidParameter.EncryptedIllegal', 400],
    [
      'several attachments of an SSD',
      { DiskCategory: 'cloud_ssd', MultiAttach: 'Enabled' },
      'InvalidParameter.DiskCategoryAndMultiAttachNotMatch',
      403,
    ],
  ])('cannot be made with %s', async (_, query, code, statusCode) => {
    const whole = { ...HANGZHOU, ZoneId: 'cn-hangzhou-k', DiskCategory: 'cloud_essd', Size: 20 };
    const error = await fixture.refused('CreateDisk', { ...whole, ...query });
    expect(error).toMatchObject({ code, statusCode });
    expect(fixture.ecs.disks()).toEqual([]);
  });

  it.each([
    ['cloud_essd', 'PL0', 1],
    ['cloud_essd', 'PL2', 461],
    ['cloud_auto', undefined, 1],
    ['cloud_essd_entry', undefined, 10],
    ['cloud_efficiency', undefined, 20],
  ])('may be as small as %s %s %i GiB', async (DiskCategory, PerformanceLevel, Size) => {
    const diskId = await fixture.makeDisk({ DiskCategory, PerformanceLevel, Size });
    expect(await one(diskId)).toMatchObject({ Status: 'Available', Size });
  });

  it('are refused where their category is not sold', async () => {
    const zones = [{ zoneId: 'cn-hangzhou-k', diskCategories: ['cloud_essd'] }];
    await fixture.restart({ regions: [{ regionId: 'cn-hangzhou', zones }] });
    const query = { ...HANGZHOU, ZoneId: 'cn-hangzhou-k', DiskCategory: 'cloud_ssd', Size: 20 };
    expect(await fixture.refused('CreateDisk', query)).toMatchObject({
      code: 'InvalidDataDiskCategory.NotSupported',
    });
    const reply = await fixture.call('DescribeZones', HANGZHOU);
    expect(listed(reply, 'Zones', 'Zone')).toMatchObject([
      { ZoneId: 'cn-hangzhou-k', AvailableDiskCategories: { DiskCategories: ['cloud_essd'] } },
    ]);
  });

  it('are not attached across zones, twice, to strangers, or beyond what an instance takes', async () => {
    const diskId = await fixture.makeDisk();
    const attach = { DiskId: diskId, InstanceId: 'i-1' };
    expect(await fixture.refused('AttachDisk', { ...attach, InstanceId: 'i-2' })).toMatchObject({
      code: 'ResourcesNotInSameZone',
    });
    expect(await fixture.refused('AttachDisk', { ...attach, InstanceId: 'i-9' })).toMatchObject({
      code: 'InvalidInstanceId.NotFound',
      statusCode: 404,
    });
    expect(await fixture.refused('AttachDisk', { ...attach, DiskId: 'd-none' })).toMatchObject({
      code: 'InvalidDiskId.NotFound',
      statusCode: 404,
    });
    await fixture.call('AttachDisk', attach);
    expect(await fixture.refused('AttachDisk', attach)).toMatchObject({
      code: 'IncorrectDiskStatus',
      statusCode: 403,
    });
    await fixture.restart({ quotas: { disksPerInstance: 1 } });
    const second = await fixture.makeDisk();
    expect(await fixture.refused('AttachDisk', { ...attach, DiskId: second })).toMatchObject({
      code: 'InstanceDiskLimitExceeded',
    });
  });

  it('with several attachments go to several instances', async () => {
    await fixture.ecs.putInstance({ instanceId: 'i-3', zoneId: 'cn-hangzhou-k' });
    const diskId = await attached({ MultiAttach: 'Enabled' });
    await fixture.call('AttachDisk', { DiskId: diskId, InstanceId: 'i-3' });
    fixture.advance(2000);
    expect(await one(diskId)).toMatchObject({
      MultiAttach: 'Enabled',
      InstanceId: '',
      Attachments: { Attachment: [{ InstanceId: 'i-1' }, { InstanceId: 'i-3' }] },
    });
    expect(
      await fixture.refused('AttachDisk', { DiskId: diskId, InstanceId: 'i-3' }),
    ).toMatchObject({ code: 'InvalidDisk.InUse' });
  });

  it('are detached only from where they are', async () => {
    const diskId = await attached();
    await fixture.ecs.putInstance({ instanceId: 'i-3', zoneId: 'cn-hangzhou-k' });
    const detach = { DiskId: diskId, InstanceId: 'i-1' };
    expect(await fixture.refused('DetachDisk', { ...detach, InstanceId: 'i-3' })).toMatchObject({
      code: 'DependencyViolation',
    });
    await fixture.call('DetachDisk', detach);
    expect(await fixture.refused('DetachDisk', detach)).toMatchObject({
      code: 'InvalidOperation.DiskDetachingFromThisEcs',
    });
    fixture.advance(2000);
    expect(await fixture.refused('DetachDisk', detach)).toMatchObject({
      code: 'InvalidDisk.AlreadyDetached',
      statusCode: 404,
    });
  });

  it('stay when they are in use, in creation, or being copied; an unknown id is ignored', async () => {
    const { DiskId } = await fixture.call('CreateDisk', {
      ...HANGZHOU,
      ZoneId: 'cn-hangzhou-k',
      DiskCategory: 'cloud_essd',
      Size: 20,
    });
    expect(await fixture.refused('DeleteDisk', { DiskId })).toMatchObject({
      code: 'IncorrectDiskStatus.Initializing',
    });
    const diskId = await attached();
    expect(await fixture.refused('DeleteDisk', { DiskId: diskId })).toMatchObject({
      code: 'IncorrectDiskStatus',
    });
    await fixture.call('CreateSnapshot', { DiskId: diskId });
    await fixture.call('DetachDisk', { DiskId: diskId, InstanceId: 'i-1' });
    fixture.advance(2000);
    expect(await fixture.refused('DeleteDisk', { DiskId: diskId })).toMatchObject({
      code: 'DiskCreatingSnapshot',
    });
    fixture.advance(8000);
    await fixture.call('DeleteDisk', { DiskId: diskId });
    await fixture.call('DeleteDisk', { DiskId: diskId });
    expect(fixture.ecs.disks().map((disk) => disk.diskId)).toEqual([DiskId]);
    expect(fixture.ecs.snapshots()).toMatchObject([
      { sourceDiskId: diskId, status: 'accomplished' },
    ]);
  });

  it('released from outside take their snapshots in creation along, not the finished ones', async () => {
    const diskId = await attached();
    const finished = await fixture.makeSnapshot(diskId);
    await fixture.call('CreateSnapshot', { DiskId: diskId });
    await fixture.ecs.releaseDisk(diskId);
    expect(fixture.ecs.disks()).toEqual([]);
    expect(fixture.ecs.snapshots().map((s) => s.snapshotId)).toEqual([finished]);
  });

  it('go with their instance or stay, as they were attached', async () => {
    const kept = await attached();
    const gone = await fixture.makeDisk();
    const attach = { DiskId: gone, InstanceId: 'i-1', DeleteWithInstance: true };
    await fixture.call('AttachDisk', attach);
    await fixture.ecs.removeInstance('i-1');
    fixture.advance(2000);
    expect(fixture.ecs.disks()).toMatchObject([{ diskId: kept, status: 'Available' }]);
  });

  it('are rolled back to their own snapshot while their instance is stopped', async () => {
    const diskId = await attached();
    fixture.write(diskId, 'a', 'then');
    const snapshotId = await fixture.makeSnapshot(diskId);
    fixture.write(diskId, 'a', 'now');
    fixture.write(diskId, 'b', 'new');
    const reset = { DiskId: diskId, SnapshotId: snapshotId };
    expect(await fixture.refused('ResetDisk', reset)).toMatchObject({
      code: 'IncorrectInstanceStatus',
      statusCode: 403,
    });
    await fixture.ecs.putInstance({
      instanceId: 'i-1',
      zoneId: 'cn-hangzhou-k',
      status: 'Stopped',
    });
    expect(await fixture.refused('ResetDisk', { ...reset, DryRun: true })).toMatchObject({
      code: 'DryRunOperation',
    });
    await fixture.call('ResetDisk', reset);
    expect(await one(diskId)).toMatchObject({ Status: 'ReIniting' });
    expect(filesOf(fixture.ecs.diskDirectory(diskId))).toEqual({ a: 'then' });
    fixture.advance(1000);
    expect(await one(diskId)).toMatchObject({ Status: 'In_use' });
    const other = await fixture.makeDisk();
    expect(await fixture.refused('ResetDisk', { ...reset, DiskId: other })).toMatchObject({
      code: 'InvalidParameter.Mismatch',
    });
  });

  it('are listed by every filter that is given', async () => {
    const inUse = await attached({ DiskName: 'one', Tag: [{ Key: 'k', Value: '1' }] });
    const free = await fixture.makeDisk({ DiskName: 'two', Tag: [{ Key: 'k', Value: '2' }] });
    await fixture.makeDisk({ ...HANGZHOU, ZoneId: 'cn-hangzhou-j', DiskCategory: 'cloud_ssd' });
    const ids = async (query: Record<string, unknown>) =>
      (await described(query)).map((disk) => disk.DiskId);
    expect(await ids({ Status: 'In_use' })).toEqual([inUse]);
    expect(await ids({ InstanceId: 'i-1' })).toEqual([inUse]);
    expect(await ids({ ZoneId: 'cn-hangzhou-k' })).toEqual([free, inUse]);
    expect(await ids({ Category: 'cloud_essd', DiskName: 'two' })).toEqual([free]);
    expect(await ids({ Tag: [{ Key: 'k', Value: '1' }] })).toEqual([inUse]);
    expect(await ids({ Tag: [{ Key: 'k' }] })).toEqual([free, inUse]);
    expect(await ids({ DiskIds: '[]' })).toEqual([]);
    expect(await ids({ DiskIds: '["d-none"]' })).toEqual([]);
    expect(await ids({ RegionId: 'cn-beijing' })).toEqual([]);
    const filter = [{ Key: 'CreationStartTime', Value: '2026-01-02T03:04:08Z' }];
    expect(await ids({ Filter: filter, ZoneId: 'cn-hangzhou-k' })).toEqual([free]);
  });

  it.each([
    ['ids that are no array', { DiskIds: 'd-1' }, 'InvalidParameter.DiskIds', 400],
    [
      '101 ids',
      { DiskIds: JSON.stringify(Array(101).fill('d-1')) },
      'InvalidDiskIds.Malformed',
      403,
    ],
    ['a state that is none', { Status: 'Gone' }, 'InvalidStatus.ValueNotSupported', 400],
    [
      'a filter that is none',
      { Filter: [{ Key: 'Size', Value: '1' }] },
      'InvalidFilterKey.NotFound',
      404,
    ],
    ['a dry run that passes', { DryRun: true }, 'DryRunOperation', 400],
  ])('are not listed for %s', async (_, query, code, statusCode) => {
    const error = await fixture.refused('DescribeDisks', { ...HANGZHOU, ...query });
    expect(error).toMatchObject({ code, statusCode });
  });

  it('of another account are not seen', async () => {
    const diskId = await attached();
    const query = { ...HANGZHOU, DiskIds: JSON.stringify([diskId]) };
    const reply = await callSdk(fixture.as('AKeve'), ecsCall('DescribeDisks', query));
    expect(listed(reply.body as Record<string, unknown>, 'Disks', 'Disk')).toEqual([]);
  });

  it('beyond the quota are refused', async () => {
    await fixture.restart({ quotas: { disks: 1 } });
    await fixture.makeDisk();
    const query = { ...HANGZHOU, ZoneId: 'cn-hangzhou-k', DiskCategory: 'cloud_essd', Size: 20 };
    expect(await fixture.refused('CreateDisk', query)).toMatchObject({
      code: 'QuotaExceed.PostPaidDisk',
    });
  });
});
