/**
 * The life of a plan on the whole local stack with a fast clock: it runs, is paused, edited, skipped once,
 * runs again and is deleted; its backups expire, and ECS and OSS are asked for what is left of them.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import OSS from 'ali-oss';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { callSdk } from '../../infra/emulators/acs-signature/sdk-client.ts';
import { KubeSession, until } from '../../infra/local/kube-session.ts';
import { type ApiReply, ApiSession } from '../../infra/local/story-steps.ts';
import { planRunName } from '../../shared/domain/plan.ts';
import { type StackProcess, startStackProcess } from './local-stack.ts';

const BUCKET = 'cnfs-oss-plan-life';
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
/** Beyond a due time, so that the clocks of two processes need not agree to the millisecond. */
const MARGIN_MS = 1_000;
const APPLICATION = `
apiVersion: v1
kind: Namespace
metadata: { name: shop }
---
apiVersion: v1
kind: Namespace
metadata: { name: tools }
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: { name: data, namespace: shop }
spec:
  accessModes: [ReadWriteOnce]
  storageClassName: alicloud-disk-topology-alltype
  resources: { requests: { storage: 20Gi } }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: web, namespace: shop, labels: { app: web } }
spec:
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec:
      containers:
        - { name: web, image: "nginx:1.27", volumeMounts: [{ name: data, mountPath: /data }] }
      volumes:
        - { name: data, persistentVolumeClaim: { claimName: data } }
`;

let stateDir: string;
let stack: StackProcess;
let api: ApiSession;
let kube: KubeSession;
let oss: OSS;
/** `/v1/clusters/<id>` */
let cluster: string;
/** How far the stack's clock is before the machine's. */
let aheadMs = 0;

beforeAll(async () => {
  stateDir = mkdtempSync(join(tmpdir(), 'backup-centre-plan-'));
  stack = await startStackProcess(stateDir, '--clusters', '1');
  const { accessKeyId, accessKeySecret, endpoints, region, clusters } = stack.description;
  const settings = { accessKeyId, accessKeySecret, endpoint: endpoints.oss, sldEnable: true };
  oss = new OSS({ ...settings, bucket: BUCKET });
  await oss.putBucket(BUCKET);
  api = new ApiSession(stack.description);
  const [home] = clusters;
  cluster = `/v1/clusters/${home?.id ?? ''}`;
  kube = new KubeSession(home?.kubeconfig ?? '');
  const vault = { name: 'vault', bucketRegion: region, bucketName: BUCKET, visibility: 'owner' };
  await api.call('POST', '/v1/vaults', vault);
  await api.call('POST', '/v1/clusters', { id: home?.id });
  await kube.discover();
  await kube.create(APPLICATION);
  await until('the shop runs and its disk hangs on a node', async () => {
    const web = await kube.call('GET', '/apis/apps/v1/namespaces/shop/deployments/web');
    const { readyReplicas } = (web.body.status ?? {}) as { readyReplicas?: number };
    const disks = await ecsList('DescribeDisks', 'Disk');
    return readyReplicas === 1 && disks.length === 1 && disks[0]?.Status === 'In_use';
  });
});

afterAll(async () => {
  await kube.close();
  await stack.stop();
  rmSync(stateDir, { recursive: true, force: true });
});

