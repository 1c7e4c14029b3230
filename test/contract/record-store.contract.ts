/** What every RecordStore does; run against the double, the adapter on its emulator, and the cloud. */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ConditionFailedError } from '../../shared/domain/errors.ts';
import { timeKey } from '../../shared/domain/ids.ts';
import type { RecordStore, RowPage } from '../../shared/ports/record-store.ts';
import { samplePlan } from '../support/sample-plan.ts';
import { sampleBackup } from '../support/sample-records.ts';

/** A store under test. */
export interface RecordStoreHarness {
  readonly store: RecordStore;
  /** Resolves when indexes show every write so far. */
  settleIndexes(): Promise<void>;
  close(): Promise<void>;
}

/** Runs the suite; every test uses keys of its own, so the store may hold other rows. */
export function describeRecordStore(name: string, make: () => Promise<RecordStoreHarness>): void {
  describe(`${name} as RecordStore`, () => {
    let harness: RecordStoreHarness;
    beforeAll(async () => {
      harness = await make();
    });
    afterAll(async () => {
      await harness.close();
    });
    const store = () => harness.store;

    describe('single rows', () => {
      test('a row that was never written is undefined', async () => {
        expect(await store().get('slots', [unique()])).toBeUndefined();
      });

      test('a written row is read back with its key and version 1', async () => {
        const key = [unique()];
        expect(await store().put('slots', key, slots('a'), 'absent')).toBe(1);
        expect(await store().get('slots', key)).toEqual({ key, version: 1, value: slots('a') });
      });

      test('texts of all kinds survive, in keys and values', async () => {
        const text = 'é 漢字 😀 "quoted" \\ \u0000 \n/:%+?';
        const key = [`${unique()} é/漢:%+`, text];
        const use = { restoreId: text, since: 1_767_225_600_000 };
        await store().put('backup_uses', key, use, 'absent');
        expect(await store().get('backup_uses', key)).toEqual({ key, version: 1, value: use });
      });

      test('a value near 1 MiB is kept whole and a larger one refused before it is sent', async () => {
        const key = [unique()];
        const large = slots('x'.repeat(1_000_000));
        await store().put('slots', key, large, 'absent');
        expect((await store().get('slots', key))?.value).toEqual(large);
        const attempt = async () =>
          await store().put('slots', key, slots('x'.repeat(1_100_000)), 'any');
        await expect(attempt()).rejects.toThrow(/1 MiB/);
        expect((await store().get('slots', key))?.version).toBe(1);
      });

      test('fields that are undefined are not stored', async () => {
        const cluster = unique();
        const record = sampleBackup({ cluster, id: 'bk-1' });
        await store().put('backups', [cluster, 'bk-1'], record, 'absent');
        const row = await store().get('backups', [cluster, 'bk-1']);
        expect(row?.value).toStrictEqual(record);
      });
    });

    describe('conditions', () => {
      test('`absent` refuses an existing row and carries it', async () => {
        const key = [unique()];
        await store().put('slots', key, slots('a'), 'absent');
        const refused = await failure(store().put('slots', key, slots('b'), 'absent'));
        expect(refused.current).toEqual({ version: 1, value: slots('a') });
        expect((await store().get('slots', key))?.value).toEqual(slots('a'));
      });

      test('a version is matched exactly and grows by one', async () => {
        const key = [unique()];
        await store().put('slots', key, slots('a'), 'absent');
        expect(await store().put('slots', key, slots('b'), { version: 1 })).toBe(2);
        const refused = await failure(store().put('slots', key, slots('c'), { version: 1 }));
        expect(refused.current).toEqual({ version: 2, value: slots('b') });
      });

      test('a version refuses an absent row, which it carries as undefined', async () => {
        const refused = await failure(store().put('slots', [unique()], slots('a'), { version: 1 }));
        expect(refused.current).toBeUndefined();
      });

      test('`any` writes an absent row as version 1 and an existing one as the next', async () => {
        const key = [unique()];
        expect(await store().put('slots', key, slots('a'), 'any')).toBe(1);
        expect(await store().put('slots', key, slots('b'), 'any')).toBe(2);
      });

      test('of many writers at once exactly one wins, and `any` loses no version', async () => {
        const key = [unique()];
        const puts = await Promise.allSettled(
          ['a', 'b', 'c', 'd', 'e'].map((v) => store().put('slots', key, slots(v), 'absent')),
        );
        expect(puts.filter((p) => p.status === 'fulfilled')).toHaveLength(1);
        await Promise.all(['f', 'g', 'h'].map((v) => store().put('slots', key, slots(v), 'any')));
        expect((await store().get('slots', key))?.version).toBe(4);
      });
    });

    describe('removal', () => {
      test('a removed row is gone and may be written anew', async () => {
        const key = [unique()];
        await store().put('slots', key, slots('a'), 'absent');
        await store().remove('slots', key, { version: 1 });
        expect(await store().get('slots', key)).toBeUndefined();
        expect(await store().put('slots', key, slots('b'), 'absent')).toBe(1);
      });

      test('an absent row is fine unless a version is asked for', async () => {
        const key = [unique()];
        await store().remove('slots', key, 'any');
        expect((await failure(store().remove('slots', key, { version: 1 }))).current).toBe(
          undefined,
        );
      });

      test('another version is refused and carried', async () => {
        const key = [unique()];
        await store().put('slots', key, slots('a'), 'absent');
        const refused = await failure(store().remove('slots', key, { version: 2 }));
        expect(refused.current).toEqual({ version: 1, value: slots('a') });
        expect(await store().get('slots', key)).toBeDefined();
      });
    });

    describe('lists', () => {
      test('rows under a prefix come in key order, page by page, each once', async () => {
        const [backup, other] = [unique(), unique()];
        const ids = Array.from({ length: 25 }, (_, i) => `r-${String(i).padStart(2, '0')}`);
        const shuffled = [...ids].reverse();
        await Promise.all(shuffled.map((id) => putUse(store(), backup, id)));
        await putUse(store(), other, 'r-00');
        const seen: string[] = [];
        let pages = 0;
        let after: string | undefined;
        do {
          const page: RowPage<unknown> = await store().list('backup_uses', {
            prefix: [backup],
            limit: 10,
            ...(after === undefined ? {} : { after }),
          });
          seen.push(...page.rows.map((row) => row.key[1] ?? ''));
          expect(page.rows.every((row) => row.key[0] === backup)).toBe(true);
          after = page.next;
          pages += 1;
        } while (after !== undefined);
        expect(seen).toEqual(ids);
        expect(pages).toBe(3);
      });

      test('`before` bounds the part after the prefix, exclusively', async () => {
        const backup = unique();
        for (const id of ['r-1', 'r-2', 'r-20', 'r-3']) await putUse(store(), backup, id);
        const page = await store().list('backup_uses', {
          prefix: [backup],
          before: 'r-3',
          limit: 10,
        });
        expect(page.rows.map((row) => row.key[1])).toEqual(['r-1', 'r-2', 'r-20']);
        expect(page.next).toBeUndefined();
      });

      test('a prefix of two parts fixes both, and a part is never matched by its beginning', async () => {
        const account = unique();
        const shard = [account, 'main'] as const;
        const vaults: [string, string, string][] = [
          [...shard, 'v1'],
          [...shard, 'v2'],
          [account, 'main2', 'v3'],
          [account, 'mai', 'v4'],
        ];
        for (const key of vaults) {
          await store().put('vault_bindings', key, binding(key), 'absent');
        }
        const page = await store().list('vault_bindings', { prefix: [...shard], limit: 10 });
        expect(page.rows.map((row) => row.key)).toEqual(vaults.slice(0, 2));
        expect(page.rows[0]?.value).toEqual(binding([...shard, 'v1']));
      });

      test('an empty list has no rows and no next page', async () => {
        expect(await store().list('backup_uses', { prefix: [unique()], limit: 1000 })).toEqual({
          rows: [],
        });
      });

      test('a written row is listed at once, a removed one not', async () => {
        const backup = unique();
        await putUse(store(), backup, 'r-1');
        const list = async () =>
          (await store().list('backup_uses', { prefix: [backup], limit: 10 })).rows.length;
        expect(await list()).toBe(1);
        await store().remove('backup_uses', [backup, 'r-1'], 'any');
        expect(await list()).toBe(0);
      });

      test('a list without a prefix is a scan and refused', async () => {
        const attempt = async () => await store().list('backup_uses', { prefix: [], limit: 10 });
        await expect(attempt()).rejects.toThrow(/fixes 1 to 1 of backup, restore/);
      });
    });

    describe('indexes', () => {
      test('rows are found by their present values, in order, page by page', async () => {
        const cluster = unique();
        for (const id of ['bk-3', 'bk-1', 'bk-2', 'bk-4']) {
          const phase = id === 'bk-4' ? 'Failed' : 'Completed';
          const record = sampleBackup({ cluster, id, phase, plan: 'daily' });
          await store().put('backups', [cluster, id], record, 'absent');
        }
        await harness.settleIndexes();
        const first = await store().listIndex('backups_by_phase', {
          prefix: [cluster, 'Completed'],
          limit: 2,
        });
        expect(first.rows.map((row) => row.key)).toEqual([
          [cluster, 'bk-1'],
          [cluster, 'bk-2'],
        ]);
        expect(first.rows[0]?.version).toBe(1);
        expect(first.rows[0]?.value.id).toBe('bk-1');
        const rest = await store().listIndex('backups_by_phase', {
          prefix: [cluster, 'Completed'],
          limit: 2,
          ...(first.next === undefined ? {} : { after: first.next }),
        });
        expect(rest.rows.map((row) => row.key[1])).toEqual(['bk-3']);
        expect(rest.next).toBeUndefined();
        const byPlan = await store().listIndex('backups_by_plan', {
          prefix: [cluster, 'daily'],
          before: 'bk-3',
          limit: 10,
        });
        expect(byPlan.rows.map((row) => row.key[1])).toEqual(['bk-1', 'bk-2']);
      });

      test('a row that lacks the value is not in the index', async () => {
        const cluster = unique();
        await store().put('backups', [cluster, 'bk-1'], sampleBackup({ cluster }), 'absent');
        await harness.settleIndexes();
        const page = await store().listIndex('backups_by_plan', { prefix: [cluster], limit: 10 });
        expect(page).toEqual({ rows: [] });
      });

      test('a change moves the row, a removal takes it out', async () => {
        const cluster = unique();
        const key = [cluster, 'bk-1'];
        const record = sampleBackup({ cluster, id: 'bk-1', phase: 'New' });
        await store().put('backups', key, record, 'absent');
        await harness.settleIndexes();
        await store().put('backups', key, { ...record, phase: 'Failed' }, { version: 1 });
        await harness.settleIndexes();
        const rowsIn = async (phase: string) =>
          (await store().listIndex('backups_by_phase', { prefix: [cluster, phase], limit: 10 }))
            .rows.length;
        expect([await rowsIn('New'), await rowsIn('Failed')]).toEqual([0, 1]);
        await store().remove('backups', key, 'any');
        await harness.settleIndexes();
        expect(await rowsIn('Failed')).toBe(0);
      });

      test('an index by a value spans clusters, and a further prefix part picks one', async () => {
        const [vault, one, two] = [unique(), unique(), unique()];
        for (const cluster of [one, two]) {
          const record = sampleBackup({ cluster, id: 'bk-1', vaultIdentity: vault });
          await store().put('backups', [cluster, 'bk-1'], record, 'absent');
        }
        await harness.settleIndexes();
        const all = await store().listIndex('backups_by_vault', { prefix: [vault], limit: 10 });
        expect(all.rows.map((row) => row.value.cluster).sort()).toEqual([one, two].sort());
        const picked = await store().listIndex('backups_by_vault', {
          prefix: [vault, two],
          limit: 10,
        });
        expect(picked.rows.map((row) => row.key)).toEqual([[two, 'bk-1']]);
      });

      test('a local index shows every write at once: new, moved, emptied and removed', async () => {
        const shard = unique();
        const key = [shard, 'c1', 'pl-1'];
        const due = async (before = 5_000_000_000_000) =>
          (
            await store().listIndex('plans_due', {
              prefix: [shard],
              before: timeKey(before),
              limit: 9,
            })
          ).rows;
        const plan = samplePlan({ id: 'pl-1', dueAtMs: 2_000 });
        await store().put('plans', key, plan, 'absent');
        expect(await due()).toStrictEqual([{ key, version: 1, value: plan }]);
        expect(await due(2_000)).toEqual([]);
        const moved = { ...plan, dueAtMs: 3_000 };
        await store().put('plans', key, moved, { version: 1 });
        expect(await due(3_000)).toEqual([]);
        expect(await due(3_001)).toStrictEqual([{ key, version: 2, value: moved }]);
        const { dueAtMs: _paused, ...paused } = plan;
        await store().put('plans', key, paused, { version: 2 });
        expect(await due()).toEqual([]);
        await store().put('plans', key, plan, { version: 3 });
        expect((await due()).map((row) => row.version)).toEqual([4]);
        await store().remove('plans', key, 'any');
        expect(await due()).toEqual([]);
      });

      test('a local index is listed by its own order, page by page', async () => {
        const shard = unique();
        const dues = [5_000, 1_000, 3_000, 1_000, 4_000];
        for (const [i, dueAtMs] of dues.entries()) {
          const plan = samplePlan({ id: `pl-${i}`, dueAtMs });
          await store().put('plans', [shard, 'c1', plan.id], plan, 'absent');
        }
        const seen: string[] = [];
        let after: string | undefined;
        do {
          const page = await store().listIndex('plans_due', {
            prefix: [shard],
            before: timeKey(5_000),
            limit: 2,
            ...(after === undefined ? {} : { after }),
          });
          seen.push(...page.rows.map((row) => row.value.id));
          after = page.next;
        } while (after !== undefined);
        expect(seen).toEqual(['pl-1', 'pl-3', 'pl-2', 'pl-4']);
      });
    });
  });
}

function unique(): string {
  return `t-${randomBytes(8).toString('hex')}`;
}

function slots(run: string): { readonly active: string[]; readonly queue: string[] } {
  return { active: [run], queue: [] };
}

function binding(key: readonly [string, string, string]) {
  const [cluster, vaultName, identity] = key;
  return { cluster, vaultName, identity, location: 'b/', boundAtMs: 1 };
}

async function putUse(store: RecordStore, backup: string, restore: string): Promise<void> {
  await store.put('backup_uses', [backup, restore], { restoreId: restore, since: 1 }, 'absent');
}

async function failure(attempt: Promise<unknown>): Promise<ConditionFailedError> {
  const error = await attempt.then(
    () => undefined,
    (e: unknown) => e,
  );
  expect(error).toBeInstanceOf(ConditionFailedError);
  return error as ConditionFailedError;
}
