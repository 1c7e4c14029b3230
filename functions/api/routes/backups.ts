/** /v1/clusters/{cluster}/backups */
import { type Context, Hono } from 'hono';
import type { z } from 'zod';
import {
  type BackupRequest,
  backupRequestSchema,
  backupView,
  type CloneRequest,
  cloneRequestSchema,
} from '../../../shared/api/backup-schemas.ts';
import { labelSelectorOf } from '../../../shared/api/label-selector-view.ts';
import { cancelRun } from '../../../shared/app/cancel-run.ts';
import { type BackupOrder, createBackup } from '../../../shared/app/create-backup.ts';
import { deleteBackup } from '../../../shared/app/delete-backup.ts';
import { findBackup } from '../../../shared/app/find-record.ts';
import { listBackups } from '../../../shared/app/list-records.ts';
import { findCluster } from '../../../shared/app/register-cluster.ts';
import { startVerify } from '../../../shared/app/start-verify.ts';
import { findVault } from '../../../shared/app/vault-catalogue.ts';
import type { BackupRecord } from '../../../shared/domain/backup-record.ts';
import type { ApiEnv } from '../api-context.ts';
import { backupQuerySchema, recordQuerySchema } from '../query-schemas.ts';
import { readBody, readQuery } from '../request-body.ts';
import { addBackupContents } from './backup-contents.ts';

/** Routes of backups. */
export function backupRoutes(): Hono<ApiEnv> {
  const routes = new Hono<ApiEnv>();
  routes.post('/', async (c) => {
    const body = await readBody(c.req.raw, backupRequestSchema);
    const services = c.get('services');
    const record = await createBackup(
      services,
      c.get('principal'),
      clusterOf(c),
      backupOrder(body),
    );
    return c.json(backupView(record, services.clock.now()), 202);
  });
  routes.get('/', async (c) => {
    const services = c.get('services');
    const query = readQuery(c.req.raw, recordQuerySchema);
    await findCluster(services, c.get('principal'), clusterOf(c));
    const filter = await recordFilter(c, query);
    const page = await listBackups(services.records, clusterOf(c), filter);
    const now = services.clock.now();
    return c.json({ ...page, items: page.items.map((b) => backupView(b, now)) });
  });
  routes.get('/:backup', async (c) => {
    const record = await backupOf(c, readQuery(c.req.raw, backupQuerySchema).vault);
    return c.json(backupView(record, c.get('services').clock.now()));
  });
  routes.delete('/:backup', async (c) => {
    const record = await backupOf(c, readQuery(c.req.raw, backupQuerySchema).vault);
    const services = c.get('services');
    return c.json(backupView(await deleteBackup(services, record), services.clock.now()), 202);
  });
  routes.post('/:backup/clone', async (c) => {
    const source = await backupOf(c, readQuery(c.req.raw, backupQuerySchema).vault);
    const order = cloneOrder(source, await readBody(c.req.raw, cloneRequestSchema));
    const services = c.get('services');
    const record = await createBackup(services, c.get('principal'), clusterOf(c), order);
    return c.json(backupView(record, services.clock.now()), 202);
  });
  routes.post('/:backup/cancel', async (c) => {
    const record = await backupOf(c, readQuery(c.req.raw, backupQuerySchema).vault);
    await cancelRun(c.get('services'), record);
    return c.json(backupView(await reread(c, record), c.get('services').clock.now()), 202);
  });
  routes.post('/:backup/verify', async (c) => {
    const record = await backupOf(c, readQuery(c.req.raw, backupQuerySchema).vault);
    await startVerify(c.get('services'), record);
    return c.json(backupView(await reread(c, record), c.get('services').clock.now()), 202);
  });
  addBackupContents(routes, backupOf);
  return routes;
}

/** The `{cluster}` of the path. */
export function clusterOf(c: Context<ApiEnv>): string {
  return c.req.param('cluster') ?? '';
}

/** The store's filter of a query; a vault's name becomes its identity. */
export async function recordFilter(
  c: Context<ApiEnv>,
  query: z.output<typeof recordQuerySchema>,
): Promise<Parameters<typeof listBackups>[2]> {
  const { limit, cursor, phase, plan, namespace } = query;
  const vault =
    query.vault === undefined
      ? undefined
      : await findVault(c.get('services').records, c.get('principal'), query.vault);
  return {
    limit,
    ...(cursor === undefined ? {} : { cursor }),
    ...(phase === undefined ? {} : { phase }),
    ...(plan === undefined ? {} : { plan }),
    ...(namespace === undefined ? {} : { namespace }),
    ...(vault === undefined ? {} : { vaultIdentity: vault.value.identity }),
  };
}

async function backupOf(c: Context<ApiEnv>, vault: string | undefined): Promise<BackupRecord> {
  const services = c.get('services');
  const cluster = await findCluster(services, c.get('principal'), clusterOf(c));
  return await findBackup(services.records, {
    cluster: cluster.value.id,
    backup: c.req.param('backup') ?? '',
    ...(vault === undefined ? {} : { vault }),
  });
}

async function reread(c: Context<ApiEnv>, record: BackupRecord): Promise<BackupRecord> {
  const row = await c.get('services').records.get('backups', [record.cluster, record.id]);
  return row?.value ?? record;
}

/** What the source took, by the namespaces that it found, with what is to differ. */
function cloneOrder({ spec, namespacesResolved }: BackupRecord, body: CloneRequest): BackupOrder {
  const { labelSelector, namespaces, ...overrides } = body;
  const { namespaceSelection, ...kept } = spec;
  const found =
    namespacesResolved.length > 0
      ? { namespaces: namespacesResolved }
      : {
          namespaces: spec.namespaces,
          ...(namespaceSelection === undefined ? {} : { namespaceSelection }),
        };
  return {
    ...kept,
    ...(namespaces === undefined ? found : { namespaces }),
    ...given(overrides),
    name: body.name,
    ...(labelSelector === undefined ? {} : { labelSelector: labelSelectorOf(labelSelector) }),
  };
}

/** Without the fields that are undefined. */
function given<T extends object>(fields: T): { [K in keyof T]?: NonNullable<T[K]> } {
  const entries = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [K in keyof T]?: NonNullable<T[K]> };
}

/** The order of a validated request. */
export function backupOrder(body: BackupRequest): BackupOrder {
  const { labelSelector, resources, excludedResources, ...rest } = body;
  return {
    ...rest,
    ...(labelSelector === undefined ? {} : { labelSelector: labelSelectorOf(labelSelector) }),
    ...(resources === undefined ? {} : { resources }),
    ...(excludedResources === undefined ? {} : { excludedResources }),
  };
}
