/**
 * The whole centre on one machine: emulators, functions from their built bundles, and clusters. State
 * lies in one folder; started again there, also after kill -9, it is the same stack with the same ids,
 * keys and addresses.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import OSS from 'ali-oss';
import { buildTablestoreClient } from '../../shared/adapters/tablestore/tablestore-session.ts';
import { type CsEmulator, startCsEmulator } from '../emulators/cs/server.ts';
import {
  type FunctionComputeEmulator,
  startFunctionComputeEmulator,
} from '../emulators/function-compute/server.ts';
import type { FaultPlan } from '../emulators/kit/fault-plan.ts';
import { type OssEmulator, startOssEmulator } from '../emulators/oss/server.ts';
import { type StsEmulator, startStsEmulator } from '../emulators/sts/server.ts';
import {
  startTablestoreEmulator,
  type TablestoreEmulator,
} from '../emulators/tablestore/server.ts';
import { ensureTables } from '../tables.ts';
import { startControlServer } from './control-server.ts';
import { LocalClock } from './local-clock.ts';
import { localFunctions } from './local-functions.ts';
import { ACCOUNT_ID, type LocalIdentity, localIdentity, saveIdentity } from './local-identity.ts';
import { type LocalStorage, startStorage } from './local-storage.ts';
import { type RunningCluster, startRealCluster, startSandboxCluster } from './running-cluster.ts';

const REGION = 'cn-hangzhou';
/** Of every cluster but the first. */
const OTHER_REGION = 'cn-beijing';
/** The storage add-on that CS lists, by whose version disks qualify for snapshots. */
const CSI_ADDON = { name: 'csi-provisioner', version: 'v1.32.1', state: 'active' };
const CONTROL_BUCKET = 'backup-centre-control';
const INSTANCE = 'backup-centre';

/** What an add-on did gives the cluster work again: a volume, a binding, a pod that starts. */
const IDLE_ROUNDS = 3;

/** How a stack is started. */
export interface StackOptions {
  readonly stateDir: string;
  /** Clusters of the stack's own. */
  readonly clusters: number;
  /** Real control planes instead of sandboxes. */
  readonly real: boolean;
  /** Further clusters by id, reached over a kubeconfig. */
  readonly kubeconfigs: Readonly<Record<string, string>>;
  readonly log: (line: string) => void;
}

type EndpointName = 'oss' | 'tablestore' | 'ecs' | 'hbr' | 'cs' | 'sts' | 'fc';

/** What a user of the stack needs to know; the first line of `npm run local -- --json`. */
export interface StackDescription {
  readonly api: string;
  readonly token: string;
  readonly accessKeyId: string;
  readonly accessKeySecret: string;
  readonly accountId: string;
  readonly region: string;
  readonly controlBucket: string;
  readonly endpoints: Readonly<Record<EndpointName, string>>;
  readonly users: LocalIdentity['users'];
  readonly clusters: readonly { readonly id: string; readonly kubeconfig: string }[];
  /** Bytes of disks, snapshots and file systems lie below it. */
  readonly volumesDir: string;
  readonly control: string;
}

/** A stack that is up. */
export interface LocalStack {
  readonly description: StackDescription;
  readonly clusters: readonly RunningCluster[];
  readonly functions: FunctionComputeEmulator;
  readonly storage: LocalStorage;
  now(): number;
  /** Resolves when no cluster and no add-on has anything left to do. */
  idle(): Promise<void>;
  close(): Promise<void>;
}

interface Services {
  readonly sts: StsEmulator;
  readonly oss: OssEmulator;
  readonly tablestore: TablestoreEmulator;
  readonly cs: CsEmulator;
  readonly storage: LocalStorage;
  readonly functions: FunctionComputeEmulator;
}

/** Starts everything; resolves when the API answers. */
export async function startStack(options: StackOptions): Promise<LocalStack> {
  const { stateDir } = options;
  mkdirSync(stateDir, { recursive: true });
  const clock = new LocalClock(stateDir);
  const identity = localIdentity(stateDir);
  const clusters = await startClusters(options, clock, identity);
  const services = await startServices(options, { clock, identity, clusters });
  const faults: Record<string, FaultPlan> = {
    oss: services.oss.faults,
    tablestore: services.tablestore.faults,
    cs: services.cs.faults,
    ecs: services.storage.ecs.faults,
    hbr: services.storage.hbr.faults,
    sts: services.sts.faults,
    fc: services.functions.faults,
  };
  for (const { id, faults: plan } of clusters) if (plan !== undefined) faults[id] = plan;
  const control = await startControlServer(
    {
      faults,
      advanceClock: async (ms) => {
        clock.advance(ms);
        await services.storage.hbr.advance();
        await services.functions.fireDueTimers();
      },
      tick: () => services.functions.tick(),
    },
    identity.ports.control ?? 0,
  );
  rememberPorts(stateDir, identity, { ...portsOf(services, clusters), control: control.port });
  return {
    description: describe(options, { services, identity, clusters, clock, control: control.url }),
    clusters,
    functions: services.functions,
    storage: services.storage,
    now: clock.now,
    idle: async () => {
      for (let round = 0; round < IDLE_ROUNDS; round += 1) {
        for (const cluster of clusters) await cluster.idle();
        await services.storage.idle();
      }
    },
    close: async () => {
      await control.close();
      await services.functions.close();
      await services.storage.close();
      for (const cluster of clusters) await cluster.close();
      await Promise.all(
        [services.cs, services.tablestore, services.oss, services.sts].map((s) => s.close()),
      );
    },
  };
}

