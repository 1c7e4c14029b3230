/** What a backup holds: resources, one object, logs, results */
import type { Context, Hono } from 'hono';
import {
  listBackupResources,
  readBackupLog,
  readBackupObject,
  readBackupResults,
} from '../../../shared/app/read-backup.ts';
import type { BackupRecord } from '../../../shared/domain/backup-record.ts';
import { NotFoundError } from '../../../shared/domain/errors.ts';
import type { ApiEnv } from '../api-context.ts';
import { backupQuerySchema, objectQuerySchema, resourcesQuerySchema } from '../query-schemas.ts';
import { readQuery } from '../request-body.ts';
import { textReply } from '../text-reply.ts';

/** Finds the backup of the path. */
type FindBackup = (c: Context<ApiEnv>, vault: string | undefined) => Promise<BackupRecord>;

/** Adds the routes below a backup. */
export function addBackupContents(routes: Hono<ApiEnv>, findBackup: FindBackup): void {
  routes.get('/:backup/resources', async (c) => {
    const { vault, limit, cursor } = readQuery(c.req.raw, resourcesQuerySchema);
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
    const { vault } = readQuery(c.req.raw, backupQuerySchema);
    const record = await findBackup(c, vault);
    return await textReply(c, readBackupLog(c.get('services'), record));
  });
  routes.get('/:backup/results', async (c) => {
    const { vault } = readQuery(c.req.raw, backupQuerySchema);
    return c.json(await readBackupResults(c.get('services'), await findBackup(c, vault)));
  });
}
