/** Finding backups and restores by id or name, from the primary tables: a write is seen at once. */
import type { BackupRecord } from '../domain/backup-record.ts';
import { BackupCentreError, NotFoundError } from '../domain/errors.ts';
import { isRecordId } from '../domain/ids.ts';
import type { RestoreRecord } from '../domain/restore-record.ts';
import { type Vault, vaultLocation } from '../domain/vault.ts';
import type { RecordStore } from '../ports/record-store.ts';
import { bindingsOf } from './bind-vault.ts';

/** Place of the names of restores into a cluster. */
export function restoreNames(clusterId: string): string {
  return `restores:${clusterId}`;
}

/**
 * A backup of a cluster by id or name.
 * @throws NotFoundError; BackupCentreError `ambiguous_name` when two vaults have that name
 */
export async function findBackup(
  records: RecordStore,
  query: { readonly cluster: string; readonly backup: string; readonly vault?: string },
): Promise<BackupRecord> {
  const missing = new NotFoundError(
    `Cannot find backup ${query.backup} of cluster ${query.cluster}`,
  );
  if (isRecordId(query.backup)) {
    const row = await records.get('backups', [query.cluster, query.backup]);
    if (row !== undefined) return row.value;
  }
  const found: { vault: string; record: BackupRecord }[] = [];
  for (const binding of await bindingsOf(records, query.cluster)) {
    if (query.vault !== undefined && binding.vaultName !== query.vault) continue;
    const record = await namedBackup(records, binding.location, query.backup);
    // A location outlives its vault: under the same one, each vault knows its own backups only.
    if (record?.cluster !== query.cluster || record.vaultIdentity !== binding.identity) continue;
    found.push({ vault: binding.vaultName, record });
  }
  const [first, second] = found;
  if (first === undefined) throw missing;
  if (second !== undefined) {
    const vaults = found.map((f) => f.vault);
    throw new BackupCentreError(
      'ambiguous_name',
      `Backup ${query.backup} is in more than one vault: ${vaults.join(', ')}; say which with ?vault=`,
      { details: { vaults } },
    );
  }
  return first.record;
}

/** A backup of any cluster in a vault, by name. @throws NotFoundError */
export async function findBackupInVault(
  records: RecordStore,
  vault: Vault,
  name: string,
): Promise<BackupRecord> {
  const record = await namedBackup(records, vaultLocation(vault.spec), name);
  if (record === undefined || record.vaultIdentity !== vault.identity) {
    throw new NotFoundError(`Cannot find backup ${name} in vault ${vault.spec.name}`);
  }
  return record;
}

/** A restore into a cluster by id or name. @throws NotFoundError */
export async function findRestore(
  records: RecordStore,
  clusterId: string,
  nameOrId: string,
): Promise<RestoreRecord> {
  const id = isRecordId(nameOrId)
    ? nameOrId
    : (await records.get('names', [restoreNames(clusterId), nameOrId]))?.value.recordId;
  const row = id === undefined ? undefined : await records.get('restores', [clusterId, id]);
  if (row === undefined) {
    throw new NotFoundError(`Cannot find restore ${nameOrId} of cluster ${clusterId}`);
  }
  return row.value;
}

async function namedBackup(
  records: RecordStore,
  location: string,
  name: string,
): Promise<BackupRecord | undefined> {
  const claim = await records.get('names', [location, name]);
  if (claim?.value.kind !== 'backup') return undefined;
  const row = await records.get('backups', [claim.value.cluster, claim.value.recordId]);
  return row?.value;
}