async function startClusters(
  options: StackOptions,
  clock: LocalClock,
  identity: LocalIdentity,
): Promise<RunningCluster[]> {
  const start = options.real ? startRealCluster : startSandboxCluster;
  const running: RunningCluster[] = [];
  for (let n = 1; n <= options.clusters; n += 1) {
    const id = `c${'0'.repeat(7)}${n}`;
    running.push(
      await start({
        id,
        region: n === 1 ? REGION : OTHER_REGION,
        stateDir: options.stateDir,
        secret: identity.clusterSecret,
        now: clock.now,
        port: identity.ports[id] ?? 0,
      }),
    );
  }
  return running;
}

interface Parts {
  readonly clock: LocalClock;
  readonly identity: LocalIdentity;
  readonly clusters: readonly RunningCluster[];
}

async function startServices(options: StackOptions, parts: Parts): Promise<Services> {
  const { clock, identity } = parts;
  const dir = (name: string): string => {
    const path = join(options.stateDir, name);
    mkdirSync(path, { recursive: true });
    return path;
  };
  const port = (name: string): number => identity.ports[name] ?? 0;
  const { now } = clock;
  const sts = await startStsEmulator({
    dir: dir('sts'),
    now,
    port: port('sts'),
    region: REGION,
    users: identity.users.map((user) => ({
      ...user,
      accountId: ACCOUNT_ID,
      type: user.principal.endsWith(':root') ? ('account' as const) : ('user' as const),
    })),
    roles: [{ roleName: 'backup-centre', accountId: ACCOUNT_ID }],
  });
  const credentials = sts.credentials;
  const doorbell: { functions?: FunctionComputeEmulator } = {};
  const oss = await startOssEmulator({
    dir: dir('oss'),
    now,
    port: port('oss'),
    region: REGION,
    accountId: ACCOUNT_ID,
    credentials,
    onEvent: async (event) => {
      if (doorbell.functions === undefined) throw new Error('Function Compute is not up yet');
      await doorbell.functions.deliverOssEvent(event);
    },
  });
  const tablestore = await startTablestoreEmulator({
    dir: dir('tablestore'),
    now,
    port: port('tablestore'),
    instanceName: INSTANCE,
    credentials,
  });
  const cs = await startCs(options, parts, { dir: dir('cs'), port: port('cs'), credentials });
  await prepareAccount({ oss, tablestore, identity });
  const storage = await startStorage({
    stateDir: options.stateDir,
    now,
    region: REGION,
    accountId: ACCOUNT_ID,
    credentials,
    keys: ownerOf(identity),
    clusters: parts.clusters,
    ports: identity.ports,
  });
  const functions = await startFunctionComputeEmulator({
    dir: dir('functions'),
    now,
    port: port('fc'),
    httpPorts: identity.ports.api === undefined ? {} : { api: identity.ports.api },
    region: REGION,
    accountId: ACCOUNT_ID,
    credentials,
    roleCredentials: (role) => sts.issueRoleCredentials(role, 'function-compute', 36 * 3600),
    functions: localFunctions({
      accountId: ACCOUNT_ID,
      region: REGION,
      controlBucket: CONTROL_BUCKET,
      environment: {
        ACCOUNT_ID,
        REGION,
        CONTROL_BUCKET,
        TABLESTORE_INSTANCE: INSTANCE,
        TABLESTORE_ENDPOINT: tablestore.url,
        OSS_ENDPOINT: oss.url,
        CS_ENDPOINT: cs.url,
        ECS_ENDPOINT: storage.ecs.url,
        HBR_ENDPOINT: storage.hbr.url,
        API_TOKEN: identity.apiToken,
      },
    }),
    log: options.log,
    // On the real thing timers fire each minute; nobody wants to wait that long on a laptop.
    tickEveryMs: 1000,
  });
  doorbell.functions = functions;
  return { sts, oss, tablestore, cs, storage, functions };
}

