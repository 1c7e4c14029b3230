/**
 * Volumes survive the death of a worker: backups, restores and deletions are killed after calls to ECS,
 * Cloud Backup and API servers in turn, and the emulators are looked at for what is left over. In
 * `npm test` some calls of each run, others every day; EVERY_KILL=1 tries them all.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { KubeSession, Manifest } from '../../infra/local/kube-session.ts';
import { cancelRun } from '../../shared/app/cancel-run.ts';
import { deleteBackup } from '../../shared/app/delete-backup.ts';
import { startRun } from '../../shared/app/start-run.ts';
import type { BackupRecord } from '../../shared/domain/backup-record.ts';
import { BackupCentreError } from '../../shared/domain/errors.ts';
import type { RestoreRecord, RestoreSpec } from '../../shared/domain/restore-record.ts';
import { sampleBackup, sampleRestore } from '../support/sample-records.ts';
import { isGranted, readRights, rightOf } from './granted-rights.ts';
import { AWAY, HOME, KillWorld } from './kill-world.ts';

/** Kills of each run in `npm test`. */
const SAMPLES = 4;
const DAY_MS = 86_400_000;
const EVERY = process.env.EVERY_KILL === '1';
/** Planned kills that must have happened: of a few, one beyond the end of a shorter run is much. */
const HIT_SHARE_MIN = EVERY ? 0.8 : 0.5;
const TIMEOUT_MS = EVERY ? 3_600_000 : 180_000;

/** A disk, a NAS volume made at once, and one that waits for a pod: a landing pod, then. */
const CLAIMS = ['shop/data', 'media/pictures', 'media/late'] as const;
const SHOP = `
{apiVersion: v1, kind: Namespace, metadata: {name: shop}}
---
{apiVersion: v1, kind: Namespace, metadata: {name: media}}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data, namespace: shop}
spec:
  accessModes: [ReadWriteOnce]
  storageClassName: alicloud-disk-topology-alltype
  resources: {requests: {storage: 20Gi}}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: pictures, namespace: media}
spec:
  accessModes: [ReadWriteMany]
  storageClassName: alibabacloud-cnfs-nas
  resources: {requests: {storage: 20Gi}}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: late, namespace: media}
spec:
  accessModes: [ReadWriteMany]
  storageClassName: late-nas
  resources: {requests: {storage: 20Gi}}
---
${mounting('shop', 'db', ['data'])}
---
${mounting('media', 'gallery', ['pictures', 'late'])}
`;

function mounting(namespace: string, name: string, claims: readonly string[]): string {
  const volumes = claims.map((claimName) => ({
    name: claimName,
    persistentVolumeClaim: { claimName },
  }));
  const labels = { app: name };
  const spec = { containers: [{ name: 'app', image: 'app:1' }], volumes };
  return JSON.stringify({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace },
    spec: { selector: { matchLabels: labels }, template: { metadata: { labels }, spec } },
  });
}

let world: KillWorld;
let runs = 0;

beforeAll(async () => {
  world = await KillWorld.start();
  await addLateClass();
  await world.home.create(SHOP);
  await world.until('the shop lives', async () => {
    const disks = world.storage.ecs.disks();
    const bound = (await objects(world.home, 'api/v1', 'persistentvolumes')).length;
    return bound === CLAIMS.length && disks.every(({ status }) => status === 'In_use');
  });
  for (const claim of CLAIMS) writeFileSync(await fileOf(HOME.id, claim), `bytes of ${claim}`);
});

afterAll(async () => {
  await world.close();
});

