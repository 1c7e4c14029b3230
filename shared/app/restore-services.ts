/** What restore runs work with, and the way from a restore's record to its backup. */
import type { BackupRecord } from '../domain/backup-record.ts';
import type { Cluster } from '../domain/cluster.ts';
import { BackupCentreError, NotFoundError } from '../domain/errors.ts';
import { notRestorable } from '../domain/restorable.ts';
import type { RestoreRecord } from '../domain/restore-record.ts';
import type { Vault } from '../domain/vault.ts';
import type { CatalogReader } from '../format/catalog-reader.ts';
import type { Manifest } from '../format/manifest.ts';
import type { RangeSource } from '../format/range-source.ts';
import { type RestoreKeys, restoreKeys } from '../format/vault-keys.ts';
import type { ObjectStore } from '../ports/object-store.ts';
import type { AppServices } from './app-services.ts';
import { type BackupPlace, openBackup } from './backup-services.ts';
import { fileSource, openCatalog, readManifest } from './read-backup.ts';

/** The part of the centre's services that restore runs use. */
export type RestoreServices = Pick<
  AppServices,
  | 'records'
  | 'control'
  | 'stores'
  | 'directory'
  | 'disks'
  | 'cloudBackup'
  | 'clock'
  | 'entropy'
  | 'accountId'
  | 'landingImage'
>;

/** The target of a restore, as registered. @throws NotFoundError */
export async function targetCluster(
  services: Pick<RestoreServices, 'records' | 'accountId'>,
  record: Pick<RestoreRecord, 'cluster'>,
): Promise<Cluster> {
  const row = await services.records.get('clusters', [services.accountId, record.cluster]);
  if (row !== undefined) return row.value;
  throw new NotFoundError(`Cannot find cluster ${record.cluster}: it is not registered`);
}

/** A backup opened for reading. */
export interface OpenBundle {
  readonly place: BackupPlace;
  readonly manifest: Manifest;
  readonly catalog: CatalogReader;
  readonly archive: RangeSource;
}

/**
 * The record of the backup that a restore reads, still usable.
 * @throws NotFoundError; BackupCentreError `backup_expired`, `backup_unfinished`, `backup_failed`
 */
export async function usableBackup(
  services: RestoreServices,
  record: RestoreRecord,
): Promise<BackupRecord> {
  const row = await services.records.get('backups', [record.sourceCluster, record.backupId]);
  const what = `Cannot restore backup ${record.spec.backup}`;
  if (row === undefined) throw new NotFoundError(`${what}: its record is gone`);
  const code = notRestorable(row.value, services.clock.now());
  if (code === undefined) return row.value;
  const found = code === 'backup_expired' ? 'its validity is over' : `it is ${row.value.phase}`;
  throw new BackupCentreError(code, `${what}: ${found}`);
}

/** Opens the bundle of a restore. @throws NotFoundError; BackupCentreError `bundle_invalid` */
export async function openBundle(
  services: RestoreServices,
  record: RestoreRecord,
): Promise<OpenBundle> {
  const { vault, backup } = record.spec;
  const spec = { vault, name: backup };
  const place = await openBackup(services, { spec, vaultIdentity: record.vaultIdentity });
  const manifest = await readManifest(place);
  return {
    place,
    manifest,
    catalog: openCatalog(place, manifest),
    archive: fileSource(place, manifest, place.keys.archive),
  };
}

/** Where the files of a restore are, or will be. */
export interface RestorePlace {
  readonly store: ObjectStore;
  readonly keys: RestoreKeys;
  /** Whether uploads must ask for encryption. */
  readonly encrypt: boolean;
}

/** The place of a restore's own files. @throws NotFoundError the vault is unknown */
export async function restorePlace(
  services: Pick<RestoreServices, 'records' | 'stores' | 'accountId'>,
  record: RestoreRecord,
): Promise<RestorePlace> {
  const key = [services.accountId, record.spec.vault, record.vaultIdentity];
  const vault: Vault | undefined = (await services.records.get('vaults', key))?.value;
  if (vault === undefined) {
    throw new NotFoundError(
      `Cannot find vault ${record.spec.vault} (${record.vaultIdentity}) of restore ${record.spec.name}`,
    );
  }
  const { bucketRegion, bucketName, bucketSubdirectory } = vault.spec;
  return {
    store: services.stores.open({ region: bucketRegion, name: bucketName }),
    keys: restoreKeys(bucketSubdirectory, record.spec.name, record.id),
    encrypt: !vault.bucketEncrypted,
  };
}
