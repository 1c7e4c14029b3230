/**
 * One tick of the deployed scheduler in a process of its own, against Tablestore and OSS emulators by
 * the vendors' SDKs: what it reads and what it computes.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import OSS from 'ali-oss';
import { buildTablestoreClient } from '../../shared/adapters/tablestore/tablestore-session.ts';
import { startOssEmulator } from '../emulators/oss/server.ts';
import { startTablestoreEmulator } from '../emulators/tablestore/server.ts';
import { ensureTables } from '../tables.ts';
import type { BenchContext } from './bench-context.ts';
import { compare, type Figure } from './figure.ts';
import { seedPlans } from './plan-seed.ts';
import { runChild } from './run-child.ts';

const KEYS = { accessKeyId: 'LTAIbench', accessKeySecret: 'bench-secret', principalId: '1000' };
const ACCOUNT = '1000';
const REGION = 'cn-hangzhou';
const INSTANCE = 'bench';
const CONTROL_BUCKET = 'bench-control';
const PLANS = 100_000;
const DUE = 1_000;

/** Rows read per due plan and CPU of the tick. @throws Error not every due plan was started */
export async function schedulerRow(context: BenchContext): Promise<readonly Figure[]> {
  const dir = await mkdtemp(join(tmpdir(), 'bench-scheduler-'));
  const service = {
    now: Date.now,
    credentials: (id: string) => (id === KEYS.accessKeyId ? KEYS : undefined),
  };
  const tablestore = await startTablestoreEmulator({
    ...service,
    dir: join(dir, 'tablestore'),
    instanceName: INSTANCE,
  });
  const oss = await startOssEmulator({
    ...service,
    dir: join(dir, 'oss'),
    region: REGION,
    accountId: ACCOUNT,
  });
  try {
    const location = { endpoint: tablestore.url, instance: INSTANCE };
    const client = buildTablestoreClient(location, KEYS);
    await ensureTables(client);
    const settings = { ...KEYS, endpoint: oss.url, sldEnable: true };
    await new OSS(settings).putBucket(CONTROL_BUCKET);
    const [plans, due] = [PLANS * context.scale, DUE * context.scale];
    const begunAt = performance.now();
    await seedPlans(client, { plans, due, nowMs: Date.now() });
    const seconds = ((performance.now() - begunAt) / 1000).toFixed(0);
    context.log(`scheduler: ${plans} plans written in ${seconds} s, ${due} of them due`);
    const environment = {
      ACCOUNT_ID: ACCOUNT,
      REGION,
      CONTROL_BUCKET,
      TABLESTORE_INSTANCE: INSTANCE,
      TABLESTORE_ENDPOINT: tablestore.url,
      OSS_ENDPOINT: oss.url,
      // More than it has where it is deployed: the emulators share the machine.
      FUNCTION_TIMEOUT_SECONDS: '600',
      LOG_LEVEL: 'error',
    };
    const before = { ...tablestore.counters.reads };
    const wrote = { ...tablestore.counters.writes };
    const task = { kind: 'tick', environment, keys: KEYS } as const;
    const figure = await runChild(task, context.profileDir);
    const { reads, writes } = tablestore.counters;
    if (figure('started') !== due) throw new Error(`${figure('started')} of ${due} plans started`);
    context.log(
      `scheduler: ${reads.rows - before.rows} rows in ${reads.requests - before.requests} reads, ` +
        `${writes.requests - wrote.requests} writes, ${figure('seconds').toFixed(1)} s in all`,
    );
    return figuresOf({ plans, due, rows: reads.rows - before.rows, cpu: figure('cpuSeconds') });
  } finally {
    await Promise.all([tablestore.close(), oss.close()]);
    await rm(dir, { recursive: true, force: true });
  }
}

function figuresOf(tick: {
  readonly plans: number;
  readonly due: number;
  readonly rows: number;
  readonly cpu: number;
}): readonly Figure[] {
  const what = `scheduler tick, ${tick.plans} plans, ${tick.due} due`;
  return [
    compare({
      what: `${what}: rows read per due plan, its run's start included`,
      value: tick.rows / tick.due,
      better: 'lower',
      must: 1.1,
      show: (rows) => rows.toFixed(2),
    }),
    compare({
      what: `${what}: CPU of its process, loading included`,
      value: tick.cpu,
      better: 'lower',
      must: 10,
      show: (seconds) => `${seconds.toFixed(1)} s`,
    }),
  ];
}