describe('a killed worker leaves nothing over', { timeout: TIMEOUT_MS }, () => {
  it('of a backup with volumes, nor of its deletion', async () => {
    const before = await present();
    const backUp = async (killAt?: number) => {
      const backup = await startBackup();
      await playRuns([backup.runId], killAt);
      const record = await readBackup(backup);
      expect(record, why()).toMatchObject({ phase: 'Completed', errors: [], warnings: [] });
      expect(await present(), why()).toEqual([...before, ...DATA_OF_ONE].sort());
      return record;
    };
    const remove = async (record: BackupRecord, killAt?: number) => {
      await deleteBackup(world.services(), record);
      await playRuns([`delete-${record.id}`], killAt);
      expect(await present(), why()).toEqual(before);
    };
    const clean = await backUp();
    const calls = world.calls;
    await remove(clean);
    await eachKill(async (at) => await remove(await backUp(), at));
    world.calls = calls;
    await eachKill(async (at) => {
      const record = await backUp(at);
      const { killedAfter } = world;
      await remove(record);
      world.killedAfter = killedAfter;
    });
  });

  it('of a restore in its region: new disks, files through a pod and without one', async () => {
    const backup = await startBackup();
    await world.workToEnd(backup.runId);
    await everyRestore(backup, HOME.id, { claims: CLAIMS, verify: true });
  });

  it('of a restore in another region, where snapshots are copied first', async () => {
    const backup = await startBackup();
    await world.workToEnd(backup.runId);
    await everyRestore(backup, AWAY.id, { claims: ['shop/data'], verify: false });
  });
});

describe('a run that is cancelled when its worker was killed', { timeout: TIMEOUT_MS }, () => {
  it('leaves nothing of a backup', async () => {
    const before = await present();
    const backUp = async (killAt?: number) => {
      const backup = await startBackup();
      await playRuns([backup.runId], killAt, async () => await cancel(backup));
      const record = await readBackup(backup);
      if (record.phase === 'Completed') {
        await deleteBackup(world.services(), record);
        await world.workToEnd(`delete-${record.id}`);
      } else {
        expect(record, why()).toMatchObject({ phase: 'Cancelled', warnings: [] });
      }
      expect(await present(), why()).toEqual(before);
    };
    await backUp();
    await eachKill(backUp);
  });

  it('leaves nothing of a restore but what it created', async () => {
    const backup = await startBackup();
    await world.workToEnd(backup.runId);
    const before = await present();
    const restore = async (killAt?: number) => {
      const [shop, media] = [`shop-${runs}`, `media-${runs}`];
      const namespaces = ['shop', 'media'];
      const spec = { namespaces, namespaceMapping: { shop, media }, verify: true };
      const asked = await startRestore(backup, HOME.id, spec);
      await playRuns([asked.runId], killAt, async () => await cancel(asked));
      const { phase, warnings } = await readRestore(asked);
      expect(['Cancelled', 'Completed'], why()).toContain(phase);
      expect(warnings, why()).toEqual([]);
      // Claims that no pod will mount keep their snapshot objects for days, unless they go.
      await removeNamespaces(HOME.id, [shop, media]);
      await world.workToEnd(`${asked.runId}-release`);
      await world.until(`nothing is left, ${why()}`, async () => {
        return JSON.stringify(await present()) === JSON.stringify(before);
      });
    };
    await restore();
    await eachKill(restore);
  });
});

/** A run that has just ended has nothing to cancel. */
async function cancel(record: BackupRecord | RestoreRecord): Promise<void> {
  try {
    await cancelRun(world.services(), record);
  } catch (error) {
    if (!(error instanceof BackupCentreError) || error.code !== 'not_cancellable') throw error;
  }
}

describe('all those runs together', () => {
  it('ask an API server for nothing that the manifest of rights does not grant', () => {
    const rights = readRights('infra/kubernetes/rbac.yaml');
    const asked = [...world.asked].map(rightOf);
    expect(asked.filter((right) => !isGranted(rights, right))).toEqual([]);
    // Of the rights that name kinds, those that these runs had to use.
    const verbs = new Set(asked.map(({ verb, resource }) => `${verb} ${resource}`));
    for (const used of ['pods', 'volumesnapshots', 'volumesnapshotcontents']) {
      expect(verbs).toContain(`delete ${used}`);
    }
  });
});

/** What one backup keeps of the three claims. */
const DATA_OF_ONE = ['point', 'point', 'snapshot'];

