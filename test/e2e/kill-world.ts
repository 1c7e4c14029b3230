/**
 * Volumes and everything real around them in one process: the adapters, ECS, Cloud Backup, OSS and
 * Tablestore as emulators, two clusters with nodes and storage add-ons. Each worker has a life; a test
 * ends it after a call to ECS, Cloud Backup or an API server has happened, before its answer arrives.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import OSS from 'ali-oss';
import { parse, stringify } from 'yaml';
import { type OssEmulator, startOssEmulator } from '../../infra/emulators/oss/server.ts';
import {
  startTablestoreEmulator,
  type TablestoreEmulator,
} from '../../infra/emulators/tablestore/server.ts';
import { KubeSession } from '../../infra/local/kube-session.ts';
import { type LocalStorage, startStorage } from '../../infra/local/local-storage.ts';
import { type RunningCluster, startSandboxCluster } from '../../infra/local/running-cluster.ts';
import { ensureTables } from '../../infra/tables.ts';
import { EcsDiskCloud } from '../../shared/adapters/ecs/ecs-disk-cloud.ts';
import { HbrCloudBackup } from '../../shared/adapters/hbr/hbr-cloud-backup.ts';
import { readKubeconfig } from '../../shared/adapters/kubernetes/kubeconfig.ts';
import { KubernetesClusterClient } from '../../shared/adapters/kubernetes/kubernetes-cluster-client.ts';
import { OssObjectStores } from '../../shared/adapters/oss/oss-object-store.ts';
import { TablestoreRecordStore } from '../../shared/adapters/tablestore/tablestore-record-store.ts';
import { buildTablestoreClient } from '../../shared/adapters/tablestore/tablestore-session.ts';
import type { BackupServices } from '../../shared/app/backup-services.ts';
import type { RestoreServices } from '../../shared/app/restore-services.ts';
import { backupWorkflow } from '../../shared/app/run-backup.ts';
import { deleteWorkflow } from '../../shared/app/run-delete.ts';
import { releaseWorkflow } from '../../shared/app/run-release.ts';
import { restoreWorkflow } from '../../shared/app/run-restore.ts';
import { type RunnerServices, workOnRun } from '../../shared/app/step-runner.ts';
import { LEASE_MS } from '../../shared/domain/lease.ts';
import type { Clock } from '../../shared/ports/clock.ts';
import { CallProxy } from '../support/call-proxy.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { InMemoryClusterDirectory } from '../support/in-memory-cluster-directory.ts';
import { MemoryLogger } from '../support/memory-logger.ts';
import { SeededEntropy } from '../support/seeded-entropy.ts';

/** The account, its only key, and where its things are. */
const ACCOUNT = '1000';
const KEYS = { accessKeyId: 'LTAIkill', accessKeySecret: 'secret' };
const CREDENTIAL = {
  ...KEYS,
  principalId: ACCOUNT,
  accountId: ACCOUNT,
  arn: `acs:ram::${ACCOUNT}:root`,
};
const REGION = 'cn-hangzhou';
const CONTROL = 'kill-control';
/** The vault's bucket. */
const BUCKET = 'cnfs-oss-kill';
/** The source cluster, and one in another region. */
export const HOME = { id: 'c-home', region: REGION } as const;
export const AWAY = { id: 'c-away', region: 'cn-beijing' } as const;

const INVOCATION_MS = 600_000;
const INVOCATIONS_MAX = 100;
const CLOCK_STEP_MS = 1_000;

/** What a worker's calls meet once its life is over. */
class Killed extends Error {}

/** One worker's life. */
interface Life {
  over: boolean;
}

type Services = BackupServices & RestoreServices & RunnerServices;

/** Everything that was started. */
interface Parts {
  readonly dir: string;
  readonly clock: FakeClock;
  readonly home: RunningCluster;
  readonly away: RunningCluster;
  readonly storage: LocalStorage;
  readonly oss: OssEmulator;
  readonly tablestore: TablestoreEmulator;
  readonly proxies: Readonly<Record<'ecs' | 'hbr' | 'home' | 'away', CallProxy>>;
}

/** The world. */
export class KillWorld {
  readonly clock: FakeClock;
  readonly storage: LocalStorage;
  readonly home: KubeSession;
  readonly away: KubeSession;
  /** Folder of all file systems. */
  readonly nasDir: string;
  /** Calls that happened since `kill` was last called. */
  calls: string[] = [];
  /** Every call to an API server, by method and path. */
  readonly asked = new Set<string>();
  /** After which of them a worker was killed: its number and what it was. */
  killedAfter: string | undefined;
  private killAt = Number.POSITIVE_INFINITY;
  private afterKill: () => Promise<void> = async () => await Promise.resolve();
  private life: Life = { over: false };
  private readonly parts: Parts;

