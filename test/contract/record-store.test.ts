import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import {
  startTablestoreEmulator,
  type TablestoreEmulator,
} from '../../infra/emulators/tablestore/server.ts';
import { ensureTables } from '../../infra/tables.ts';
import { SystemClock } from '../../shared/adapters/node/system-clock.ts';
import { SystemEntropy } from '../../shared/adapters/node/system-entropy.ts';
import { TablestoreRecordStore } from '../../shared/adapters/tablestore/tablestore-record-store.ts';
import { buildTablestoreClient } from '../../shared/adapters/tablestore/tablestore-session.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { InMemoryRecordStore } from '../support/in-memory-record-store.ts';
import { realCloud } from '../support/real-cloud.ts';
import { samplePlan } from '../support/sample-plan.ts';
import { sampleBackup } from '../support/sample-records.ts';
import { SeededEntropy } from '../support/seeded-entropy.ts';
import { describeRecordStore } from './record-store.contract.ts';

const KEYS = { accessKeyId: 'LTAItest', accessKeySecret: 'secret' };
const INSTANCE = 'contract';

/** An emulator with our tables, and a store on it whose pauses cost no time. */
async function startStore(options: { tableReadyDelayMs?: number } = {}) {
  const dir = mkdtempSync(`${tmpdir()}/tablestore-contract-`);
  const time = { offsetMs: 0 };
  const emulator = await startTablestoreEmulator({
    dir,
    now: () => Date.now() + time.offsetMs,
    instanceName: INSTANCE,
    credentials: (id) => (id === KEYS.accessKeyId ? KEYS : undefined),
    ...options,
  });
  const location = { endpoint: emulator.url, instance: INSTANCE };
  const advance = (ms: number) => {
    time.offsetMs += ms;
  };
  await ensureTables(buildTablestoreClient(location, KEYS), async (ms) => advance(ms));
  const pacing = { clock: new FakeClock({ impatient: true }), entropy: new SeededEntropy() };
  return {
    emulator,
    advance,
    location,
    store: new TablestoreRecordStore(location, () => KEYS, pacing),
    close: async () => {
      await emulator.close();
      rmSync(dir, { recursive: true });
    },
  };
}

describeRecordStore('InMemoryRecordStore', async () => ({
  store: new InMemoryRecordStore(),
  settleIndexes: async () => undefined,
  close: async () => undefined,
}));

describeRecordStore('TablestoreRecordStore on the emulator', async () => {
  const { store, advance, close } = await startStore();
  return { store, settleIndexes: async () => advance(1_001), close };
});

const cloud = realCloud(['CONTRACT_TABLESTORE_ENDPOINT', 'CONTRACT_TABLESTORE_INSTANCE']);
describe.skipIf('skip' in cloud)(`a real account (${'skip' in cloud ? cloud.skip : ''})`, () => {
  describeRecordStore('TablestoreRecordStore in the cloud', async () => {
    if ('skip' in cloud) throw new Error(cloud.skip);
    const location = {
      endpoint: cloud.settings.CONTRACT_TABLESTORE_ENDPOINT,
      instance: cloud.settings.CONTRACT_TABLESTORE_INSTANCE,
    };
    await ensureTables(buildTablestoreClient(location, cloud.keys));
    const clock = new SystemClock();
    const pacing = { clock, entropy: new SystemEntropy() };
    return {
      store: new TablestoreRecordStore(location, () => cloud.keys, pacing),
      settleIndexes: async () => await clock.sleep(10_000),
      close: async () => undefined,
    };
  });
});