/** Restores into new namespaces, killed after one call after another, and removed again. */
async function everyRestore(
  backup: BackupRecord,
  cluster: string,
  { claims, verify }: { readonly claims: readonly string[]; readonly verify: boolean },
): Promise<void> {
  const namespaces = [...new Set(claims.map((claim) => claim.split('/')[0] ?? ''))];
  const before = await present();
  const restore = async (killAt?: number) => {
    const suffix = `-${runs}`;
    const namespaceMapping = Object.fromEntries(namespaces.map((n) => [n, n + suffix]));
    const spec = { namespaces, namespaceMapping, verify };
    const asked = await startRestore(backup, cluster, spec);
    await playRuns([asked.runId, `${asked.runId}-release`], killAt);
    const record = await readRestore(asked);
    expect(record, why()).toMatchObject({ phase: 'Completed', errors: [], warnings: [] });
    const phases = record.volumes.map(({ phase }) => phase);
    expect(phases, why()).toEqual(claims.map(() => 'Completed'));
    for (const claim of claims) {
      const file = await fileOf(cluster, claim.replace('/', `${suffix}/`));
      expect(readFileSync(file, 'utf8'), why()).toBe(`bytes of ${claim}`);
    }
    const volumes = claims.map(() => 'volume Bound');
    expect(await present(), why()).toEqual([...before, ...volumes].sort());
    await removeNamespaces(cluster, Object.values(namespaceMapping));
    await world.until('the copy is gone', async () => {
      return JSON.stringify(await present()) === JSON.stringify(before);
    });
  };
  await restore();
  await eachKill(restore);
}

/** Works on runs to their end, one after the other, with a kill after that call on the way. */
async function playRuns(
  runIds: readonly string[],
  killAt?: number,
  then?: () => Promise<void>,
): Promise<void> {
  world.kill(killAt, then);
  for (const runId of runIds) await world.workToEnd(runId);
}

/** Plays with a kill after one call after another of the run that was just played without. */
async function eachKill(play: (killAt: number) => Promise<void>): Promise<void> {
  const step = EVERY ? 1 : Math.ceil(world.calls.length / SAMPLES);
  const offset = Math.floor(Date.now() / DAY_MS) % step;
  const numbers = world.calls.map((_call, index) => index + 1);
  const chosen = numbers.filter((n) => n % step === offset);
  let hits = 0;
  for (const at of chosen) {
    await play(at);
    if (world.killedAfter !== undefined) hits += 1;
  }
  // A run waits now once, now twice: the last calls of one may be more than another has.
  expect(hits).toBeGreaterThanOrEqual(chosen.length * HIT_SHARE_MIN);
}

/** What a failed expectation shows. */
function why(): string {
  return world.killedAfter === undefined ? 'not killed' : `killed after ${world.killedAfter}`;
}

async function startBackup(): Promise<BackupRecord> {
  runs += 1;
  const name = `b-${runs}`;
  const createdAtMs = world.clock.now();
  const record = sampleBackup({
    id: `bk-${8_000_000_000_000 - runs}-00`,
    runId: `run-b-${runs}`,
    cluster: HOME.id,
    createdAtMs,
    expiresAtMs: createdAtMs + 30 * DAY_MS,
  });
  const namespaces = ['shop', 'media'];
  const spec = { ...record.spec, name, namespaces, volumeBackup: true };
  await startRun(world.services(), {
    id: record.runId,
    kind: 'backup',
    cluster: HOME.id,
    network: 'public',
    recordId: record.id,
    vaultIdentity: record.vaultIdentity,
    requestHash: '',
    claim: { location: 'kill', name },
    record: { ...record, spec },
  });
  return { ...record, spec };
}

async function readBackup({ cluster, id }: BackupRecord): Promise<BackupRecord> {
  const row = await world.services().records.get('backups', [cluster, id]);
  if (row === undefined) throw new Error(`No record ${id}`);
  return row.value;
}

