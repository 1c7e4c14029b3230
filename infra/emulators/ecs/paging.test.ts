import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type EcsFixture, listed, startFixture } from './ecs-fixture.ts';

describe('paging', () => {
  let fixture: EcsFixture;
  let newestFirst: string[];

  beforeEach(async () => {
    fixture = await startFixture({ durations: { snapshotMs: () => 0 } });
    const diskId = await fixture.makeAttachedDisk();
    const made: string[] = [];
    for (let n = 0; n < 25; n += 1) {
      made.push(String((await fixture.call('CreateSnapshot', { DiskId: diskId })).SnapshotId));
    }
    newestFirst = made.reverse();
  });
  afterEach(() => fixture.close());

  async function page(query: Record<string, unknown>) {
    const reply = await fixture.call('DescribeSnapshots', { RegionId: 'cn-hangzhou', ...query });
    const ids = listed(reply, 'Snapshots', 'Snapshot').map((s) => String(s.SnapshotId));
    return { ids, next: String(reply.NextToken), total: reply.TotalCount };
  }

  it('by token shows each snapshot once, whatever is made or deleted meanwhile', async () => {
    const first = await page({ MaxResults: 10 });
    expect(first.ids).toEqual(newestFirst.slice(0, 10));
    const diskId = fixture.ecs.disks()[0]?.diskId;
    await fixture.call('CreateSnapshot', { DiskId: diskId });
    await fixture.call('DeleteSnapshot', { SnapshotId: newestFirst[9] });
    const second = await page({ MaxResults: 10, NextToken: first.next });
    expect(second.ids).toEqual(newestFirst.slice(10, 20));
    const third = await page({ MaxResults: 10, NextToken: second.next });
    expect(third).toMatchObject({ ids: newestFirst.slice(20), next: '' });
  });

  it('by number tells the total', async () => {
    expect(await page({})).toMatchObject({ ids: newestFirst.slice(0, 10), total: 25 });
    expect(await page({ PageNumber: 3, PageSize: 10 })).toMatchObject({
      ids: newestFirst.slice(20),
      total: 25,
    });
    expect((await page({ PageNumber: 4 })).ids).toEqual([]);
  });

  it('shows 100 ids in one page when asked to', async () => {
    const SnapshotIds = JSON.stringify(newestFirst);
    expect((await page({ SnapshotIds, MaxResults: 100 })).ids).toEqual(newestFirst);
  });

  it.each([{ PageNumber: 0 }, { PageSize: 101 }, { PageSize: 'many' }])(
    'refuses %o',
    async (query) => {
      const error = await fixture.refused('DescribeSnapshots', {
        RegionId: 'cn-hangzhou',
        ...query,
      });
      expect(error).toMatchObject({ code: 'InvalidParameter', statusCode: 400 });
    },
  );

  it('of disks takes figures outside 10 to 500 as the nearest bound', async () => {
    for (let n = 0; n < 11; n += 1) await fixture.makeDisk();
    const reply = await fixture.call('DescribeDisks', { RegionId: 'cn-hangzhou', MaxResults: 1 });
    expect(listed(reply, 'Disks', 'Disk')).toHaveLength(10);
    const all = await fixture.call('DescribeDisks', { RegionId: 'cn-hangzhou', MaxResults: 9999 });
    expect(listed(all, 'Disks', 'Disk')).toHaveLength(12);
  });
});