describe('TablestoreRecordStore when things go wrong', () => {
  let emulator: TablestoreEmulator;
  let running: Awaited<ReturnType<typeof startStore>>;
  beforeAll(async () => {
    running = await startStore();
    emulator = running.emulator;
  });
  afterAll(async () => await running.close());
  const slots = (run: string) => ({ active: [run], queue: [] });
  let count = 0;
  const newKey = () => {
    count += 1;
    return [`c${count}`];
  };

  test.each(['throttle', 'unavailable', 'error', 'drop', 'lostReply'] as const)(
    'reads and writes outlive %s, and every write happens once',
    async (kind) => {
      const key = newKey();
      for (const action of ['PutRow', 'UpdateRow', 'GetRow', 'GetRange', 'BatchGetRow']) {
        emulator.faults.add({ action, kind, times: 2 });
      }
      const { store } = running;
      expect(await store.put('slots', key, slots('a'), 'absent')).toBe(1);
      expect(await store.put('slots', key, slots('b'), { version: 1 })).toBe(2);
      expect(await store.put('slots', key, slots('c'), 'any')).toBe(3);
      expect(await store.get('slots', key)).toMatchObject({ version: 3, value: slots('c') });
      const backup = sampleBackup({ cluster: key[0] ?? '', id: 'bk-1' });
      await store.put('backups', [...key, 'bk-1'], backup, 'absent');
      running.advance(1_001);
      const prefix = [key[0] ?? '', 'New'];
      expect((await store.listIndex('backups_by_phase', { prefix, limit: 5 })).rows).toHaveLength(
        1,
      );
      expect(emulator.faults.unhit()).toEqual([]);
    },
  );

  test('a write whose reply is lost is told from a race, even when others wrote since', async () => {
    const key = newKey();
    const { store } = running;
    await store.put('slots', key, slots('a'), 'absent');
    // The look at the row after the lost reply is refused once, and pauses until the clock moves on.
    emulator.faults.add({ action: 'UpdateRow', kind: 'lostReply', times: 1 });
    emulator.faults.add({ action: 'GetRow', kind: 'unavailable', times: 1 });
    const clock = new FakeClock();
    const entropy = new SeededEntropy('mine');
    const mine = new TablestoreRecordStore(running.location, () => KEYS, { clock, entropy });
    const first = mine.put('slots', key, slots('mine'), { version: 1 });
    await vi.waitFor(() => expect(clock.sleeping()).toBe(1));
    for (const version of [2, 3, 4]) {
      await store.put('slots', key, slots(`other ${version}`), { version });
    }
    await clock.advance(10_000);
    await expect(first).resolves.toBe(2);
    expect((await store.get('slots', key))?.version).toBe(5);
  });

  test('a lost race stays one when the reply before it was lost too', async () => {
    const key = newKey();
    const { store } = running;
    await store.put('slots', key, slots('a'), 'absent');
    await store.put('slots', key, slots('theirs'), { version: 1 });
    emulator.faults.add({ action: 'UpdateRow', kind: 'lostReply', times: 1 });
    const attempt = store.put('slots', key, slots('mine'), { version: 1 });
    await expect(attempt).rejects.toMatchObject({
      code: 'condition_failed',
      current: { version: 2, value: slots('theirs') },
    });
  });

  test('a removal whose reply is lost is a success', async () => {
    const key = newKey();
    const { store } = running;
    await store.put('slots', key, slots('a'), 'absent');
    emulator.faults.add({ action: 'DeleteRow', kind: 'lostReply', times: 1 });
    await store.remove('slots', key, { version: 1 });
    expect(await store.get('slots', key)).toBeUndefined();
    expect(emulator.faults.unhit()).toEqual([]);
  });

  test('a store that stays away is unavailable, one that refuses is not retried', async () => {
    const { store } = running;
    emulator.faults.add({ action: 'GetRow', kind: 'drop', times: 6 });
    await expect(store.get('slots', newKey())).rejects.toMatchObject({ retryable: true });
    emulator.faults.add({ action: 'GetRow', kind: 'throttle', times: 6 });
    await expect(store.get('slots', newKey())).rejects.toMatchObject({ retryable: true });
    emulator.faults.add({ action: 'GetRow', kind: 'forbidden', times: 1 });
    await expect(store.get('slots', newKey())).rejects.toMatchObject({ retryable: false });
    expect(emulator.faults.unhit()).toEqual([]);
  });

  test('rows too many for one reply come whole, and in one page where they fit the limit', async () => {
    const { store } = running;
    const [backup = ''] = newKey();
    const large = 'x'.repeat(900_000);
    const ids = Array.from({ length: 8 }, (_, i) => `r-${i}`);
    for (const id of ids) {
      await store.put('backup_uses', [backup, id], { restoreId: id + large, since: 1 }, 'absent');
    }
    const page = await store.list('backup_uses', { prefix: [backup], limit: 100 });
    expect(page.rows.map((row) => row.key[1])).toEqual(ids);
    expect(page.rows.every((row) => row.value.restoreId.length === 900_003)).toBe(true);
    expect(page.next).toBeUndefined();
  });

  test('a value that loses its index column leaves that index', async () => {
    const { store } = running;
    const [cluster = ''] = newKey();
    const { plan: _none, ...manual } = sampleBackup({ cluster, id: 'bk-1' });
    await store.put('backups', [cluster, 'bk-1'], { ...manual, plan: 'daily' }, 'absent');
    await store.put('backups', [cluster, 'bk-1'], manual, { version: 1 });
    running.advance(1_001);
    const page = await store.listIndex('backups_by_plan', { prefix: [cluster, 'daily'], limit: 5 });
    expect(page.rows).toEqual([]);
  });

  test('a local index is read without its table', async () => {
    const own = await startStore();
    const plan = samplePlan({ id: 'pl-1', dueAtMs: 2_000 });
    await own.store.put('plans', ['00', 'c1', 'pl-1'], plan, 'absent');
    for (const action of ['GetRow', 'BatchGetRow']) {
      own.emulator.faults.add({ action, kind: 'forbidden', times: 1 });
    }
    const page = await own.store.listIndex('plans_due', { prefix: ['00'], limit: 5 });
    expect(page.rows.map((row) => row.value)).toEqual([plan]);
    expect(own.emulator.faults.unhit().map((fault) => fault.action)).toEqual([
      'GetRow',
      'BatchGetRow',
    ]);
    await own.close();
  });

  test('tables that take time to become ready are waited for, and making them again is fine', async () => {
    const slow = await startStore({ tableReadyDelayMs: 3_000 });
    await ensureTables(buildTablestoreClient(slow.location, KEYS));
    expect(await slow.store.get('slots', ['c'])).toBeUndefined();
    await slow.close();
  });
});

test('a held index of the double misses new rows and drops those that moved', async () => {
  const store = new InMemoryRecordStore();
  const old = sampleBackup({ id: 'bk-2', phase: 'New' });
  await store.put('backups', ['c1', 'bk-2'], old, 'absent');
  store.holdIndexes();
  await store.put('backups', ['c1', 'bk-1'], sampleBackup({ id: 'bk-1' }), 'absent');
  await store.put('backups', ['c1', 'bk-2'], { ...old, phase: 'Failed' }, 'any');
  const list = async () =>
    (await store.listIndex('backups_by_phase', { prefix: ['c1', 'New'], limit: 9 })).rows.map(
      (row) => row.key[1],
    );
  expect(await list()).toEqual([]);
  const plan = samplePlan({ id: 'pl-1', dueAtMs: 2_000 });
  await store.put('plans', ['00', 'c1', 'pl-1'], plan, 'absent');
  expect((await store.listIndex('plans_due', { prefix: ['00'], limit: 9 })).rows).toHaveLength(1);
  store.releaseIndexes();
  expect(await list()).toEqual(['bk-1']);
});