async function startRestore(
  backup: BackupRecord,
  cluster: string,
  spec: Partial<RestoreSpec>,
): Promise<RestoreRecord> {
  runs += 1;
  const id = `rs-${8_000_000_000_000 - runs}-00`;
  const given = { id, runId: `run-r-${runs}`, cluster, createdAtMs: world.clock.now() };
  const record = sampleRestore(backup, given, { name: `r-${runs}`, ...spec });
  await startRun(world.services(), {
    id: record.runId,
    kind: 'restore',
    cluster,
    network: 'public',
    recordId: id,
    vaultIdentity: record.vaultIdentity,
    requestHash: '',
    claim: { location: `restores:${cluster}`, name: record.spec.name },
    record,
  });
  return record;
}

async function readRestore({ cluster, id }: RestoreRecord): Promise<RestoreRecord> {
  const row = await world.services().records.get('restores', [cluster, id]);
  if (row === undefined) throw new Error(`No record ${id}`);
  return row.value;
}

async function removeNamespaces(cluster: string, namespaces: readonly string[]): Promise<void> {
  const kube = cluster === HOME.id ? world.home : world.away;
  for (const name of namespaces) await kube.call('DELETE', `/api/v1/namespaces/${name}`);
}

/** All that volumes and their data consist of, also what a run must not leave behind. */
async function present(): Promise<readonly string[]> {
  const { ecs, hbr } = world.storage;
  const found: string[] = [];
  const named = new Set<unknown>();
  for (const kube of [world.home, world.away]) {
    for (const { spec, status } of await objects(kube, 'api/v1', 'persistentvolumes')) {
      named.add((spec as { csi?: { volumeHandle?: string } }).csi?.volumeHandle);
      found.push(`volume ${(status as { phase: string }).phase}`);
    }
    const pods = await objects(kube, 'api/v1', 'pods');
    const ours = pods.filter(({ metadata }) => metadata.name.startsWith('bc-'));
    for (const plural of ['volumesnapshots', 'volumesnapshotcontents']) {
      ours.push(...(await objects(kube, 'apis/snapshot.storage.k8s.io/v1', plural)));
    }
    found.push(...ours.map(({ kind, metadata }) => `${kind} ${metadata.name}`));
  }
  const loose = ecs.disks().filter(({ diskId }) => !named.has(diskId));
  found.push(...loose.map(({ diskId }) => `loose disk ${diskId}`));
  found.push(...ecs.snapshots().map(() => 'snapshot'));
  found.push(...hbr.snapshots().map(() => 'point'));
  const jobs = [...hbr.jobs(), ...hbr.restores()].filter(({ status }) => status === 'RUNNING');
  return [...found, ...jobs.map(({ id }) => `running job ${id}`)].sort();
}

async function objects(kube: KubeSession, root: string, plural: string): Promise<Manifest[]> {
  const { status, body } = await kube.call('GET', `/${root}/${plural}`);
  expect(status, plural).toBe(200);
  return body.items as Manifest[];
}

async function addLateClass(): Promise<void> {
  const root = '/apis/storage.k8s.io/v1/storageclasses';
  const { body } = await world.home.call('GET', `${root}/alibabacloud-cnfs-nas`);
  const { metadata: _named, ...rest } = body;
  const late = { ...rest, metadata: { name: 'late-nas' } };
  const volumeBindingMode = 'WaitForFirstConsumer';
  await world.home.call('POST', root, { ...late, volumeBindingMode });
}

/** The file of a claim's volume. */
async function fileOf(cluster: string, claim: string): Promise<string> {
  const [namespace, name] = claim.split('/');
  const kube = cluster === HOME.id ? world.home : world.away;
  const path = `/api/v1/namespaces/${namespace}/persistentvolumeclaims/${name}`;
  const { spec } = (await kube.call('GET', path)).body as { spec?: { volumeName?: string } };
  const folder = await world.storage.volumeDirectory(cluster, spec?.volumeName ?? '');
  if (folder === undefined) throw new Error(`Claim ${claim} of ${cluster} has no volume`);
  return join(folder, 'file');
}
