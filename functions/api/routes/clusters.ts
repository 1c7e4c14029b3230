/** /v1/clusters and the bindings of clusters to vaults */
import { Hono } from 'hono';
import { clusterRequestSchema, clusterView } from '../../../shared/api/cluster-schemas.ts';
import { pageQuerySchema } from '../../../shared/api/common-schemas.ts';
import { bindingView } from '../../../shared/api/vault-schemas.ts';
import { bindingsOf, bindVault } from '../../../shared/app/bind-vault.ts';
import { precheckCluster } from '../../../shared/app/precheck-cluster.ts';
import {
  findCluster,
  listClusters,
  registerCluster,
  unregisterCluster,
} from '../../../shared/app/register-cluster.ts';
import { findVault } from '../../../shared/app/vault-catalogue.ts';
import type { ApiEnv } from '../api-context.ts';
import { pageOf } from '../page.ts';
import { readBody, readQuery } from '../request-body.ts';

/** Routes of clusters. */
export function clusterRoutes(): Hono<ApiEnv> {
  const routes = new Hono<ApiEnv>();
  routes.post('/', async (c) => {
    const { id, region, network } = await readBody(c.req.raw, clusterRequestSchema);
    const request = {
      id,
      ...(region === undefined ? {} : { region }),
      ...(network === undefined ? {} : { network }),
    };
    const registered = await registerCluster(c.get('services'), c.get('principal'), request);
    return c.json(clusterView(registered.cluster, registered.unreachable), 201);
  });
  routes.get('/', async (c) => {
    const query = readQuery(c.req.raw, pageQuerySchema);
    const clusters = await listClusters(c.get('services'), c.get('principal'));
    return c.json(
      pageOf(
        clusters.map((cluster) => clusterView(cluster)),
        query,
      ),
    );
  });
  routes.get('/:cluster', async (c) => {
    const row = await findCluster(c.get('services'), c.get('principal'), c.req.param('cluster'));
    return c.json(clusterView(row.value));
  });
  routes.delete('/:cluster', async (c) => {
    const id = c.req.param('cluster');
    return c.json(clusterView(await unregisterCluster(c.get('services'), c.get('principal'), id)));
  });
  routes.get('/:cluster/precheck', async (c) => {
    const id = c.req.param('cluster');
    return c.json({ items: await precheckCluster(c.get('services'), c.get('principal'), id) });
  });
  routes.get('/:cluster/vaults', async (c) => {
    const query = readQuery(c.req.raw, pageQuerySchema);
    const row = await findCluster(c.get('services'), c.get('principal'), c.req.param('cluster'));
    const bindings = await bindingsOf(c.get('services').records, row.value.id);
    return c.json(pageOf(bindings.map(bindingView), query));
  });
  routes.put('/:cluster/vaults/:vault', async (c) => {
    const services = c.get('services');
    const cluster = await findCluster(services, c.get('principal'), c.req.param('cluster'));
    const vault = await findVault(services.records, c.get('principal'), c.req.param('vault'));
    return c.json(bindingView(await bindVault(services, cluster.value, vault.value)));
  });
  return routes;
}
