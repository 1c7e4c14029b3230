/** Everything a backup run needs, in memory: one vault, one cluster, and the runner to work on it. */
import { gunzipSync } from 'node:zlib';
import { openBackup } from '../../shared/app/backup-services.ts';
import { backupWorkflow } from '../../shared/app/run-backup.ts';
import { startRun } from '../../shared/app/start-run.ts';
import {
  type InvocationResult,
  type RunnerServices,
  workOnRun,
} from '../../shared/app/step-runner.ts';
import { verifyWorkflow } from '../../shared/app/verify-backup.ts';
import type { ApiResource } from '../../shared/domain/api-resource.ts';
import { type BackupRecord, type BackupSpec, DAY_MS } from '../../shared/domain/backup-record.ts';
import type { Vault } from '../../shared/domain/vault.ts';
import { type CatalogLine, parseCatalogLine } from '../../shared/format/catalog-line.ts';
import { type Manifest, parseManifest } from '../../shared/format/manifest.ts';
import type { BackupKeys } from '../../shared/format/vault-keys.ts';
import { COMMON_RESOURCES } from './api-resources.ts';
import { FakeClock } from './fake-clock.ts';
import { InMemoryCloudBackup } from './in-memory-cloud-backup.ts';
import { InMemoryClusterClient } from './in-memory-cluster-client.ts';
import { InMemoryClusterDirectory } from './in-memory-cluster-directory.ts';
import { type DiskCloudPace, InMemoryDiskCloud } from './in-memory-disk-cloud.ts';
import { type InMemoryObjectStore, InMemoryObjectStores } from './in-memory-object-store.ts';
import { InMemoryRecordStore } from './in-memory-record-store.ts';
import { MemoryLogger } from './memory-logger.ts';
import { sampleBackup } from './sample-records.ts';
import { SeededEntropy } from './seeded-entropy.ts';

const ACCOUNT = '1000';

/** How long an invocation of a worker lasts, ms. */
const INVOCATION_MS = 600_000;

const VAULT: Vault = {
  identity: 'vault-1',
  spec: {
    name: 'main',
    bucketRegion: 'cn-hangzhou',
    bucketName: 'cnfs-oss-vault',
    bucketSubdirectory: 'team',
    visibility: 'owner',
  },
  creator: 'acs:ram::1000:root',
  accountId: ACCOUNT,
  createdAtMs: 0,
  phase: 'Available',
  versioned: false,
  bucketEncrypted: false,
  inbox: 'listed',
  warnings: [],
};

/** A world with one registered cluster `c1` and one vault `main`. */
export class BackupWorld implements RunnerServices {
  readonly accountId = ACCOUNT;
  readonly clock = new FakeClock();
  readonly records = new InMemoryRecordStore();
  readonly stores = new InMemoryObjectStores(() => this.clock.now());
  readonly control = this.stores.open({ region: 'cn-hangzhou', name: 'control' });
  readonly bucket: InMemoryObjectStore = this.stores.open({
    region: VAULT.spec.bucketRegion,
    name: VAULT.spec.bucketName,
  });
  readonly directory = new InMemoryClusterDirectory();
  readonly disks: InMemoryDiskCloud;
  /** Replace for one of another pace. */
  cloudBackup = new InMemoryCloudBackup(this.clock);
  readonly landingImage = 'registry.example.com/pause';
  readonly entropy = new SeededEntropy();
  readonly log = new MemoryLogger();
  readonly cluster: InMemoryClusterClient;
  /** Bytes of an upload's part; undefined is the product's own. */
  partBytesMin: number | undefined;
  private runs = 0;

  private constructor(
    resources: readonly ApiResource[],
    namespaces: readonly string[],
    pace: Partial<DiskCloudPace>,
  ) {
    this.disks = new InMemoryDiskCloud(this.clock, pace);
    this.cluster = new InMemoryClusterClient(resources, {
      now: () => this.clock.now(),
      namespaces,
    });
    this.directory.add({ id: 'c1' }, this.cluster);
  }

  static async create(
    given: {
      resources?: readonly ApiResource[];
      namespaces?: readonly string[];
      pace?: Partial<DiskCloudPace>;
    } = {},
  ): Promise<BackupWorld> {
    const namespaces = given.namespaces ?? ['shop', 'other', 'kube-system'];
    const world = new BackupWorld(
      given.resources ?? COMMON_RESOURCES,
      namespaces,
      given.pace ?? {},
    );
    await world.records.put('vaults', [ACCOUNT, 'main', VAULT.identity], VAULT, 'absent');
    await world.records.put(
      'clusters',
      [ACCOUNT, 'c1'],
      {
        id: 'c1',
        name: 'c1',
        region: 'cn-hangzhou',
        clusterType: 'ManagedKubernetes',
        profile: 'Default',
        network: 'public',
        kubernetesVersion: '1.34.1',
        registeredAtMs: 0,
        registeredBy: 'acs:ram::1000:root',
        resources: [],
        contactedAtMs: 0,
      },
      'absent',
    );
    return world;
  }

