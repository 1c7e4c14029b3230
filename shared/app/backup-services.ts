/** What backup and verify runs work with, and the way from a record to its vault and cluster. */
import type { BackupRecord, BackupSpec } from '../domain/backup-record.ts';
import { NotFoundError } from '../domain/errors.ts';
import { type BackupKeys, backupKeys } from '../format/vault-keys.ts';
import type { ClusterClient } from '../ports/cluster-client.ts';
import type { ObjectStore } from '../ports/object-store.ts';
import type { AppServices } from './app-services.ts';

/** The part of the centre's services that these runs use. */
export type BackupServices = Pick<
  AppServices,
  'records' | 'stores' | 'directory' | 'disks' | 'cloudBackup' | 'clock' | 'accountId'
>;

/** A backup's place. */
export interface BackupPlace {
  readonly store: ObjectStore;
  readonly keys: BackupKeys;
  /** Whether uploads must ask for encryption. */
  readonly encrypt: boolean;
}

/** Where a backup's files are, or will be. @throws NotFoundError the vault is unknown */
export async function openBackup(
  services: Pick<BackupServices, 'records' | 'stores' | 'accountId'>,
  record: {
    readonly spec: Pick<BackupSpec, 'name' | 'vault'>;
    readonly vaultIdentity: string;
  },
): Promise<BackupPlace> {
  const key = [services.accountId, record.spec.vault, record.vaultIdentity];
  const row = await services.records.get('vaults', key);
  if (row === undefined) {
    throw new NotFoundError(
      `Cannot find vault ${record.spec.vault} (${record.vaultIdentity}) of backup ${record.spec.name}`,
    );
  }
  const { spec, bucketEncrypted } = row.value;
  return {
    store: services.stores.open({ region: spec.bucketRegion, name: spec.bucketName }),
    keys: backupKeys(spec.bucketSubdirectory, record.spec.name),
    encrypt: !bucketEncrypted,
  };
}

/** A client to the cluster a record is about. @throws NotFoundError; UnavailableError */
export async function connectCluster(
  services: Pick<BackupServices, 'records' | 'directory' | 'accountId'>,
  record: Pick<BackupRecord, 'cluster'>,
): Promise<ClusterClient> {
  const row = await services.records.get('clusters', [services.accountId, record.cluster]);
  if (row === undefined) {
    throw new NotFoundError(`Cannot find cluster ${record.cluster}: it is not registered`);
  }
  return await services.directory.connect(row.value);
}
