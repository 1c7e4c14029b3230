import { expect, test } from 'vitest';
import { InMemoryRecordStore } from '../support/in-memory-record-store.ts';
import { sampleBackup } from '../support/sample-records.ts';
import { describeRecordStore } from './record-store.contract.ts';

describeRecordStore('InMemoryRecordStore', async () => ({
  store: new InMemoryRecordStore(),
  settleIndexes: async () => undefined,
  close: async () => undefined,
}));

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
  store.releaseIndexes();
  expect(await list()).toEqual(['bk-1']);
});
