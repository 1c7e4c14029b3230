/** /v1/rebuild */
import { Hono } from 'hono';
import { rebuildRequestSchema } from '../../../shared/api/rebuild-schemas.ts';
import { vaultView } from '../../../shared/api/vault-schemas.ts';
import { rebuild } from '../../../shared/app/rebuild.ts';
import type { ApiEnv } from '../api-context.ts';
import { readBody } from '../request-body.ts';

/** Routes of rebuilding a catalogue that was lost. */
export function rebuildRoutes(): Hono<ApiEnv> {
  const routes = new Hono<ApiEnv>();
  routes.post('/', async (c) => {
    const { cursor, ...place } = await readBody(c.req.raw, rebuildRequestSchema);
    const report = await rebuild(c.get('services'), c.get('principal'), place, cursor);
    return c.json({ ...report, vault: vaultView(report.vault) });
  });
  return routes;
}
