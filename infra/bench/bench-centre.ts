/**
 * The centre as a worker has it, for one cluster: the product's own workflows, runner, clock and
 * Kubernetes client; records in memory, files on the local disk.
 */

import { readKubeconfig } from '../../shared/adapters/kubernetes/kubeconfig.ts';
import { KubernetesClusterClient } from '../../shared/adapters/kubernetes/kubernetes-cluster-client.ts';
import { SystemClock } from '../../shared/adapters/node/system-clock.ts';
import { SystemEntropy } from '../../shared/adapters/node/system-entropy.ts';
import type { BackupServices } from '../../shared/app/backup-services.ts';
import { backupWorkflow } from '../../shared/app/run-backup.ts';
import { restoreWorkflow } from '../../shared/app/run-restore.ts';
import { startRun } from '../../shared/app/start-run.ts';
import type { Workflow, WorkRecord } from '../../shared/app/step.ts';
import { type RunnerServices, workOnRun } from '../../shared/app/step-runner.ts';
import { type BackupRecord, NO_PROGRESS } from '../../shared/domain/backup-record.ts';
import type { RestoreRecord } from '../../shared/domain/restore-record.ts';
import type { Vault } from '../../shared/domain/vault.ts';
import { InMemoryCloudBackup } from '../../test/support/in-memory-cloud-backup.ts';
import { InMemoryClusterDirectory } from '../../test/support/in-memory-cluster-directory.ts';
import { InMemoryDiskCloud } from '../../test/support/in-memory-disk-cloud.ts';
import { InMemoryRecordStore } from '../../test/support/in-memory-record-store.ts';
import { MemoryLogger } from '../../test/support/memory-logger.ts';
import { FileObjectStores } from './file-object-store.ts';

const ACCOUNT = '1000';
const CLUSTER = 'bench';
const REGION = 'cn-hangzhou';
const CREATOR = 'acs:ram::1000:root';
/** Longest invocation of a worker (Function Compute: 24 h for asynchronous calls); one is enough. */
const INVOCATION_MS = 3_600_000;

/** Opens the cluster of a kubeconfig as the product does. */
export function openCluster(kubeconfig: string): KubernetesClusterClient {
  const pacing = { clock: new SystemClock(), entropy: new SystemEntropy() };
  return new KubernetesClusterClient(() => readKubeconfig(kubeconfig), { pacing });
}

/** One vault, one cluster, one worker. */
export class BenchCentre implements RunnerServices, BackupServices {
  readonly accountId = ACCOUNT;
  readonly clock = new SystemClock();
  readonly entropy = new SystemEntropy();
  readonly log = new MemoryLogger();
  readonly records = new InMemoryRecordStore();
  readonly directory = new InMemoryClusterDirectory();
  readonly disks = new InMemoryDiskCloud(this.clock);
  readonly cloudBackup = new InMemoryCloudBackup(this.clock);
  readonly landingImage = 'registry.example.com/pause';
  readonly stores: FileObjectStores;
  readonly control;
  readonly client: KubernetesClusterClient;

  private constructor(dir: string, kubeconfig: string) {
    this.stores = new FileObjectStores(dir);
    this.control = this.stores.open({ name: 'control' });
    this.client = openCluster(kubeconfig);
    this.directory.add({ id: CLUSTER }, this.client);
  }

  static async create(dir: string, kubeconfig: string): Promise<BenchCentre> {
    const centre = new BenchCentre(dir, kubeconfig);
    const now = centre.clock.now();
    const vault = vaultMadeAt(now);
    const { name } = vault.spec;
    await centre.records.put('vaults', [ACCOUNT, name, vault.identity], vault, 'absent');
    const cluster = {
      id: CLUSTER,
      name: CLUSTER,
      region: REGION,
      clusterType: 'Kubernetes',
      profile: 'Default',
      network: 'public',
      kubernetesVersion: await centre.client.version(),
      registeredAtMs: now,
      registeredBy: CREATOR,
      resources: [],
      contactedAtMs: now,
    };
    await centre.records.put('clusters', [ACCOUNT, CLUSTER], cluster, 'absent');
    return centre;
  }

