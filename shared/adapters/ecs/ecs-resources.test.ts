import { describe, expect, test } from 'vitest';
import { diskFrom, isEncrypted, snapshotFrom } from './ecs-resources.ts';

const NOW = Date.UTC(2026, 0, 1);

describe('a disk of DescribeDisks', () => {
  test('is read with its attachment and its tags', () => {
    const disk = diskFrom({
      DiskId: 'd-1',
      Status: 'In_use',
      Category: 'cloud_essd',
      PerformanceLevel: 'PL1',
      Size: 40,
      ZoneId: 'cn-hangzhou-k',
      InstanceId: 'i-1',
      AttachedTime: '2026-01-02T03:04:05Z',
      Tags: { Tag: [{ TagKey: 'a', TagValue: '1' }, { TagKey: 'b' }] },
    });
    expect(disk).toEqual({
      id: 'd-1',
      status: 'In_use',
      category: 'cloud_essd',
      performanceLevel: 'PL1',
      sizeGiB: 40,
      zone: 'cn-hangzhou-k',
      instance: 'i-1',
      everAttached: true,
      tags: { a: '1', b: '' },
    });
  });

  test.each([
    [{ AttachedTime: '', DetachedTime: '', InstanceId: '' }, false, undefined],
    [{}, false, undefined],
    [{ AttachedTime: '2026-01-02T03:04:05Z' }, true, undefined],
    [{ AttachedTime: '', DetachedTime: '2026-01-02T03:04Z' }, true, undefined],
    [{ Attachments: { Attachment: [{ InstanceId: 'i-2' }] } }, true, 'i-2'],
  ])('%j: ever attached %s, to %s', (fields, everAttached, instance) => {
    const disk = diskFrom({ DiskId: 'd-1', Size: 20, ...fields });
    expect([disk.everAttached, disk.instance]).toEqual([everAttached, instance]);
    expect(disk).not.toHaveProperty('performanceLevel');
  });
});

describe('a snapshot of DescribeSnapshots', () => {
  test('is read with its texts as numbers', () => {
    const snapshot = snapshotFrom(
      {
        SnapshotId: 's-1',
        Status: 'progressing',
        Progress: '37%',
        Available: true,
        SourceDiskId: 'd-1',
        SourceDiskSize: '40',
        RetentionDays: 3,
        CreationTime: '2026-01-02T03:04:05Z',
        Tags: { Tag: [{ TagKey: 'a', TagValue: '1' }] },
      },
      NOW,
    );
    expect(snapshot).toEqual({
      id: 's-1',
      status: 'progressing',
      progress: 0.37,
      available: true,
      sourceDiskId: 'd-1',
      sizeGiB: 40,
      createdAtMs: Date.UTC(2026, 0, 2, 3, 4, 5),
      retentionDays: 3,
      tags: { a: '1' },
    });
  });

  test.each([
    [{ Status: 'accomplished', Progress: '99%' }, 'accomplished', 1, true],
    [{ Status: 'accomplished', Available: false }, 'accomplished', 1, false],
    [{ Status: 'failed', Progress: '40%' }, 'failed', 0.4, false],
    [{ Status: 'unheard of', Progress: '' }, 'progressing', 0, false],
    [{ Status: 'progressing', Progress: '100%' }, 'progressing', 1, false],
    [{ Status: 'progressing', Progress: '120%' }, 'progressing', 1, false],
  ])('%j', (fields, status, progress, available) => {
    const read = snapshotFrom({ SnapshotId: 's-1', ...fields }, NOW);
    expect(read).toMatchObject({ status, progress, available });
  });

  test('one that is kept for ever has no retention, one not cut yet no time of its own', () => {
    const read = snapshotFrom({ SnapshotId: 's-1', RetentionDays: 0 }, NOW);
    expect(read).not.toHaveProperty('retentionDays');
    expect(read.createdAtMs).toBe(NOW);
    const minutes = snapshotFrom({ SnapshotId: 's-1', CreationTime: '2014-07-24T13:00Z' }, NOW);
    expect(minutes.createdAtMs).toBe(Date.UTC(2014, 6, 24, 13));
  });

  test.each([
    [{ Encrypted: true }, true],
    [{ Encrypted: false }, false],
    [undefined, false],
  ])('%j: encrypted %s', (fields, encrypted) => {
    expect(isEncrypted(fields)).toBe(encrypted);
  });
});
