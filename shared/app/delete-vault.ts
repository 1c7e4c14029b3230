/** Deleting a vault removes the pointer and keeps the data; the tombstone keeps the name known. */
import { BackupCentreError } from '../domain/errors.ts';
import type { Principal } from '../domain/principal.ts';
import { type Vault, vaultLocation } from '../domain/vault.ts';
import { findActiveRun } from './active-runs.ts';
import type { AppServices } from './app-services.ts';
import { releaseClaims } from './create-vault.ts';
import { findVault } from './vault-catalogue.ts';

/**
 * Deletes a vault. Its files, snapshots and Cloud Backup data stay and stay billed.
 * @throws NotFoundError; BackupCentreError `vault_in_use` while a run works with it
 */
export async function deleteVault(
  services: AppServices,
  principal: Principal,
  name: string,
): Promise<Vault> {
  const row = await findVault(services.records, principal, name);
  const { identity, spec } = row.value;
  const run = await findActiveRun(services.records, (r) => r.vaultIdentity === identity);
  if (run !== undefined) {
    throw new BackupCentreError(
      'vault_in_use',
      `Cannot delete vault ${name}: a ${run.kind} of cluster ${run.cluster} is using it`,
      { details: { run: run.id, record: run.recordId } },
    );
  }
  const deleted: Vault = { ...row.value, deletedAtMs: services.clock.now() };
  await services.records.put('vaults', row.key, deleted, { version: row.version });
  const claims = [`name/${spec.name}`, `location/${vaultLocation(spec)}`];
  await releaseClaims(services, principal.accountId, claims, identity);
  return deleted;
}
