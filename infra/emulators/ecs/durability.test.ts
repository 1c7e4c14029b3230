import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { build } from 'esbuild';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { callSdk, type SdkCaller } from '../acs-signature/sdk-client.ts';
import { type EcsFixture, ecsCall, filesOf, startFixture } from './ecs-fixture.ts';
import { EcsStore } from './ecs-store.ts';
import { startEcsEmulator } from './server.ts';

const root = new URL('../../..', import.meta.url).pathname;
const work = mkdtempSync(join(tmpdir(), 'ecs-durability-'));
const script = join(work, 'emulator.cjs');
const KEY = { accessKeySecret: 's1', principalId: '201', accountId: '1000', arn: 'acs:ram::1000' };
let child: ChildProcess | undefined;

/** An emulator in a process of its own. */
const CHILD = `
  import { startEcsEmulator } from './server.ts';
  startEcsEmulator({
    dir: process.argv[2],
    now: Date.now,
    region: 'cn-hangzhou',
    credentials: () => (${JSON.stringify(KEY)}),
    instances: [{ instanceId: 'i-1', zoneId: 'cn-hangzhou-k' }],
    durations: { diskMs: () => 0, snapshotMs: () => 0, availableMs: () => 0 },
  }).then(({ url }) => console.log(url));
`;

beforeAll(() =>
  build({
    stdin: { contents: CHILD, resolveDir: new URL('.', import.meta.url).pathname, loader: 'ts' },
    bundle: true,
    platform: 'node',
    format: 'cjs',
    external: ['lmdb'],
    outfile: script,
  }),
);

afterAll(() => {
  child?.kill('SIGKILL');
  rmSync(work, { recursive: true });
});

async function startChild(dir: string): Promise<SdkCaller> {
  child = spawn(process.execPath, [script, dir], {
    env: { ...process.env, NODE_PATH: `${root}/node_modules` },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (child.stdout === null) throw new Error('Cannot read from the emulator: it has no stdout');
  const lines = createInterface({ input: child.stdout });
  const url = await new Promise<string>((resolve) => lines.once('line', resolve));
  return { url, accessKeyId: 'AKalice', accessKeySecret: 's1' };
}

async function killChild(): Promise<void> {
  const exited = once(child ?? expect.unreachable('no child runs'), 'exit');
  child?.kill('SIGKILL');
  await exited;
}

describe('kill -9 in the middle of changes', () => {
  it('loses nothing that was answered, shows no half of bytes, and leaves no garbage', async () => {
    const dir = join(work, 'state');
    const caller = await startChild(dir);
    const call = async (action: string, query: Record<string, unknown>) =>
      (await callSdk(caller, ecsCall(action, query))).body as Record<string, string>;
    const { DiskId = '' } = await call('CreateDisk', {
      RegionId: 'cn-hangzhou',
      ZoneId: 'cn-hangzhou-k',
      DiskCategory: 'cloud_essd',
      Size: 20,
    });
    await call('AttachDisk', { DiskId, InstanceId: 'i-1' });
    const files = Object.fromEntries(
      Array.from({ length: 20 }, (_, n) => [`f${n}`, `${n} `.repeat(500)]),
    );
    for (const [name, text] of Object.entries(files)) {
      writeFileSync(join(dir, 'disks', DiskId, name), text);
    }
    const answered: string[] = [];
    let enoughAnswered = () => {};
    const enough = new Promise<void>((resolve) => {
      enoughAnswered = resolve;
    });
    const writers = Array.from({ length: 4 }, async () => {
      for (let n = 0; n < 1000; n += 1) {
        const { SnapshotId = '' } = await call('CreateSnapshot', { DiskId });
        // Every other one is deleted again, so that removals are cut short too.
        if (n % 2 === 1) await call('DeleteSnapshot', { SnapshotId });
        else answered.push(SnapshotId);
        if (answered.length === 15) enoughAnswered();
      }
    });
    const ended = Promise.allSettled(writers);
    await enough;
    await killChild();
    expect((await ended).every(({ status }) => status === 'rejected')).toBe(true);

    const ecs = await startEcsEmulator({
      dir,
      now: Date.now,
      region: 'cn-hangzhou',
      credentials: () => KEY,
    });
    try {
      const kept = ecs.snapshots().map((s) => s.snapshotId);
      expect(kept).toEqual(expect.arrayContaining(answered));
      for (const id of kept) expect(filesOf(ecs.snapshotDirectory(id))).toEqual(files);
      expect(readdirSync(join(dir, 'snapshots')).sort()).toEqual([...kept].sort());
      expect(readdirSync(join(dir, 'snapshots.partial'))).toEqual([]);
    } finally {
      await ecs.close();
    }
  });
});

describe('a restart', () => {
  let fixture: EcsFixture;

  beforeEach(async () => {
    fixture = await startFixture({ instances: [] });
    await fixture.ecs.putInstance({ instanceId: 'i-1', zoneId: 'cn-hangzhou-k' });
  });
  afterEach(() => fixture.close());

  it('keeps disks, snapshots, groups, instances, and their order', async () => {
    const diskId = await fixture.makeAttachedDisk();
    fixture.write(diskId, 'a', 'x');
    await fixture.call('CreateSnapshotGroup', { RegionId: 'cn-hangzhou', InstanceId: 'i-1' });
    const before = [fixture.ecs.disks(), fixture.ecs.snapshots()];
    await fixture.restart();
    expect([fixture.ecs.disks(), fixture.ecs.snapshots()]).toEqual(before);
    expect(filesOf(fixture.ecs.diskDirectory(diskId))).toEqual({ a: 'x' });
    const later = await fixture.makeSnapshot(diskId);
    expect(fixture.ecs.snapshots()[0]?.snapshotId).toBe(later);
    const groups = await fixture.call('DescribeSnapshotGroups', { RegionId: 'cn-hangzhou' });
    expect(groups).toMatchObject({ SnapshotGroups: { SnapshotGroup: [{ InstanceId: 'i-1' }] } });
  });

  it('sweeps bytes that no record names', async () => {
    const diskId = await fixture.makeDisk();
    mkdirSync(join(fixture.dir, 'disks', 'd-garbage'));
    mkdirSync(join(fixture.dir, 'disks.partial', 'half'));
    await fixture.restart();
    expect(readdirSync(join(fixture.dir, 'disks'))).toEqual([diskId]);
    expect(readdirSync(join(fixture.dir, 'disks.partial'))).toEqual([]);
  });

  it('ends a roll-back that was cut short', async () => {
    const diskId = await fixture.makeAttachedDisk();
    fixture.write(diskId, 'a', 'then');
    const snapshotId = await fixture.makeSnapshot(diskId);
    await fixture.ecs.close();
    // What a kill between the two renames leaves: the intent, and no bytes in the disk's place.
    const store = await EcsStore.open(fixture.dir);
    const disk = store.disks.get(diskId) ?? expect.unreachable('the disk is on disk');
    await store.commit(() => store.disks.putSync(diskId, { ...disk, resetFrom: snapshotId }));
    await store.close();
    rmSync(join(fixture.dir, 'disks', diskId), { recursive: true });
    await fixture.restart();
    expect(filesOf(fixture.ecs.diskDirectory(diskId))).toEqual({ a: 'then' });
    expect(fixture.ecs.disks()[0]?.resetFrom).toBeUndefined();
  });
});