async function startCs(
  options: StackOptions,
  parts: Parts,
  given: { dir: string; port: number; credentials: StsEmulator['credentials'] },
): Promise<CsEmulator> {
  const { clock, clusters } = parts;
  const fields = (id: string, url: string, version: string, own?: RunningCluster) => ({
    accountId: ACCOUNT_ID,
    addons: own === undefined ? [] : [CSI_ADDON],
    fields: {
      cluster_id: id,
      name: id,
      region_id: own?.region ?? REGION,
      cluster_type: 'ManagedKubernetes',
      profile: 'Default',
      cluster_spec: 'ack.pro.small',
      current_version: version,
      state: 'running',
      vpc_id: 'vpc-local',
      vswitch_ids: ['vsw-local'],
      security_group_id: 'sg-local',
      master_url: JSON.stringify({ api_server_endpoint: url, intranet_api_server_endpoint: url }),
      created: '2026-01-01T00:00:00Z',
      updated: '2026-01-01T00:00:00Z',
    },
  });
  const kubeconfigs = Object.keys(options.kubeconfigs).map((id) =>
    fields(id, 'by-kubeconfig', '1.34.1-aliyun.1'),
  );
  return await startCsEmulator({
    ...given,
    now: clock.now,
    region: REGION,
    clusters: [...clusters.map((c) => fields(c.id, c.url, c.version, c)), ...kubeconfigs],
    kubeconfigFor: (clusterId, { principalId, durationMinutes }) => {
      const expiresAtMs = clock.now() + durationMinutes * 60_000;
      const expiration = new Date(expiresAtMs).toISOString();
      const own = clusters.find((c) => c.id === clusterId);
      const config = own?.kubeconfig(principalId, expiresAtMs) ?? options.kubeconfigs[clusterId];
      if (config === undefined) throw new Error(`Cluster ${clusterId} has no kubeconfig`);
      return { config, expiration };
    },
  });
}

/** What deployment would make: the control bucket and the tables. */
async function prepareAccount(parts: {
  readonly oss: OssEmulator;
  readonly tablestore: TablestoreEmulator;
  readonly identity: LocalIdentity;
}): Promise<void> {
  const { accessKeyId, accessKeySecret } = ownerOf(parts.identity);
  const settings = { accessKeyId, accessKeySecret, endpoint: parts.oss.url, sldEnable: true };
  await new OSS(settings).putBucket(CONTROL_BUCKET);
  const location = { endpoint: parts.tablestore.url, instance: INSTANCE };
  await ensureTables(buildTablestoreClient(location, { accessKeyId, accessKeySecret }));
}

function ownerOf({ users }: LocalIdentity): { accessKeyId: string; accessKeySecret: string } {
  const [owner] = users;
  if (owner === undefined) throw new Error('The identity of the stack has no account owner');
  return { accessKeyId: owner.accessKeyId, accessKeySecret: owner.accessKeySecret };
}

function portsOf(services: Services, clusters: readonly RunningCluster[]): Record<string, number> {
  return {
    sts: services.sts.port,
    oss: services.oss.port,
    tablestore: services.tablestore.port,
    cs: services.cs.port,
    ecs: services.storage.ecs.port,
    hbr: services.storage.hbr.port,
    fc: services.functions.port,
    api: Number(new URL(services.functions.httpUrl('api')).port),
    ...Object.fromEntries(clusters.map((c) => [c.id, c.port])),
  };
}

function rememberPorts(
  stateDir: string,
  identity: LocalIdentity,
  ports: Readonly<Record<string, number>>,
): void {
  saveIdentity(stateDir, { ...identity, ports });
}

function describe(
  options: StackOptions,
  parts: Parts & { readonly services: Services; readonly control: string },
): StackDescription {
  const { services, identity, clusters, clock } = parts;
  const { accessKeyId, accessKeySecret } = ownerOf(identity);
  const farAway = clock.now() + 365 * 86_400_000;
  return {
    api: services.functions.httpUrl('api'),
    token: identity.apiToken,
    accessKeyId,
    accessKeySecret,
    accountId: ACCOUNT_ID,
    region: REGION,
    controlBucket: CONTROL_BUCKET,
    endpoints: {
      oss: services.oss.url,
      tablestore: services.tablestore.url,
      cs: services.cs.url,
      ecs: services.storage.ecs.url,
      hbr: services.storage.hbr.url,
      sts: services.sts.url,
      fc: services.functions.url,
    },
    users: identity.users,
    clusters: [
      ...clusters.map((c) => ({ id: c.id, kubeconfig: c.kubeconfig('admin', farAway) })),
      ...Object.entries(options.kubeconfigs).map(([id, kubeconfig]) => ({ id, kubeconfig })),
    ],
    volumesDir: options.stateDir,
    control: parts.control,
  };
}
