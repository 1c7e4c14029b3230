/**
 * Rebuilding the catalogue of a vault from its bucket alone, in invocations of bounded work: the reply's
 * cursor is where the next one goes on. An invocation may end at any call and be done again; on a
 * catalogue that lives, nothing that is there changes.
 */
import { ValidationError } from '../domain/errors.ts';
import type { Principal } from '../domain/principal.ts';
import type { Vault } from '../domain/vault.ts';
import type { AppServices } from './app-services.ts';
import { type RebuiltBackups, rebuildBackups } from './rebuild-backups.ts';
import { type RebuiltPlans, rebuildPlans } from './rebuild-plans.ts';
import { ClustersAgain } from './rebuild-rows.ts';
import { rebuildVault, type VaultPlace } from './rebuild-vault.ts';

/** What one invocation did. */
export interface RebuildReport {
  readonly vault: Vault;
  readonly plans: Omit<RebuiltPlans, 'next'>;
  readonly backups: Omit<RebuiltBackups, 'next'>;
  /** Clusters that are not registered again, or did not answer, and why. */
  readonly clusterTroubles: readonly { readonly cluster: string; readonly message: string }[];
  /** Go on here; absent when all is done. */
  readonly nextCursor?: string;
}

const NO_PLANS = { restored: [], present: 0, unreadable: [] };
const NO_BACKUPS = { restored: 0, failed: [], present: 0, active: [], abortedUploads: 0 };

/**
 * Restores what the cursor stands for: plans first, since they tell whose names are taken, then backups.
 * @throws ValidationError for a cursor that is none; else as `rebuildVault`
 */
export async function rebuild(
  services: AppServices,
  principal: Principal,
  place: VaultPlace,
  cursor = 'plans/',
): Promise<RebuildReport> {
  const at = readCursor(cursor);
  const vault = await rebuildVault(services, principal, place);
  const clusters = new ClustersAgain(services, principal, vault);
  const report = (done: Pick<RebuildReport, 'plans' | 'backups'>, next?: string) => ({
    vault,
    ...done,
    clusterTroubles: [...clusters.troubles].map(([cluster, message]) => ({ cluster, message })),
    ...(next === undefined ? {} : { nextCursor: next }),
  });
  if (at.stage === 'plans') {
    const { next, ...plans } = await rebuildPlans(services, vault, clusters, at.after);
    const cursorNext = next === undefined ? 'backups/' : `plans/${next}`;
    return report({ plans, backups: NO_BACKUPS }, cursorNext);
  }
  const after = at.after === '' ? undefined : at.after;
  const { next, ...backups } = await rebuildBackups(services, vault, clusters, after);
  return report({ plans: NO_PLANS, backups }, next === undefined ? undefined : `backups/${next}`);
}

function readCursor(cursor: string): { readonly stage: string; readonly after: string } {
  const [, stage, after] = /^(plans|backups)\/(.*)$/s.exec(cursor) ?? [];
  if (stage !== undefined && after !== undefined) return { stage, after };
  const rule = 'must be the nextCursor of the reply before';
  throw new ValidationError(`Cannot go on at ${cursor}: cursor ${rule}`, [
    { path: 'cursor', rule },
  ]);
}
