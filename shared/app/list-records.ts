/** Lists of records, newest first. Unfiltered ones read the primary table, filtered ones an index. */
import type { BackupRecord } from '../domain/backup-record.ts';
import type { RestoreRecord } from '../domain/restore-record.ts';
import type { RecordStore, RowPage } from '../ports/record-store.ts';

/** Pages read for one reply while a filter leaves nothing; the cursor goes on from there. */
const PAGES_MAX = 20;

/** Backups of a plan that are read at once. */
const PLAN_PAGE_ROWS = 50;

/** Filters and page of a list; all given filters must hold. */
export interface RecordFilter {
  readonly limit: number;
  readonly cursor?: string;
  readonly phase?: string;
  readonly plan?: string;
  readonly vaultIdentity?: string;
  readonly namespace?: string;
}

/** One page of records. */
export interface RecordPage<R> {
  readonly items: readonly R[];
  readonly nextCursor?: string;
}

/** Backups of a cluster. */
export async function listBackups(
  records: RecordStore,
  cluster: string,
  filter: RecordFilter,
): Promise<RecordPage<BackupRecord>> {
  return await collect(filter, (page) => {
    if (filter.phase !== undefined) {
      return records.listIndex('backups_by_phase', { ...page, prefix: [cluster, filter.phase] });
    }
    if (filter.plan !== undefined) {
      return records.listIndex('backups_by_plan', { ...page, prefix: [cluster, filter.plan] });
    }
    return records.list('backups', { ...page, prefix: [cluster] });
  });
}

/** Backups of all clusters, or one, in a vault. */
export async function listVaultBackups(
  records: RecordStore,
  identity: string,
  filter: RecordFilter & { readonly cluster?: string; readonly finishedOnly?: boolean },
): Promise<RecordPage<BackupRecord>> {
  return await collect(
    filter,
    (page) => records.listIndex('backups_by_vault', { ...page, prefix: [identity] }),
    (r) =>
      (filter.cluster === undefined || r.cluster === filter.cluster) &&
      (filter.finishedOnly !== true || r.completedAtMs !== undefined),
  );
}

/** Restores into a cluster. */
export async function listRestores(
  records: RecordStore,
  cluster: string,
  filter: RecordFilter,
): Promise<RecordPage<RestoreRecord>> {
  return await collect(filter, (page) =>
    filter.phase === undefined
      ? records.list('restores', { ...page, prefix: [cluster] })
      : records.listIndex('restores_by_phase', { ...page, prefix: [cluster, filter.phase] }),
  );
}

async function collect<R extends BackupRecord | RestoreRecord>(
  filter: RecordFilter,
  read: (page: { limit: number; after?: string }) => Promise<RowPage<R>>,
  also: (record: R) => boolean = () => true,
): Promise<RecordPage<R>> {
  const items: R[] = [];
  let after = filter.cursor;
  for (let pages = 0; pages < PAGES_MAX; pages += 1) {
    const limit = filter.limit - items.length;
    const page = await read(after === undefined ? { limit } : { limit, after });
    items.push(...page.rows.map((r) => r.value).filter((r) => matches(r, filter) && also(r)));
    after = page.next;
    if (after === undefined) return { items };
    if (items.length >= filter.limit) break;
  }
  return after === undefined ? { items } : { items, nextCursor: after };
}

function matches(record: BackupRecord | RestoreRecord, filter: RecordFilter): boolean {
  const { phase, plan, vaultIdentity, namespace } = filter;
  if (phase !== undefined && record.phase !== phase) return false;
  if (plan !== undefined && (!('plan' in record) || record.plan !== plan)) return false;
  if (vaultIdentity !== undefined && record.vaultIdentity !== vaultIdentity) return false;
  return namespace === undefined || record.namespacesResolved.includes(namespace);
}

/** The backups of a plan of a cluster into a vault, newest first, read as far as they are asked for. */
export async function* backupsOfPlan(
  records: RecordStore,
  query: { readonly cluster: string; readonly plan: string; readonly vaultIdentity: string },
): AsyncGenerator<BackupRecord, undefined> {
  const { cluster, plan, vaultIdentity } = query;
  let cursor: string | undefined;
  do {
    const page = await listBackups(records, cluster, {
      limit: PLAN_PAGE_ROWS,
      plan,
      vaultIdentity,
      ...(cursor === undefined ? {} : { cursor }),
    });
    yield* page.items;
    cursor = page.nextCursor;
  } while (cursor !== undefined);
}
