/**
 * Making a plan. Order: binding -> name claim that carries the plan -> reference to the vault -> document
 * in the vault -> plan row -> the claim lets go of the plan. Who dies before the row leaves a claim with
 * a plan that is not there: asking again, with the same body or another one, completes it under the same
 * id, so there are never two. No row but the plan's own is looked for, so nothing else takes a half one
 * for a plan.
 */
import { BackupCentreError, ConditionFailedError, ValidationError } from '../domain/errors.ts';
import { recordId } from '../domain/ids.ts';
import type { Plan, PlanSpec } from '../domain/plan.ts';
import type { Principal } from '../domain/principal.ts';
import type { NameClaim } from '../domain/run.ts';
import { nextDue, parseSchedule, type ScheduleInput } from '../domain/schedule.ts';
import { type Vault, vaultLocation } from '../domain/vault.ts';
import type { RecordStore } from '../ports/record-store.ts';
import type { AppServices } from './app-services.ts';
import { bindVault } from './bind-vault.ts';
import {
  type BackupOrder,
  refuseProtected,
  refuseReservedName,
  resolveSpec,
  usableVault,
} from './create-backup.ts';
import { keepPlan } from './keep-plan.ts';
import { findCluster } from './register-cluster.ts';
import { planRowKey, rewritePlan } from './rewrite-plan.ts';
import { leaveVault, referToVault } from './vault-plans.ts';

/** How often a lost race over one row is tried again. */
const RACES_MAX = 20;

/** A request for a plan; resource names are the caller's words. */
export interface PlanOrder {
  readonly backup: BackupOrder;
  readonly schedule: ScheduleInput;
  readonly paused: boolean;
  readonly skipNextRun: boolean;
}

/**
 * Makes a plan and returns it. Its namespaces need not be there yet.
 * @throws NotFoundError; ValidationError; BackupCentreError with the codes of design §8
 */
export async function createPlan(
  services: AppServices,
  principal: Principal,
  clusterId: string,
  order: PlanOrder,
): Promise<Plan> {
  refuseReservedName(order.backup.name);
  refuseProtected(order.backup.namespaces);
  refuseNothing(order.backup);
  const schedule = parseSchedule(order.schedule);
  const cluster = await findCluster(services, principal, clusterId);
  const vault = await usableVault(services, principal, order.backup.vault);
  const spec = { ...(await resolveSpec(services, cluster, order.backup)), schedule };
  await bindVault(services, cluster.value, vault);
  const now = services.clock.now();
  const location = vaultLocation(vault.spec);
  const wanted: Plan = {
    id: recordId('pl', now, services.entropy.hex(4)),
    cluster: cluster.value.id,
    network: cluster.value.network,
    vaultIdentity: vault.identity,
    location,
    spec,
    creator: principal,
    createdAtMs: now,
    revision: 1,
    paused: order.paused,
    skipNextRun: order.skipNextRun,
  };
  const claimed = await claimName(services, wanted);
  await referToVault(services.records, claimed, now);
  await refuseDeleted(services, vault, claimed);
  const kept = await keepPlan(services, claimed);
  const plan = await insertPlan(services, kept);
  await settleClaim(services.records, plan);
  return plan;
}

/** @throws ValidationError everything would be left out */
export function refuseNothing({
  namespaces,
  namespaceSelection,
}: Pick<PlanSpec, 'namespaces' | 'namespaceSelection'>): void {
  if (namespaceSelection !== 'exclude' || !namespaces.includes('*')) return;
  throw new ValidationError('Cannot plan to back up nothing: every namespace is left out', [
    { path: 'namespaces', rule: 'must not be "*" with namespaceSelection exclude' },
  ]);
}

/** Takes the name, or takes up the plan of an earlier request that died. @throws `name_taken` */
async function claimName({ records }: AppServices, wanted: Plan): Promise<Plan> {
  const key = [wanted.location, wanted.spec.name];
  for (let race = 0; race < RACES_MAX; race += 1) {
    const row = await records.get('names', key);
    const plan = row === undefined ? wanted : await takenUp(records, row.value, wanted);
    if (row !== undefined && plan === row.value.unfinishedPlan) return plan ?? wanted;
    const claim: NameClaim = {
      location: wanted.location,
      name: wanted.spec.name,
      kind: 'plan',
      cluster: plan.cluster,
      runId: '',
      recordId: plan.id,
      claimedAtMs: row?.value.claimedAtMs ?? plan.createdAtMs,
      unfinishedPlan: plan,
    };
    try {
      const condition = row === undefined ? 'absent' : { version: row.version };
      await records.put('names', key, claim, condition);
      return plan;
    } catch (error) {
      if (!(error instanceof ConditionFailedError)) throw error;
    }
  }
  throw new ConditionFailedError(
    `Cannot claim the name ${wanted.spec.name}: lost ${RACES_MAX} races`,
    undefined,
  );
}

