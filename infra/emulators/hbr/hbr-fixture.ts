/** An emulator, its clock, its places and a caller, for the suites of this folder. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { callSdk, refusedBySdk, type SdkError } from '../acs-signature/sdk-client.ts';
import { type HbrEmulator, type HbrEmulatorOptions, startHbrEmulator } from './server.ts';

export const REGION = 'cn-hangzhou';
export const START_MS = Date.parse('2026-01-01T00:00:00Z');

const SECRET = 'secret';
const ACCOUNTS: Readonly<Record<string, string>> = { AKalice: '1000', AKstranger: '3000' };

/** A reply, or a row of one. */
export type Fields = Readonly<Record<string, unknown>>;

/** A running pod's mount, as the emulator asks for it. */
export const MOUNT = {
  cluster: 'c-ack-1',
  host: 'node-1',
  prefix: 'pod-1/volumes/kubernetes.io~csi/pv-1/mount',
};

export class HbrFixture {
  readonly dir = mkdtempSync(join(tmpdir(), 'hbr-'));
  nowMs = START_MS;
  /** Directories by file system id. */
  readonly fileSystems = new Map<string, string>();
  /** Directories by `cluster host prefix`. */
  readonly mounts = new Map<string, string>();
  /** Objects by bucket, then key. */
  readonly buckets = new Map<string, Map<string, Buffer>>();
  private running: HbrEmulator | undefined;

  get hbr(): HbrEmulator {
    if (this.running === undefined) throw new Error('the emulator is not started');
    return this.running;
  }

  async start(options: Partial<HbrEmulatorOptions> = {}): Promise<void> {
    this.running = await startHbrEmulator({
      dir: join(this.dir, 'state'),
      now: () => this.nowMs,
      region: REGION,
      credentials: (id) => {
        const accountId = ACCOUNTS[id];
        if (accountId === undefined) return undefined;
        const arn = `acs:ram::${accountId}:root`;
        return { accessKeySecret: SECRET, principalId: accountId, accountId, arn };
      },
      nas: (id) => this.fileSystems.get(id),
      containerMount: (cluster, host, prefix) => this.mounts.get([cluster, host, prefix].join(' ')),
      bucket: {
        list: async (bucket, prefix) => {
          const keys = this.buckets.get(bucket)?.keys();
          return keys === undefined ? undefined : [...keys].filter((k) => k.startsWith(prefix));
        },
        get: async (bucket, key) => this.buckets.get(bucket)?.get(key),
        put: async (bucket, key, body) => {
          this.buckets.get(bucket)?.set(key, body);
        },
      },
      vaultMs: 1000,
      queueMs: 1000,
      jobMs: () => 10_000,
      ...options,
    });
  }

  async stop(): Promise<void> {
    await this.running?.close();
    this.running = undefined;
  }

  async remove(): Promise<void> {
    await this.stop();
    rmSync(this.dir, { recursive: true, force: true });
  }

  advance(ms: number): void {
    this.nowMs += ms;
  }

  /** Sends a call; the reply's fields. */
  async call(action: string, query: Fields = {}, accessKeyId = 'AKalice'): Promise<Fields> {
    const caller = { url: this.hbr.url, accessKeyId, accessKeySecret: SECRET };
    const reply = await callSdk(caller, { action, version: '2017-09-08', style: 'RPC', query });
    return reply.body as Fields;
  }

  /** Sends a call that must be refused. */
  async refused(action: string, query: Fields = {}, accessKeyId = 'AKalice'): Promise<SdkError> {
    const caller = { url: this.hbr.url, accessKeyId, accessKeySecret: SECRET };
    return await refusedBySdk(caller, { action, version: '2017-09-08', style: 'RPC', query });
  }

  /** A new directory with these files. */
  directory(name: string, files: Readonly<Record<string, string>> = {}): string {
    const root = join(this.dir, name);
    mkdirSync(root, { recursive: true });
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), text);
    }
    return root;
  }

  /** A vault that may be used. */
  async vault(name = 'ack-backup-data'): Promise<string> {
    const { VaultId } = await this.call('CreateVault', {
      VaultRegionId: REGION,
      VaultName: name,
    });
    this.advance(1000);
    return String(VaultId);
  }

  /** A registered cluster whose client is ready. */
  async cluster(identifier = MOUNT.cluster): Promise<string> {
    const { ClusterId } = await this.call('AddContainerCluster', {
      ClusterType: 'ACK',
      Identifier: identifier,
      NetworkType: 'VPC',
    });
    await this.hbr.setAgentStatus(identifier, 'READY');
    return String(ClusterId);
  }

  /** Where a pod mounts a directory. */
  mount(directory: string, prefix = MOUNT.prefix): void {
    this.mounts.set([MOUNT.cluster, MOUNT.host, prefix].join(' '), directory);
  }

  /** The query of a container backup job. */
  containerJob(vaultId: string, clusterId: string, change: Fields = {}): Fields {
    return {
      SourceType: 'CONTAINER',
      VaultId: vaultId,
      ContainerClusterId: clusterId,
      JobName: 'k8s-backup-infra-20260101000000-hbr',
      Retention: 7,
      ContainerResources: JSON.stringify([containerResource]),
      ...change,
    };
  }

  async job(jobId: unknown): Promise<Fields> {
    const filter = { Key: 'JobId', Operator: 'EQUAL', Values: [jobId] };
    const reply = await this.call('DescribeBackupJobs2', { Filters: [filter] });
    return onlyRow(reply, 'BackupJobs', 'BackupJob');
  }

  async restore(restoreId: unknown): Promise<Fields> {
    const filter = { Key: 'RestoreId', Operator: 'EQUAL', Values: [restoreId] };
    const reply = await this.call('DescribeRestoreJobs2', { Filters: [filter] });
    return onlyRow(reply, 'RestoreJobs', 'RestoreJob');
  }

  /** The snapshots of a vault that meet more conditions. */
  async snapshots(
    vaultId: string,
    query: Fields = {},
    conditions: Fields[] = [],
  ): Promise<Fields[]> {
    const vault = { field: 'VaultId', value: vaultId, operation: 'MATCH_TERM' };
    const reply = await this.call('SearchHistoricalSnapshots', {
      Query: JSON.stringify([vault, ...conditions]),
      ...query,
    });
    return rowsOf(reply, 'Snapshots', 'Snapshot');
  }
}

/** The one resource that container jobs of the suites back up. */
export const containerResource = {
  resourceType: 'PV',
  backupMethod: 'FILE',
  resourceId: 'uid-of-pv-1',
  resourceInfo: JSON.stringify({
    pv_name: 'pv-1',
    pv_size: '20Gi',
    storage_class: 'alibabacloud-cnfs-nas',
    pvc_name: 'data',
    namespace: 'shop',
  }),
  host: MOUNT.host,
  hostPrefix: MOUNT.prefix,
  pvPath: '/',
};

/** The rows of a list reply, whose wrappers double up. */
export function rowsOf(reply: Fields, outer: string, inner: string): Fields[] {
  return (reply[outer] as Record<string, Fields[]>)[inner] ?? [];
}

function onlyRow(reply: Fields, outer: string, inner: string): Fields {
  const [row, ...more] = rowsOf(reply, outer, inner);
  if (row === undefined || more.length > 0) throw new Error(`${outer} has not one row`);
  return row;
}
