/** Writes of a rebuild that several parts of it share: each leaves alone what is there. */
import { BackupCentreError, ConditionFailedError } from '../domain/errors.ts';
import type { Principal } from '../domain/principal.ts';
import type { NameClaim } from '../domain/run.ts';
import { type Vault, vaultLocation } from '../domain/vault.ts';
import type { RecordStore, TableName, TableValues } from '../ports/record-store.ts';
import type { AppServices } from './app-services.ts';
import { refreshCluster, registerCluster } from './register-cluster.ts';

/** Puts a row where none is; true where it did. */
export async function putAbsent<T extends TableName>(
  records: RecordStore,
  table: T,
  key: readonly string[],
  value: TableValues[T],
): Promise<boolean> {
  try {
    await records.put(table, key, value, 'absent');
    return true;
  } catch (error) {
    if (error instanceof ConditionFailedError) return false;
    throw error;
  }
}

/** The claim of a name at the vault's location, made where there is none. */
export async function claimAgain(records: RecordStore, claim: NameClaim): Promise<NameClaim> {
  const key = [claim.location, claim.name];
  const row = await records.get('names', key);
  if (row !== undefined) return row.value;
  await putAbsent(records, 'names', key, claim);
  return (await records.get('names', key))?.value ?? claim;
}

/** How a cluster is reached, as far as the vault knows. */
export interface KnownCluster {
  readonly id: string;
  readonly region?: string;
  readonly network?: string;
}

/**
 * Registers clusters again and binds them to the vault; each once per invocation. One that cannot be
 * registered is told and does not stop the rest: its backups can be restored into another cluster.
 */
export class ClustersAgain {
  /** Why a cluster is not registered, by its id. */
  readonly troubles = new Map<string, string>();
  private readonly done = new Set<string>();
  private readonly services: AppServices;
  private readonly principal: Principal;
  private readonly vault: Vault;

  constructor(services: AppServices, principal: Principal, vault: Vault) {
    this.services = services;
    this.principal = principal;
    this.vault = vault;
  }

  async ensure(cluster: KnownCluster): Promise<void> {
    if (this.done.has(cluster.id)) return;
    this.done.add(cluster.id);
    await this.register(cluster);
    const { spec, identity } = this.vault;
    await putAbsent(this.services.records, 'vault_bindings', [cluster.id, spec.name, identity], {
      cluster: cluster.id,
      vaultName: spec.name,
      identity,
      location: vaultLocation(spec),
      boundAtMs: this.services.clock.now(),
    });
  }

  private async register(cluster: KnownCluster): Promise<void> {
    const { records } = this.services;
    const key = [this.principal.accountId, cluster.id];
    const known = await records.get('clusters', key);
    if (known !== undefined && known.value.contactedAtMs > 0) return;
    try {
      // Registered by an invocation that ended before the cluster was asked for its kinds.
      if (known !== undefined) {
        await refreshCluster(this.services, known);
        return;
      }
      const { unreachable } = await registerCluster(this.services, this.principal, cluster);
      if (unreachable !== undefined) this.troubles.set(cluster.id, unreachable);
    } catch (error) {
      if (!(error instanceof BackupCentreError) || error.code === 'internal') throw error;
      this.troubles.set(cluster.id, error.message);
    }
  }
}
