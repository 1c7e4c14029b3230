/**
 * What becomes of backups whose validity is over: they stop being restorable by the clock alone; a
 * deletion removes their data, as soon as no restore uses it; their record stays for 30 days and is
 * forgotten then, the name stays taken. A tick reads only rows that are due. Every action is safe to
 * repeat, so a tick may die, come twice, or run beside another.
 */
import { type BackupRecord, dueOfExpiry } from '../domain/backup-record.ts';
import { SHARDS, timeKey } from '../domain/ids.ts';
import { isTerminal } from '../domain/phase.ts';
import type { Logger } from '../ports/logger.ts';
import type { RecordStore } from '../ports/record-store.ts';
import { deletionOf, usesOf } from './delete-backup.ts';
import type { DispatchServices } from './dispatch.ts';
import { type ExpiryRow, moveExpiry } from './expiry-rows.ts';
import { startRunOnce } from './start-run.ts';

/** Rows read at once. */
const PAGE_ROWS = 100;
/** Until a backup that is in use, or still running, is looked at again, ms. */
const IN_USE_PAUSE_MS = 60_000;
/** Until one whose data is being removed is looked at again, ms. */
const REMOVAL_PAUSE_MS = 3_600_000;

interface ExpiryServices extends DispatchServices {
  readonly log: Logger;
}

/** What a tick did. */
export interface ExpiryCount {
  /** Deletions that were started. */
  readonly expired: number;
  /** Records that were forgotten. */
  readonly forgotten: number;
}

type Outcome = keyof ExpiryCount | undefined;

/** Deals with backups whose time is over, until `deadlineMs`; the next tick goes on from there. */
export async function expireDue(
  services: ExpiryServices,
  deadlineMs: number,
): Promise<ExpiryCount> {
  const count = { expired: 0, forgotten: 0 };
  const before = timeKey(services.clock.now() + 1);
  for (const shard of SHARDS) {
    for await (const row of dueRows(services.records, shard, before)) {
      if (services.clock.now() >= deadlineMs) return count;
      const outcome = await settle(services, row);
      if (outcome !== undefined) count[outcome] += 1;
    }
  }
  return count;
}

async function* dueRows(
  records: RecordStore,
  shard: string,
  before: string,
): AsyncGenerator<ExpiryRow, undefined> {
  let after: string | undefined;
  do {
    const page = await records.list('expiries', {
      prefix: [shard],
      before,
      limit: PAGE_ROWS,
      ...(after === undefined ? {} : { after }),
    });
    yield* page.rows;
    after = page.next;
  } while (after !== undefined);
}

/** One backup's trouble must not keep the others; its row is still due in the next tick. */
async function settle(services: ExpiryServices, row: ExpiryRow): Promise<Outcome> {
  try {
    return await lookAt(services, row);
  } catch (error) {
    services.log.error('Cannot expire backup', {
      key: row.key.join('/'),
      error: error instanceof Error ? error.message : String(error),
    });
    return undefined;
  }
}

async function lookAt(services: ExpiryServices, row: ExpiryRow): Promise<Outcome> {
  const [, , cluster = '', id = ''] = row.key;
  const backup = (await services.records.get('backups', [cluster, id]))?.value;
  if (backup === undefined) {
    await dropUnlessStarting(services.records, row);
    return undefined;
  }
  const now = services.clock.now();
  const dueMs = dueOfExpiry(backup);
  if (dueMs === undefined || dueMs > now) {
    if (dueMs !== undefined) await moveExpiry(services.records, row, backup, dueMs);
    return undefined;
  }
  if (backup.expiry?.removedAtMs !== undefined) {
    await forget(services.records, row, backup);
    return 'forgotten';
  }
  return await remove(services, row, backup);
}

/** A start that is under way writes the row before the record. */
async function dropUnlessStarting(records: RecordStore, row: ExpiryRow): Promise<void> {
  const run = await records.get('runs', [row.value.runId]);
  if (run?.value.state === 'starting') return;
  await records.remove('expiries', row.key, 'any');
}

/** Row and record go last: whatever is left after a death is found by them. */
async function forget(records: RecordStore, row: ExpiryRow, backup: BackupRecord): Promise<void> {
  await records.remove('runs', [backup.runId], 'any');
  await records.remove('runs', [deletionOf(backup).id], 'any');
  await records.remove('backups', [backup.cluster, backup.id], 'any');
  await records.remove('expiries', row.key, 'any');
}

async function remove(
  services: ExpiryServices,
  row: ExpiryRow,
  backup: BackupRecord,
): Promise<Outcome> {
  const { records, clock } = services;
  const now = clock.now();
  if (backup.phase === 'Deleting' || backup.expiry !== undefined) {
    const untilMs = Math.max(backup.retainedUntilMs ?? 0, now + REMOVAL_PAUSE_MS);
    await moveExpiry(records, row, backup, untilMs);
    return undefined;
  }
  if (!isTerminal(backup.phase) || (await usesOf(records, backup.id)).length > 0) {
    await moveExpiry(records, row, backup, now + IN_USE_PAUSE_MS);
    return undefined;
  }
  await startRunOnce(services, deletionOf(backup));
  await moveExpiry(records, row, backup, now + REMOVAL_PAUSE_MS);
  return 'expired';
}
