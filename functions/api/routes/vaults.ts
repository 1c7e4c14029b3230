/** /v1/vaults */
import { Hono } from 'hono';
import { backupView } from '../../../shared/api/backup-schemas.ts';
import { pageQuerySchema } from '../../../shared/api/common-schemas.ts';
import {
  vaultDeletedView,
  vaultRequestSchema,
  vaultView,
} from '../../../shared/api/vault-schemas.ts';
import { createVault } from '../../../shared/app/create-vault.ts';
import { deleteVault } from '../../../shared/app/delete-vault.ts';
import { listVaultBackups } from '../../../shared/app/list-records.ts';
import { findVault, livingVaults } from '../../../shared/app/vault-catalogue.ts';
import { BackupCentreError } from '../../../shared/domain/errors.ts';
import { maySeeVault } from '../../../shared/domain/principal.ts';
import type { ApiEnv } from '../api-context.ts';
import { pageOf } from '../page.ts';
import { vaultBackupsQuerySchema } from '../query-schemas.ts';
import { readBody, readQuery } from '../request-body.ts';

/** Routes of vaults. */
export function vaultRoutes(): Hono<ApiEnv> {
  const routes = new Hono<ApiEnv>();
  routes.post('/', async (c) => {
    const spec = await readBody(c.req.raw, vaultRequestSchema);
    return c.json(vaultView(await createVault(c.get('services'), c.get('principal'), spec)), 202);
  });
  routes.get('/', async (c) => {
    const query = readQuery(c.req.raw, pageQuerySchema);
    const principal = c.get('principal');
    const rows = await livingVaults(c.get('services').records, principal.accountId);
    const visible = rows.map((r) => r.value).filter((v) => maySeeVault(v, principal));
    return c.json(pageOf(visible.map(vaultView), query));
  });
  routes.get('/:vault', async (c) => {
    const row = await findVault(
      c.get('services').records,
      c.get('principal'),
      c.req.param('vault'),
    );
    return c.json(vaultView(row.value));
  });
  routes.on(['PUT', 'PATCH'], '/:vault', (c) => {
    throw new BackupCentreError(
      'vault_immutable',
      `Cannot change vault ${c.req.param('vault')}: vaults are immutable; delete it and create another under a new name`,
    );
  });
  routes.delete('/:vault', async (c) => {
    const vault = await deleteVault(c.get('services'), c.get('principal'), c.req.param('vault'));
    return c.json(vaultDeletedView(vault));
  });
  routes.get('/:vault/backups', async (c) => {
    const { records, clock } = c.get('services');
    const { cluster, ...query } = readQuery(c.req.raw, vaultBackupsQuerySchema);
    const vault = await findVault(records, c.get('principal'), c.req.param('vault'));
    const page = await listVaultBackups(records, vault.value.identity, {
      limit: query.limit,
      finishedOnly: true,
      ...(query.cursor === undefined ? {} : { cursor: query.cursor }),
      ...(cluster === undefined ? {} : { cluster }),
    });
    const now = clock.now();
    return c.json({ ...page, items: page.items.map((b) => backupView(b, now)) });
  });
  return routes;
}
