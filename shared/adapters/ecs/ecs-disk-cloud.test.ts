/** The adapter against a scripted ECS: what it asks for, how often, and what it makes of replies. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { FakeClock } from '../../../test/support/fake-clock.ts';
import { SeededEntropy } from '../../../test/support/seeded-entropy.ts';
import type { BackupCentreError } from '../../domain/errors.ts';
import { EcsDiskCloud } from './ecs-disk-cloud.ts';

interface Asked {
  readonly action: string;
  readonly query: Record<string, string>;
}
type Reply = object | { readonly status: number; readonly code: string };

const region = 'cn-hangzhou';
const tag = { key: 'bc-backup', value: 'b1' };
const snapshotRequest = {
  region,
  diskId: 'd-1',
  name: 'bc-one',
  description: 'of b1',
  retentionDays: 3,
  tags: { z: '1', a: 'ä b' },
  clientToken: 't1',
};

let server: Server;
let asked: Asked[];
let answer: (call: Asked) => Reply;
let clock: FakeClock;
let cloud: EcsDiskCloud;

beforeEach(async () => {
  asked = [];
  answer = () => ({});
  server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://ecs');
    const action = String(request.headers['x-acs-action']);
    const call = { action, query: Object.fromEntries(url.searchParams) };
    asked.push(call);
    const reply = answer(call);
    const isRefusal = 'status' in reply && 'code' in reply;
    response.writeHead(isRefusal ? Number(reply.status) : 200, {
      'content-type': 'application/json',
    });
    const body = isRefusal ? { Code: reply.code, Message: 'words', RequestId: 'r' } : reply;
    response.end(JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  clock = new FakeClock({ startMs: Date.UTC(2026, 0, 1), impatient: true });
  cloud = new EcsDiskCloud(
    () => `http://127.0.0.1:${port}`,
    () => ({ accessKeyId: 'AK', accessKeySecret: 'secret' }),
    { clock, entropy: new SeededEntropy() },
  );
});

afterEach(async () => {
  await new Promise((resolve) => {
    server.close(resolve);
    server.closeAllConnections();
  });
});

const refused = (code: string, status = 403): Reply => ({ status, code });
const ids = (count: number, from = 0) => Array.from({ length: count }, (_, i) => `s-${from + i}`);
const snapshots = (of: readonly string[], next = '') => ({
  Snapshots: { Snapshot: of.map((id) => ({ SnapshotId: id, Status: 'progressing' })) },
  NextToken: next,
});
const idsIn = (call: Asked) => JSON.parse(call.query.SnapshotIds ?? '[]') as string[];

describe('looking', () => {
  test('200 snapshots are two calls, also where a full page names a next one', async () => {
    answer = (call) => snapshots(idsIn(call), 'more');
    const found = await cloud.describeSnapshots(region, ids(200));
    expect(found.map((s) => s.id)).toEqual(ids(200));
    expect(asked.map(({ action, query }) => [action, query.RegionId, query.MaxResults])).toEqual([
      ['DescribeSnapshots', region, '100'],
      ['DescribeSnapshots', region, '100'],
    ]);
    expect(asked.map((call) => idsIn(call).length)).toEqual([100, 100]);
  });

  test('an id that is given twice is asked for once; none is no call', async () => {
    answer = (call) => snapshots(idsIn(call));
    expect(await cloud.describeSnapshots(region, ['s-1', 's-1'])).toHaveLength(1);
    expect(asked.map(idsIn)).toEqual([['s-1']]);
    expect(await cloud.describeSnapshots(region, [])).toEqual([]);
    expect(await cloud.describeDisks(region, [])).toEqual([]);
    expect(asked).toHaveLength(1);
  });

  test('a tag is looked for over all pages', async () => {
    answer = ({ query }) =>
      query.NextToken === undefined ? snapshots(ids(100), 'p2') : snapshots(ids(5, 100));
    expect(await cloud.findSnapshots(region, tag)).toHaveLength(105);
    expect(asked.map(({ query }) => query.NextToken)).toEqual([undefined, 'p2']);
    expect(asked[1]?.query).toMatchObject({ 'Tag.1.Key': 'bc-backup', 'Tag.1.Value': 'b1' });
    expect(asked[1]?.query).not.toHaveProperty('SnapshotIds');
  });

  test('beyond 1,000 of a tag, where a filter shows no more, its bearers are listed', async () => {
    answer = (call) => {
      const page = Number(call.query.NextToken ?? 0);
      if (call.action === 'ListTagResources') {
        const entries = ids(550, page).map((ResourceId) => ({ ResourceId }));
        const NextToken = page === 0 ? '550' : '';
        return { TagResources: { TagResource: entries }, NextToken };
      }
      const wanted = idsIn(call);
      if (wanted.length > 0) return snapshots(wanted);
      return snapshots(ids(100, page), page < 900 ? String(page + 100) : '');
    };
    const found = await cloud.findSnapshots(region, tag);
    expect(found.map((s) => s.id)).toEqual(ids(1_100));
    const listed = asked.find(({ action }) => action === 'ListTagResources');
    expect(listed?.query).toMatchObject({ RegionId: region, ResourceType: 'snapshot' });
  });

  test('disks are described and found like snapshots', async () => {
    answer = () => ({ Disks: { Disk: [{ DiskId: 'd-1', Size: 20, AttachedTime: '' }] } });
    expect(await cloud.describeDisks(region, ['d-1', 'd-2'])).toMatchObject([
      { id: 'd-1', sizeGiB: 20, everAttached: false },
    ]);
    expect(await cloud.findDisks(region, tag)).toHaveLength(1);
    expect(asked.map(({ action }) => action)).toEqual(['DescribeDisks', 'DescribeDisks']);
    expect(asked[0]?.query).toMatchObject({ DiskIds: '["d-1","d-2"]', RegionId: region });
  });
});

describe('making and removing', () => {
  test('a snapshot is asked for with its name, retention, tags and token', async () => {
    answer = () => ({ SnapshotId: 's-9' });
    expect(await cloud.createSnapshot(snapshotRequest)).toBe('s-9');
    expect(asked).toEqual([
      {
        action: 'CreateSnapshot',
        query: {
          DiskId: 'd-1',
          SnapshotName: 'bc-one',
          Description: 'of b1',
          RetentionDays: '3',
          ClientToken: 't1',
          'Tag.1.Key': 'a',
          'Tag.1.Value': 'ä b',
          'Tag.2.Key': 'z',
          'Tag.2.Value': '1',
        },
      },
    ]);
  });

  test('what is made of an encrypted snapshot is encrypted', async () => {
    answer = ({ action }) =>
      action === 'DescribeSnapshots'
        ? { Snapshots: { Snapshot: [{ SnapshotId: 's-1', Encrypted: true }] } }
        : { SnapshotId: 's-2', DiskId: 'd-2' };
    const creation = { region, snapshotId: 's-1', name: 'bc-two', tags: {}, clientToken: 't2' };
    const copy = { targetRegion: 'cn-beijing', description: 'copy', retentionDays: 1 };
    expect(await cloud.copySnapshot({ ...creation, ...copy })).toBe('s-2');
    const disk = { zone: `${region}-k`, category: 'cloud_essd', sizeGiB: 20 };
    const pl = { performanceLevel: 'PL0' };
    expect(await cloud.createDisk({ ...creation, ...disk, ...pl })).toBe('d-2');
    expect(asked.filter(({ action }) => action !== 'DescribeSnapshots')).toEqual([
      {
        action: 'CopySnapshot',
        query: {
          RegionId: region,
          SnapshotId: 's-1',
          DestinationRegionId: 'cn-beijing',
          DestinationSnapshotName: 'bc-two',
          DestinationSnapshotDescription: 'copy',
          RetentionDays: '1',
          Encrypted: 'true',
          ClientToken: 't2',
        },
      },
      {
        action: 'CreateDisk',
        query: {
          RegionId: region,
          ZoneId: `${region}-k`,
          SnapshotId: 's-1',
          DiskName: 'bc-two',
          DiskCategory: 'cloud_essd',
          PerformanceLevel: 'PL0',
          Size: '20',
          Encrypted: 'true',
          ClientToken: 't2',
        },
      },
    ]);
  });

  test('what ECS would refuse is not sent', async () => {
    const tags = { 'bc-claim': 'x'.repeat(140) };
    const failing = cloud.createSnapshot({ ...snapshotRequest, tags });
    await expect(failing).rejects.toThrow(
      'the value of tag bc-claim of the snapshot of d-1 has at most 128 characters (found 140)',
    );
    await expect(cloud.createSnapshot({ ...snapshotRequest, retentionDays: 0 })).rejects.toThrow(
      'the retention of the snapshot of d-1',
    );
    expect(asked).toEqual([]);
  });

  test('what is gone counts as removed', async () => {
    answer = ({ action }) =>
      refused(`Invalid${action === 'DeleteDisk' ? 'Disk' : 'Snapshot'}Id.NotFound`, 404);
    await cloud.deleteSnapshot(region, 's-1');
    await cloud.deleteDisk(region, 'd-1');
    expect(asked).toEqual([
      { action: 'DeleteSnapshot', query: { SnapshotId: 's-1', Force: 'true' } },
      { action: 'DeleteDisk', query: { DiskId: 'd-1' } },
    ]);
  });

  test('a disk in use is busy, not in a wrong state for ever', async () => {
    answer = () => refused('IncorrectDiskStatus');
    const failing = cloud.deleteDisk(region, 'd-1');
    await expect(failing).rejects.toMatchObject({
      code: 'disk_busy',
      retryable: true,
      message: 'Cannot delete disk d-1: IncorrectDiskStatus: words',
    });
    await expect(cloud.createSnapshot(snapshotRequest)).rejects.toMatchObject({
      code: 'disk_state',
      retryable: false,
    });
  });

  test('a reply without an id is no success', async () => {
    await expect(cloud.createSnapshot(snapshotRequest)).rejects.toMatchObject({
      code: 'cloud_refused',
      message: 'Cannot snapshot disk d-1: the reply holds no SnapshotId',
    });
  });
});

describe('refusals', () => {
  test.each([
    ['Throttling.User', 400, 'throttled', 6],
    ['ServiceUnavailable', 503, 'internal', 6],
    ['UnknownError', 400, 'internal', 6],
    ['InvalidSecurityToken.Expired', 400, 'credentials_expired', 6],
    ['LastTokenProcessing', 403, 'disk_busy', 6],
    ['OperationConflict', 403, 'disk_busy', 6],
    ['IncorrectDiskStatus.CreatingSnapshot', 403, 'disk_busy', 1],
  ])('%s (%i) is %s and retryable after %i tries', async (code, status, ours, tries) => {
    answer = () => refused(code, status);
    const failing = cloud.createSnapshot(snapshotRequest);
    const error: unknown = await failing.catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: ours, retryable: true });
    expect((error as BackupCentreError).message).toContain(`Cannot snapshot disk d-1: ${code}`);
    expect(asked).toHaveLength(tries);
  });

  test('a token in work is asked for again until its reply is there', async () => {
    answer = () => (asked.length < 3 ? refused('LastTokenProcessing') : { SnapshotId: 's-1' });
    expect(await cloud.createSnapshot(snapshotRequest)).toBe('s-1');
    expect(new Set(asked.map(({ query }) => query.ClientToken))).toEqual(new Set(['t1']));
  });

  test.each([
    ['IdempotentParameterMismatch', 'cloud_refused'],
    ['QuotaExceed.Snapshot', 'cloud_quota'],
    ['Forbidden.RAM', 'cloud_access_denied'],
  ])('%s is final', async (code, ours) => {
    answer = () => refused(code);
    const failing = cloud.createSnapshot(snapshotRequest);
    await expect(failing).rejects.toMatchObject({ code: ours, retryable: false });
    expect(asked).toHaveLength(1);
  });
});

test('at most ten writes begin in a second, in each region; reads do not wait', async () => {
  answer = (call) =>
    call.action === 'CreateSnapshot' ? { SnapshotId: 's-1' } : snapshots(idsIn(call));
  const make = (of: string, i: number) =>
    cloud.createSnapshot({ ...snapshotRequest, region: of, clientToken: `${of}${i}` });
  const numbers = [...Array(10).keys()];
  await Promise.all(numbers.map((i) => make(region, i)));
  await Promise.all(numbers.map((i) => make('cn-beijing', i)));
  await cloud.describeSnapshots(region, ['s-1']);
  expect(clock.sleeps).toEqual([]);
  await make(region, 10);
  expect(clock.sleeps).toEqual([1_000]);
});
