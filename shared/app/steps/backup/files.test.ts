import { beforeEach, describe, expect, it } from 'vitest';
import { BackupWorld } from '../../../../test/support/backup-world.ts';
import type { Intercept } from '../../../../test/support/interception.ts';
import type { BackupRecord } from '../../../domain/backup-record.ts';
import { textAt } from '../../../domain/json.ts';
import { LEASE_MS } from '../../../domain/lease.ts';
import type { CloudFiles, FileSource } from '../../../domain/volume-backup.ts';
import { cancelRun } from '../../cancel-run.ts';

let world: BackupWorld;

type Spec = Record<string, unknown>;

/** A claim on a volume of this source, mounted by a running pod. */
function seedVolume(made: BackupWorld, name: string, source: Spec): void {
  made.cluster.seed({
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { namespace: 'shop', name },
    spec: { volumeName: `pv-${name}` },
  });
  made.cluster.seed({
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: { name: `pv-${name}` },
    spec: { capacity: { storage: '5Gi' }, accessModes: ['ReadWriteMany'], ...source },
  });
  made.cluster.seed({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { namespace: 'shop', name: `pod-${name}` },
    spec: {
      nodeName: 'node-1',
      volumes: [{ name: 'data', persistentVolumeClaim: { claimName: name } }],
    },
    status: { phase: 'Running' },
  });
}

const nas = (path: string): Spec => ({
  csi: {
    driver: 'nasplugin.csi.alibabacloud.com',
    volumeHandle: `handle${path}`,
    volumeAttributes: { server: '0123abc-xy1.cn-hangzhou.nas.aliyuncs.com', path },
  },
});

const nasFiles = (path: string): CloudFiles => ({ way: 'nas', fileSystemId: '0123abc', path });

async function makeWorld(): Promise<BackupWorld> {
  const made = await BackupWorld.create();
  seedVolume(made, 'pictures', nas('/pictures'));
  made.cloudBackup.write(nasFiles('/pictures'), 'three cats');
  seedVolume(made, 'scans', nas('/scans'));
  made.cloudBackup.write(nasFiles('/scans'), 'two bills');
  return made;
}

const start = (made: BackupWorld) => made.start({ volumeBackup: true, retentionDays: 7 });

function sourceOf(record: BackupRecord, pvc: string): FileSource {
  const source = record.volumes.find((v) => v.pvc === pvc)?.source;
  if (source?.kind !== 'files') throw new Error(`${pvc} was not taken as files`);
  return source;
}

function uidOf(kind: string, name: string): string {
  const found = Object.entries(world.cluster.dump()).find(([, o]) => {
    return o.kind === kind && textAt(o, 'metadata', 'name') === name;
  });
  return textAt(found?.[1], 'metadata', 'uid') ?? '';
}

beforeEach(async () => {
  world = await makeWorld();
});

describe('a backup of files', () => {
  it('makes the one vault of the region, and a point per volume', async () => {
    const record = await world.workToEnd(await start(world));
    expect(record).toMatchObject({ phase: 'Completed', errors: [], warnings: [] });
    expect(record.billing.cloudBackupBytes).toBeGreaterThan(0);
    expect(record.volumes).toMatchObject([
      { pvc: 'pictures', method: 'cloudBackup', phase: 'Completed', progress: 1 },
      { pvc: 'scans', method: 'cloudBackup', phase: 'Completed', progress: 1 },
    ]);
    const again = await world.workToEnd(await start(world));
    expect(world.cloudBackup.count('createVault')).toBe(1);
    expect(sourceOf(again, 'scans').hbrVaultId).toBe(sourceOf(record, 'scans').hbrVaultId);
  });

  it('takes a folder that two claims share by one job after the other', async () => {
    seedVolume(world, 'album', nas('/pictures'));
    const record = await world.workToEnd(await start(world));
    expect(record.volumes.map(({ pvc, phase }) => `${pvc} ${phase}`)).toEqual([
      'album Completed',
      'pictures Completed',
      'scans Completed',
    ]);
    const [album, pictures, scans] = record.volumes.map(({ takenAt }) => takenAt);
    expect(scans).toBe(album);
    expect(Date.parse(pictures ?? '')).toBeGreaterThan(Date.parse(album ?? ''));
  });

  it('reads other volumes through the agent on the node that mounts them', async () => {
    seedVolume(world, 'ceph', { cephfs: { monitors: ['192.0.2.1'] } });
    world.cloudBackup.setAgent('c1', 'READY');
    const files = {
      way: 'container',
      cluster: 'c1',
      node: 'node-1',
      podUid: uidOf('Pod', 'pod-ceph'),
      folder: 'kubernetes.io~cephfs/pv-ceph',
      pvUid: uidOf('PersistentVolume', 'pv-ceph'),
      pv: 'pv-ceph',
      namespace: 'shop',
      pvc: 'ceph',
      storageClass: '',
      size: '5Gi',
    } as const;
    world.cloudBackup.write(files, 'ceph bytes');
    const id = await start(world);
    expect((await world.workToEnd(id)).volumes).toMatchObject([
      { pvc: 'ceph', phase: 'Completed' },
      { pvc: 'pictures', phase: 'Completed' },
      { pvc: 'scans', phase: 'Completed' },
    ]);
    expect(sourceOf(await world.record(id), 'ceph').files).toEqual(files);
  });

  it('says so where no agent can read them, and takes the rest', async () => {
    seedVolume(world, 'ceph', { cephfs: { monitors: ['192.0.2.1'] } });
    const record = await world.workToEnd(await start(world));
    expect(record.phase).toBe('Completed');
    expect(record.volumes[0]).toMatchObject({ pvc: 'ceph', method: 'notBackedUp' });
    expect(record.volumes[0]?.reason).toContain('cloud_backup_unavailable');
    expect(record.warnings).toMatchObject([{ code: 'volume_not_backed_up' }]);
  });
});