/** The plan to be made of a claim that is there. @throws `name_taken` */
async function takenUp(records: RecordStore, claim: NameClaim, wanted: Plan): Promise<Plan> {
  const left = claim.unfinishedPlan;
  if (left === undefined || left.cluster !== wanted.cluster) throw nameTaken(claim);
  if (isSameRequest(left, wanted)) return left;
  const row = await records.get('plans', planRowKey(left.cluster, left.id));
  if (row !== undefined) throw nameTaken(claim);
  // Under the same id: of two that make it, one row wins.
  return { ...wanted, id: left.id };
}

/** A vault that was deleted meanwhile takes no plan. */
async function refuseDeleted(services: AppServices, vault: Vault, plan: Plan): Promise<void> {
  const key = [vault.accountId, vault.spec.name, vault.identity];
  const row = await services.records.get('vaults', key);
  if (row?.value.deletedAtMs === undefined) return;
  await leaveVault(services.records, plan);
  throw new BackupCentreError(
    'vault_unavailable',
    `Cannot make plan ${plan.spec.name}: vault ${vault.spec.name} has just been deleted`,
    { details: { vault: vault.spec.name } },
  );
}

async function insertPlan(services: AppServices, kept: Plan): Promise<Plan> {
  const { records, clock } = services;
  const key = planRowKey(kept.cluster, kept.id);
  const due = nextDue(kept.spec.schedule, kept.createdAtMs, clock.now());
  const plan: Plan = kept.paused ? kept : { ...kept, dueAtMs: due };
  try {
    await records.put('plans', key, plan, 'absent');
    return plan;
  } catch (error) {
    if (!(error instanceof ConditionFailedError)) throw error;
    const row = await records.get('plans', key);
    if (row !== undefined && isSameRequest(row.value, plan)) return row.value;
    await outdo(services, plan, row?.value);
    const { cluster, spec } = plan;
    throw nameTaken({ name: spec.name, kind: 'plan', cluster });
  }
}

/** The document of a plan that did not come to be must not be the last one: what is there counts. */
async function outdo(services: AppServices, lost: Plan, found: Plan | undefined): Promise<void> {
  const revision = lost.revision + 1;
  if (found === undefined) {
    await keepPlan(services, { ...lost, revision }, true);
    return;
  }
  await rewritePlan(
    services.records,
    found,
    async (current) =>
      await keepPlan(services, { ...current, revision: Math.max(revision, current.revision + 1) }),
  );
}

/** From now on the name is the plan's, and stays taken when the plan is deleted. */
export async function settleClaim(records: RecordStore, { location, spec }: Plan): Promise<void> {
  for (let race = 0; race < RACES_MAX; race += 1) {
    const row = await records.get('names', [location, spec.name]);
    if (row?.value.unfinishedPlan === undefined) return;
    const { unfinishedPlan: _done, ...claim } = row.value;
    try {
      await records.put('names', row.key, claim, { version: row.version });
      return;
    } catch (error) {
      if (!(error instanceof ConditionFailedError)) throw error;
    }
  }
}

/** Whether two plans were asked for in the same words by the same caller. */
function isSameRequest(a: Plan, b: Plan): boolean {
  return wordsOf(a) === wordsOf(b);
}

function wordsOf({ vaultIdentity, spec, creator, paused, skipNextRun }: Plan): string {
  return JSON.stringify([vaultIdentity, spec satisfies PlanSpec, creator, paused, skipNextRun]);
}

function nameTaken(holder: Pick<NameClaim, 'name' | 'kind' | 'cluster'>): BackupCentreError {
  return new BackupCentreError(
    'name_taken',
    `Cannot use the name ${holder.name}: a ${holder.kind} of cluster ${holder.cluster} has it or had it in this vault`,
    { details: { cluster: holder.cluster, kind: holder.kind } },
  );
}
