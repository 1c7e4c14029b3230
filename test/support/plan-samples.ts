import type { JsonObject } from '../../shared/domain/json.ts';
import type { Plan } from '../../shared/domain/plan.ts';
import { parsePlan } from '../../shared/format/plan-document.ts';
import { type ApiWorld, VAULT_BODY } from './api-world.ts';

/** Where plans of the API's world are. */
export const PLANS = '/v1/clusters/c1/plans';

/** A body that makes a plan of `c1`. */
export const PLAN_BODY = {
  name: 'nightly',
  vault: 'main',
  namespaces: ['shop'],
  volumeBackup: false,
  schedule: { cron: '0 2 * * *' },
};

/** Makes a plan, which must succeed, and returns the reply's body. */
export async function makePlan(world: ApiWorld, given: object = {}): Promise<JsonObject> {
  const reply = await world.call('POST', PLANS, { ...PLAN_BODY, ...given });
  if (reply.status === 201) return reply.body;
  throw new Error(`No plan was made: ${reply.status} ${reply.text}`);
}

/** What the vault keeps of plans: file, namespaces, and whether paused or deleted. */
export async function keptPlans(world: ApiWorld): Promise<readonly string[]> {
  const bucket = world.stores.open({ region: 'cn-hangzhou', name: VAULT_BODY.bucketName });
  const { objects } = await bucket.list('metadata/plans/');
  const texts = objects.map(async ({ key }) => {
    const { plan, deleted } = parsePlan(await bucket.get(key), key);
    const flags = `${plan.paused ? ' paused' : ''}${deleted ? ' deleted' : ''}`;
    return `${key.slice('metadata/plans/'.length)} ${plan.spec.namespaces.join()}${flags}`;
  });
  return await Promise.all(texts);
}

/** The rows of all plans that are due some time. */
export async function duePlans(
  world: ApiWorld,
): Promise<readonly { readonly version: number; readonly value: Plan }[]> {
  const shards = ['00', '01', '02', '03', '04', '05', '06', '07'];
  const pages = await Promise.all(
    shards.map((shard) => world.records.listIndex('plans_due', { prefix: [shard], limit: 100 })),
  );
  return pages.flatMap((page) => page.rows);
}
