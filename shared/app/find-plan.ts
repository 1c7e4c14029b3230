/** Finding and listing plans, from the primary table: a write is seen at once. */
import { BackupCentreError, NotFoundError } from '../domain/errors.ts';
import { isRecordId, planShard } from '../domain/ids.ts';
import { isTerminal } from '../domain/phase.ts';
import type { Plan } from '../domain/plan.ts';
import type { RecordStore } from '../ports/record-store.ts';
import { bindingsOf } from './bind-vault.ts';
import { planRowKey } from './rewrite-plan.ts';

/** Pages read for one reply while a filter leaves nothing; the cursor goes on from there. */
const PAGES_MAX = 20;

/**
 * A plan of a cluster by id or name.
 * @throws NotFoundError; BackupCentreError `ambiguous_name` when two vaults have that name
 */
export async function findPlan(
  records: RecordStore,
  query: { readonly cluster: string; readonly plan: string; readonly vault?: string },
): Promise<Plan> {
  const { cluster, plan: nameOrId, vault } = query;
  if (isRecordId(nameOrId)) {
    const row = await records.get('plans', planRowKey(cluster, nameOrId));
    if (row !== undefined) return row.value;
  }
  const found: Plan[] = [];
  for (const binding of await bindingsOf(records, cluster)) {
    if (vault !== undefined && binding.vaultName !== vault) continue;
    const claim = await records.get('names', [binding.location, nameOrId]);
    if (claim?.value.kind !== 'plan' || claim.value.cluster !== cluster) continue;
    const row = await records.get('plans', planRowKey(cluster, claim.value.recordId));
    // A location outlives its vault: under the same one, each vault knows its own plans only.
    if (row?.value.vaultIdentity === binding.identity) found.push(row.value);
  }
  const [first, second] = found;
  if (first === undefined) {
    throw new NotFoundError(`Cannot find plan ${nameOrId} of cluster ${cluster}`);
  }
  if (second === undefined) return first;
  const vaults = found.map((plan) => plan.spec.vault);
  throw new BackupCentreError(
    'ambiguous_name',
    `Plan ${nameOrId} is in more than one vault: ${vaults.join(', ')}; say which with ?vault=`,
    { details: { vaults } },
  );
}

/** Plans of a cluster, newest first. */
export async function listPlans(
  records: RecordStore,
  cluster: string,
  filter: {
    readonly limit: number;
    readonly cursor?: string | undefined;
    readonly vaultIdentity?: string | undefined;
    readonly namespace?: string | undefined;
  },
): Promise<{ readonly items: readonly Plan[]; readonly nextCursor?: string }> {
  const { vaultIdentity, namespace } = filter;
  const items: Plan[] = [];
  let after = filter.cursor;
  for (let pages = 0; pages < PAGES_MAX; pages += 1) {
    const page = await records.list('plans', {
      prefix: [planShard(cluster), cluster],
      limit: filter.limit - items.length,
      ...(after === undefined ? {} : { after }),
    });
    const plans = page.rows.map((row) => row.value);
    items.push(
      ...plans.filter(
        (plan) =>
          (vaultIdentity === undefined || plan.vaultIdentity === vaultIdentity) &&
          (namespace === undefined || takes(plan, namespace)),
      ),
    );
    after = page.next;
    if (after === undefined || items.length >= filter.limit) break;
  }
  return after === undefined ? { items } : { items, nextCursor: after };
}

/** Whether the plan backs up a namespace of this name, once it is there. */
function takes({ spec }: Plan, namespace: string): boolean {
  const isNamed = spec.namespaces.includes(namespace) || spec.namespaces.includes('*');
  return (spec.namespaceSelection ?? 'include') === 'include' ? isNamed : !isNamed;
}

/** The plan with its last run's phase as the run's record has it. */
export async function withPresentPhase(records: RecordStore, plan: Plan): Promise<Plan> {
  const { lastRun } = plan;
  if (lastRun === undefined || isTerminal(lastRun.phase)) return plan;
  const record = await records.get('backups', [plan.cluster, lastRun.recordId]);
  if (record === undefined) return plan;
  return { ...plan, lastRun: { ...lastRun, phase: record.value.phase } };
}
