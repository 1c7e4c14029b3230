/** Backup now: everything that can be refused is refused before a row is written. */
import type { BackupRecord, BackupSpec } from '../domain/backup-record.ts';
import type { Cluster } from '../domain/cluster.ts';
import { BackupCentreError, NotFoundError, ValidationError } from '../domain/errors.ts';
import { recordId } from '../domain/ids.ts';
import type { Principal } from '../domain/principal.ts';
import { isProtectedNamespace } from '../domain/protected-namespaces.ts';
import { type Vault, vaultLocation } from '../domain/vault.ts';
import type { StoredRow } from '../ports/record-store.ts';
import type { AppServices } from './app-services.ts';
import { bindVault } from './bind-vault.ts';
import { newBackupRun } from './new-backup-run.ts';
import { findCluster } from './register-cluster.ts';
import { resolveResources } from './resolve-resources.ts';
import { startRun } from './start-run.ts';
import { findVault } from './vault-catalogue.ts';

/** Namespaces looked up before a run is accepted; longer lists are left to the run. */
const NAMESPACES_LOOKED_UP_MAX = 20;

/** A request for a backup; resource names are the caller's words. */
export type BackupOrder = BackupSpec;

/**
 * Starts a backup of a cluster and returns its record.
 * @throws NotFoundError; ValidationError; BackupCentreError with the codes of design §8
 */
export async function createBackup(
  services: AppServices,
  principal: Principal,
  clusterId: string,
  order: BackupOrder,
): Promise<BackupRecord> {
  refuseReservedName(order.name);
  refuseProtected(order.namespaces);
  const cluster = await findCluster(services, principal, clusterId);
  const vault = await usableVault(services, principal, order.vault);
  const spec = await resolveSpec(services, cluster, order);
  await refuseUnknownNamespaces(services, cluster.value, spec.namespaces);
  await bindVault(services, cluster.value, vault);
  return await startBackup(services, principal, { cluster: cluster.value, vault, spec });
}

async function startBackup(
  services: AppServices,
  principal: Principal,
  parts: { readonly cluster: Cluster; readonly vault: Vault; readonly spec: BackupSpec },
): Promise<BackupRecord> {
  const { cluster, vault, spec } = parts;
  const now = services.clock.now();
  const run = newBackupRun({
    runId: `run-${services.entropy.hex(8)}`,
    recordId: recordId('bk', now, services.entropy.hex(4)),
    cluster: cluster.id,
    network: cluster.network,
    vaultIdentity: vault.identity,
    location: vaultLocation(vault.spec),
    spec,
    creator: principal.arn,
    createdAtMs: now,
  });
  await startRun(services, run);
  return run.record;
}

/** A living vault that can be written to. @throws BackupCentreError `vault_unavailable` */
export async function usableVault(
  services: AppServices,
  principal: Principal,
  name: string,
): Promise<Vault> {
  const { value } = await findVault(services.records, principal, name).catch((error: unknown) => {
    if (error instanceof NotFoundError) {
      throw new NotFoundError(`Cannot find vault ${name}`, { path: 'vault' });
    }
    throw error;
  });
  if (value.phase === 'Available') return value;
  throw new BackupCentreError(
    'vault_unavailable',
    `VaultError: backup vault is unavailable: ${name} is ${value.phase}${value.message === undefined ? '' : `: ${value.message}`}`,
    { details: { vault: name, phase: value.phase } },
  );
}

/** Names that scheduled runs get are not the users' to take. */
export function refuseReservedName(name: string): void {
  if (!/-\d{14}$/.test(name)) return;
  throw new ValidationError(
    `Cannot use the name ${name}: names that end in a hyphen and 14 digits are those of scheduled runs`,
    [{ path: 'name', rule: 'must not end in a hyphen and 14 digits' }],
    'reserved_name',
  );
}

/** @throws ValidationError `system_namespace` */
export function refuseProtected(namespaces: readonly string[]): void {
  const rules = namespaces.flatMap((name, i) =>
    isProtectedNamespace(name) ? [{ path: `namespaces[${i}]`, rule: `${name} is protected` }] : [],
  );
  if (rules.length === 0) return;
  const names = namespaces.filter(isProtectedNamespace).join(', ');
  throw new ValidationError(
    `Cannot back up namespaces of the system: ${names}`,
    rules,
    'system_namespace',
  );
}

/** The spec with every resource name resolved. @throws ValidationError `unknown_resource`, `invalid` */
export async function resolveSpec(
  services: AppServices,
  cluster: StoredRow<Cluster>,
  order: BackupOrder,
): Promise<BackupSpec> {
  const { resources, excludedResources, ...rest } = order;
  const lists = await resolveResources(services, cluster, { resources, excludedResources });
  return { ...rest, ...lists };
}

/** Where the cluster answers and none of the named namespaces is there, the request is refused. */
async function refuseUnknownNamespaces(
  services: AppServices,
  cluster: Cluster,
  namespaces: readonly string[],
): Promise<void> {
  if (namespaces.includes('*') || namespaces.length > NAMESPACES_LOOKED_UP_MAX) return;
  const resource = cluster.resources.find((r) => r.group === '' && r.resource === 'namespaces');
  if (resource === undefined) return;
  const found = await countNamespaces(services, cluster, { resource, namespaces });
  if (found !== 0) return;
  throw new ValidationError(
    `get target namespace failed: none of ${namespaces.join(', ')} exists in cluster ${cluster.id}`,
    [{ path: 'namespaces', rule: 'must name at least one namespace that exists' }],
    'no_namespaces',
  );
}

/** Number of the namespaces that exist; undefined where the cluster does not answer now. */
async function countNamespaces(
  services: AppServices,
  cluster: Cluster,
  query: {
    readonly resource: Cluster['resources'][number];
    readonly namespaces: readonly string[];
  },
): Promise<number | undefined> {
  try {
    const client = await services.directory.connect(cluster);
    try {
      const answers = await Promise.all(
        query.namespaces.map((name) => client.get({ resource: query.resource, name })),
      );
      return answers.filter((a) => a !== undefined).length;
    } finally {
      await client.close();
    }
  } catch (error) {
    // The run itself finds out; an API function may be unable to reach a private cluster at all.
    if (error instanceof BackupCentreError) return undefined;
    throw error;
  }
}
