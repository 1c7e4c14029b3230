import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type EcsFixture, listed, startFixture } from './ecs-fixture.ts';

const DISKS = { RegionId: 'cn-hangzhou', ResourceType: 'disk' };

describe('tags of resources', () => {
  let fixture: EcsFixture;
  let diskId: string;

  beforeEach(async () => {
    fixture = await startFixture();
    diskId = await fixture.makeAttachedDisk({ Tag: [{ Key: 'a', Value: '1' }] });
  });
  afterEach(() => fixture.close());

  async function tagsOf(query: Record<string, unknown>): Promise<Record<string, unknown>[]> {
    const reply = await fixture.call('ListTagResources', { ...DISKS, ...query });
    return listed(reply, 'TagResources', 'TagResource');
  }

  it('are added, given other values, and removed by key or all', async () => {
    const named = { ...DISKS, ResourceId: [diskId] };
    const Tag = [
      { Key: 'a', Value: '2' },
      { Key: 'b', Value: '' },
    ];
    await fixture.call('TagResources', { ...named, Tag });
    expect(await tagsOf({ ResourceId: [diskId] })).toEqual([
      { ResourceId: diskId, ResourceType: 'disk', TagKey: 'a', TagValue: '2' },
      { ResourceId: diskId, ResourceType: 'disk', TagKey: 'b', TagValue: '' },
    ]);
    await fixture.call('UntagResources', { ...named, TagKey: ['a', 'none'] });
    expect(await tagsOf({ ResourceId: [diskId] })).toMatchObject([{ TagKey: 'b' }]);
    await fixture.call('UntagResources', { ...named, All: true });
    expect(await tagsOf({ ResourceId: [diskId] })).toEqual([]);
  });

  it('find snapshots and instances too', async () => {
    const snapshotId = await fixture.makeSnapshot(diskId);
    const Tag = [{ Key: 'cluster', Value: 'c1' }];
    for (const [ResourceType, id] of [
      ['snapshot', snapshotId],
      ['instance', 'i-1'],
    ]) {
      await fixture.call('TagResources', { ...DISKS, ResourceType, ResourceId: [id], Tag });
      expect(await tagsOf({ ResourceType, Tag })).toMatchObject([{ ResourceId: id }]);
    }
    const instances = await fixture.call('DescribeInstances', { RegionId: 'cn-hangzhou', Tag });
    expect(listed(instances, 'Instances', 'Instance')).toMatchObject([
      { InstanceId: 'i-1', Status: 'Running', ZoneId: 'cn-hangzhou-k' },
    ]);
  });

  it('are listed 50 to a page', async () => {
    const Tag = Array.from({ length: 20 }, (_, n) => ({ Key: `k${n}`, Value: '' }));
    const ids: string[] = [];
    for (let n = 0; n < 3; n += 1) ids.push(await fixture.makeDisk({ Tag }));
    const first = await fixture.call('ListTagResources', { ...DISKS, ResourceId: ids });
    expect(listed(first, 'TagResources', 'TagResource')).toHaveLength(50);
    const NextToken = String(first.NextToken);
    const rest = await fixture.call('ListTagResources', { ...DISKS, ResourceId: ids, NextToken });
    expect(listed(rest, 'TagResources', 'TagResource')).toHaveLength(10);
    expect(rest.NextToken).toBe('');
  });

  it('are put on all the resources of a call or on none', async () => {
    const Tag = [{ Key: 'x', Value: '1' }];
    const ResourceId = [diskId, 'd-none'];
    expect(await fixture.refused('TagResources', { ...DISKS, ResourceId, Tag })).toMatchObject({
      code: 'InvalidResourceId.NotFound',
      statusCode: 404,
    });
    const twenty = Array.from({ length: 20 }, (_, n) => ({ Key: `k${n}`, Value: '' }));
    const full = await fixture.makeDisk({ Tag: twenty });
    expect(
      await fixture.refused('TagResources', { ...DISKS, ResourceId: [diskId, full], Tag }),
    ).toMatchObject({ code: 'OperationDenied.QuotaExceed', statusCode: 400 });
    expect(await tagsOf({ Tag })).toEqual([]);
  });

  it.each([
    ['no resource', { Tag: [{ Key: 'x', Value: '' }] }, 'MissingParameter.ResourceIds', 404],
    [
      '51 resources',
      { ResourceId: Array(51).fill('d-1'), Tag: [] },
      'NumberExceed.ResourceIds',
      400,
    ],
    [
      'another type',
      { ResourceType: 'image', ResourceId: ['m-1'] },
      'InvalidResourceType.NotFound',
      404,
    ],
    ['no type', { ResourceType: '', ResourceId: ['m-1'] }, 'MissingParameter.ResourceType', 404],
  ])('are refused for %s', async (_, query, code, statusCode) => {
    const error = await fixture.refused('TagResources', { ...DISKS, ...query });
    expect(error).toMatchObject({ code, statusCode });
  });

  it('are refused when none is given', async () => {
    const named = { ...DISKS, ResourceId: [diskId] };
    expect(await fixture.refused('TagResources', named)).toMatchObject({
      code: 'MissingParameter.Tags',
      statusCode: 404,
    });
    expect(await fixture.refused('UntagResources', named)).toMatchObject({
      code: 'MissingParameter.TagKey',
      statusCode: 404,
    });
  });
});
