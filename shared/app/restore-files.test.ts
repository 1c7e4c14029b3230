import { beforeEach, describe, expect, it } from 'vitest';
import { apiResource } from '../../test/support/api-resources.ts';
import { InMemoryCloudBackup } from '../../test/support/in-memory-cloud-backup.ts';
import {
  LATE_CLASS,
  landingWorld,
  NAS_CLASS,
  newNasPlace,
  type PlayedCluster,
  playCluster,
  seedNasClaim,
  seedNodeClaim,
} from '../../test/support/landing-samples.ts';
import { sampleObject } from '../../test/support/restore-samples.ts';
import type { RestoreWorld } from '../../test/support/restore-world.ts';
import type { BackupRecord } from '../domain/backup-record.ts';
import { isJsonObject, type JsonObject, textAt } from '../domain/json.ts';
import type { RestoreRecord } from '../domain/restore-record.ts';
import type { CloudFiles } from '../domain/volume-backup.ts';
import { cancelRun } from './cancel-run.ts';

let world: RestoreWorld;
let played: PlayedCluster;

beforeEach(async () => {
  world = await landingWorld();
  played = playCluster(world.target);
});

async function backUp(): Promise<BackupRecord> {
  const backup = await world.backups.backUp({ volumeBackup: true });
  expect(backup.volumes.map(({ phase }) => phase)).not.toContain('Failed');
  return backup;
}

/** `<claim> <phase> <reason>` of each row. */
function rows(record: RestoreRecord): readonly string[] {
  return record.volumes.map(({ pvc, phase, reason }) => `${pvc} ${phase} ${reason}`);
}

function uidOf(claim: string): string | undefined {
  return textAt(world.target.peek('persistentvolumeclaims', 'shop', claim), 'metadata', 'uid');
}

function pods(): readonly string[] {
  return Object.keys(world.target.dump()).filter((key) => key.startsWith('pods/'));
}

describe('files that Cloud Backup took from NAS', () => {
  it('land in a new volume before the workload is created, without a pod', async () => {
    seedNasClaim(world, 'shop/pics', 'cats');
    const backup = await backUp();
    const created: string[] = [];
    world.onCreate((_body, subject) => {
      const landed = world.backups.cloudBackup.contentOf(newNasPlace('shop/pics'));
      created.push(`${subject} ${landed ?? '-'}`);
    });
    const record = await world.restore(backup);
    expect(record.errors).toEqual([]);
    expect(record.phase).toBe('Completed');
    const point = backup.volumes[0]?.resourceId;
    expect(rows(record)).toEqual([
      `pics Completed files of Cloud Backup point ${point} are in a new volume`,
    ]);
    expect(record.volumes[0]).toMatchObject({ namespace: 'shop', resourceId: point, progress: 1 });
    expect(await world.outcome(record)).toEqual([
      'namespaces shop created',
      'persistentvolumeclaims shop/pics created',
      'persistentvolumes pv-pics omitted restored_from_cloud_backup',
      'pods shop/pod-pics created',
    ]);
    expect(created).toEqual([
      'namespaces shop -',
      'persistentvolumeclaims shop/pics -',
      'pods shop/pod-pics cats',
    ]);
    expect(world.target.peek('persistentvolumeclaims', 'shop', 'pics')?.spec).toEqual({
      accessModes: ['ReadWriteMany'],
      resources: { requests: { storage: '20Gi' } },
      storageClassName: NAS_CLASS,
      volumeName: 'new-shop-pics',
    });
    expect(pods()).toEqual(['pods/shop/pod-pics']);
    expect(world.backups.cloudBackup.started('restore')).toBe(1);
  });

  it('land in the file system that a CNFS class stands for', async () => {
    seedNasClaim(world, 'shop/pics', 'cats');
    const backup = await backUp();
    const kind = 'ContainerNetworkFileSystem';
    const name = 'containernetworkfilesystems.storage.alibabacloud.com';
    world.target.serve(apiResource(name, kind, { namespaced: false, version: 'v1beta1' }));
    world.target.seed({
      apiVersion: 'storage.alibabacloud.com/v1beta1',
      kind,
      metadata: { name: 'cnfs' },
      status: { fsAttributes: { filesystemId: 'fscnfs' } },
    });
    played.attributes = { containerNetworkFileSystem: 'cnfs' };
    const record = await world.restore(backup);
    expect(record.errors).toEqual([]);
    const files: CloudFiles = { way: 'nas', fileSystemId: 'fscnfs', path: '/new-shop-pics' };
    expect(world.backups.cloudBackup.contentOf(files)).toBe('cats');
  });

  it('do not come where no volume is made within 15 minutes', async () => {
    seedNasClaim(world, 'shop/pics', 'cats');
    const backup = await backUp();
    played.provisions = false;
    const record = await world.restore(backup);
    expect(record.errors.map(({ code }) => code)).toEqual(['temporary_volume_timeout']);
    expect(record.errors[0]?.message).toContain('the claim is Pending');
    expect(uidOf('pics')).toBeUndefined();
  });

  it('do not come where the new volume does not tell its file system', async () => {
    seedNasClaim(world, 'shop/pics', 'cats');
    const backup = await backUp();
    played.attributes = { server: 'nfs.example.com' };
    const record = await world.restore(backup);
    expect(record.errors.map(({ code }) => code)).toEqual(['conversion_not_allowed']);
    expect(record.errors[0]?.message).toContain('does not tell its NAS file system');
    expect(uidOf('pics')).toBeUndefined();
  });

  it('are not written to a claim that was there before', async () => {
    seedNasClaim(world, 'shop/pics', 'cats');
    const backup = await backUp();
    world.target.seed(sampleObject('Namespace', 'shop'));
    const spec = { storageClassName: NAS_CLASS };
    world.target.seed(sampleObject('PersistentVolumeClaim', 'shop/pics', { spec }));
    const before = uidOf('pics');
    const record = await world.restore(backup);
    expect(record.phase).toBe('Completed');
    expect(rows(record)).toEqual(['pics Skipped exists: the claim was left as it is']);
    expect(world.backups.cloudBackup.started('restore')).toBe(0);
    expect(uidOf('pics')).toBe(before);
  });
});