  /** A backup, from its dispatch to its end; `*` is the whole cluster. @throws Error unless Completed */
  async backUp(namespaces: readonly string[]): Promise<BackupRecord> {
    const record = newBackup(this.clock.now(), namespaces);
    await startRun(this, {
      id: record.runId,
      kind: 'backup',
      cluster: CLUSTER,
      network: 'public',
      recordId: record.id,
      vaultIdentity: record.vaultIdentity,
      requestHash: '',
      claim: { location: 'bench/', name: record.spec.name },
      record,
    });
    const how = await this.work(record.runId, backupWorkflow(this));
    const row = await this.records.get('backups', [CLUSTER, record.id]);
    return completed(row?.value, how);
  }

  /**
   * A restore of everything into other namespaces of the cluster. Without verification: it polls, and
   * nothing here makes anything ready. @throws Error unless Completed
   */
  async restore(
    backup: BackupRecord,
    namespaceMapping: Readonly<Record<string, string>>,
  ): Promise<RestoreRecord> {
    const record = newRestore(this.clock.now(), backup, namespaceMapping);
    await startRun(this, {
      id: record.runId,
      kind: 'restore',
      cluster: CLUSTER,
      network: 'public',
      recordId: record.id,
      vaultIdentity: record.vaultIdentity,
      requestHash: '',
      claim: { location: `restores:${CLUSTER}`, name: record.spec.name },
      record,
    });
    const how = await this.work(record.runId, restoreWorkflow(this));
    const row = await this.records.get('restores', [CLUSTER, record.id]);
    return completed(row?.value, how);
  }

  private async work<R extends WorkRecord>(runId: string, workflow: Workflow<R>): Promise<string> {
    const deadlineMs = this.clock.now() + INVOCATION_MS;
    return await workOnRun(this, [workflow], { runId, deadlineMs });
  }
}

function vaultMadeAt(createdAtMs: number): Vault {
  return {
    identity: 'vault-1',
    spec: {
      name: 'main',
      bucketRegion: REGION,
      bucketName: 'cnfs-oss-bench',
      bucketSubdirectory: '',
      visibility: 'owner',
    },
    creator: CREATOR,
    accountId: ACCOUNT,
    createdAtMs,
    phase: 'Available',
    versioned: false,
    bucketEncrypted: false,
    inbox: 'listed',
    warnings: [],
  };
}

function completed<R extends WorkRecord>(record: R | undefined, how: string): R {
  if (how === 'ended' && record?.phase === 'Completed') return record;
  const found = record?.errors[0]?.message ?? record?.message ?? how;
  throw new Error(`Cannot measure: the run is ${record?.phase ?? 'absent'}, ${found}`);
}

function newRestore(
  createdAtMs: number,
  backup: BackupRecord,
  namespaceMapping: Readonly<Record<string, string>>,
): RestoreRecord {
  return {
    id: 'rs-8000000000000-00',
    runId: 'run-2',
    cluster: CLUSTER,
    vaultIdentity: backup.vaultIdentity,
    backupId: backup.id,
    sourceCluster: CLUSTER,
    spec: {
      name: 'bench',
      vault: 'main',
      backup: backup.spec.name,
      namespaces: [],
      namespaceMapping,
      imageRegistryMapping: {},
      storageClassConversion: [],
      resourceModifiers: [],
      clusterScope: 'all',
      volumes: 'restore',
      verify: false,
      dryRun: false,
    },
    creator: CREATOR,
    namespacesResolved: backup.namespacesResolved,
    phase: 'New',
    progress: NO_PROGRESS,
    errors: [],
    warnings: [],
    findingsDropped: 0,
    volumes: [],
    counts: { created: 0, skipped: 0, failed: 0, omitted: 0 },
    fence: 0,
    createdAtMs,
  };
}

function newBackup(createdAtMs: number, namespaces: readonly string[]): BackupRecord {
  return {
    id: 'bk-8000000000000-00',
    runId: 'run-1',
    cluster: CLUSTER,
    vaultIdentity: 'vault-1',
    spec: {
      name: 'bench',
      vault: 'main',
      namespaces,
      volumeBackup: false,
      clusterScope: 'related',
      retentionDays: 30,
    },
    creator: CREATOR,
    namespacesResolved: [],
    phase: 'New',
    progress: NO_PROGRESS,
    errors: [],
    warnings: [],
    findingsDropped: 0,
    volumes: [],
    coverageGaps: [],
    billing: { ossBytes: 0, snapshotGiB: 0, cloudBackupBytes: 0 },
    fence: 0,
    createdAtMs,
  };
}
