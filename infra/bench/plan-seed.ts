/** Many plans in Tablestore at once: rows as the store's adapter writes them, 200 in one request. */
import TableStore, { type Client } from 'tablestore';
import { encodeKey, tableSpace } from '../../shared/adapters/tablestore/row-key.ts';
import {
  documentText,
  storedIndexColumns,
  writerColumn,
} from '../../shared/adapters/tablestore/stored-document.ts';
import { planShard, recordId } from '../../shared/domain/ids.ts';
import type { Plan } from '../../shared/domain/plan.ts';

/** Rows of one BatchWriteRow (Tablestore's limit). */
const BATCH_ROWS = 200;
/** Plans of one cluster. */
const PLANS_PER_CLUSTER = 50;

/** Writes `plans` plans of which `due` are due by `nowMs`, the others later. */
export async function seedPlans(
  client: Client,
  given: { readonly plans: number; readonly due: number; readonly nowMs: number },
): Promise<void> {
  const { plans, due, nowMs } = given;
  const every = plans / due;
  for (let start = 0; start < plans; start += BATCH_ROWS) {
    const rows = Array.from({ length: Math.min(BATCH_ROWS, plans - start) }, (_, offset) => {
      const n = start + offset;
      const isDue = Math.floor((n + 1) / every) > Math.floor(n / every);
      // Due within the last minute, or some time in the month to come.
      return planAt(n, isDue ? nowMs - (n % 60) * 1000 : nowMs + (1 + (n % 720)) * 3_600_000);
    });
    const reply = await client.batchWriteRow({
      tables: [{ tableName: 'plans', rows: rows.map(rowOf) }],
    });
    const refused = reply.tables.find((row) => !row.isOk);
    if (refused !== undefined) throw new Error(`Cannot write plans: ${refused.errorMessage ?? ''}`);
  }
}

function planAt(n: number, dueAtMs: number): Plan {
  const createdAtMs = dueAtMs - 40 * 86_400_000;
  const cluster = `c${String(Math.floor(n / PLANS_PER_CLUSTER)).padStart(32, '0')}`;
  return {
    id: recordId('pl', createdAtMs, n.toString(16).padStart(8, '0')),
    cluster,
    network: 'public',
    vaultIdentity: 'vault-0123456789abcdef',
    location: 'cnfs-oss-bench/team/',
    spec: {
      name: `nightly-${n}`,
      vault: 'main',
      namespaces: ['shop', 'warehouse', 'payments'],
      volumeBackup: true,
      clusterScope: 'related',
      retentionDays: 30,
      schedule: { cron: '30 2 * * *', timeZone: 'Asia/Shanghai' },
    },
    creator: { accountId: '1000', arn: 'acs:ram::1000:user/backup', isAccountOwner: false },
    createdAtMs,
    revision: 1,
    paused: false,
    skipNextRun: false,
    dueAtMs,
    lastRun: {
      name: `nightly-${n}-20260101023000`,
      runId: `run-${n}`,
      recordId: recordId('bk', createdAtMs, '00000000'),
      phase: 'Completed',
      atMs: dueAtMs - 86_400_000,
    },
  };
}

function rowOf(plan: Plan) {
  const key = encodeKey(tableSpace('plans'), [planShard(plan.cluster), plan.cluster, plan.id]);
  const absent = TableStore.RowExistenceExpectation.EXPECT_NOT_EXIST;
  return {
    type: 'PUT' as const,
    condition: new TableStore.Condition(absent, null),
    primaryKey: key.map(({ name, value }) => ({ [name]: value })),
    attributeColumns: [
      { doc: documentText('write a plan', plan) },
      { version: TableStore.Long.fromNumber(1) },
      { [writerColumn(1)]: '0011223344556677' },
      ...Object.entries(storedIndexColumns('plans', plan)).map(([name, value]) => ({
        [name]: value,
      })),
    ],
  };
}
