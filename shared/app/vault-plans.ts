/**
 * Which plans refer to a vault. A plan says so before it looks whether the vault is still there, and a
 * deletion marks the vault before it looks for plans: so one of the two sees the other.
 */
import { planShard } from '../domain/ids.ts';
import type { Plan } from '../domain/plan.ts';
import type { RecordStore } from '../ports/record-store.ts';

/** A reference without a plan is void after this, ms: who was making the plan died. */
const MAKING_MS = 60_000;
const PAGE_ROWS = 100;

/** Says that the plan refers to its vault; again is fine. */
export async function referToVault(records: RecordStore, plan: Plan, nowMs: number): Promise<void> {
  const use = { cluster: plan.cluster, sinceMs: nowMs };
  await records.put('vault_plans', [plan.vaultIdentity, plan.id], use, 'any');
}

/** Takes the reference of a plan back that is no more. */
export async function leaveVault(records: RecordStore, plan: Plan): Promise<void> {
  await records.remove('vault_plans', [plan.vaultIdentity, plan.id], 'any');
}

/** A plan that refers to the vault, or is being made for it; undefined where there is none. */
export async function planOfVault(
  records: RecordStore,
  identity: string,
  nowMs: number,
): Promise<{ readonly cluster: string; readonly id: string; readonly name?: string } | undefined> {
  let after: string | undefined;
  do {
    const page = await records.list('vault_plans', {
      prefix: [identity],
      limit: PAGE_ROWS,
      ...(after === undefined ? {} : { after }),
    });
    for (const { key, value } of page.rows) {
      const [, id = ''] = key;
      const { cluster, sinceMs } = value;
      const plan = await records.get('plans', [planShard(cluster), cluster, id]);
      if (plan !== undefined) return { cluster, id, name: plan.value.spec.name };
      if (sinceMs + MAKING_MS > nowMs) return { cluster, id };
    }
    after = page.next;
  } while (after !== undefined);
  return undefined;
}
