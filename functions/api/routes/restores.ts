/** /v1/clusters/{cluster}/restores */
import { type Context, Hono } from 'hono';
import { pageQuerySchema } from '../../../shared/api/common-schemas.ts';
import { labelSelectorOf } from '../../../shared/api/label-selector-view.ts';
import { modifierRuleOf } from '../../../shared/api/modifier-view.ts';
import {
  type RestoreRequest,
  restoreRequestSchema,
  restoreView,
} from '../../../shared/api/restore-schemas.ts';
import { cancelRun } from '../../../shared/app/cancel-run.ts';
import { createRestore, type RestoreOrder } from '../../../shared/app/create-restore.ts';
import { findRestore } from '../../../shared/app/find-record.ts';
import { listRestores } from '../../../shared/app/list-records.ts';
import { readRestoreItems, readRestoreLog } from '../../../shared/app/read-restore.ts';
import { findCluster } from '../../../shared/app/register-cluster.ts';
import type { RestoreRecord } from '../../../shared/domain/restore-record.ts';
import type { ApiEnv } from '../api-context.ts';
import { recordQuerySchema } from '../query-schemas.ts';
import { readBody, readQuery } from '../request-body.ts';
import { textReply } from '../text-reply.ts';
import { clusterOf, recordFilter } from './backups.ts';

/** Routes of restores; `{cluster}` is the target. */
export function restoreRoutes(): Hono<ApiEnv> {
  const routes = new Hono<ApiEnv>();
  routes.post('/', async (c) => {
    const body = await readBody(c.req.raw, restoreRequestSchema);
    const order = restoreOrder(body);
    const record = await createRestore(c.get('services'), c.get('principal'), clusterOf(c), order);
    return c.json(restoreView(record), 202);
  });
  routes.get('/', async (c) => {
    const services = c.get('services');
    const query = readQuery(c.req.raw, recordQuerySchema);
    await findCluster(services, c.get('principal'), clusterOf(c));
    const filter = await recordFilter(c, query);
    const page = await listRestores(services.records, clusterOf(c), filter);
    return c.json({ ...page, items: page.items.map(restoreView) });
  });
  routes.get('/:restore', async (c) => c.json(restoreView(await restoreOf(c))));
  routes.post('/:restore/cancel', async (c) => {
    const record = await restoreOf(c);
    await cancelRun(c.get('services'), record);
    return c.json(restoreView(await restoreOf(c)), 202);
  });
  routes.get('/:restore/items', async (c) => {
    const { limit, cursor } = readQuery(c.req.raw, pageQuerySchema);
    const page = { limit, ...(cursor === undefined ? {} : { cursor }) };
    return c.json(await readRestoreItems(c.get('services'), await restoreOf(c), page));
  });
  routes.get('/:restore/logs', async (c) => {
    const record = await restoreOf(c);
    return await textReply(c, readRestoreLog(c.get('services'), record));
  });
  return routes;
}

async function restoreOf(c: Context<ApiEnv>): Promise<RestoreRecord> {
  const services = c.get('services');
  const cluster = await findCluster(services, c.get('principal'), clusterOf(c));
  return await findRestore(services.records, cluster.value.id, c.req.param('restore') ?? '');
}

function restoreOrder(body: RestoreRequest): RestoreOrder {
  const { labelSelector, storageClassConversion, resourceModifiers, ...others } = body;
  const { resourceModifiersText, ...rest } = others;
  const defined = Object.fromEntries(
    Object.entries(rest).filter(([, value]) => value !== undefined),
  ) as DefinedFields<typeof rest>;
  return {
    ...defined,
    storageClassConversion: storageClassConversion.map(
      (entry) =>
        Object.fromEntries(
          Object.entries(entry).filter(([, value]) => value !== undefined),
        ) as DefinedFields<typeof entry>,
    ),
    resourceModifiers: (resourceModifiersText ?? resourceModifiers).map(modifierRuleOf),
    ...(labelSelector === undefined ? {} : { labelSelector: labelSelectorOf(labelSelector) }),
  };
}

/** A validated body without the fields that were left out. */
type DefinedFields<T> = { [K in keyof T]: Exclude<T[K], undefined> };
