/**
 * Deleting a vault removes the pointer and keeps the data; the tombstone keeps the name known. Plans are
 * looked for before and after the mark: one that is being made meanwhile sees the mark or is seen.
 */
import { BackupCentreError } from '../domain/errors.ts';
import type { Principal } from '../domain/principal.ts';
import { type Vault, vaultLocation } from '../domain/vault.ts';
import { findActiveRun } from './active-runs.ts';
import type { AppServices } from './app-services.ts';
import { releaseClaims } from './create-vault.ts';
import { findVault } from './vault-catalogue.ts';
import { planOfVault } from './vault-plans.ts';

/**
 * Deletes a vault. Its files, snapshots and Cloud Backup data stay and stay billed.
 * @throws NotFoundError; BackupCentreError `vault_in_use` while a plan refers to it or a run works with it
 */
export async function deleteVault(
  services: AppServices,
  principal: Principal,
  name: string,
): Promise<Vault> {
  const row = await findVault(services.records, principal, name);
  const { identity, spec } = row.value;
  await refusePlanned(services, row.value);
  const run = await findActiveRun(services.records, (r) => r.vaultIdentity === identity);
  if (run !== undefined) {
    throw new BackupCentreError(
      'vault_in_use',
      `Cannot delete vault ${name}: a ${run.kind} of cluster ${run.cluster} is using it`,
      { details: { run: run.id, record: run.recordId } },
    );
  }
  const deleted: Vault = { ...row.value, deletedAtMs: services.clock.now() };
  const version = await services.records.put('vaults', row.key, deleted, { version: row.version });
  try {
    await refusePlanned(services, row.value);
  } catch (error) {
    await services.records.put('vaults', row.key, row.value, { version });
    throw error;
  }
  const claims = [`name/${spec.name}`, `location/${vaultLocation(spec)}`];
  await releaseClaims(services, principal.accountId, claims, identity);
  return deleted;
}

async function refusePlanned(services: AppServices, { identity, spec }: Vault): Promise<void> {
  const plan = await planOfVault(services.records, identity, services.clock.now());
  if (plan === undefined) return;
  throw new BackupCentreError(
    'vault_in_use',
    `Cannot delete vault ${spec.name}: plan ${plan.name ?? plan.id} of cluster ${plan.cluster} refers to it; delete the plan first, its backups stay`,
    { details: { plan: plan.id, cluster: plan.cluster } },
  );
}