  private constructor(parts: Parts) {
    this.parts = parts;
    this.clock = parts.clock;
    this.storage = parts.storage;
    this.nasDir = join(parts.dir, 'nas');
    this.home = new KubeSession(kubeconfigOf(parts.home));
    this.away = new KubeSession(kubeconfigOf(parts.away));
    for (const proxy of Object.values(parts.proxies)) {
      proxy.see = async () => await Promise.resolve(this.life.over ? GONE : undefined);
      proxy.deliver = (action) => this.answered(action);
    }
  }

  static async start(): Promise<KillWorld> {
    const dir = mkdtempSync(join(tmpdir(), 'kill-world-'));
    const clock = new FakeClock();
    const parts = await startParts(dir, clock);
    const settings = { ...KEYS, endpoint: parts.oss.url, sldEnable: true };
    const client = new OSS(settings);
    for (const bucket of [CONTROL, BUCKET]) await client.putBucket(bucket);
    const world = new KillWorld(parts);
    await world.home.discover();
    await world.away.discover();
    await world.prepare();
    return world;
  }

  /** A new worker's services. */
  services(): Services {
    const { life } = this;
    const { oss, tablestore, proxies } = this.parts;
    const clock = mortalClock(life, this.clock);
    const entropy = new SeededEntropy();
    const pacing = { clock, entropy };
    const keys = () => KEYS;
    const stores = new OssObjectStores(() => oss.url, keys, pacing);
    const location = { endpoint: tablestore.url, instance: 'kill' };
    const directory = new InMemoryClusterDirectory();
    for (const cluster of [HOME, AWAY]) {
      directory.add(cluster);
      directory.install(cluster.id, { 'csi-provisioner': 'v1.32.1' });
    }
    directory.connect = async ({ id }) => {
      const [target, proxy] =
        id === HOME.id ? [this.parts.home, proxies.home] : [this.parts.away, proxies.away];
      const access = async () => await readKubeconfig(kubeconfigOf(target, proxy.url));
      return await Promise.resolve(new KubernetesClusterClient(access, { pacing, cluster: id }));
    };
    return {
      accountId: ACCOUNT,
      landingImage: 'registry.example.com/pause',
      clock,
      entropy,
      log: new MemoryLogger(),
      directory,
      records: mortal(life, new TablestoreRecordStore(location, keys, pacing)),
      control: mortal(life, stores.open({ region: REGION, name: CONTROL })),
      stores: { open: (bucket) => mortal(life, stores.open(bucket)) },
      disks: new EcsDiskCloud(() => proxies.ecs.url, keys, pacing),
      cloudBackup: new HbrCloudBackup(() => proxies.hbr.url, keys, pacing),
    };
  }

  /**
   * Ends the worker's life when so many calls have happened from now on (none: lets it live), and then
   * does something before the next worker comes.
   */
  kill(at = Number.POSITIVE_INFINITY, then = async () => await Promise.resolve()): void {
    this.afterKill = then;
    this.calls = [];
    this.killedAfter = undefined;
    this.killAt = at;
  }

  /** Works on a run until it has ended, with a new worker after a kill; one that is not there has. */
  async workToEnd(runId: string): Promise<void> {
    for (let invocation = 0; invocation < INVOCATIONS_MAX; invocation += 1) {
      const run = (await this.services().records.get('runs', [runId]))?.value;
      if (run === undefined || run.state === 'ended') return;
      const wait = Math.max(run.wakeAtMs, run.lease?.expiresAtMs ?? 0) - this.clock.now();
      if (invocation > 0 && wait > 0) await this.pass(wait);
      await this.work(runId);
    }
    throw new Error(`Run ${runId} does not end`);
  }

  /** Lets clusters and add-ons do what is due, and then so much time pass. */
  async pass(ms: number): Promise<void> {
    await this.settle();
    await this.clock.advance(ms);
  }

  /** Lets time pass until something holds. */
  async until(what: string, holds: () => Promise<boolean> | boolean): Promise<void> {
    for (let look = 0; look < INVOCATIONS_MAX; look += 1) {
      await this.settle();
      if (await holds()) return;
      await this.clock.advance(CLOCK_STEP_MS);
    }
    throw new Error(`Waited in vain until ${what}`);
  }

  async close(): Promise<void> {
    await this.home.close();
    await this.away.close();
    const { proxies, storage, home, away, tablestore, oss, dir } = this.parts;
    for (const proxy of Object.values(proxies)) await proxy.close();
    await storage.close();
    for (const part of [home, away, tablestore, oss]) await part.close();
    rmSync(dir, { recursive: true, force: true });
  }

  /** One invocation; the time that a worker waits for in place passes at once. */
  private async work(runId: string): Promise<void> {
    const services = this.services();
    const state = { ended: false };
    const deadlineMs = this.clock.now() + INVOCATION_MS;
    const working = workOnRun(services, workflows(services), { runId, deadlineMs });
    const end = () => {
      state.ended = true;
    };
    const ended = working.then(end, end);
    while (!state.ended) {
      await Promise.race([ended, new Promise((resolve) => setImmediate(resolve))]);
      // The heartbeat of the lease alone is no pause.
      if (!state.ended && this.clock.sleeping() > 1) await this.pass(CLOCK_STEP_MS);
    }
    const { over } = this.life;
    try {
      await working;
    } catch (error) {
      if (!over) throw error;
    }
    if (!over) return;
    this.life = { over: false };
    await this.pass(LEASE_MS + 1);
    await this.afterKill();
  }

