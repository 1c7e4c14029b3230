/** What a backup holds: resources, one object, logs, results */
import type { Context, Hono } from 'hono';
import { stream } from 'hono/streaming';
import { z } from 'zod';
import { pageQuerySchema } from '../../../shared/api/common-schemas.ts';
import {
  listBackupResources,
  readBackupLog,
  readBackupObject,
  readBackupResults,
} from '../../../shared/app/read-backup.ts';
import type { BackupRecord } from '../../../shared/domain/backup-record.ts';
import { NotFoundError } from '../../../shared/domain/errors.ts';
import type { ApiEnv } from '../api-context.ts';
import { readQuery } from '../request-body.ts';

const vaultQuery = { vault: z.string().optional() };
const oneQuerySchema = z.strictObject(vaultQuery);
const listQuerySchema = pageQuerySchema.extend({
  ...vaultQuery,
  cursor: z.coerce.number().int().min(0).optional(),
});
const objectQuerySchema = z.strictObject({
  ...vaultQuery,
  reveal: z.enum(['true', 'false']).default('false'),
});

/** Finds the backup of the path. */
type FindBackup = (c: Context<ApiEnv>, vault: string | undefined) => Promise<BackupRecord>;

/** Adds the routes below a backup. */
export function addBackupContents(routes: Hono<ApiEnv>, findBackup: FindBackup): void {
  routes.get('/:backup/resources', async (c) => {
    const { vault, limit, cursor } = readQuery(c.req.raw, listQuerySchema);
    const record = await findBackup(c, vault);
    const page = await listBackupResources(c.get('services'), record, {
      limit,
      from: cursor ?? 0,
    });
    const next = page.next === undefined ? {} : { nextCursor: String(page.next) };
    return c.json({ items: page.items, ...next });
  });
  routes.get('/:backup/resources/:n', async (c) => {
    const { vault, reveal } = readQuery(c.req.raw, objectQuerySchema);
    const record = await findBackup(c, vault);
    const text = c.req.param('n');
    if (!/^\d{1,9}$/.test(text)) throw new NotFoundError(`There is no object number ${text}`);
    const object = await readBackupObject(c.get('services'), record, Number(text), {
      reveal: reveal === 'true',
    });
    return c.body(object, 200, { 'content-type': 'application/json' });
  });
  routes.get('/:backup/logs', async (c) => {
    const { vault } = readQuery(c.req.raw, oneQuerySchema);
    const record = await findBackup(c, vault);
    c.header('content-type', 'text/plain; charset=utf-8');
    return stream(c, async (out) => {
      for await (const piece of readBackupLog(c.get('services'), record)) await out.write(piece);
    });
  });
  routes.get('/:backup/results', async (c) => {
    const { vault } = readQuery(c.req.raw, oneQuerySchema);
    return c.json(await readBackupResults(c.get('services'), await findBackup(c, vault)));
  });
}
