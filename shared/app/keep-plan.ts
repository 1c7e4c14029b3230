/**
 * Keeping a plan in its vault, for a rebuild from OSS alone. The document of an edit is written before
 * the edit takes effect: who dies in between leaves a document of an edit that nobody was told of, and
 * asking again writes the same one. Written after it, an edit could be in effect and not in the vault.
 */
import { AlreadyExistsError, BackupCentreError } from '../domain/errors.ts';
import type { Plan } from '../domain/plan.ts';
import { formatPlan } from '../format/plan-document.ts';
import { planKey } from '../format/vault-keys.ts';
import type { AppServices } from './app-services.ts';
import { writeOnce } from './write-once.ts';

/** Documents of edits that did not come to be which one edit passes. */
const REVISIONS_TRIED_MAX = 100;

/** What keeping plans takes. */
type KeepServices = Pick<AppServices, 'records' | 'stores' | 'accountId' | 'log'>;

/**
 * Writes the plan's document under its revision, or under the next one that is free where another edit,
 * which did not come to be, has that one. Returns the plan with the revision that it has.
 * @throws BackupCentreError the vault cannot be written to
 */
export async function keepPlan(services: KeepServices, plan: Plan, deleted = false): Promise<Plan> {
  const key = [services.accountId, plan.spec.vault, plan.vaultIdentity];
  const vault = await services.records.get('vaults', key);
  if (vault === undefined) return plan;
  const { spec, bucketEncrypted } = vault.value;
  const store = services.stores.open({ region: spec.bucketRegion, name: spec.bucketName });
  const options = { encrypt: !bucketEncrypted, contentType: 'application/json' };
  for (let revision = plan.revision; ; revision += 1) {
    const kept = { ...plan, revision };
    const document = new TextEncoder().encode(formatPlan({ plan: kept, deleted }));
    try {
      const place = planKey(spec.bucketSubdirectory, plan.spec.name, revision);
      await writeOnce(store, place, once(document), options);
      return kept;
    } catch (error) {
      if (!(error instanceof AlreadyExistsError)) throw error;
      if (revision - plan.revision >= REVISIONS_TRIED_MAX) throw error;
    }
  }
}

/**
 * The same for a change that must not wait for the vault: a plan whose bucket is gone can be paused and
 * deleted. What may pass is thrown, so that the caller asks again.
 */
export async function keepPlanIfPossible(
  services: KeepServices,
  plan: Plan,
  deleted = false,
): Promise<Plan> {
  try {
    return await keepPlan(services, plan, deleted);
  } catch (error) {
    if (!(error instanceof BackupCentreError) || error.retryable || error.code === 'internal') {
      throw error;
    }
    services.log.warn('Plan changed without its document in the vault', {
      plan: plan.id,
      cluster: plan.cluster,
      code: error.code,
      error: error.message,
    });
    return plan;
  }
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
