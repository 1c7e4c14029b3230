/** Runs that have not ended: every one of them has a waiting row, so no record is scanned. */
import { SHARDS } from '../domain/ids.ts';
import type { Run } from '../domain/run.ts';
import type { RecordStore } from '../ports/record-store.ts';

const PAGE_ROWS = 500;

/** The first active run that matches, undefined where there is none. */
export async function findActiveRun(
  records: RecordStore,
  matches: (run: Run) => boolean,
): Promise<Run | undefined> {
  for (const shard of SHARDS) {
    let after: string | undefined;
    do {
      const page = await records.list('waiting', {
        prefix: [shard],
        limit: PAGE_ROWS,
        ...(after === undefined ? {} : { after }),
      });
      for (const waiting of page.rows) {
        const run = await records.get('runs', [waiting.value.runId]);
        if (run !== undefined && run.value.state !== 'ended' && matches(run.value))
          return run.value;
      }
      after = page.next;
    } while (after !== undefined);
  }
  return undefined;
}
