import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { callSdk } from '../acs-signature/sdk-client.ts';
import { type Fields, HbrFixture, rowsOf, START_MS } from './hbr-fixture.ts';

const HOUR_MS = 3_600_000;
const START_S = START_MS / 1000;

describe('plans of the HBR emulator', () => {
  let fixture: HbrFixture;
  let vaultId: string;

  beforeEach(async () => {
    fixture = new HbrFixture();
    await fixture.start();
    vaultId = await fixture.vault();
    fixture.fileSystems.set('005494', fixture.directory('nas', { 'pv-1/a.txt': 'one' }));
  });
  afterEach(() => fixture.remove());

  const nasPlan = (change: Fields = {}): Fields => ({
    SourceType: 'NAS',
    PlanName: 'bc-005494',
    BackupType: 'COMPLETE',
    VaultId: vaultId,
    Schedule: `I|${START_S + 7200}|PT1H`,
    Retention: 2,
    FileSystemId: '005494',
    CreateTime: 1_607_436_917,
    Disabled: true,
    Path: ['/pv-1'],
    ...change,
  });
  const create = async (change: Fields = {}) =>
    (await fixture.call('CreateBackupPlan', nasPlan(change))).PlanId;
  const plans = async (query = {}) =>
    rowsOf(await fixture.call('DescribeBackupPlans', query), 'BackupPlans', 'BackupPlan');
  const execute = async (planId: unknown) => {
    const query = { PlanId: planId, VaultId: vaultId, SourceType: 'NAS' };
    const { JobId } = await fixture.call('ExecuteBackupPlan', query);
    fixture.advance(11_000);
    return await fixture.job(JobId);
  };
  const nasQuery = [{ field: 'FileSystemId', value: '005494', operation: 'MATCH_TERM' }];
  const nasSnapshots = () => fixture.snapshots(vaultId, { SourceType: 'NAS' }, nasQuery);
  const restoreQuery = (snapshotId: unknown, change: Fields = {}): Fields => ({
    RestoreType: 'NAS',
    SourceType: 'NAS',
    VaultId: vaultId,
    SnapshotId: snapshotId,
    TargetFileSystemId: '005494',
    TargetCreateTime: 1_607_436_917,
    TargetPath: '/pv-2',
    ...change,
  });

  it('takes a plan as the generic client sends it, arrays in the form too', async () => {
    const PlanId = await create();
    expect(await plans({ Filters: [{ Key: 'planId', Values: [PlanId] }] })).toMatchObject([
      {
        PlanName: 'bc-005494',
        VaultId: vaultId,
        SourceType: 'NAS',
        FileSystemId: '005494',
        CreateTime: 1_607_436_917,
        Paths: { Path: ['/pv-1'] },
        Disabled: true,
        Retention: 2,
      },
    ]);
    const caller = { url: fixture.hbr.url, accessKeyId: 'AKalice', accessKeySecret: 'secret' };
    const { Path, ...query } = nasPlan({ PlanName: 'in-the-form' });
    await callSdk(caller, {
      action: 'CreateBackupPlan',
      version: '2017-09-08',
      style: 'RPC',
      query,
      body: { 'Path.1': '/pv-1', 'Path.2': '/pv-2' },
    });
    expect(await plans({ Filters: [{ Key: 'planName', Values: ['in-the-form'] }] })).toMatchObject([
      { Paths: { Path: ['/pv-1', '/pv-2'] } },
    ]);
    expect(Path).toEqual(['/pv-1']);
  });

  it('backs a NAS path up incrementally at each execution, and restores it elsewhere', async () => {
    const PlanId = await create();
    const first = await execute(PlanId);
    expect(first).toMatchObject({ Status: 'COMPLETE', PlanId, SourceType: 'NAS', BytesDone: 3 });
    const nas = join(fixture.dir, 'nas');
    writeFileSync(join(nas, 'pv-1/b.txt'), 'more');
    expect(await execute(PlanId)).toMatchObject({ BytesTotal: 7, BytesDone: 4, ActualBytes: 4 });
    const [, newest] = await nasSnapshots();
    expect(newest).toMatchObject({ FileSystemId: '005494', Paths: { Path: ['/pv-1'] } });
    rmSync(join(nas, 'pv-1'), { recursive: true });
    fixture.directory('nas/pv-2');
    const { RestoreId } = await fixture.call('CreateRestoreJob', restoreQuery(newest?.SnapshotId));
    fixture.advance(11_000);
    expect(await fixture.restore(RestoreId)).toMatchObject({
      Status: 'COMPLETE',
      TargetFileSystemId: '005494',
      TargetPath: '/pv-2',
    });
    expect(readFileSync(join(nas, 'pv-2/a.txt'), 'utf8')).toBe('one');
    expect(readFileSync(join(nas, 'pv-2/b.txt'), 'utf8')).toBe('more');
    expect(await plans()).toMatchObject([{ LatestFinishJobId: newest?.JobId }]);
  });

  it('keeps the places of several paths', async () => {
    fixture.directory('nas', { 'pv-2/b.txt': 'two', 'pv-3/c.txt': 'three' });
    await execute(await create({ Path: ['/pv-1', '/pv-2'] }));
    const [snapshot] = await nasSnapshots();
    expect(snapshot).toMatchObject({ ItemsTotal: 2 });
    fixture.directory('nas/all');
    await fixture.call(
      'CreateRestoreJob',
      restoreQuery(snapshot?.SnapshotId, { TargetPath: '/all' }),
    );
    fixture.advance(11_000);
    await fixture.hbr.advance();
    expect(readFileSync(join(fixture.dir, 'nas/all/pv-2/b.txt'), 'utf8')).toBe('two');
  });

  it('never leaves the file system, whatever the target path says', async () => {
    await execute(await create());
    const [snapshot] = await nasSnapshots();
    const TargetPath = '/../../nas/../outside';
    fixture.directory('outside');
    const { RestoreId } = await fixture.call(
      'CreateRestoreJob',
      restoreQuery(snapshot?.SnapshotId, { TargetPath }),
    );
    fixture.advance(11_000);
    expect(await fixture.restore(RestoreId)).toMatchObject({
      Status: 'FAILED',
      ErrorMessage: 'TARGET_NOT_EXIST',
    });
  });

  it('runs an enabled plan at its times, one job at a time, and makes no missed one up', async () => {
    const PlanId = await create({ Disabled: false });
    fixture.advance(HOUR_MS);
    await fixture.hbr.advance();
    expect(fixture.hbr.jobs()).toEqual([]);
    fixture.advance(HOUR_MS);
    await fixture.hbr.advance();
    expect(fixture.hbr.jobs()).toMatchObject([{ planId: PlanId, triggerMode: 'SCHEDULE' }]);
    fixture.advance(5 * HOUR_MS);
    await fixture.hbr.advance();
    expect(fixture.hbr.jobs()).toHaveLength(1);
    fixture.advance(HOUR_MS);
    await fixture.hbr.advance();
    expect(fixture.hbr.jobs()).toHaveLength(2);
    await fixture.call('DisableBackupPlan', { PlanId, VaultId: vaultId });
    fixture.advance(3 * HOUR_MS);
    await fixture.hbr.advance();
    expect(fixture.hbr.jobs()).toHaveLength(2);
    await fixture.call('EnableBackupPlan', { PlanId });
    expect(await plans()).toMatchObject([{ Disabled: false }]);
    fixture.advance(HOUR_MS);
    await fixture.hbr.advance();
    expect(fixture.hbr.jobs()).toHaveLength(3);
  });

  it('refuses a second execution while the first runs, and a deletion that asks for it', async () => {
    const PlanId = await create();
    await fixture.call('ExecuteBackupPlan', { PlanId });
    expect((await fixture.refused('ExecuteBackupPlan', { PlanId })).code).toBe('BadRequest');
    const careful = { PlanId, RequireNoRunningJobs: true };
    expect((await fixture.refused('DeleteBackupPlan', careful)).code).toBe('BadRequest');
    fixture.advance(11_000);
    await fixture.call('DeleteBackupPlan', careful);
    expect(await plans()).toEqual([]);
    expect(fixture.hbr.jobs()).toEqual([]);
    expect(await nasSnapshots()).toHaveLength(1);
    const gone = await fixture.refused('ExecuteBackupPlan', { PlanId });
    expect(gone).toMatchObject({ statusCode: 404, code: 'ResourceNotFound' });
  });

  it('updates what may change, paths only when told', async () => {
    const PlanId = await create();
    await fixture.call('UpdateBackupPlan', { PlanId, PlanName: 'new', Retention: 9, Path: ['/x'] });
    expect(await plans()).toMatchObject([
      { PlanName: 'new', Retention: 9, Paths: { Path: ['/pv-1'] } },
    ]);
    await fixture.call('UpdateBackupPlan', { PlanId, Path: ['/x'], UpdatePaths: true });
    expect(await plans()).toMatchObject([{ Paths: { Path: ['/x'] } }]);
    expect(await execute(PlanId)).toMatchObject({
      Status: 'FAILED',
      ErrorMessage: 'SOURCE_NOT_EXIST',
    });
  });

  it('refuses plans that break a rule', async () => {
    await create();
    const table: [change: Fields, code: string][] = [
      [{}, 'BadRequest'],
      [{ PlanName: '' }, 'MissingPlanName'],
      [{ BackupType: '' }, 'MissingBackupType'],
      [{ Schedule: '' }, 'MissingSchedule'],
      [{ PlanName: 'b', Schedule: '0 3 * * *' }, 'BadRequest'],
      [{ PlanName: 'b', Schedule: 'I|1602673264|P' }, 'BadRequest'],
      [{ PlanName: 'b', FileSystemId: 'none' }, 'ResourceNotFound'],
      [{ PlanName: 'b', FileSystemId: '' }, 'MissingFileSystemId'],
      [{ PlanName: 'b', Retention: 0 }, 'BadRequest'],
      [{ PlanName: 'b', Path: ['relative'] }, 'BadRequest'],
      [{ PlanName: 'b', SourceType: 'ECS_FILE' }, 'BadRequest'],
      [{ PlanName: 'b', VaultId: 'v-none' }, 'VaultNotExist'],
      [{ PlanName: 'b', SourceType: 'OSS' }, 'MissingBucket'],
    ];
    for (const [change, code] of table) {
      const error = await fixture.refused('CreateBackupPlan', nasPlan(change));
      expect([change, error.code]).toEqual([change, code]);
    }
    const filters = { Filters: [{ Key: 'fileSystemId', Values: ['005494'] }] };
    expect((await fixture.refused('DescribeBackupPlans', filters)).code).toBe('BadRequest');
  });

  it('lets snapshots expire by the clock, and keeps the newest where the plan says so', async () => {
    const keeping = await create({ KeepLatestSnapshots: 1 });
    await execute(keeping);
    await execute(keeping);
    const [old, newest] = await nasSnapshots();
    expect(Number(newest?.ExpireTime) - Number(newest?.CompleteTime)).toBe(2 * 86_400);
    fixture.advance(2 * 86_400_000);
    expect(await nasSnapshots()).toMatchObject([{ SnapshotId: newest?.SnapshotId }]);
    const { SnapshotId } = old ?? {};
    expect((await fixture.refused('CreateRestoreJob', restoreQuery(SnapshotId))).code).toBe(
      'ResourceNotFound',
    );
  });

  it('answers while a source is read, and keeps nothing of a job cancelled meanwhile', async () => {
    await fixture.stop();
    let finishReading = () => {};
    let isReading = () => {};
    const reading = new Promise<void>((resolve) => {
      isReading = resolve;
    });
    const list = async () => {
      isReading();
      await new Promise<void>((resolve) => {
        finishReading = resolve;
      });
      return ['key'];
    };
    const get = async () => Buffer.from('body');
    await fixture.start({ patienceMs: 0, bucket: { list, get, put: async () => {} } });
    const { PlanId } = await fixture.call(
      'CreateBackupPlan',
      nasPlan({ SourceType: 'OSS', Bucket: 'bucket-1' }),
    );
    const { JobId } = await fixture.call('ExecuteBackupPlan', { PlanId });
    fixture.advance(1000);
    await reading;
    expect(await fixture.job(JobId)).toMatchObject({ Status: 'CREATED' });
    await fixture.call('CancelBackupJob', { JobId });
    finishReading();
    await fixture.hbr.advance();
    fixture.advance(60_000);
    await fixture.hbr.advance();
    expect(await fixture.job(JobId)).toMatchObject({ Status: 'CANCELED' });
    expect(fixture.hbr.snapshots()).toEqual([]);
  });

  it('fails a job whose bucket answers with an error', async () => {
    await fixture.stop();
    const list = () => Promise.reject(new Error('AccessDenied'));
    const none = async () => undefined;
    await fixture.start({ bucket: { list, get: none, put: async () => {} } });
    const { PlanId } = await fixture.call(
      'CreateBackupPlan',
      nasPlan({ SourceType: 'OSS', Bucket: 'bucket-1' }),
    );
    const { JobId } = await fixture.call('ExecuteBackupPlan', { PlanId });
    fixture.advance(1000);
    expect(await fixture.job(JobId)).toMatchObject({
      Status: 'FAILED',
      ErrorMessage: 'AccessDenied',
    });
  });

  it('backs a bucket up by prefix, and restores it into another', async () => {
    const source = { 'app/a': 'one', 'app/b/c': 'two', other: 'not taken' };
    const bodies = Object.entries(source).map(([k, v]): [string, Buffer] => [k, Buffer.from(v)]);
    fixture.buckets.set('bucket-1', new Map(bodies));
    fixture.buckets.set('bucket-2', new Map([['to/a', Buffer.from('there')]]));
    const change = { SourceType: 'OSS', Bucket: 'bucket-1', Prefix: 'app/' };
    const { PlanId } = await fixture.call('CreateBackupPlan', nasPlan(change));
    await fixture.call('ExecuteBackupPlan', { PlanId, SourceType: 'OSS' });
    fixture.advance(11_000);
    const bucket = [{ field: 'Bucket', value: 'bucket-1', operation: 'MATCH_TERM' }];
    const [snapshot] = await fixture.snapshots(vaultId, { SourceType: 'OSS' }, bucket);
    expect(snapshot).toMatchObject({ Prefix: 'app/', BytesTotal: 6, ItemsTotal: 2 });
    const restore = async (conflictPolicy: string) => {
      const { RestoreId } = await fixture.call('CreateRestoreJob', {
        RestoreType: 'OSS',
        SourceType: 'OSS',
        VaultId: vaultId,
        SnapshotId: snapshot?.SnapshotId,
        TargetBucket: 'bucket-2',
        TargetPrefix: 'to/',
        Options: JSON.stringify({ includes: [], excludes: [], conflictPolicy }),
      });
      fixture.advance(11_000);
      return await fixture.restore(RestoreId);
    };
    const text = (key: string) => fixture.buckets.get('bucket-2')?.get(key)?.toString();
    expect(await restore('SKIP_THE_FILE')).toMatchObject({ Status: 'COMPLETE', ItemsDone: 1 });
    expect([text('to/a'), text('to/b/c')]).toEqual(['there', 'two']);
    expect(await restore('OVERWRITE_EXISTING')).toMatchObject({ ItemsDone: 2 });
    expect(text('to/a')).toBe('one');
  });
});