/** Two claims of one pod whose files are read on a node, and the agent that writes them. */
async function nodeClaims(): Promise<BackupRecord> {
  seedNodeClaim(world, 'shop/data', 'rows');
  seedNodeClaim(world, 'shop/wal', 'log');
  const volumes = ['data', 'wal'].map((claimName) => ({
    name: claimName,
    persistentVolumeClaim: { claimName },
  }));
  const tolerations = [{ key: 'db', operator: 'Exists' }];
  const spec = { nodeSelector: { disk: 'fast' }, tolerations, volumes };
  world.seed(sampleObject('StatefulSet', 'shop/db', { spec: { template: { spec } } }));
  world.backups.cloudBackup.setAgent('c2', 'READY');
  return await backUp();
}

/** The bodies of the pods that a restore asks for to land files. */
function seeLandingPods(): JsonObject[] {
  const seen: JsonObject[] = [];
  world.onCreate((body, subject) => {
    const parsed: unknown = JSON.parse(body);
    if (subject.includes('bc-landing-') && isJsonObject(parsed)) seen.push(parsed);
  });
  return seen;
}

/** Where the files of restore jobs go, in the order of the jobs. */
function seeTargets(): CloudFiles[] {
  const seen: CloudFiles[] = [];
  const { cloudBackup } = world.backups;
  const start = cloudBackup.startRestore.bind(cloudBackup);
  cloudBackup.startRestore = async (request) => {
    seen.push(request.files);
    return await start(request);
  };
  return seen;
}

