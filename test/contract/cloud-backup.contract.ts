/** What every CloudBackup does; run against the double and the adapter on the HBR emulator. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { CloudBackup } from '../../shared/ports/cloud-backup.ts';
import {
  backupOf,
  CLUSTER,
  type CloudBackupHarness,
  type MakeHarness,
  NAS_DATA,
  NAS_EMPTY,
  POD_DATA,
  POD_EMPTY,
  REGION,
  readyVault,
  restoreOf,
  takenPoint,
} from './cloud-backup-harness.ts';

/** A place that holds data, and one to restore it to. */
const PLACES = [
  { way: 'container', data: POD_DATA, empty: POD_EMPTY },
  { way: 'nas', data: NAS_DATA, empty: NAS_EMPTY },
] as const;

/** Runs the suite. */
export function describeCloudBackup(name: string, make: MakeHarness): void {
  describe(`${name} as CloudBackup`, () => {
    let harness: CloudBackupHarness;
    let cloud: CloudBackup;
    let vaultId: string;
    beforeEach(async () => {
      harness = await make({ activated: true });
      cloud = harness.cloudBackup;
      for (const { data, empty } of PLACES) {
        harness.place(data, 'orders of 2026');
        harness.place(empty, '');
      }
      await harness.setAgent(CLUSTER, 'READY');
      vaultId = await readyVault(harness);
    });
    afterEach(async () => {
      await harness.close();
    });

    test('a vault is found by its name, and is ready after a while', async () => {
      expect(await cloud.findVault(REGION, 'other')).toBeUndefined();
      const id = await cloud.createVault(REGION, 'other');
      expect(await cloud.findVault(REGION, 'other')).toEqual({ id, ready: false });
      harness.advance(10_000);
      expect(await cloud.findVault(REGION, 'other')).toEqual({ id, ready: true });
      expect(await cloud.findVault(REGION, 'oth')).toBeUndefined();
    });

    test('the state of a cluster’s client is told', async () => {
      expect(await cloud.agentStatus(REGION, 'c-ack-2')).toBe('UNREGISTERED');
      for (const status of ['MISS', 'UNKNOWN', 'READY'] as const) {
        await harness.setAgent('c-ack-2', status);
        expect(await cloud.agentStatus(REGION, 'c-ack-2')).toBe(status);
      }
    });

    describe.each(PLACES)('way $way', ({ way, data, empty }) => {
      const described = async (...ids: string[]) =>
        await cloud.describeBackups(REGION, vaultId, way, ids);
      const restores = async (...ids: string[]) =>
        await cloud.describeRestores(REGION, vaultId, way, ids);

      test('a backup’s files come back in another place', async () => {
        const request = backupOf(vaultId, data);
        const jobId = await cloud.startBackup(request);
        harness.advance(5_000);
        const [running] = await described(jobId);
        expect(running).toMatchObject({ id: jobId, state: 'running', message: '' });
        expect(running?.progress).toBeLessThan(1);
        harness.advance(60_000);
        expect(await described(jobId)).toMatchObject([{ state: 'complete', progress: 1 }]);
        const [point] = await cloud.findPoints(REGION, vaultId, way, [jobId]);
        if (point === undefined) throw new Error('no point');
        expect(point).toMatchObject({ jobId, bytes: 'orders of 2026'.length });
        expect(point.hash).not.toBe('');
        expect(harness.now() - point.completedAtMs).toBeLessThanOrEqual(65_000);
        harness.place(data, 'orders of 2027');
        const restoreId = await cloud.startRestore(restoreOf(vaultId, point, empty));
        expect(await restores(restoreId)).toMatchObject([{ id: restoreId, state: 'running' }]);
        harness.advance(60_000);
        expect(await restores(restoreId)).toMatchObject([{ state: 'complete', progress: 1 }]);
        expect(await harness.contentOf(empty)).toBe('orders of 2026');
        expect(await harness.contentOf(data)).toBe('orders of 2027');
      });

      test('jobs that nobody knows are left out', async () => {
        const jobId = await cloud.startBackup(backupOf(vaultId, data));
        expect((await described('job-none', jobId)).map(({ id }) => id)).toEqual([jobId]);
        expect(await described()).toEqual([]);
        expect(await restores('r-none')).toEqual([]);
        expect(await restores()).toEqual([]);
        const other = PLACES.find((place) => place.way !== way)?.way ?? way;
        expect(await cloud.describeBackups(REGION, vaultId, other, [jobId])).toEqual([]);
      });

      test('a job that runs, or that nobody knows, has left no point', async () => {
        const jobId = await cloud.startBackup(backupOf(vaultId, data));
        harness.advance(5_000);
        expect(await cloud.findPoints(REGION, vaultId, way, [jobId, 'job-none'])).toEqual([]);
        expect(await cloud.findPoints(REGION, vaultId, way, [])).toEqual([]);
      });

      test('a job is found again by its request, and not by another', async () => {
        const request = backupOf(vaultId, data);
        const sinceMs = harness.now();
        expect(await cloud.findBackup(request, sinceMs)).toBeUndefined();
        const jobId = await cloud.startBackup(request);
        expect((await cloud.findBackup(request, sinceMs))?.id).toBe(jobId);
        const others = [backupOf(vaultId, data, 'bc-two'), backupOf(vaultId, empty, 'bc-three')];
        for (const other of others) {
          expect(await cloud.findBackup(other, sinceMs)).toBeUndefined();
        }
        harness.advance(3_600_000);
        expect((await cloud.findBackup(request, sinceMs))?.id).toBe(jobId);
        expect(await cloud.findBackup(request, harness.now())).toBeUndefined();
      });

      test('a start whose reply is lost is not repeated, and its job is found', async () => {
        const request = backupOf(vaultId, data);
        const sinceMs = harness.now();
        harness.loseReply('backup', way);
        await expect(cloud.startBackup(request)).rejects.toMatchObject({ retryable: true });
        expect(harness.started('backup')).toBe(1);
        const found = await cloud.findBackup(request, sinceMs);
        harness.advance(60_000);
        const [point] = await cloud.findPoints(REGION, vaultId, way, [found?.id ?? '']);
        if (point === undefined) throw new Error('no point');
        const restore = restoreOf(vaultId, point, empty);
        harness.loseReply('restore', way);
        const restoreSinceMs = harness.now();
        await expect(cloud.startRestore(restore)).rejects.toMatchObject({ retryable: true });
        expect(harness.started('restore')).toBe(1);
        expect(await cloud.findRestore(restore, restoreSinceMs)).toMatchObject({
          state: 'running',
        });
      });

      test('a restore is found again by its point and its place', async () => {
        const point = await takenPoint(harness, backupOf(vaultId, data));
        const request = restoreOf(vaultId, point, empty);
        const sinceMs = harness.now();
        expect(await cloud.findRestore(request, sinceMs)).toBeUndefined();
        const restoreId = await cloud.startRestore(request);
        expect((await cloud.findRestore(request, sinceMs))?.id).toBe(restoreId);
        const elsewhere = restoreOf(vaultId, point, data);
        expect(await cloud.findRestore(elsewhere, sinceMs)).toBeUndefined();
        const otherPoint = restoreOf(vaultId, { ...point, id: 's-other' }, empty);
        expect(await cloud.findRestore(otherPoint, sinceMs)).toBeUndefined();
        harness.advance(3_600_000);
        expect(await cloud.findRestore(request, harness.now())).toBeUndefined();
      });

      test('a point that was deleted is gone, and gone is fine', async () => {
        const point = await takenPoint(harness, backupOf(vaultId, data));
        await cloud.deletePoint(REGION, vaultId, way, point.id);
        await cloud.deletePoint(REGION, vaultId, way, point.id);
        expect(await cloud.findPoints(REGION, vaultId, way, [point.jobId])).toEqual([]);
        await expect(cloud.startRestore(restoreOf(vaultId, point, empty))).rejects.toMatchObject({
          code: 'cloud_refused',
          retryable: false,
        });
        await harness.dropVault(vaultId);
        await cloud.deletePoint(REGION, vaultId, way, point.id);
      });

      test('two backups of one place have a point each', async () => {
        const [one, two] = [backupOf(vaultId, data), backupOf(vaultId, data, 'bc-two')];
        const first = await takenPoint(harness, one);
        harness.place(data, 'orders of 2027');
        const second = await takenPoint(harness, two);
        expect(second.id).not.toBe(first.id);
        await cloud.deletePoint(REGION, vaultId, way, first.id);
        await cloud.startRestore(restoreOf(vaultId, second, empty));
        harness.advance(60_000);
        expect(await harness.contentOf(empty)).toBe('orders of 2027');
      });

      test('a job that fails says why, one that is partial leaves a point', async () => {
        harness.failJob('backup', 'failed', 'ClientNotExist');
        const jobId = await cloud.startBackup(backupOf(vaultId, data));
        harness.advance(60_000);
        expect(await described(jobId)).toMatchObject([
          { state: 'failed', message: 'ClientNotExist' },
        ]);
        expect(await cloud.findPoints(REGION, vaultId, way, [jobId])).toEqual([]);
        harness.failJob('backup', 'partial', 'PARTIAL_COMPLETE');
        const point = await takenPoint(harness, backupOf(vaultId, data, 'bc-two'));
        expect(await described(point.jobId)).toMatchObject([{ state: 'partial', progress: 1 }]);
        harness.failJob('restore', 'failed', 'disk full');
        const restoreId = await cloud.startRestore(restoreOf(vaultId, point, empty));
        harness.advance(60_000);
        expect(await restores(restoreId)).toMatchObject([
          { state: 'failed', message: 'disk full' },
        ]);
      });

      test('a job can be cancelled while it runs; later that changes nothing', async () => {
        const jobId = await cloud.startBackup(backupOf(vaultId, data));
        await cloud.cancelBackup(REGION, vaultId, jobId);
        harness.advance(60_000);
        await cloud.cancelBackup(REGION, vaultId, jobId);
        expect(await described(jobId)).toMatchObject([{ state: 'cancelled' }]);
        expect(await cloud.findPoints(REGION, vaultId, way, [jobId])).toEqual([]);
        await cloud.cancelBackup(REGION, vaultId, 'job-none');
        const point = await takenPoint(harness, backupOf(vaultId, data, 'bc-two'));
        const restoreId = await cloud.startRestore(restoreOf(vaultId, point, empty));
        await cloud.cancelRestore(REGION, vaultId, restoreId);
        harness.advance(60_000);
        await cloud.cancelRestore(REGION, vaultId, restoreId);
        expect(await restores(restoreId)).toMatchObject([{ state: 'cancelled' }]);
        await cloud.cancelRestore(REGION, vaultId, 'r-none');
        await harness.dropVault(vaultId);
        await cloud.cancelBackup(REGION, vaultId, jobId);
        await cloud.cancelRestore(REGION, vaultId, restoreId);
      });

      test('a vault that is gone, or not ready yet, takes no job', async () => {
        const young = await cloud.createVault(REGION, 'young');
        await expect(cloud.startBackup(backupOf(young, data))).rejects.toMatchObject({
          code: 'cloud_refused',
        });
        await harness.dropVault(vaultId);
        const request = backupOf(vaultId, data);
        await expect(cloud.startBackup(request)).rejects.toMatchObject({
          code: 'hbr_vault_missing',
          retryable: false,
        });
        expect(await cloud.findBackup(request, harness.now())).toBeUndefined();
      });

      test('a source that is not there makes the job fail', async () => {
        const gone =
          data.way === 'nas' ? { ...data, path: '/none' } : { ...data, podUid: 'pod-none' };
        const jobId = await cloud.startBackup(backupOf(vaultId, gone));
        harness.advance(60_000);
        expect(await described(jobId)).toMatchObject([
          { state: 'failed', message: 'SOURCE_NOT_EXIST' },
        ]);
      });
    });

    test('one NAS path has one job at a time, and each request its own', async () => {
      const [one, two] = [backupOf(vaultId, NAS_DATA), backupOf(vaultId, NAS_DATA, 'bc-two')];
      const sinceMs = harness.now();
      const first = await cloud.startBackup(one);
      expect(await cloud.findBackup(two, sinceMs)).toBeUndefined();
      await expect(cloud.startBackup(two)).rejects.toMatchObject({
        code: 'cloud_refused',
        retryable: true,
      });
      expect(await cloud.findBackup(two, sinceMs)).toBeUndefined();
      expect((await cloud.findBackup(one, sinceMs))?.id).toBe(first);
      harness.advance(60_000);
      const second = await cloud.startBackup(two);
      expect(second).not.toBe(first);
      expect((await cloud.findBackup(two, sinceMs))?.id).toBe(second);
    });

    test('volumes on one node are not in each other’s way', async () => {
      const first = await cloud.startBackup(backupOf(vaultId, POD_DATA));
      const second = await cloud.startBackup(backupOf(vaultId, POD_EMPTY, 'bc-two'));
      harness.advance(60_000);
      const ids = [first, second];
      const told = await cloud.describeBackups(REGION, vaultId, 'container', ids);
      expect(told.map(({ state }) => state)).toEqual(['complete', 'complete']);
      const points = await cloud.findPoints(REGION, vaultId, 'container', ids);
      expect(new Set(points.map(({ jobId }) => jobId))).toEqual(new Set(ids));
    });

    test('a client that is away may come back, a cluster that is not registered does not', async () => {
      const stranger = { ...POD_DATA, cluster: 'c-ack-9' };
      await expect(cloud.startBackup(backupOf(vaultId, stranger))).rejects.toMatchObject({
        code: 'cloud_backup_unavailable',
        retryable: false,
      });
      const point = await takenPoint(harness, backupOf(vaultId, POD_DATA));
      await harness.setAgent(CLUSTER, 'MISS');
      for (const start of [
        cloud.startBackup(backupOf(vaultId, POD_DATA)),
        cloud.startRestore(restoreOf(vaultId, point, POD_EMPTY)),
      ]) {
        await expect(start).rejects.toMatchObject({
          code: 'cloud_backup_unavailable',
          retryable: true,
        });
      }
      expect(harness.started('restore')).toBe(0);
    });
  });

  test(`${name}: a service that is not opened is unavailable, whatever is asked`, async () => {
    const harness = await make({ activated: false });
    const { cloudBackup } = harness;
    for (const asked of [
      cloudBackup.findVault(REGION, 'ack-backup-data'),
      cloudBackup.createVault(REGION, 'ack-backup-data'),
      cloudBackup.agentStatus(REGION, CLUSTER),
      cloudBackup.startBackup(backupOf('v-1', NAS_DATA)),
    ]) {
      await expect(asked).rejects.toMatchObject({
        code: 'cloud_backup_unavailable',
        retryable: false,
      });
    }
    await harness.close();
  });
}