  /** Starts a backup run and returns the record's id. */
  async start(spec: Partial<BackupSpec> = {}): Promise<string> {
    this.runs += 1;
    const id = `bk-${8_000_000_000_000 - this.runs}-00`;
    const runId = `run-${this.runs}`;
    const record = sampleBackup({ id, runId, createdAtMs: this.clock.now() });
    const wanted = { ...record.spec, name: `nightly-${this.runs}`, namespaces: ['shop'], ...spec };
    await startRun(this, {
      id: runId,
      kind: 'backup',
      cluster: 'c1',
      network: 'public',
      recordId: id,
      vaultIdentity: VAULT.identity,
      requestHash: '',
      claim: { location: 'cnfs-oss-vault/team/', name: wanted.name },
      record: {
        ...record,
        spec: wanted,
        expiresAtMs: record.createdAtMs + wanted.retentionDays * DAY_MS,
      },
    });
    return id;
  }

  /** One invocation of the worker. */
  async work(id: string, invocationMs = INVOCATION_MS): Promise<InvocationResult> {
    const { runId } = await this.record(id);
    const deadlineMs = this.clock.now() + invocationMs;
    const workflow = backupWorkflow(this, this.partBytesMin);
    return await passingTime(this.clock, workOnRun(this, [workflow], { runId, deadlineMs }));
  }

  /** Works until the run has ended, waking it when it waits. */
  async workToEnd(id: string): Promise<BackupRecord> {
    for (let invocation = 0; invocation < 100; invocation += 1) {
      await this.work(id);
      const record = await this.record(id);
      const run = await this.records.get('runs', [record.runId]);
      if (run?.value.state === 'ended') return record;
      await this.clock.advance(600_000);
    }
    throw new Error(`Run of ${id} did not end`);
  }

  /** Starts a backup and works until it has ended. */
  async backUp(spec: Partial<BackupSpec> = {}): Promise<BackupRecord> {
    return await this.workToEnd(await this.start(spec));
  }

  /** Verifies a backup; `invocationMs` is how long each worker lasts. */
  async verify(record: BackupRecord, invocationMs = INVOCATION_MS): Promise<BackupRecord> {
    this.runs += 1;
    const runId = `verify-${this.runs}`;
    await startRun(this, {
      id: runId,
      kind: 'verify',
      cluster: record.cluster,
      network: 'public',
      recordId: record.id,
      vaultIdentity: record.vaultIdentity,
      requestHash: '',
    });
    for (let invocation = 0; invocation < 100; invocation += 1) {
      const deadlineMs = this.clock.now() + invocationMs;
      await workOnRun(this, [verifyWorkflow(this)], { runId, deadlineMs });
      const run = await this.records.get('runs', [runId]);
      if (run?.value.state === 'ended') return await this.record(record.id);
      await this.clock.advance(invocationMs);
    }
    throw new Error(`Run ${runId} did not end`);
  }

  async record(id: string): Promise<BackupRecord> {
    const row = await this.records.get('backups', ['c1', id]);
    if (row === undefined) throw new Error(`No record ${id}`);
    return row.value;
  }

  async keys(record: BackupRecord): Promise<BackupKeys> {
    return (await openBackup(this, record)).keys;
  }

  async manifest(record: BackupRecord): Promise<Manifest> {
    const key = (await this.keys(record)).manifest;
    return parseManifest(await this.bucket.get(key), key);
  }

  async catalog(record: BackupRecord): Promise<readonly CatalogLine[]> {
    const text = await this.unzipped((await this.keys(record)).catalog);
    return text.split('\n').slice(0, -1).map(parseCatalogLine);
  }

  async unzipped(key: string): Promise<string> {
    return gunzipSync(await this.bucket.get(key)).toString('utf8');
  }

  /** `resource namespace/name why`, sorted: what a backup holds at a glance. */
  async contents(record: BackupRecord): Promise<readonly string[]> {
    const lines = await this.catalog(record);
    return lines
      .map(
        (l) =>
          `${l.resource} ${l.namespace === undefined ? '' : `${l.namespace}/`}${l.name} ${l.why}`,
      )
      .sort();
  }
}

/** Lets time pass while a worker pauses: its lease's heartbeat alone is no pause. */
async function passingTime<T>(clock: FakeClock, working: Promise<T>): Promise<T> {
  const state = { ended: false };
  const end = () => {
    state.ended = true;
  };
  const ended = working.then(end, end);
  while (!state.ended) {
    await Promise.race([ended, new Promise((resolve) => setImmediate(resolve))]);
    if (!state.ended && clock.sleeping() > 1) await clock.advance(1_000);
  }
  return await working;
}