describe('files that Cloud Backup took on a node', () => {
  it('are written on the node of one short-lived pod for the claims of one pod', async () => {
    const backup = await nodeClaims();
    const landingPods = seeLandingPods();
    const targets = seeTargets();
    const record = await world.restore(backup);
    expect(record.errors).toEqual([]);
    expect(record.phase).toBe('Completed');
    expect(rows(record).map((row) => row.split(' ').slice(0, 2).join(' '))).toEqual([
      'data Completed',
      'wal Completed',
    ]);
    const landed = targets.map((files) => [
      files.way === 'container' ? `${files.cluster} ${files.pv}` : files.way,
      world.backups.cloudBackup.contentOf(files),
    ]);
    expect(Object.fromEntries(landed)).toEqual({
      'c2 new-shop-data': 'rows',
      'c2 new-shop-wal': 'log',
    });
    expect(landingPods).toHaveLength(1);
    expect(landingPods[0]?.spec).toMatchObject({
      nodeSelector: { disk: 'fast' },
      tolerations: [{ key: 'db', operator: 'Exists' }],
      securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
      volumes: [
        { persistentVolumeClaim: { claimName: 'data' } },
        { persistentVolumeClaim: { claimName: 'wal' } },
      ],
    });
    expect(pods()).toEqual(['pods/shop/pod-data', 'pods/shop/pod-wal']);
  });

  it('that do not come keep a StatefulSet out which would make their claim anew, empty', async () => {
    const set = (name: string, replicas: number) => {
      const volumeClaimTemplates = [{ metadata: { name: 'data' } }];
      const spec = { replicas, volumeClaimTemplates, template: { spec: {} } };
      return sampleObject('StatefulSet', `shop/${name}`, { spec });
    };
    world.seed(set('db', 2));
    world.seed(set('small', 1));
    seedNodeClaim(world, 'shop/data-db-1', 'rows');
    seedNodeClaim(world, 'shop/data-small-1', 'of a time with two replicas');
    const record = await world.restore(await backUp());
    expect(record.phase).toBe('PartiallyFailed');
    const outcome = await world.outcome(record);
    expect(outcome.filter((line) => line.startsWith('statefulsets'))).toEqual([
      'statefulsets.apps shop/db failed claim_not_restored',
      'statefulsets.apps shop/small created',
    ]);
    const error = record.errors.find(({ object }) => object?.kind === 'StatefulSet');
    expect(error?.message).toContain('would make claim data-db-1 anew, empty');
  });

  it('are written one volume after the other on a node', async () => {
    const backup = await nodeClaims();
    const running: number[] = [];
    const { cloudBackup } = world.backups;
    const start = cloudBackup.startRestore.bind(cloudBackup);
    const ids: string[] = [];
    cloudBackup.startRestore = async (request) => {
      const { region, vaultId } = request;
      const jobs = await cloudBackup.describeRestores(region, vaultId, 'container', ids);
      running.push(jobs.filter(({ state }) => state === 'running').length);
      ids.push(await start(request));
      return ids[ids.length - 1] ?? '';
    };
    await world.restore(backup);
    expect(running).toEqual([0, 0]);
  });

  it('need the client of Cloud Backup in the target: else the claim is refused, the rest goes on', async () => {
    seedNasClaim(world, 'shop/pics', 'cats');
    const backup = await nodeClaims();
    world.backups.cloudBackup.setAgent('c2', 'MISS');
    const record = await world.restore(backup);
    expect(record.phase).toBe('PartiallyFailed');
    expect(rows(record)).toEqual([
      expect.stringMatching(/^data Failed cloud_backup_unavailable: .*its client is MISS$/),
      expect.stringMatching(/^pics Completed/),
      expect.stringMatching(/^wal Failed cloud_backup_unavailable/),
    ]);
    expect(record.errors[0]).toMatchObject({ code: 'cloud_backup_unavailable' });
    expect(record.errors[0]?.hint).toContain('Cloud Backup');
    expect(world.target.peek('persistentvolumeclaims', 'shop', 'data')).toBeUndefined();
    expect(world.backups.cloudBackup.contentOf(newNasPlace('shop/pics'))).toBe('cats');
  });

  it('do not come where the pod does not run within 15 minutes, and nothing is left of them', async () => {
    const backup = await nodeClaims();
    played.runs = false;
    const record = await world.restore(backup);
    expect(record.phase).toBe('PartiallyFailed');
    expect(record.errors.map(({ code }) => code)).toEqual(
      Array(2).fill('temporary_volume_timeout'),
    );
    expect(record.errors[0]?.message).toContain('create cluster resources timeout');
    expect(await world.outcome(record)).toContain(
      'persistentvolumeclaims shop/data failed temporary_volume_timeout',
    );
    expect(world.target.peek('persistentvolumeclaims', 'shop', 'data')).toBeUndefined();
    expect(pods()).not.toContainEqual(expect.stringContaining('bc-landing'));
    expect(world.backups.cloudBackup.started('restore')).toBe(0);
  });

  it('do not come where the pod was put on a virtual node', async () => {
    const backup = await nodeClaims();
    const labels = { type: 'virtual-kubelet' };
    world.target.seed(sampleObject('Node', 'node-1', {}, { labels }));
    const record = await world.restore(backup);
    expect(record.errors.map(({ code }) => code)).toEqual(
      Array(2).fill('cloud_backup_unavailable'),
    );
    expect(record.errors[0]?.message).toContain('virtual node node-1');
    expect(pods()).not.toContainEqual(expect.stringContaining('bc-landing'));
  });

  it('come into a class of NAS where the restore converts them, and the list says so', async () => {
    const backup = await nodeClaims();
    const storageClassConversion = [{ pvc: 'data', to: NAS_CLASS }];
    const targets = seeTargets();
    const record = await world.restore(backup, {
      storageClassConversion,
      namespaceMapping: { shop: 'copy' },
    });
    expect(record.phase).toBe('Completed');
    const claim = world.target.peek('persistentvolumeclaims', 'copy', 'data');
    expect(claim?.spec).toMatchObject({ storageClassName: NAS_CLASS });
    const line = (await world.items(record)).find(({ name }) => name === 'data');
    expect(line).toMatchObject({ namespace: 'copy', action: 'created' });
    expect(line?.changes).toContain(`storageClassName: ${LATE_CLASS} becomes ${NAS_CLASS}`);
    expect(targets).toHaveLength(2);
    expect(record.volumes.map(({ namespace }) => namespace)).toEqual(['copy', 'copy']);
  });
});

