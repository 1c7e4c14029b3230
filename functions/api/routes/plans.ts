/** /v1/clusters/{cluster}/plans */
import { type Context, Hono } from 'hono';
import { backupView } from '../../../shared/api/backup-schemas.ts';
import {
  PLAN_FIELDS_FIXED,
  type PlanRequest,
  planChangeSchema,
  planRequestSchema,
  planView,
} from '../../../shared/api/plan-schemas.ts';
import { changePlan, deletePlan, runPlanNow } from '../../../shared/app/change-plan.ts';
import { createPlan, type PlanOrder } from '../../../shared/app/create-plan.ts';
import { findPlan, listPlans, withPresentPhase } from '../../../shared/app/find-plan.ts';
import { findCluster } from '../../../shared/app/register-cluster.ts';
import { findVault } from '../../../shared/app/vault-catalogue.ts';
import type { Plan } from '../../../shared/domain/plan.ts';
import { parseSchedule } from '../../../shared/domain/schedule.ts';
import type { ApiEnv } from '../api-context.ts';
import { planQuerySchema, plansQuerySchema } from '../query-schemas.ts';
import { readBody, readChange, readQuery } from '../request-body.ts';
import { backupOrder, clusterOf } from './backups.ts';

/** Routes of plans. */
export function planRoutes(): Hono<ApiEnv> {
  const routes = new Hono<ApiEnv>();
  routes.post('/', async (c) => {
    const order = planOrder(await readBody(c.req.raw, planRequestSchema));
    const plan = await createPlan(c.get('services'), c.get('principal'), clusterOf(c), order);
    return c.json(planView(plan, c.get('services').clock.now()), 201);
  });
  routes.get('/', async (c) => {
    const { records, clock } = c.get('services');
    const { vault, ...query } = readQuery(c.req.raw, plansQuerySchema);
    await findCluster(c.get('services'), c.get('principal'), clusterOf(c));
    const found =
      vault === undefined ? undefined : await findVault(records, c.get('principal'), vault);
    const page = await listPlans(records, clusterOf(c), {
      ...query,
      vaultIdentity: found?.value.identity,
    });
    const plans = await Promise.all(page.items.map((plan) => withPresentPhase(records, plan)));
    const now = clock.now();
    return c.json({ ...page, items: plans.map((plan) => planView(plan, now)) });
  });
  routes.get('/:plan', async (c) => await replyWith(c, await planOf(c)));
  routes.patch('/:plan', async (c) => {
    const { schedule, namespaces, paused, skipNextRun } = await readChange(
      c.req.raw,
      planChangeSchema,
      PLAN_FIELDS_FIXED,
    );
    const change = {
      ...(schedule === undefined ? {} : { schedule: parseSchedule(schedule) }),
      ...(namespaces === undefined ? {} : { namespaces }),
      ...(paused === undefined ? {} : { paused }),
      ...(skipNextRun === undefined ? {} : { skipNextRun }),
    };
    return await replyWith(c, await changePlan(c.get('services'), await planOf(c), change));
  });
  routes.delete('/:plan', async (c) => {
    return await replyWith(c, await deletePlan(c.get('services'), await planOf(c)));
  });
  routes.post('/:plan/run', async (c) => {
    const services = c.get('services');
    const record = await runPlanNow(services, c.get('principal'), await planOf(c));
    return c.json(backupView(record, services.clock.now()), 202);
  });
  return routes;
}

async function planOf(c: Context<ApiEnv>): Promise<Plan> {
  const services = c.get('services');
  const { vault } = readQuery(c.req.raw, planQuerySchema);
  const cluster = await findCluster(services, c.get('principal'), clusterOf(c));
  return await findPlan(services.records, {
    cluster: cluster.value.id,
    plan: c.req.param('plan') ?? '',
    ...(vault === undefined ? {} : { vault }),
  });
}

async function replyWith(c: Context<ApiEnv>, plan: Plan): Promise<Response> {
  const { records, clock } = c.get('services');
  return c.json(planView(await withPresentPhase(records, plan), clock.now()));
}

function planOrder(body: PlanRequest): PlanOrder {
  const { schedule, paused, skipNextRun, ...backup } = body;
  return { backup: backupOrder(backup), schedule, paused, skipNextRun };
}
