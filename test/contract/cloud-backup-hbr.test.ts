/** The HBR adapter on its emulator: what it sends, what it repeats, and how far it reads. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { MOUNT } from '../../infra/emulators/hbr/hbr-fixture.ts';
import { CallProxy } from '../support/call-proxy.ts';
import {
  backupOf,
  NAS_DATA,
  NAS_EMPTY,
  POD_DATA,
  REGION,
  restoreOf,
} from './cloud-backup-harness.ts';
import { HbrStage, VAULT_NAME as NAME } from './hbr-stage.ts';

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

describe('what is sent', () => {
  test('a backup of a volume on a node', async () => {
    await cloud.startBackup(backupOf(vaultId, POD_DATA));
    const [{ ContainerResources: resources = '', ...rest } = {}] = stage.sent('CreateBackupJob');
    expect(rest).toEqual({
      SourceType: 'CONTAINER',
      JobName: 'bc-one',
      VaultId: vaultId,
      Retention: '7',
      ContainerClusterId: stage.clusterId,
    });
    expect(JSON.parse(resources)).toEqual([
      {
        resourceType: 'PV',
        backupMethod: 'FILE',
        resourceId: 'uid-of-pv-1',
        resourceInfo:
          '{"pv_name":"pv-1","pv_size":"20Gi","storage_class":"local","pvc_name":"data","namespace":"shop"}',
        host: 'node-1',
        hostPrefix: 'pod-1/volumes/kubernetes.io~csi/pv-1/mount',
        pvPath: '/',
      },
    ]);
  });

  test('a restore to a volume on a node', async () => {
    const point = await stage.pointOf(backupOf(vaultId, POD_DATA));
    await cloud.startRestore(restoreOf(vaultId, point, POD_DATA));
    const [{ TargetContainer: target = '', Options: options = '', ...rest } = {}] =
      stage.sent('CreateRestoreJob');
    expect(rest).toEqual({
      RestoreType: 'CONTAINER',
      SourceType: 'CONTAINER',
      VaultId: vaultId,
      SnapshotId: point.id,
      SnapshotHash: point.hash,
      TargetContainerClusterId: stage.clusterId,
    });
    expect(JSON.parse(target)).toEqual({
      host: 'node-1',
      hostPrefix: '/var/lib/kubelet/pods/pod-1/volumes/kubernetes.io~csi/pv-1/mount',
      pvPath: '/',
    });
    expect(JSON.parse(options)).toEqual({
      conflictPolicy: 'OVERWRITE_EXISTING',
      excludes: [expect.stringMatching(/^\/\.bc-restore-[0-9a-f]{16}$/) as string],
    });
  });

  test('a NAS path, and its restore, without the file system’s age where nobody tells it', async () => {
    const files = { ...NAS_DATA, path: '/shop/data/' };
    const point = await stage.pointOf(backupOf(vaultId, files));
    expect(stage.sent('CreateBackupPlan')).toEqual([
      {
        SourceType: 'NAS',
        BackupType: 'COMPLETE',
        PlanName: expect.stringMatching(
          /^bc-nas-[0-9a-f]{16}-[0-9a-f]{16}-[0-9a-f]{16}$/,
        ) as string,
        VaultId: vaultId,
        Schedule: expect.stringMatching(/^I\|\d+\|P1D$/) as string,
        Disabled: 'true',
        Retention: '7',
        FileSystemId: 'fs-1',
        'Path.1': '/shop/data',
      },
    ]);
    await cloud.startRestore(restoreOf(vaultId, point, { ...NAS_EMPTY, path: '/new/' }));
    expect(stage.sent('CreateRestoreJob')).toEqual([
      {
        RestoreType: 'NAS',
        SourceType: 'NAS',
        VaultId: vaultId,
        SnapshotId: point.id,
        SnapshotHash: point.hash,
        Options: '{"conflictPolicy":"OVERWRITE_EXISTING"}',
        TargetFileSystemId: 'fs-1',
        TargetPath: '/new',
      },
    ]);
  });

  test.each(['2026-01-01T08:00:00CST', '2026-01-01T08:00:00Z'])(
    'the file system’s age is asked of NAS once, and told: %s',
    async (createTime) => {
      const nas = await CallProxy.start(() => 'http://127.0.0.1:1');
      const asked: string[] = [];
      nas.see = async (action) => {
        asked.push(action);
        const found = { FileSystemId: 'fs-1', CreateTime: createTime };
        return { status: 200, body: { FileSystems: { FileSystem: [found] } } };
      };
      cloud = stage.adapter({ nasEndpointOf: () => nas.url });
      const point = await stage.pointOf(backupOf(vaultId, NAS_DATA), cloud);
      await cloud.startRestore(restoreOf(vaultId, point, NAS_EMPTY));
      await nas.close();
      const seconds = `${Date.UTC(2026, 0, 1) / 1000}`;
      expect(stage.sent('CreateBackupPlan')).toMatchObject([{ CreateTime: seconds }]);
      expect(stage.sent('CreateRestoreJob')).toMatchObject([{ TargetCreateTime: seconds }]);
      const [search] = stage.sent('SearchHistoricalSnapshots');
      expect(JSON.parse(search?.Query ?? '')).toContainEqual({
        field: 'CreateTime',
        value: Number(seconds),
        operation: 'MATCH_TERM',
      });
      expect(asked).toEqual(['DescribeFileSystems']);
    },
  );
});

describe('calls that go wrong', () => {
  test.each(['throttle', 'unavailable', 'error', 'drop', 'lostReply'] as const)(
    'reads outlive %s, and say so when it lasts',
    async (kind) => {
      fixture.hbr.faults.add({ action: 'DescribeVaults', kind, times: 3 });
      expect(await cloud.findVault(REGION, NAME)).toEqual({ id: vaultId, ready: true });
      fixture.hbr.faults.add({ action: 'DescribeVaults', kind, times: 6 });
      await expect(cloud.findVault(REGION, NAME)).rejects.toMatchObject({ retryable: true });
      expect(fixture.hbr.faults.unhit()).toEqual([]);
    },
  );

  test.each(['throttle', 'unavailable', 'error'] as const)(
    'reads outlive %s in a reply of status 200 as well',
    async (kind) => {
      fixture.hbr.softFaults.add({ action: 'DescribeVaults', kind, times: 3 });
      expect(await cloud.findVault(REGION, NAME)).toEqual({ id: vaultId, ready: true });
      fixture.hbr.softFaults.add({ action: 'DescribeVaults', kind, times: 6 });
      await expect(cloud.findVault(REGION, NAME)).rejects.toMatchObject({ retryable: true });
      expect(fixture.hbr.softFaults.unhit()).toEqual([]);
    },
  );

  test.each(['faults', 'softFaults'] as const)(
    'a start is repeated after throttling (%s)',
    async (plan) => {
      fixture.hbr[plan].add({ action: 'CreateBackupJob', kind: 'throttle', times: 2 });
      await cloud.startBackup(backupOf(vaultId, POD_DATA));
      expect(fixture.hbr[plan].unhit()).toEqual([]);
      expect(fixture.hbr.jobs()).toHaveLength(1);
    },
  );

  test.each([
    ['faults', 'unavailable'],
    ['faults', 'error'],
    ['faults', 'drop'],
    ['softFaults', 'error'],
  ] as const)('a start is not repeated when it may have been done (%s %s)', async (plan, kind) => {
    for (const [action, start] of [
      ['CreateVault', () => cloud.createVault(REGION, 'other')],
      ['CreateBackupJob', () => cloud.startBackup(backupOf(vaultId, POD_DATA))],
      ['CreateBackupPlan', () => cloud.startBackup(backupOf(vaultId, NAS_DATA))],
      ['ExecuteBackupPlan', () => cloud.startBackup(backupOf(vaultId, NAS_DATA))],
    ] as const) {
      fixture.hbr[plan].add({ action, kind, times: 1 });
      await expect(start()).rejects.toMatchObject({ retryable: true, code: 'internal' });
      expect(fixture.hbr[plan].unhit()).toEqual([]);
    }
    expect([fixture.hbr.jobs().length, fixture.hbr.vaults().length]).toEqual([0, 1]);
  });

  test.each(['faults', 'softFaults'] as const)('who may not is told (%s)', async (plan) => {
    fixture.hbr[plan].add({ action: '*', kind: 'forbidden', times: 2 });
    for (const asked of [
      () => cloud.findVault(REGION, NAME),
      () => cloud.agentStatus(REGION, MOUNT.cluster),
    ]) {
      await expect(asked()).rejects.toMatchObject({
        code: 'cloud_access_denied',
        retryable: false,
      });
    }
  });

  test.each([POD_DATA, NAS_DATA])(
    'a start that is called illegal asks for the vault (%s)',
    async (files) => {
      const illegal = { Success: false, Code: '400', Message: 'Illegal request.' };
      const starts = ['CreateBackupJob', 'CreateBackupPlan'];
      proxy.see = async (action) =>
        starts.includes(action) ? { status: 200, body: illegal } : undefined;
      const start = async () => await cloud.startBackup(backupOf(vaultId, files));
      await expect(start()).rejects.toMatchObject({ code: 'cloud_refused' });
      await fixture.call('DeleteVault', { VaultId: vaultId });
      await expect(start()).rejects.toMatchObject({
        code: 'hbr_vault_missing',
        message: expect.stringMatching(/^Cannot .*: 400: Illegal request\.$/) as string,
      });
    },
  );

  test('a plan that is not executed says why', async () => {
    await stage.pointOf(backupOf(vaultId, NAS_DATA));
    const refusal = { Success: false, Code: 'BadRequest', Message: 'no such role' };
    proxy.see = async (action) =>
      action === 'ExecuteBackupPlan' ? { status: 400, body: refusal } : undefined;
    await expect(cloud.startBackup(backupOf(vaultId, NAS_DATA, 'bc-two'))).rejects.toMatchObject({
      code: 'cloud_refused',
      retryable: false,
      message: expect.stringMatching(/BadRequest: no such role$/) as string,
    });
  });

  test('a job that cannot be cancelled though it runs is no success', async () => {
    const jobId = await cloud.startBackup(backupOf(vaultId, POD_DATA));
    const refusal = { Success: false, Code: 'BadRequest', Message: 'not now' };
    proxy.see = async (action) =>
      action === 'CancelBackupJob' ? { status: 400, body: refusal } : undefined;
    await expect(cloud.cancelBackup(REGION, vaultId, jobId)).rejects.toMatchObject({
      code: 'cloud_refused',
    });
  });
});

test('long lists are read to their end', async () => {
  const ids: string[] = [];
  for (let n = 0; n < 120; n += 1) {
    ids.push(await cloud.startBackup(backupOf(vaultId, POD_DATA, `bc-${n}`)));
  }
  fixture.advance(60_000);
  const found = await cloud.findBackup(backupOf(vaultId, POD_DATA, 'bc-0'), fixture.nowMs - 60_000);
  expect(found?.id).toBe(ids[0]);
  const before = stage.sent('DescribeBackupJobs2').length;
  const told = await cloud.describeBackups(REGION, vaultId, 'container', ids);
  expect(new Set(told.map(({ id }) => id))).toEqual(new Set(ids));
  expect(stage.sent('DescribeBackupJobs2').length - before).toBe(3);
  const points = await cloud.findPoints(REGION, vaultId, 'container', ids);
  expect(new Set(points.map(({ jobId }) => jobId))).toEqual(new Set(ids));
  const [point] = points;
  if (point === undefined) throw new Error('no point');
  const restoreIds: string[] = [];
  for (let n = 0; n < 105; n += 1) {
    restoreIds.push(await cloud.startRestore(restoreOf(vaultId, point, POD_DATA)));
  }
  const restores = await cloud.describeRestores(REGION, vaultId, 'container', restoreIds);
  expect(new Set(restores.map(({ id }) => id))).toEqual(new Set(restoreIds));
});

test('points of jobs that still run are not searched for', async () => {
  const jobId = await cloud.startBackup(backupOf(vaultId, POD_DATA));
  await cloud.findPoints(REGION, vaultId, 'container', [jobId]);
  expect(stage.sent('SearchHistoricalSnapshots')).toEqual([]);
});

test('a vault whose name only looks alike is another', async () => {
  const vault = { VaultId: 'v-x', VaultName: `${NAME}-old`, Status: 'CREATED', CreatedTime: 1 };
  proxy.see = async () => ({ status: 200, body: { Vaults: { Vault: [vault] } } });
  expect(await cloud.findVault(REGION, NAME)).toBeUndefined();
});

test('of several vaults of a name one that is ready is taken, else the oldest', async () => {
  await fixture.hbr.setVaultStatus(vaultId, 'ERROR');
  fixture.advance(1_000);
  const second = await fixture.vault(NAME);
  expect(await cloud.findVault(REGION, NAME)).toEqual({ id: second, ready: true });
  await fixture.hbr.setVaultStatus(second, 'UNKNOWN');
  expect(await cloud.findVault(REGION, NAME)).toEqual({ id: vaultId, ready: false });
});
