import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Fields, HbrFixture, MOUNT, rowsOf, START_MS } from './hbr-fixture.ts';

const TARGET = 'pod-2/volumes/kubernetes.io~csi/pv-2/mount';

describe('jobs and snapshots of the HBR emulator', () => {
  let fixture: HbrFixture;
  let vaultId: string;
  let clusterId: string;
  let source: string;
  let target: string;

  beforeEach(async () => {
    fixture = new HbrFixture();
    await fixture.start();
    vaultId = await fixture.vault();
    clusterId = await fixture.cluster();
    source = fixture.directory('source', { 'a.txt': 'one', 'sub/b.txt': 'two' });
    target = fixture.directory('target');
    fixture.mount(source);
    fixture.mount(target, TARGET);
  });
  afterEach(() => fixture.remove());

  const startBackup = async (change: Fields = {}) =>
    (await fixture.call('CreateBackupJob', fixture.containerJob(vaultId, clusterId, change))).JobId;
  const backUp = async (change: Fields = {}) => {
    const jobId = await startBackup(change);
    fixture.advance(11_000);
    return await fixture.job(jobId);
  };
  const newest = async () => (await fixture.snapshots(vaultId)).at(-1) ?? {};
  const restoreQuery = (snapshot: Fields, change: Fields = {}): Fields => ({
    RestoreType: 'CONTAINER',
    SourceType: 'CONTAINER',
    VaultId: vaultId,
    SnapshotId: snapshot.SnapshotId,
    TargetContainerClusterId: clusterId,
    TargetContainer: JSON.stringify({ host: MOUNT.host, hostPrefix: TARGET, pvPath: '/' }),
    ...change,
  });
  const restore = async (snapshot: Fields, change: Fields = {}) => {
    const { RestoreId } = await fixture.call('CreateRestoreJob', restoreQuery(snapshot, change));
    fixture.advance(11_000);
    return await fixture.restore(RestoreId);
  };
  const read = (path: string) => readFileSync(join(target, path), 'utf8');
  const jobIds = async (query: Fields) =>
    rowsOf(await fixture.call('DescribeBackupJobs2', query), 'BackupJobs', 'BackupJob').map(
      (job) => job.JobId,
    );

  it('is partial where a file cannot be read, and names it', async () => {
    writeFileSync(join(source, `${'x'.repeat(249)}`), 'name too long');
    fixture.hbr.failJob({ kind: 'backup', status: 'PARTIAL_COMPLETE', paths: ['sub/b.txt'] });
    const job = await backUp();
    expect(job).toMatchObject({
      Status: 'PARTIAL_COMPLETE',
      ErrorMessage: 'PARTIAL_COMPLETE',
      ItemsTotal: 3,
      ItemsDone: 1,
      BytesTotal: 3,
      Report: { FailedFiles: `temp/report/${String(job.JobId)}_failed.csv` },
    });
    const snapshot = await newest();
    expect(snapshot).toMatchObject({ Status: 'PARTIAL_COMPLETE' });
    const lines = String(snapshot.ErrorFile).split('\n');
    expect(lines).toHaveLength(3);
    expect(lines[0]).toBe('Item\tError Message');
    expect(lines).toContain('/sub/b.txt\tAccess is denied.');
    expect(await restore(snapshot)).toMatchObject({ Status: 'COMPLETE', ItemsDone: 1 });
    expect(existsSync(join(target, 'sub/b.txt'))).toBe(false);
    expect(fixture.hbr.unhitOutcomes()).toEqual([]);
  });

  it.skipIf(process.getuid?.() === 0)('is partial where the system denies a file', async () => {
    chmodSync(join(source, 'a.txt'), 0);
    expect(await backUp()).toMatchObject({ Status: 'PARTIAL_COMPLETE', ItemsDone: 1 });
    expect((await newest()).ErrorFile).toContain('/a.txt\tEACCES');
  });

  it('ends as a test planned, and makes a snapshot only of what was kept', async () => {
    fixture.hbr.failJob({ kind: 'backup', status: 'FAILED', message: 'no space', times: 1 });
    fixture.hbr.failJob({ kind: 'backup', status: 'EXPIRED' });
    fixture.hbr.failJob({ kind: 'restore', status: 'FAILED' });
    fixture.hbr.failJob({ kind: 'restore', status: 'PARTIAL_COMPLETE', paths: ['a.txt'] });
    expect(await backUp()).toMatchObject({ Status: 'FAILED', ErrorMessage: 'no space' });
    expect(await backUp()).toMatchObject({ Status: 'EXPIRED', Progress: 0 });
    expect(await fixture.snapshots(vaultId)).toEqual([]);
    const { Vaults } = await fixture.call('DescribeVaults', { VaultId: vaultId });
    expect(Vaults).toMatchObject({ Vault: [{ StorageSize: 0 }] });
    expect(await backUp()).toMatchObject({ Status: 'COMPLETE' });
    const snapshot = await newest();
    expect(await restore(snapshot)).toMatchObject({ Status: 'FAILED', ErrorMessage: 'FAILED' });
    expect(await restore(snapshot)).toMatchObject({
      Status: 'PARTIAL_COMPLETE',
      ErrorFile: 'Item\tError Message\n/a.txt\tAccess is denied.',
    });
  });

  it('waits in QUEUED for a client that went away, and expires after a day', async () => {
    const first = await startBackup();
    const second = await startBackup();
    await fixture.hbr.setAgentStatus(MOUNT.cluster, 'UNKNOWN');
    fixture.advance(60_000);
    expect(await fixture.job(first)).toMatchObject({ Status: 'QUEUED' });
    await fixture.hbr.setAgentStatus(MOUNT.cluster, 'READY');
    expect(await fixture.job(first)).toMatchObject({
      Status: 'RUNNING',
      StartTime: fixture.nowMs / 1000,
    });
    fixture.advance(10_000);
    expect(await fixture.job(second)).toMatchObject({ Status: 'COMPLETE' });
    const third = await startBackup();
    await fixture.hbr.setAgentStatus(MOUNT.cluster, 'MISS');
    fixture.advance(86_400_000);
    expect(await fixture.job(third)).toMatchObject({ Status: 'EXPIRED' });
  });

  it('cancels by the clock, leaves no snapshot, and refuses what has ended', async () => {
    await fixture.stop();
    await fixture.start({ cancelMs: 2000 });
    const JobId = await startBackup();
    fixture.advance(5000);
    expect(await fixture.job(JobId)).toMatchObject({ Status: 'RUNNING' });
    await fixture.call('CancelBackupJob', { JobId, VaultId: vaultId });
    expect(await fixture.job(JobId)).toMatchObject({ Status: 'CANCELING' });
    await fixture.call('CancelBackupJob', { JobId });
    fixture.advance(2000);
    expect(await fixture.job(JobId)).toMatchObject({ Status: 'CANCELED' });
    fixture.advance(60_000);
    expect(await fixture.snapshots(vaultId)).toEqual([]);
    expect((await fixture.refused('CancelBackupJob', { JobId })).code).toBe('BadRequest');
    const none = await fixture.refused('CancelBackupJob', { JobId: 'job-none' });
    expect(none).toMatchObject({ statusCode: 404, code: 'ResourceNotFound' });

    await backUp();
    const { RestoreId } = await fixture.call('CreateRestoreJob', restoreQuery(await newest()));
    await fixture.call('CancelRestoreJob', { RestoreId, VaultId: vaultId });
    fixture.advance(60_000);
    expect(await fixture.restore(RestoreId)).toMatchObject({ Status: 'CANCELED' });
    expect(existsSync(join(target, 'a.txt'))).toBe(false);
    expect((await fixture.refused('CancelRestoreJob', { RestoreId })).code).toBe('BadRequest');
  });

  it('deals with what is there as the conflict policy says', async () => {
    const old = new Date(START_MS - 1_000_000);
    for (const path of ['a.txt', 'sub/b.txt']) utimesSync(join(source, path), old, old);
    await backUp();
    const snapshot = await newest();
    const policy = (conflictPolicy: string) => ({ Options: JSON.stringify({ conflictPolicy }) });
    writeFileSync(join(target, 'a.txt'), 'newer here');
    expect(await restore(snapshot, policy('SKIP_THE_FILE'))).toMatchObject({ ItemsDone: 1 });
    expect([read('a.txt'), read('sub/b.txt')]).toEqual(['newer here', 'two']);
    expect(await restore(snapshot, policy('OVERWRITE_OLDER'))).toMatchObject({ ItemsDone: 0 });
    expect(read('a.txt')).toBe('newer here');
    const ancient = new Date(0);
    utimesSync(join(target, 'a.txt'), ancient, ancient);
    await restore(snapshot, policy('OVERWRITE_OLDER'));
    expect(read('a.txt')).toBe('one');
    expect(statSync(join(target, 'a.txt')).mtimeMs).toBe(old.getTime());
    const unknown = await fixture.refused(
      'CreateRestoreJob',
      restoreQuery(snapshot, policy('MERGE')),
    );
    expect(unknown.code).toBe('BadRequest');
  });

  it('writes through no link that stands in the target', async () => {
    await backUp();
    const outside = fixture.directory('outside');
    symlinkSync(outside, join(target, 'sub'));
    const skip = { Options: JSON.stringify({ conflictPolicy: 'SKIP_THE_FILE' }) };
    expect(await restore(await newest(), skip)).toMatchObject({ Status: 'PARTIAL_COMPLETE' });
    expect(existsSync(join(outside, 'b.txt'))).toBe(false);
    expect(await restore(await newest())).toMatchObject({ Status: 'COMPLETE' });
    expect(existsSync(join(outside, 'b.txt'))).toBe(false);
    expect(read('sub/b.txt')).toBe('two');
  });

  it('takes and restores only what include and exclude name', async () => {
    mkdirSync(join(source, 'logs'));
    writeFileSync(join(source, 'logs/app.log'), 'noise');
    writeFileSync(join(source, 'logs/app.txt'), 'text');
    await backUp({ Exclude: '["/logs/*.log"]' });
    const snapshot = await newest();
    expect(snapshot).toMatchObject({ ItemsTotal: 3 });
    await restore(snapshot, { Options: JSON.stringify({ includes: ['/logs'] }) });
    expect(read('logs/app.txt')).toBe('text');
    expect(existsSync(join(target, 'a.txt'))).toBe(false);
    await restore(snapshot, { Include: '["/sub"]', Exclude: '["/sub/b.txt"]' });
    expect(existsSync(join(target, 'sub/b.txt'))).toBe(false);
    const long = { Exclude: `["${'x'.repeat(256)}"]` };
    const query = fixture.containerJob(vaultId, clusterId, long);
    expect((await fixture.refused('CreateBackupJob', query)).code).toBe('BadRequest');
  });

  it('fails a restore whose mount or snapshot is gone', async () => {
    await backUp();
    const snapshot = await newest();
    const { RestoreId } = await fixture.call('CreateRestoreJob', restoreQuery(snapshot));
    await fixture.call('DeleteSnapshot', { SnapshotId: snapshot.SnapshotId });
    fixture.advance(11_000);
    expect(await fixture.restore(RestoreId)).toMatchObject({
      Status: 'FAILED',
      ErrorMessage: 'SNAPSHOT_NOT_EXIST',
    });
    await backUp();
    fixture.mounts.clear();
    expect(await restore(await newest())).toMatchObject({
      Status: 'FAILED',
      ErrorMessage: 'TARGET_NOT_EXIST',
    });
  });

  it('refuses restores that name nothing or do not fit', async () => {
    await backUp();
    const snapshot = await newest();
    const table: [change: Fields, code: string][] = [
      [{ SnapshotId: 's-none' }, 'ResourceNotFound'],
      [{ SnapshotHash: 'f2fe' }, 'ResourceNotFound'],
      [{ VaultId: 'v-none' }, 'VaultNotExist'],
      [{ RestoreType: 'NAS' }, 'BadRequest'],
      [{ SourceType: 'NAS', RestoreType: 'NAS' }, 'BadRequest'],
      [{ TargetContainerClusterId: 'cc-none' }, 'ResourceNotFound'],
      [{ TargetContainer: '' }, 'MissingTargetContainer'],
      [{ TargetContainer: '{"host": "node-1"}' }, 'BadRequest'],
      [{ Options: '{' }, 'BadRequest'],
    ];
    for (const [change, code] of table) {
      const error = await fixture.refused('CreateRestoreJob', restoreQuery(snapshot, change));
      expect([change, error.code]).toEqual([change, code]);
    }
    const stranger = await fixture.refused(
      'CreateRestoreJob',
      restoreQuery(snapshot),
      'AKstranger',
    );
    expect(stranger.code).toBe('VaultNotExist');
  });

  it('filters, sorts and pages jobs', async () => {
    const first = (await backUp()).JobId;
    const second = (await backUp()).JobId;
    const third = await startBackup();
    const filter = (Key: string, Operator: string | undefined, ...Values: unknown[]) => ({
      Filters: [{ Key, ...(Operator === undefined ? {} : { Operator }), Values }],
    });
    const createdS = START_MS / 1000 + 1;
    const table: [query: Fields, expected: unknown[]][] = [
      [{}, [third, second, first]],
      [{ SortDirection: 'ASCEND' }, [first, second, third]],
      [{ PageSize: 1, PageNumber: 2 }, [second]],
      [{ SourceType: 'NAS' }, []],
      [filter('Status', undefined, 'COMPLETE', 'RUNNING'), [second, first]],
      [filter('Status', 'NOT_EQUAL', 'COMPLETE'), [third]],
      [filter('JobId', 'IN', JSON.stringify([first, third])), [third, first]],
      [filter('CreatedTime', 'GREATER_THAN', createdS), [third, second]],
      [filter('CreatedTime', 'GREATER_THAN_OR_EQUAL', createdS), [third, second, first]],
      [filter('CreatedTime', 'LESS_THAN', createdS + 11), [first]],
      [filter('CreatedTime', 'BETWEEN', createdS, createdS + 11), [second, first]],
      [filter('CompleteTime', 'LESS_THAN_OR_EQUAL', createdS + 11), [first]],
    ];
    for (const [query, expected] of table) {
      expect([query, await jobIds(query)]).toEqual([query, expected]);
    }
    const refusals = [
      filter('CompleteTime', 'IN', createdS),
      filter('JobName', 'EQUAL', 'x'),
      filter('Status', 'MATCH_TERM', 'x'),
      filter('CreatedTime', 'BETWEEN', 1),
      { PageNumber: 0 },
      { SortDirection: 'UP' },
    ];
    for (const query of refusals) {
      const { code } = await fixture.refused('DescribeBackupJobs2', query);
      expect([query, code]).toEqual([query, 'BadRequest']);
    }
    const strangers = await fixture.call('DescribeBackupJobs2', {}, 'AKstranger');
    expect(strangers).toMatchObject({ TotalCount: 0 });
  });

  it('searches snapshots by fields, in order and in pages', async () => {
    for (let n = 0; n < 3; n += 1) await backUp();
    const all = (await fixture.snapshots(vaultId)).map((s) => s.SnapshotId);
    expect(all).toHaveLength(3);
    const time = Number((await fixture.snapshots(vaultId))[1]?.CompleteTime);
    const ids = async (query: Fields, ...conditions: Fields[]) =>
      (await fixture.snapshots(vaultId, query, conditions)).map((s) => s.SnapshotId);
    const at = (operation: string, value: unknown) => ({ field: 'CompleteTime', value, operation });
    expect(await ids({ Order: 'DESC', Limit: 2 })).toEqual([all[2], all[1]]);
    expect(await ids({}, at('GREATER_THAN', `${time}`))).toEqual([all[2]]);
    expect(await ids({}, at('BETWEEN', [time - 11, time]))).toEqual([all[0], all[1]]);
    expect(await ids({}, at('NOT_IN', [time]))).toEqual([all[0], all[2]]);
    const vault = [{ field: 'VaultId', value: vaultId, operation: 'MATCH_TERM' }];
    const Query = JSON.stringify(vault);
    const count = await fixture.call('SearchHistoricalSnapshots', { Query, Limit: 0 });
    expect(count).toMatchObject({ TotalCount: 3, Snapshots: { Snapshot: [] }, NextToken: '' });
    const page = await fixture.call('SearchHistoricalSnapshots', { Query, Limit: 2 });
    const { NextToken } = page;
    expect(await ids({ Limit: 2, NextToken })).toEqual([all[2]]);
    const table: Fields[] = [
      { Query: '[]' },
      { Query: '{' },
      { Query: JSON.stringify([...vault, { field: 'JobId', value: 'job-1' }]) },
      { Query, SourceType: 'NAS' },
      { Query, NextToken: 'BE' },
    ];
    for (const query of table) {
      const { code } = await fixture.refused('SearchHistoricalSnapshots', query);
      expect([query, code]).toEqual([query, 'BadRequest']);
    }
  });
});