describe('what stands in the way', () => {
  it.each([
    ['failed', 'Failed', 'HBR backup request failed'],
    ['partial', 'PartiallyFailed', 'PROCESS hbr partially completed'],
  ] as const)(
    'a job that ends %s is told in the words users search for',
    async (state, phase, words) => {
      const id = await start(world);
      world.cloudBackup.failJob({ kind: 'backup', state, message: 'SOURCE_NOT_EXIST' });
      const record = await world.workToEnd(id);
      expect(record.phase).toBe('PartiallyFailed');
      expect(record.volumes.map((v) => v.phase).sort()).toEqual(['Completed', phase].sort());
      expect(record.errors).toHaveLength(1);
      expect(record.errors[0]?.message).toContain(words);
      expect(record.errors[0]?.message).toContain('SOURCE_NOT_EXIST');
    },
  );

  it('a service that is not open fails the volumes, not the objects', async () => {
    world.cloudBackup.activated = false;
    const record = await world.workToEnd(await start(world));
    expect(record.phase).toBe('PartiallyFailed');
    expect(record.errors.map((e) => e.code)).toEqual([
      'cloud_backup_unavailable',
      'cloud_backup_unavailable',
    ]);
  });
});

describe('a worker that dies', () => {
  class Killed extends Error {}

  function killAfter(made: BackupWorld, calls: number, after: boolean): { hits: number } {
    const seen = { hits: 0 };
    const intercept: Intercept = async (_call, proceed) => {
      seen.hits += 1;
      if (seen.hits === calls && after) await proceed();
      if (seen.hits >= calls) throw new Killed();
      await Promise.resolve();
      return await proceed();
    };
    for (const port of [made.records, made.cloudBackup]) port.intercept = intercept;
    return seen;
  }

  /** The vault is there already, so that the first worker comes as far as starting jobs. */
  async function die(calls: number, after: boolean): Promise<boolean> {
    const made = await makeWorld();
    await made.workToEnd(await start(made));
    const before = made.cloudBackup.started('backup');
    const id = await start(made);
    const seen = killAfter(made, calls, after);
    await made.work(id).catch(() => undefined);
    if (seen.hits < calls) return false;
    killAfter(made, Number.POSITIVE_INFINITY, false);
    await made.clock.advance(LEASE_MS + 1);
    const at = `killed ${after ? 'after' : 'before'} call ${calls}`;
    expect(await made.workToEnd(id), at).toMatchObject({ phase: 'Completed', errors: [] });
    expect(made.cloudBackup.started('backup') - before, at).toBe(2);
    return true;
  }

  it.each([false, true])(
    'starts one job per volume, wherever it died (after: %s)',
    async (after) => {
      let calls = 1;
      while (await die(calls, after)) calls += 1;
      expect(calls).toBeGreaterThan(20);
    },
  );
});

it('leaves no point of a backup that is cancelled', async () => {
  await world.workToEnd(await start(world));
  const id = await start(world);
  await world.work(id);
  const record = await world.record(id);
  const { region, hbrVaultId = '', jobId = '' } = sourceOf(record, 'scans');
  expect(jobId).not.toBe('');
  await cancelRun(world, record);
  expect(await world.workToEnd(id)).toMatchObject({ phase: 'Cancelled' });
  expect(await world.cloudBackup.findPoints(region, hbrVaultId, 'nas', [jobId])).toEqual([]);
});