describe('a restore job', () => {
  it('that fails leaves no claim behind, and the rest is restored', async () => {
    seedNasClaim(world, 'shop/pics', 'cats');
    seedNasClaim(world, 'shop/toys', 'balls');
    const backup = await backUp();
    world.backups.cloudBackup.failJob({ kind: 'restore', state: 'failed', message: 'DiskFull' });
    const record = await world.restore(backup);
    expect(record.phase).toBe('PartiallyFailed');
    expect(rows(record)).toEqual([
      'pics Failed cloud_refused: HBR restore job r-1 ended failed: DiskFull',
      expect.stringMatching(/^toys Completed/),
    ]);
    expect(record.errors.map(({ message }) => message)).toEqual([
      'Cannot restore the files of claim shop/pics: HBR restore request failed: HBR restore job r-1 ended failed: DiskFull',
    ]);
    expect(record.counts).toMatchObject({ failed: 1 });
    expect(await world.outcome(record)).toContain(
      'persistentvolumeclaims shop/pics failed cloud_refused',
    );
    expect(world.target.peek('persistentvolumeclaims', 'shop', 'pics')).toBeUndefined();
    expect(world.target.peek('persistentvolumeclaims', 'shop', 'toys')).toBeDefined();
  });

  it('that fails where the class keeps volumes leaves the volume, and names it', async () => {
    seedNasClaim(world, 'shop/pics', 'cats');
    const backup = await backUp();
    played.reclaimPolicy = 'Retain';
    world.backups.cloudBackup.failJob({ kind: 'restore', state: 'failed', message: 'DiskFull' });
    const record = await world.restore(backup);
    expect(record.phase).toBe('PartiallyFailed');
    expect(record.warnings).toMatchObject([
      { code: 'volume_left', object: { kind: 'PersistentVolume', name: 'new-shop-pics' } },
    ]);
    expect(world.target.peek('persistentvolumeclaims', 'shop', 'pics')).toBeUndefined();
    expect(world.target.peek('persistentvolumes', undefined, 'new-shop-pics')).toBeDefined();
  });

  it('that is cancelled where the class keeps volumes names the volume too', async () => {
    world.backups.cloudBackup = new InMemoryCloudBackup(world.backups.clock, { jobMs: 3_600_000 });
    seedNasClaim(world, 'shop/pics', 'cats');
    const id = await world.backups.start({ volumeBackup: true });
    const backup = await world.backups.workToEnd(id);
    played.reclaimPolicy = 'Retain';
    const restore = await world.start(backup);
    expect(await world.workUntilWait(restore)).toBe('waiting');
    await cancelRun(world.backups, await world.record(restore));
    const record = await world.workToEnd(restore);
    expect(record.phase).toBe('Cancelled');
    expect(record.warnings.map(({ code, object }) => [code, object?.name])).toEqual([
      ['volume_left', 'new-shop-pics'],
    ]);
  });

  it('that writes in part leaves what it wrote, and says so', async () => {
    seedNasClaim(world, 'shop/pics', 'cats');
    const backup = await backUp();
    world.backups.cloudBackup.failJob({ kind: 'restore', state: 'partial', message: '2 files' });
    const record = await world.restore(backup);
    expect(record.phase).toBe('PartiallyFailed');
    expect(rows(record)).toEqual([
      expect.stringMatching(
        /^pics PartiallyFailed cloud_refused: .*could not write every file: 2 files$/,
      ),
    ]);
    expect(await world.outcome(record)).toContain('persistentvolumeclaims shop/pics created');
  });

  it('is not asked for in a dry run, which says what would be done', async () => {
    seedNasClaim(world, 'shop/pics', 'cats');
    const backup = await backUp();
    const before = world.target.dump();
    const record = await world.restore(backup, { dryRun: true });
    expect(record.phase).toBe('Completed');
    expect(rows(record)).toEqual([
      expect.stringMatching(/^pics Pending files of Cloud Backup point .* into a new volume/),
    ]);
    expect(await world.outcome(record)).toContain(
      'persistentvolumes pv-pics omit restored_from_cloud_backup',
    );
    expect(world.target.dump()).toEqual(before);
    expect(world.backups.cloudBackup.started('restore')).toBe(0);
  });

  it('of a vault that is gone fails its volume', async () => {
    seedNasClaim(world, 'shop/pics', 'cats');
    const backup = await backUp();
    const [source] = backup.volumes.flatMap(({ source: found }) => found ?? []);
    world.backups.cloudBackup.dropVault(source?.kind === 'files' ? (source.hbrVaultId ?? '') : '');
    const record = await world.restore(backup);
    expect(record.errors.map(({ code }) => code)).toEqual(['hbr_vault_missing']);
    expect(record.errors[0]?.hint).toBeDefined();
    expect(world.target.peek('persistentvolumeclaims', 'shop', 'pics')).toBeUndefined();
  });
});