it('runs, is paused, edited, skipped once, runs again; its backups expire without a trace', async () => {
  const made = await api.call('POST', `${cluster}/plans`, {
    name: 'nightly',
    vault: 'vault',
    namespaces: ['shop'],
    volumeBackup: true,
    retentionDays: 1,
    schedule: { cron: '0 * * * *' },
  });
  const first = await runAt(firstDue(made));
  expect(first).toMatchObject({ namespacesResolved: ['shop'], plan: 'nightly', expired: false });
  expect(await runNames()).toEqual([first.name]);
  expect(await ecsList('DescribeSnapshots', 'Snapshot')).toHaveLength(1);

  const coming = firstDue(await plan());
  expect(await change({ paused: true })).toMatchObject({ paused: true, nextRuns: [] });
  await advanceTo(coming);
  expect(await runNames()).toEqual([first.name]);

  const schedule = { cron: '30 * * * *', timeZone: 'UTC' };
  await change({ schedule, namespaces: ['shop', 'tools'] });
  const resumed = await change({ paused: false });
  const skipped = firstDue(resumed);
  expect(skipped % HOUR_MS).toBe(30 * MINUTE_MS);
  const skipping = await change({ skipNextRun: true });
  expect(firstDue(skipping)).toBe(skipped + HOUR_MS);
  await advanceTo(skipped);
  expect(await plan()).toMatchObject({
    schedule,
    skipNextRun: false,
    lastSkipped: { at: new Date(skipped).toISOString(), reason: 'skip_next_run' },
    lastRun: { name: first.name, phase: 'Completed' },
  });
  expect(await runNames()).toEqual([first.name]);

  const second = await runAt(skipped + HOUR_MS);
  expect(second).toMatchObject({ namespacesResolved: ['shop', 'tools'], restorable: true });
  const names = [second.name, first.name];
  expect(await runNames()).toEqual(names);
  expect(await ecsList('DescribeSnapshots', 'Snapshot')).toHaveLength(2);
  expect(await plan()).toMatchObject({ lastRun: { name: second.name, phase: 'Completed' } });

  await api.call('DELETE', `${cluster}/plans/nightly`);
  await expect(plan()).rejects.toThrow(': 404 ');
  for (const { name, id } of [first, second]) {
    expect(await backup(name)).toMatchObject({ id, phase: 'Completed', restorable: true });
    expect(await objectsOf(name)).toContain(`backups/${String(name)}/${String(name)}.tar.gz`);
  }

  await advanceTo(Date.parse(String(second.expiresAt)));
  const gone = { expired: true, restorable: false, reason: 'backup_expired' };
  for (const name of names) {
    expect(await backup(name)).toMatchObject(gone);
    const restore = { name: 'too-late', vault: 'vault', backup: name };
    await expect(api.call('POST', `${cluster}/restores`, restore)).rejects.toThrow(
      'backup_expired',
    );
  }
  // ECS drops snapshots at the end of their own retention too, so only the files tell of the deletion.
  await until('OSS and ECS hold nothing of the backups', async () => {
    const objects = (await Promise.all(names.map(objectsOf))).flat();
    return objects.length + (await ecsList('DescribeSnapshots', 'Snapshot')).length === 0;
  });
  expect(await temporary()).toEqual([]);

  await advanceTo(stackNow() + 29 * DAY_MS);
  for (const name of names) expect(await backup(name)).toMatchObject(gone);
  expect(await runNames()).toEqual(names);
  await advanceTo(stackNow() + 2 * DAY_MS);
  for (const name of names) await expect(backup(name)).rejects.toThrow(': 404 ');
  expect(await runNames()).toEqual([]);

  const order = { vault: 'vault', namespaces: ['shop'], volumeBackup: false };
  const refusals = { nightly: /: 409 .*name_taken/, [String(first.name)]: /: 422 .*reserved_name/ };
  for (const [name, refusal] of Object.entries(refusals)) {
    const again = api.call('POST', `${cluster}/backups`, { ...order, name });
    await expect(again).rejects.toThrow(refusal);
  }
  const planned = { ...order, name: 'nightly', schedule: { every: '1d' } };
  const again = api.call('POST', `${cluster}/plans`, planned);
  await expect(again).rejects.toThrow(/: 409 .*name_taken/);
});

function stackNow(): number {
  return Date.now() + aheadMs;
}

/** Moves the stack's clock to just after that time; timers due by then have run. */
async function advanceTo(atMs: number): Promise<void> {
  const ms = Math.max(0, atMs + MARGIN_MS - stackNow());
  await stack.advance(ms);
  aheadMs += ms;
}

/** The run of a due time, which makes it come: named after it, and Completed with a snapshot. */
async function runAt(dueMs: number): Promise<ApiReply> {
  await advanceTo(dueMs);
  const name = planRunName('nightly', dueMs);
  const record = await api.finished(`${cluster}/backups/${name}`);
  expect(record).toMatchObject({
    name,
    phase: 'Completed',
    errors: [],
    volumes: [{ phase: 'Completed', method: 'ecsSnapshot' }],
  });
  const snapshots = await ecsList('DescribeSnapshots', 'Snapshot');
  const [volume] = record.volumes as readonly ApiReply[];
  expect(snapshots.map(({ SnapshotId }) => SnapshotId)).toContain(volume?.resourceId);
  return record;
}

async function plan(): Promise<ApiReply> {
  return await api.call('GET', `${cluster}/plans/nightly`);
}

async function change(fields: object): Promise<ApiReply> {
  return await api.call('PATCH', `${cluster}/plans/nightly`, fields);
}

function firstDue({ nextRuns }: ApiReply): number {
  return Date.parse(String((nextRuns as readonly string[])[0]));
}

async function backup(name: unknown): Promise<ApiReply> {
  return await api.call('GET', `${cluster}/backups/${String(name)}`);
}

/** Names of the cluster's backups, newest first. */
async function runNames(): Promise<readonly unknown[]> {
  const { items } = await api.call('GET', `${cluster}/backups`);
  return (items as readonly ApiReply[]).map(({ name }) => name);
}

async function objectsOf(name: unknown): Promise<readonly string[]> {
  const query = { prefix: `backups/${String(name)}/`, 'max-keys': '100' };
  const { objects } = await oss.listV2(query, {});
  return (objects ?? []).map((object) => object.name);
}

/** All disks or snapshots of the region, as ECS lists them to the vendor's client. */
async function ecsList(action: string, of: 'Disk' | 'Snapshot'): Promise<readonly ApiReply[]> {
  const { accessKeyId, accessKeySecret, endpoints, region } = stack.description;
  const { body } = await callSdk(
    { url: endpoints.ecs, accessKeyId, accessKeySecret },
    { action, version: '2014-05-26', style: 'RPC', query: { RegionId: region } },
  );
  return ((body as Record<string, ApiReply>)[`${of}s`]?.[of] ?? []) as readonly ApiReply[];
}

/** What a run must not leave behind in the cluster. */
async function temporary(): Promise<readonly string[]> {
  const found = [...(await kube.readAll())].filter(
    ([, { kind, metadata }]) =>
      kind === 'VolumeSnapshot' ||
      kind === 'VolumeSnapshotContent' ||
      (kind === 'Pod' && metadata.name.startsWith('bc-')),
  );
  return found.map(([key]) => key);
}
