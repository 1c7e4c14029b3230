import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { callSdk, type SdkError } from '../acs-signature/sdk-client.ts';
import { type EcsFixture, ecsCall, startFixture } from './ecs-fixture.ts';

const DISK = {
  RegionId: 'cn-hangzhou',
  ZoneId: 'cn-hangzhou-k',
  DiskCategory: 'cloud_essd',
  Size: 20,
  ClientToken: 'n:pvc-1',
};

describe('client tokens', () => {
  let fixture: EcsFixture;

  beforeEach(async () => {
    fixture = await startFixture();
  });
  afterEach(() => fixture.close());

  it('give the first reply again, also after a restart', async () => {
    const first = await fixture.call('CreateDisk', DISK);
    await fixture.restart();
    const again = await fixture.call('CreateDisk', DISK);
    expect(again.DiskId).toBe(first.DiskId);
    expect(again.RequestId).not.toBe(first.RequestId);
    expect(fixture.ecs.disks()).toHaveLength(1);
  });

  it('refuse other parameters', async () => {
    await fixture.call('CreateDisk', DISK);
    expect(await fixture.refused('CreateDisk', { ...DISK, Size: 21 })).toMatchObject({
      code: 'IdempotentParameterMismatch',
      statusCode: 403,
    });
    expect(fixture.ecs.disks()).toHaveLength(1);
  });

  it('count per account and action, and not after a refusal', async () => {
    expect(await fixture.refused('CreateDisk', { ...DISK, Size: 1 })).toMatchObject({
      code: 'OperationDenied.PerformanceLevelNotMatch',
    });
    const { DiskId } = await fixture.call('CreateDisk', DISK);
    const eves = await callSdk(fixture.as('AKeve'), ecsCall('CreateDisk', DISK));
    expect(eves.body).not.toMatchObject({ DiskId });
    fixture.advance(1000);
    await fixture.call('AttachDisk', { DiskId, InstanceId: 'i-1' });
    await fixture.call('CreateSnapshot', { DiskId, ClientToken: DISK.ClientToken });
    expect(fixture.ecs.disks()).toHaveLength(2);
    expect(fixture.ecs.snapshots()).toHaveLength(1);
  });

  it('are forgotten after a day', async () => {
    await fixture.call('CreateDisk', DISK);
    fixture.advance(24 * 3_600_000);
    await fixture.call('CreateDisk', DISK);
    expect(fixture.ecs.disks()).toHaveLength(2);
  });

  it('make a repeat harmless when the first reply was lost', async () => {
    fixture.ecs.faults.add({ action: 'CreateDisk', kind: 'lostReply', times: 1 });
    await expect(fixture.call('CreateDisk', DISK)).rejects.toThrow(/socket hang up|ECONNRESET/);
    const { DiskId } = await fixture.call('CreateDisk', DISK);
    expect(fixture.ecs.disks().map((disk) => disk.diskId)).toEqual([DiskId]);
  });

  it('refuse a repeat while the first request still runs', async () => {
    const diskId = await fixture.makeAttachedDisk();
    for (let n = 0; n < 300; n += 1) {
      writeFileSync(join(fixture.ecs.diskDirectory(diskId), `f${n}`), 'x');
    }
    const query = { DiskId: diskId, ClientToken: 'one' };
    const outcomes = await Promise.allSettled(
      Array.from({ length: 4 }, () => fixture.call('CreateSnapshot', query)),
    );
    const refused = outcomes.flatMap((o) =>
      o.status === 'rejected' ? [o.reason as SdkError] : [],
    );
    expect(refused.length).toBeGreaterThan(0);
    for (const error of refused) expect(error.code).toBe('IdempotentProcessing');
    expect(fixture.ecs.snapshots()).toHaveLength(1);
  });
});
