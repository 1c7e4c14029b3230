/** The API over doubles: one cluster `c1` known to ACK, time that passes by itself, no workers. */
import type { AppServices } from '../../shared/app/app-services.ts';
import type { ApiResource } from '../../shared/domain/api-resource.ts';
import type { BackupRecord } from '../../shared/domain/backup-record.ts';
import { ApiCaller, type ApiReply } from './api-caller.ts';
import { apiResource } from './api-resources.ts';
import { FakeClock } from './fake-clock.ts';
import { InMemoryCloudBackup } from './in-memory-cloud-backup.ts';
import { InMemoryClusterClient } from './in-memory-cluster-client.ts';
import { InMemoryClusterDirectory } from './in-memory-cluster-directory.ts';
import { InMemoryDiskCloud } from './in-memory-disk-cloud.ts';
import { InMemoryObjectStores } from './in-memory-object-store.ts';
import { InMemoryRecordStore } from './in-memory-record-store.ts';
import { MemoryLogger } from './memory-logger.ts';
import { SeededEntropy } from './seeded-entropy.ts';

/** Kinds that `c1` serves. */
export const API_WORLD_KINDS: readonly ApiResource[] = [
  apiResource('namespaces', 'Namespace', { namespaced: false, shortNames: ['ns'] }),
  apiResource('pods', 'Pod', { shortNames: ['po'] }),
  apiResource('secrets', 'Secret'),
  apiResource('deployments.apps', 'Deployment', { shortNames: ['deploy'] }),
];

/** A body that makes a vault. */
export const VAULT_BODY = {
  name: 'main',
  bucketRegion: 'cn-hangzhou',
  bucketName: 'cnfs-oss-a',
  visibility: 'owner',
};

/** A body that starts a backup of `c1`. */
export const BACKUP_BODY = {
  name: 'b1',
  vault: 'main',
  namespaces: ['shop'],
  volumeBackup: false,
};

/** What an API test works with. */
export class ApiWorld {
  readonly clock = new FakeClock({ impatient: true });
  readonly records = new InMemoryRecordStore();
  readonly stores = new InMemoryObjectStores(() => this.clock.now());
  readonly directory = new InMemoryClusterDirectory();
  readonly cluster = new InMemoryClusterClient(API_WORLD_KINDS, {
    namespaces: ['shop', 'kube-system'],
  });
  readonly log = new MemoryLogger();
  readonly services: AppServices;
  private readonly caller: ApiCaller;

  constructor() {
    this.directory.add({ id: 'c1', clusterType: 'Kubernetes' }, this.cluster);
    this.services = {
      records: this.records,
      control: this.stores.open({ region: 'cn-hangzhou', name: 'control' }),
      stores: this.stores,
      directory: this.directory,
      disks: new InMemoryDiskCloud(this.clock),
      cloudBackup: new InMemoryCloudBackup(this.clock),
      clock: this.clock,
      entropy: new SeededEntropy(),
      log: this.log,
      accountId: '1234567890',
      region: 'cn-hangzhou',
      networks: ['vpc-a'],
      managedBucketPattern: /^cnfs-oss/,
      landingImage: 'registry.example.com/pause',
    };
    this.caller = new ApiCaller(this.services);
  }

  /** A call as the owner of the account. */
  async call(...given: Parameters<ApiCaller['call']>): Promise<ApiReply> {
    return await this.caller.call(...given);
  }

  /** Vault `main` and cluster `c1`. */
  async prepare(): Promise<void> {
    await this.mustBe(202, 'POST', '/v1/vaults', VAULT_BODY);
    await this.mustBe(201, 'POST', '/v1/clusters', { id: 'c1' });
  }

  /** Number of backups of `c1`. */
  async backupCount(): Promise<number> {
    return (await this.records.list('backups', { prefix: ['c1'], limit: 100 })).rows.length;
  }

  /** Ends the newest backup the way its worker would. */
  async finish(given: Partial<BackupRecord> = {}): Promise<void> {
    const row = (await this.records.list('backups', { prefix: ['c1'], limit: 1 })).rows[0];
    if (row === undefined) throw new Error('No backup was started');
    const done = {
      phase: 'Completed',
      namespacesResolved: ['shop'],
      completedAtMs: this.clock.now(),
    } as const;
    await this.records.put('backups', row.key, { ...row.value, ...done, ...given }, 'any');
    const run = await this.records.get('runs', [row.value.runId]);
    if (run === undefined) throw new Error('No run was started');
    await this.records.put('runs', run.key, { ...run.value, state: 'ended' }, 'any');
  }

  private async mustBe(status: number, ...request: Parameters<ApiCaller['call']>): Promise<void> {
    const reply = await this.call(...request);
    if (reply.status === status) return;
    throw new Error(`${request[0]} ${request[1]}: ${reply.status} ${reply.text}`);
  }
}
