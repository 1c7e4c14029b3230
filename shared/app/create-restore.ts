/** Starting a restore: what state alone can tell is refused here, the rest by the run's pre-check. */
import { type BackupRecord, NO_PROGRESS } from '../domain/backup-record.ts';
import { BackupCentreError, NotFoundError, ValidationError } from '../domain/errors.ts';
import { recordId } from '../domain/ids.ts';
import { mappingCollision } from '../domain/namespace-mapping.ts';
import type { Principal } from '../domain/principal.ts';
import { isProtectedNamespace } from '../domain/protected-namespaces.ts';
import { notRestorable } from '../domain/restorable.ts';
import type { RestoreRecord, RestoreSpec } from '../domain/restore-record.ts';
import { type Vault, vaultLocation } from '../domain/vault.ts';
import type { AppServices } from './app-services.ts';
import { requireBinding } from './bind-vault.ts';
import { usableVault } from './create-backup.ts';
import { findBackupInVault, restoreNames } from './find-record.ts';
import { backupsOfPlan } from './list-records.ts';
import { findCluster } from './register-cluster.ts';
import { resolveResources } from './resolve-resources.ts';
import { startRun } from './start-run.ts';

/** A request for a restore; `backup` is a name, or `plan` asks for its newest usable backup. */
export type RestoreOrder = Omit<RestoreSpec, 'backup' | 'clusterScope'> & {
  readonly backup?: string;
  readonly clusterScope?: RestoreSpec['clusterScope'];
};

/**
 * Starts a restore into a cluster and returns its record.
 * @throws NotFoundError; ValidationError; BackupCentreError with the codes of design §8
 */
export async function createRestore(
  services: AppServices,
  principal: Principal,
  clusterId: string,
  order: RestoreOrder,
): Promise<RestoreRecord> {
  refuseMappings(order);
  const cluster = await findCluster(services, principal, clusterId);
  const vault = await usableVault(services, principal, order.vault);
  await requireBinding(services.records, clusterId, vault);
  const backup = await chosenBackup(services, vault, order);
  refuseUnusable(backup, services.clock.now());
  refuseForeignNamespaces(order, backup);
  const chosen = order.namespaces.length === 0 ? backup.namespacesResolved : order.namespaces;
  refuseCollision(order, chosen);
  const { resources, excludedResources, ...rest } = order;
  const lists = await resolveResources(services, cluster, { resources, excludedResources });
  const spec: RestoreSpec = {
    ...rest,
    ...lists,
    backup: backup.spec.name,
    clusterScope: order.clusterScope ?? (order.namespaces.length === 0 ? 'all' : 'related'),
  };
  const now = services.clock.now();
  const record: RestoreRecord = {
    id: recordId('rs', now, services.entropy.hex(4)),
    runId: `run-${services.entropy.hex(8)}`,
    cluster: clusterId,
    vaultIdentity: vault.identity,
    backupId: backup.id,
    sourceCluster: backup.cluster,
    spec,
    creator: principal.arn,
    namespacesResolved: chosen,
    phase: 'New',
    progress: NO_PROGRESS,
    errors: [],
    warnings: scopeWarnings(spec),
    findingsDropped: 0,
    volumes: [],
    counts: { created: 0, skipped: 0, failed: 0, omitted: 0 },
    fence: 0,
    createdAtMs: now,
  };
  await startRun(services, {
    id: record.runId,
    kind: 'restore',
    cluster: clusterId,
    network: cluster.value.network,
    recordId: record.id,
    vaultIdentity: vault.identity,
    requestHash: '',
    // A dry run does not use its name up.
    ...(spec.dryRun ? {} : { claim: { location: restoreNames(clusterId), name: spec.name } }),
    record,
  });
  return record;
}

async function chosenBackup(
  services: AppServices,
  vault: Vault,
  order: RestoreOrder,
): Promise<BackupRecord> {
  if (order.backup !== undefined)
    return await findBackupInVault(services.records, vault, order.backup);
  const plan = order.plan ?? '';
  const newest = await newestOfPlan(services, vault, plan);
  if (newest !== undefined) return newest;
  throw new NotFoundError(
    `Cannot find a usable backup of plan ${plan} in vault ${vault.spec.name}`,
  );
}

