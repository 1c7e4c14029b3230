/** The HBR adapter on its emulator: plans of NAS paths, shared by backups that must not share points. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { backupOf, NAS_DATA } from './cloud-backup-harness.ts';
import { HbrStage } from './hbr-stage.ts';

let stage: HbrStage;
let fixture: HbrStage['fixture'];
let proxy: HbrStage['proxy'];
let cloud: HbrStage['cloud'];
let vaultId: string;

beforeEach(async () => {
  stage = await HbrStage.start();
  ({ fixture, proxy, cloud, vaultId } = stage);
});

afterEach(async () => {
  await stage.close();
});

describe('plans of NAS paths', () => {
  const plans = async () => {
    const reply = await fixture.call('DescribeBackupPlans');
    return (reply.BackupPlans as { BackupPlan: Record<string, unknown>[] }).BackupPlan;
  };

  test('one for each path, used again; its retention only grows', async () => {
    for (const [jobName, retentionDays] of [
      ['bc-a', 7],
      ['bc-b', 30],
      ['bc-c', 3],
    ] as const) {
      await stage.pointOf({ ...backupOf(vaultId, NAS_DATA, jobName), retentionDays });
    }
    expect(await plans()).toMatchObject([{ Retention: 30, Disabled: true }]);
    const [first, ...later] = fixture.hbr.snapshots();
    expect(later.map(({ totals }) => totals.bytesDone)).toEqual([0, 0]);
    expect(first?.totals.bytesDone).toBe(4);
    await stage.pointOf(backupOf(vaultId, { ...NAS_DATA, path: '/shop' }));
    const other = await fixture.vault('other');
    await cloud.startBackup(backupOf(other, NAS_DATA));
    expect(await plans()).toHaveLength(3);
  });

  test('paths are not in each other’s way', async () => {
    const sinceMs = fixture.nowMs;
    const whole = { ...NAS_DATA, path: '/shop' };
    await stage.pointOf(backupOf(vaultId, whole, 'bc-a'));
    await stage.pointOf(backupOf(vaultId, NAS_DATA, 'bc-b'));
    const one = await cloud.startBackup(backupOf(vaultId, whole, 'bc-c'));
    fixture.advance(1_000);
    const two = await cloud.startBackup(backupOf(vaultId, NAS_DATA, 'bc-d'));
    const found = [
      await cloud.findBackup(backupOf(vaultId, whole, 'bc-c'), sinceMs),
      await cloud.findBackup(backupOf(vaultId, NAS_DATA, 'bc-d'), sinceMs),
    ];
    expect(found.map((job) => job?.id)).toEqual([one, two]);
  });

  test('a job that another request started in between is not taken for one’s own', async () => {
    const sinceMs = fixture.nowMs;
    await stage.pointOf(backupOf(vaultId, NAS_DATA, 'bc-first'));
    const [plan] = await plans();
    const mine = backupOf(vaultId, NAS_DATA, 'bc-mine');
    let isFirst = true;
    proxy.see = async (action) => {
      if (action !== 'ExecuteBackupPlan' || !isFirst) return undefined;
      isFirst = false;
      await fixture.call('ExecuteBackupPlan', { SourceType: 'NAS', PlanId: plan?.PlanId });
      return undefined;
    };
    await expect(cloud.startBackup(mine)).rejects.toMatchObject({
      code: 'cloud_refused',
      retryable: true,
      message: expect.stringMatching(
        /^Cannot back up NAS fs-1:\/shop\/data now: its job job-/,
      ) as string,
    });
    expect(await cloud.findBackup(mine, sinceMs)).toBeUndefined();
    fixture.advance(60_000);
    const jobId = await cloud.startBackup(mine);
    expect((await cloud.findBackup(mine, sinceMs))?.id).toBe(jobId);
    expect(fixture.hbr.jobs()).toHaveLength(3);
  });

  test('a request that was announced and never executed has no job', async () => {
    const sinceMs = fixture.nowMs;
    await stage.pointOf(backupOf(vaultId, NAS_DATA, 'bc-first'));
    const mine = backupOf(vaultId, NAS_DATA, 'bc-mine');
    fixture.hbr.faults.add({ action: 'ExecuteBackupPlan', kind: 'drop', times: 1 });
    await expect(cloud.startBackup(mine)).rejects.toMatchObject({ retryable: true });
    expect(await cloud.findBackup(mine, sinceMs)).toBeUndefined();
    const jobId = await cloud.startBackup(mine);
    expect((await cloud.findBackup(mine, sinceMs))?.id).toBe(jobId);
  });

  test('of two that were made at the same moment the older goes on', async () => {
    await stage.pointOf(backupOf(vaultId, NAS_DATA, 'bc-a'));
    const [plan] = await plans();
    const name = String(plan?.PlanName).replace(/-[0-9a-f]{16}$/, '-0000000000000000');
    await fixture.call('CreateBackupPlan', {
      SourceType: 'NAS',
      BackupType: 'COMPLETE',
      PlanName: name,
      VaultId: vaultId,
      Schedule: 'I|1|P1D',
      Disabled: true,
      Retention: 7,
      FileSystemId: 'fs-1',
      Path: ['/shop/data'],
    });
    await stage.pointOf(backupOf(vaultId, NAS_DATA, 'bc-b'));
    expect(stage.sent('ExecuteBackupPlan').map((query) => query.PlanId)).toEqual([
      plan?.PlanId,
      plan?.PlanId,
    ]);
  });
});
