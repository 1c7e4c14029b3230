/** A cluster binds to a vault once; from then on that name means that vault for it. */

import type { Cluster } from '../domain/cluster.ts';
import { BackupCentreError, ConditionFailedError } from '../domain/errors.ts';
import { type Vault, type VaultBinding, vaultLocation } from '../domain/vault.ts';
import type { RecordStore } from '../ports/record-store.ts';
import type { AppServices } from './app-services.ts';

const BINDINGS_MAX = 1000;

/**
 * Binds the cluster to the vault; binding again is fine.
 * @throws BackupCentreError `vault_identity_changed` when the cluster used an earlier vault of that
 * name; `bucket_name_not_allowed` for a managed cluster
 */
export async function bindVault(
  services: AppServices,
  cluster: Cluster,
  vault: Vault,
): Promise<VaultBinding> {
  await refuseOtherIdentity(services.records, cluster.id, vault);
  const { bucketName } = vault.spec;
  if (
    cluster.clusterType === 'ManagedKubernetes' &&
    !services.managedBucketPattern.test(bucketName)
  ) {
    throw new BackupCentreError(
      'bucket_name_not_allowed',
      `Cannot bind vault ${vault.spec.name} to managed cluster ${cluster.id}: bucket ${bucketName} does not match ${services.managedBucketPattern.source}`,
      { details: { bucket: bucketName, pattern: services.managedBucketPattern.source } },
    );
  }
  const binding: VaultBinding = {
    cluster: cluster.id,
    vaultName: vault.spec.name,
    identity: vault.identity,
    location: vaultLocation(vault.spec),
    boundAtMs: services.clock.now(),
  };
  const key = [cluster.id, vault.spec.name, vault.identity];
  try {
    await services.records.put('vault_bindings', key, binding, 'absent');
  } catch (error) {
    if (!(error instanceof ConditionFailedError)) throw error;
    return (await services.records.get('vault_bindings', key))?.value ?? binding;
  }
  return binding;
}

/**
 * The cluster's binding to this very vault.
 * @throws BackupCentreError `vault_not_initialised`, `vault_identity_changed`
 */
export async function requireBinding(
  records: RecordStore,
  clusterId: string,
  vault: Vault,
): Promise<VaultBinding> {
  await refuseOtherIdentity(records, clusterId, vault);
  const row = await records.get('vault_bindings', [clusterId, vault.spec.name, vault.identity]);
  if (row !== undefined) return row.value;
  throw new BackupCentreError(
    'vault_not_initialised',
    `Cannot restore into cluster ${clusterId}: vault ${vault.spec.name} is not initialised there`,
    { details: { cluster: clusterId, vault: vault.spec.name } },
  );
}

/** All bindings of a cluster. */
export async function bindingsOf(
  records: RecordStore,
  clusterId: string,
): Promise<readonly VaultBinding[]> {
  const page = await records.list('vault_bindings', { prefix: [clusterId], limit: BINDINGS_MAX });
  return page.rows.map((r) => r.value);
}

async function refuseOtherIdentity(
  records: RecordStore,
  clusterId: string,
  vault: Vault,
): Promise<void> {
  const page = await records.list('vault_bindings', {
    prefix: [clusterId, vault.spec.name],
    limit: BINDINGS_MAX,
  });
  if (page.rows.every((r) => r.value.identity === vault.identity)) return;
  throw new BackupCentreError(
    'vault_identity_changed',
    `Cannot use vault ${vault.spec.name} with cluster ${clusterId}: the cluster has used an earlier vault of that name; create one under a new name`,
    { details: { cluster: clusterId, vault: vault.spec.name } },
  );
}
