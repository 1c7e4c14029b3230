import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { build } from 'esbuild';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { callSdk } from '../acs-signature/sdk-client.ts';
import { type Fields, HbrFixture, REGION } from './hbr-fixture.ts';

const root = new URL('../../..', import.meta.url).pathname;

/** An emulator in a process of its own, whose clock stands in a file. */
const CHILD = `
  import { readFileSync } from 'node:fs';
  import { startHbrEmulator } from './server.ts';
  const dir = process.argv[2];
  const credential = { accessKeySecret: 'secret', principalId: '1000', accountId: '1000', arn: '' };
  startHbrEmulator({
    dir: dir + '/state',
    now: () => Number(readFileSync(dir + '/clock', 'utf8')),
    region: '${REGION}',
    credentials: () => credential,
    nas: () => undefined,
    containerMount: (cluster, host, prefix) => dir + '/' + prefix.split('/')[0],
    vaultMs: 0,
    queueMs: 0,
    jobMs: () => 10_000,
  }).then(async ({ url, setAgentStatus }) => {
    await setAgentStatus('c-ack-1', 'READY');
    console.log(url);
  });
`;

describe('kill -9 of the HBR emulator', () => {
  let fixture: HbrFixture;
  let child: ChildProcess | undefined;
  let url = '';

  beforeEach(async () => {
    fixture = new HbrFixture();
    await build({
      stdin: { contents: CHILD, resolveDir: new URL('.', import.meta.url).pathname, loader: 'ts' },
      bundle: true,
      platform: 'node',
      format: 'cjs',
      external: ['lmdb'],
      outfile: join(fixture.dir, 'emulator.cjs'),
    });
    setClock(1_000_000);
  });
  afterEach(async () => {
    await kill();
    await fixture.remove();
  });

  function setClock(ms: number): void {
    writeFileSync(join(fixture.dir, 'clock'), `${ms}`);
  }

  async function start(): Promise<void> {
    child = spawn(process.execPath, [join(fixture.dir, 'emulator.cjs'), fixture.dir], {
      env: { ...process.env, NODE_PATH: `${root}/node_modules` },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    if (child.stdout === null) throw new Error('Cannot read from the emulator: it has no stdout');
    const lines = createInterface({ input: child.stdout });
    url = await new Promise<string>((resolve) => lines.once('line', resolve));
  }

  async function kill(): Promise<void> {
    if (child === undefined) return;
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
    child = undefined;
  }

  async function call(action: string, query: Fields): Promise<Fields> {
    const caller = { url, accessKeyId: 'AK', accessKeySecret: 'secret' };
    const reply = await callSdk(caller, { action, version: '2017-09-08', style: 'RPC', query });
    return reply.body as Fields;
  }

  it('keeps what was answered, and running jobs go on to the same end', async () => {
    fixture.directory('pod-1', { 'a.txt': 'one', 'sub/b.txt': 'two' });
    mkdirSync(join(fixture.dir, 'pod-2'));
    await start();
    const { VaultId } = await call('CreateVault', { VaultRegionId: REGION, VaultName: 'v' });
    const { ClusterId } = await call('AddContainerCluster', {
      ClusterType: 'ACK',
      Identifier: 'c-ack-1',
      NetworkType: 'VPC',
    });
    const job = fixture.containerJob(String(VaultId), String(ClusterId));
    const { JobId } = await call('CreateBackupJob', job);
    expect(await call('DescribeBackupJobs2', {})).toMatchObject({
      BackupJobs: { BackupJob: [{ JobId, Status: 'RUNNING' }] },
    });
    await kill();

    writeFileSync(join(fixture.dir, 'pod-1/a.txt'), 'changed after it was read');
    const garbage = join(fixture.dir, 'state/blobs', String(VaultId), 'f'.repeat(64));
    writeFileSync(garbage, 'no manifest names this');
    setClock(1_010_000);
    await start();
    expect(await call('DescribeBackupJobs2', {})).toMatchObject({
      BackupJobs: { BackupJob: [{ JobId, Status: 'COMPLETE', CompleteTime: 1010 }] },
    });
    expect(readdirSync(join(fixture.dir, 'state/blobs', String(VaultId)))).toHaveLength(2);
    const Query = JSON.stringify([{ field: 'VaultId', value: VaultId, operation: 'MATCH_TERM' }]);
    const found = await call('SearchHistoricalSnapshots', { Query });
    const [snapshot] = (found.Snapshots as Record<string, Fields[]>).Snapshot ?? [];
    const { RestoreId } = await call('CreateRestoreJob', {
      RestoreType: 'CONTAINER',
      SourceType: 'CONTAINER',
      VaultId,
      SnapshotId: snapshot?.SnapshotId,
      TargetContainerClusterId: ClusterId,
      TargetContainer: JSON.stringify({ host: 'node-1', hostPrefix: 'pod-2/x', pvPath: '/' }),
    });
    await kill();

    setClock(1_030_000);
    await start();
    expect(await call('DescribeRestoreJobs2', {})).toMatchObject({
      RestoreJobs: { RestoreJob: [{ RestoreId, Status: 'COMPLETE', ItemsDone: 2 }] },
    });
    const restored = readdirSync(join(fixture.dir, 'pod-2'), { recursive: true });
    expect(restored.sort()).toEqual(['a.txt', 'sub', 'sub/b.txt']);
    expect(readFileSync(join(fixture.dir, 'pod-2/a.txt'), 'utf8')).toBe('one');
  });
});
