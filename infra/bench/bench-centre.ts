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
import { startRun } from '../../shared/app/start-run.ts';
import { type RunnerServices, workOnRun } from '../../shared/app/step-runner.ts';
import { type BackupRecord, NO_PROGRESS } from '../../shared/domain/backup-record.ts';
import type { Vault } from '../../shared/domain/vault.ts';
import { InMemoryClusterDirectory } from '../../test/support/in-memory-cluster-directory.ts';
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

  /** A backup of the whole cluster, from its dispatch to its end. @throws Error unless Completed */
  async backUp(): Promise<BackupRecord> {
    const record = newBackup(this.clock.now());
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
    const deadlineMs = this.clock.now() + INVOCATION_MS;
    const how = await workOnRun(this, [backupWorkflow(this)], { runId: record.runId, deadlineMs });
    const row = await this.records.get('backups', [CLUSTER, record.id]);
    if (how !== 'ended' || row?.value.phase !== 'Completed') {
      const found = row?.value.errors[0]?.message ?? row?.value.message ?? how;
      throw new Error(`Cannot measure: the backup is ${row?.value.phase ?? 'absent'}, ${found}`);
    }
    return row.value;
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

function newBackup(createdAtMs: number): BackupRecord {
  return {
    id: 'bk-8000000000000-00',
    runId: 'run-1',
    cluster: CLUSTER,
    vaultIdentity: 'vault-1',
    spec: {
      name: 'bench',
      vault: 'main',
      namespaces: ['*'],
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
