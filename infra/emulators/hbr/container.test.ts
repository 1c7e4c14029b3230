import {
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { containerResource, HbrFixture, MOUNT, START_MS } from './hbr-fixture.ts';

describe('container jobs of the HBR emulator', () => {
  let fixture: HbrFixture;
  let vaultId: string;
  let clusterId: string;

  beforeEach(async () => {
    fixture = new HbrFixture();
    await fixture.start();
    vaultId = await fixture.vault();
    clusterId = await fixture.cluster();
  });
  afterEach(() => fixture.remove());

  const backUp = async (change = {}) => {
    const { JobId } = await fixture.call(
      'CreateBackupJob',
      fixture.containerJob(vaultId, clusterId, change),
    );
    fixture.advance(11_000);
    return await fixture.job(JobId);
  };
  const restoreQuery = (snapshotId: unknown, change = {}) => ({
    RestoreType: 'CONTAINER',
    SourceType: 'CONTAINER',
    VaultId: vaultId,
    SnapshotId: snapshotId,
    TargetContainerClusterId: clusterId,
    TargetContainer: JSON.stringify({
      host: MOUNT.host,
      hostPrefix: '/var/lib/kubelet/pods/pod-2/volumes/kubernetes.io~csi/pv-2/mount',
      pvPath: '/',
    }),
    ...change,
  });
  const mountTarget = (directory: string) =>
    fixture.mount(directory, '/var/lib/kubelet/pods/pod-2/volumes/kubernetes.io~csi/pv-2/mount');

  it('goes from CREATED to COMPLETE by the clock, and shows its progress', async () => {
    fixture.mount(fixture.directory('source', { 'a.txt': 'one', 'sub/b.txt': 'second' }));
    const { JobId } = await fixture.call(
      'CreateBackupJob',
      fixture.containerJob(vaultId, clusterId),
    );
    expect(await fixture.job(JobId)).toMatchObject({ Status: 'CREATED', Progress: 0 });
    fixture.advance(500);
    expect(await fixture.job(JobId)).toMatchObject({ Status: 'QUEUED' });
    fixture.advance(500);
    expect(await fixture.job(JobId)).toMatchObject({ Status: 'RUNNING', BytesTotal: 9 });
    fixture.advance(5000);
    expect(await fixture.job(JobId)).toMatchObject({ Progress: 5000, BytesDone: 4, ItemsDone: 1 });
    fixture.advance(5000);
    expect(await fixture.job(JobId)).toMatchObject({
      Status: 'COMPLETE',
      Progress: 10_000,
      JobName: 'k8s-backup-infra-20260101000000-hbr',
      Identifier: MOUNT.cluster,
      VaultId: vaultId,
      BytesDone: 9,
      ActualBytes: 9,
      ItemsTotal: 2,
      ItemsDone: 2,
      CompleteTime: (START_MS + 12_000) / 1000,
    });
  });

  it('reads the source at its RUNNING moment, not before and not after', async () => {
    const source = fixture.directory('source', { 'a.txt': 'at creation' });
    fixture.mount(source);
    const { JobId } = await fixture.call(
      'CreateBackupJob',
      fixture.containerJob(vaultId, clusterId),
    );
    writeFileSync(join(source, 'a.txt'), 'at the RUNNING moment');
    fixture.advance(1000);
    expect(await fixture.job(JobId)).toMatchObject({ Status: 'RUNNING' });
    writeFileSync(join(source, 'a.txt'), 'while it ran');
    fixture.advance(10_000);
    const [snapshot] = await fixture.snapshots(vaultId);
    mountTarget(fixture.directory('target'));
    await fixture.call('CreateRestoreJob', restoreQuery(snapshot?.SnapshotId));
    fixture.advance(11_000);
    await fixture.hbr.advance();
    expect(readFileSync(join(fixture.dir, 'target/a.txt'), 'utf8')).toBe('at the RUNNING moment');
  });

  it('restores every byte, name, link and mode into another directory', async () => {
    const source = fixture.directory('source', { 'a.txt': 'one', 'sub/deep/b.bin': '\0\u0001ü' });
    mkdirSync(join(source, 'empty'));
    symlinkSync('../a.txt', join(source, 'sub/link'));
    writeFileSync(join(source, 'run.sh'), '#!/bin/sh\n', { mode: 0o751 });
    fixture.mount(source);
    const job = await backUp();
    const [snapshot] = await fixture.snapshots(vaultId);
    expect(snapshot).toMatchObject({ JobId: job.JobId, Status: 'COMPLETE', BytesTotal: 17 });
    rmSync(source, { recursive: true });

    mountTarget(fixture.directory('target'));
    const { RestoreId } = await fixture.call(
      'CreateRestoreJob',
      restoreQuery(snapshot?.SnapshotId),
    );
    expect(await fixture.restore(RestoreId)).toMatchObject({ Status: 'CREATED' });
    fixture.advance(11_000);
    expect(await fixture.restore(RestoreId)).toMatchObject({
      Status: 'COMPLETE',
      Progress: 10_000,
      RestoreType: 'CONTAINER',
      SnapshotId: snapshot?.SnapshotId,
      BytesTotal: 17,
      BytesDone: 17,
      ItemsDone: 4,
      ErrorFile: '',
    });
    const target = join(fixture.dir, 'target');
    expect(readdirSync(target, { recursive: true }).sort()).toEqual(
      ['a.txt', 'empty', 'run.sh', 'sub', 'sub/deep', 'sub/deep/b.bin', 'sub/link'].sort(),
    );
    expect(readFileSync(join(target, 'sub/deep/b.bin'), 'utf8')).toBe('\0\u0001ü');
    expect(readFileSync(join(target, 'sub/link'), 'utf8')).toBe('one');
    expect(statSync(join(target, 'run.sh')).mode & 0o777).toBe(0o751);
  });

  it('counts only what is new against the snapshot before', async () => {
    const source = fixture.directory('source', { 'a.txt': 'aaaa', 'b.txt': 'bb' });
    fixture.mount(source);
    await backUp();
    writeFileSync(join(source, 'b.txt'), 'changed');
    writeFileSync(join(source, 'copy-of-a.txt'), 'aaaa');
    const second = await backUp();
    expect(second).toMatchObject({ BytesTotal: 15, BytesDone: 11, ActualBytes: 7 });
    const [first, newest] = await fixture.snapshots(vaultId);
    expect(newest?.ParentSnapshotHash).toBe(first?.SnapshotHash);
    const { Vaults } = await fixture.call('DescribeVaults', { VaultId: vaultId });
    expect(Vaults).toMatchObject({ Vault: [{ StorageSize: 13, SnapshotCount: 2 }] });
  });

  it('copies a file that is read as a stream', async () => {
    const source = fixture.directory('source');
    const bytes = Buffer.alloc(3_000_001, 'large ');
    writeFileSync(join(source, 'large'), bytes);
    fixture.mount(source);
    expect(await backUp()).toMatchObject({ BytesTotal: 3_000_001, ActualBytes: 3_000_001 });
    expect(await backUp()).toMatchObject({ BytesTotal: 3_000_001, ActualBytes: 0 });
    const [snapshot] = await fixture.snapshots(vaultId);
    mountTarget(fixture.directory('target'));
    await fixture.call('CreateRestoreJob', restoreQuery(snapshot?.SnapshotId));
    fixture.advance(11_000);
    await fixture.hbr.advance();
    expect(readFileSync(join(fixture.dir, 'target/large')).equals(bytes)).toBe(true);
  });

  it('deletes a snapshot with the bytes that no other needs', async () => {
    const source = fixture.directory('source', { 'a.txt': 'aaaa', 'b.txt': 'bb' });
    fixture.mount(source);
    await backUp();
    rmSync(join(source, 'a.txt'));
    await backUp();
    const [first, second] = await fixture.snapshots(vaultId);
    await fixture.call('DeleteSnapshot', { SnapshotId: first?.SnapshotId, VaultId: vaultId });
    await fixture.hbr.advance();
    expect(await fixture.snapshots(vaultId)).toMatchObject([{ SnapshotId: second?.SnapshotId }]);
    const { Vaults } = await fixture.call('DescribeVaults', { VaultId: vaultId });
    expect(Vaults).toMatchObject({ Vault: [{ StorageSize: 2, SnapshotCount: 1 }] });
    expect(
      await fixture.refused('DeleteSnapshot', { SnapshotId: first?.SnapshotId }),
    ).toMatchObject({ statusCode: 404, code: 'ResourceNotFound' });
  });

  it('refuses what names nothing or is not ready', async () => {
    const query = fixture.containerJob(vaultId, clusterId);
    const resources = (change: object) => ({
      ContainerResources: JSON.stringify([{ ...containerResource, ...change }]),
    });
    const table: [change: object, status: number, code: string][] = [
      [{ VaultId: 'v-none' }, 404, 'VaultNotExist'],
      [{ VaultId: '' }, 400, 'MissingVaultId'],
      [{ ContainerClusterId: 'cc-none' }, 404, 'ResourceNotFound'],
      [{ SourceType: 'NAS' }, 400, 'BadRequest'],
      [{ Retention: 0 }, 400, 'BadRequest'],
      [{ ContainerResources: '[' }, 400, 'BadRequest'],
      [{ ContainerResources: '[]' }, 400, 'BadRequest'],
      [resources({ resourceType: 'PVC' }), 400, 'BadRequest'],
      [resources({ host: undefined }), 400, 'BadRequest'],
      [resources({ resourceInfo: 'text' }), 400, 'BadRequest'],
    ];
    for (const [change, statusCode, code] of table) {
      const error = await fixture.refused('CreateBackupJob', { ...query, ...change });
      expect([change, error.statusCode, error.code]).toEqual([change, statusCode, code]);
    }
    await fixture.hbr.setAgentStatus(MOUNT.cluster, 'MISS');
    const error = await fixture.refused('CreateBackupJob', query);
    expect(error).toMatchObject({ statusCode: 400, code: 'BadRequest' });
    expect(error.message).toContain('MISS');
    expect(fixture.hbr.jobs()).toEqual([]);
  });

  it('fails a job whose mount is gone, and makes no snapshot', async () => {
    expect(await backUp()).toMatchObject({ Status: 'FAILED', ErrorMessage: 'SOURCE_NOT_EXIST' });
    expect(await fixture.snapshots(vaultId)).toEqual([]);
  });
});
