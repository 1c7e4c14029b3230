/**
 * Second part of a rebuild: plans, each as its newest document says, but **paused**: nothing starts by
 * surprise while somebody is still putting things in order. Names of deleted plans stay taken.
 */
import { PUBLIC_NETWORK } from '../domain/cluster.ts';
import { BackupCentreError } from '../domain/errors.ts';
import { planShard } from '../domain/ids.ts';
import type { Plan } from '../domain/plan.ts';
import { type Vault, vaultLocation } from '../domain/vault.ts';
import { type KeptPlan, parsePlan } from '../format/plan-document.ts';
import { planKey, plansPrefix } from '../format/vault-keys.ts';
import type { ObjectStore } from '../ports/object-store.ts';
import type { AppServices } from './app-services.ts';
import { type ClustersAgain, claimAgain, putAbsent } from './rebuild-rows.ts';
import { referToVault } from './vault-plans.ts';

/** Plans of one invocation. */
const PLANS_MAX = 100;

/** What an invocation did with plans. */
export interface RebuiltPlans {
  /** Names of those that came back, paused. */
  readonly restored: readonly string[];
  readonly present: number;
  /** Documents that cannot be read, and why. */
  readonly unreadable: readonly string[];
  /** Go on behind the plan of this name; absent at the end. */
  readonly next?: string;
}

/** Restores plans whose names lie behind `after`. */
export async function rebuildPlans(
  services: AppServices,
  vault: Vault,
  clusters: ClustersAgain,
  after: string,
): Promise<RebuiltPlans> {
  const { bucketRegion, bucketName, bucketSubdirectory } = vault.spec;
  const store = services.stores.open({ region: bucketRegion, name: bucketName });
  const newest = await newestRevisions(store, bucketSubdirectory);
  const names = [...newest.keys()].filter((name) => name > after).sort();
  const restored: string[] = [];
  const unreadable: string[] = [];
  let present = 0;
  for (const name of names.slice(0, PLANS_MAX)) {
    const key = planKey(bucketSubdirectory, name, newest.get(name) ?? 1);
    try {
      const kept = parsePlan(await store.get(key), key);
      if (await rebuildPlan(services, vault, clusters, kept)) restored.push(name);
      else present += 1;
    } catch (error) {
      if (!(error instanceof BackupCentreError) || error.code !== 'bundle_invalid') throw error;
      unreadable.push(error.message);
    }
  }
  const last = names[PLANS_MAX - 1];
  const more = names.length > PLANS_MAX && last !== undefined;
  return { restored, present, unreadable, ...(more ? { next: last } : {}) };
}

/** The highest revision of each plan: listed whole, since revisions do not sort by number. */
async function newestRevisions(
  store: ObjectStore,
  subdirectory: string,
): Promise<ReadonlyMap<string, number>> {
  const prefix = plansPrefix(subdirectory);
  const newest = new Map<string, number>();
  let next: string | undefined;
  do {
    const page = await store.list(prefix, next === undefined ? {} : { next });
    for (const { key } of page.objects) {
      const [, name, revision] = /^(.+)-([1-9]\d*)\.json$/.exec(key.slice(prefix.length)) ?? [];
      if (name === undefined) continue;
      newest.set(name, Math.max(newest.get(name) ?? 0, Number(revision)));
    }
    next = page.next;
  } while (next !== undefined);
  return newest;
}

/** False where the plan is there, was deleted, or is of an earlier vault at this place. */
async function rebuildPlan(
  services: AppServices,
  vault: Vault,
  clusters: ClustersAgain,
  { plan: kept, deleted }: KeptPlan,
): Promise<boolean> {
  const { records, clock } = services;
  const location = vaultLocation(vault.spec);
  const claim = await claimAgain(records, {
    location,
    name: kept.spec.name,
    kind: 'plan',
    cluster: kept.cluster,
    runId: '',
    recordId: kept.id,
    claimedAtMs: kept.createdAtMs,
  });
  if (deleted || kept.vaultIdentity !== vault.identity || claim.recordId !== kept.id) return false;
  const key = [planShard(kept.cluster), kept.cluster, kept.id];
  if ((await records.get('plans', key)) !== undefined) return false;
  await clusters.ensure({ id: kept.cluster });
  const cluster = await records.get('clusters', [services.accountId, kept.cluster]);
  const plan: Plan = {
    ...kept,
    network: cluster?.value.network ?? PUBLIC_NETWORK,
    location,
    paused: true,
    skipNextRun: false,
  };
  await referToVault(records, plan, clock.now());
  return await putAbsent(records, 'plans', key, plan);
}