  private answered(action: string): boolean {
    if (action.includes(' ')) this.asked.add(action);
    if (this.life.over) return false;
    this.calls.push(action);
    if (this.calls.length !== this.killAt) return true;
    this.killedAfter = `call ${this.killAt}, ${action}`;
    this.life.over = true;
    return false;
  }

  /** A cluster's add-ons, controllers and nodes share one view of it: idle ones, all are. */
  private async settle(): Promise<void> {
    await this.parts.storage.idle();
    await this.parts.storage.hbr.advance();
  }

  /** What registering the clusters and creating the vault would write. */
  private async prepare(): Promise<void> {
    const { records, directory } = this.services();
    for (const cluster of [HOME, AWAY]) {
      const client = await directory.connect({ ...cluster, network: 'public' });
      const { resources } = await client.discover();
      await records.put(
        'clusters',
        [ACCOUNT, cluster.id],
        {
          ...cluster,
          name: cluster.id,
          clusterType: 'ManagedKubernetes',
          profile: 'Default',
          network: 'public',
          kubernetesVersion: '1.34.1',
          registeredAtMs: 0,
          registeredBy: CREDENTIAL.arn,
          resources,
          contactedAtMs: 0,
        },
        'absent',
      );
    }
    const vault = {
      identity: 'vault-1',
      spec: {
        name: 'main',
        bucketRegion: REGION,
        bucketName: BUCKET,
        bucketSubdirectory: '',
        visibility: 'owner' as const,
      },
      creator: CREDENTIAL.arn,
      accountId: ACCOUNT,
      createdAtMs: 0,
      phase: 'Available' as const,
      versioned: false,
      bucketEncrypted: false,
      inbox: 'listed' as const,
      warnings: [],
    };
    await records.put('vaults', [ACCOUNT, 'main', vault.identity], vault, 'absent');
  }
}

/** What a dead worker's call would hear. */
const GONE = { status: 503, body: {} };

function workflows(services: Services) {
  return [
    backupWorkflow(services),
    restoreWorkflow(services),
    releaseWorkflow(services),
    deleteWorkflow(services),
  ];
}

async function startParts(dir: string, clock: FakeClock): Promise<Parts> {
  const now = () => clock.now();
  const folder = (name: string): string => {
    const path = join(dir, name);
    mkdirSync(path, { recursive: true });
    return path;
  };
  const credentials = (id: string) => (id === KEYS.accessKeyId ? CREDENTIAL : undefined);
  const cluster = { stateDir: dir, secret: 'secret', now, port: 0 };
  const home = await startSandboxCluster({ ...cluster, ...HOME });
  const away = await startSandboxCluster({ ...cluster, ...AWAY });
  const account = { now, region: REGION, accountId: ACCOUNT, credentials };
  const storage = await startStorage({
    ...account,
    stateDir: dir,
    keys: KEYS,
    clusters: [home, away],
    ports: {},
  });
  const oss = await startOssEmulator({ ...account, dir: folder('oss') });
  const tablestore = await startTablestoreEmulator({
    dir: folder('tablestore'),
    now,
    instanceName: 'kill',
    credentials,
    indexDelayMs: 0,
  });
  await ensureTables(
    buildTablestoreClient({ endpoint: tablestore.url, instance: 'kill' }, KEYS),
    async () => await Promise.resolve(),
  );
  const proxies = {
    ecs: await CallProxy.start(() => storage.ecs.url),
    hbr: await CallProxy.start(() => storage.hbr.url),
    home: await CallProxy.start(() => home.url),
    away: await CallProxy.start(() => away.url),
  };
  return { dir, clock, home, away, storage, oss, tablestore, proxies };
}

/** An administrator's, for ten years; `server` instead of the cluster's own address. */
function kubeconfigOf(cluster: RunningCluster, server = cluster.url): string {
  const text = cluster.kubeconfig('admin', Date.UTC(2036, 0, 1));
  const config = parse(text) as { clusters: [{ cluster: { server: string } }] };
  config.clusters[0].cluster.server = server;
  return stringify(config);
}

/** Time as a worker sees it: it ends with its life. */
function mortalClock(life: Life, clock: FakeClock): Clock {
  const check = () => {
    if (life.over) throw new Killed();
  };
  return {
    now: () => clock.now(),
    sleep: async (ms, signal) => {
      check();
      await clock.sleep(ms, signal);
      check();
    },
  };
}

/** The same object, whose methods fail once the life is over. */
function mortal<T extends object>(life: Life, object: T): T {
  return new Proxy(object, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== 'function') return value;
      return (...given: unknown[]): unknown => {
        if (life.over) throw new Killed();
        return Reflect.apply(value, target, given);
      };
    },
  });
}