/**
 * The plan's newest Completed backup that is not expired, else its newest PartiallyFailed one. The plan
 * may be deleted: its name says for ever of which cluster it was, which need not be the target.
 */
async function newestOfPlan(
  { records, clock }: AppServices,
  vault: Vault,
  plan: string,
): Promise<BackupRecord | undefined> {
  const claim = await records.get('names', [vaultLocation(vault.spec), plan]);
  if (claim?.value.kind !== 'plan') return undefined;
  const now = clock.now();
  let partial: BackupRecord | undefined;
  const query = { cluster: claim.value.cluster, plan, vaultIdentity: vault.identity };
  for await (const backup of backupsOfPlan(records, query)) {
    if (notRestorable(backup, now) !== undefined) continue;
    if (backup.phase === 'Completed') return backup;
    partial ??= backup;
  }
  return partial;
}

function refuseUnusable(backup: BackupRecord, nowMs: number): void {
  const code = notRestorable(backup, nowMs);
  if (code === undefined) return;
  const found = code === 'backup_expired' ? 'its validity is over' : `it is ${backup.phase}`;
  throw new BackupCentreError(code, `Cannot restore backup ${backup.spec.name}: ${found}`, {
    details: { phase: backup.phase },
  });
}

/** Names an order may use are those of the backup; mappings speak of source names. */
function refuseForeignNamespaces(order: RestoreOrder, backup: BackupRecord): void {
  const known = new Set(backup.namespacesResolved);
  const rules = order.namespaces.flatMap((name, i) =>
    known.has(name) ? [] : [{ path: `namespaces[${i}]`, rule: `${name} is not in the backup` }],
  );
  const mapped = Object.keys(order.namespaceMapping).flatMap((name) =>
    known.has(name)
      ? []
      : [{ path: `namespaceMapping.${name}`, rule: `${name} is not in the backup` }],
  );
  if (rules.length + mapped.length === 0) return;
  throw new ValidationError(
    `Backup ${backup.spec.name} does not hold every namespace asked for`,
    [...rules, ...mapped],
    'namespace_not_in_backup',
  );
}

function refuseMappings(order: RestoreOrder): void {
  const entries = Object.entries(order.namespaceMapping);
  const named = [...order.namespaces, ...entries.flat()].filter(isProtectedNamespace);
  if (named.length > 0) {
    throw new ValidationError(
      `Cannot restore from or into namespaces of the system: ${[...new Set(named)].join(', ')}`,
      [...new Set(named)].map((name) => ({
        path: order.namespaces.includes(name) ? 'namespaces' : 'namespaceMapping',
        rule: `${name} is protected`,
      })),
      'system_namespace',
    );
  }
  refuseCollision(
    order,
    entries.map(([from]) => from),
  );
}

/** Two of these namespaces, mapped or not, never land in one. */
function refuseCollision({ namespaceMapping }: RestoreOrder, namespaces: readonly string[]): void {
  const collision = mappingCollision(namespaceMapping, namespaces);
  if (collision === undefined) return;
  const { target, sources } = collision;
  throw new ValidationError(
    `Cannot restore namespaces ${sources.join(' and ')}: both would land in ${target}`,
    sources
      .filter((from) => Object.hasOwn(namespaceMapping, from))
      .map((from) => ({
        path: `namespaceMapping.${from}`,
        rule: `${target} is the target of another namespace too`,
      })),
    'mapping_collision',
  );
}

function scopeWarnings(spec: RestoreSpec): RestoreRecord['warnings'] {
  if (spec.namespaces.length === 0 || spec.clusterScope !== 'related') return [];
  return [
    {
      code: 'cluster_scoped_left_out',
      // Not a step's name: each step sets its own findings as a whole.
      step: 'submit',
      message:
        'Namespaces are named, so cluster-scoped objects come back only where a restored object needs them',
      hint: 'Leave namespaces empty, or ask for clusterScope "all", to bring all of them',
    },
  ];
}
