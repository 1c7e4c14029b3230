import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { open } from 'lmdb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodeKey } from './row-key.ts';
import { TablestoreState } from './state.ts';

const dir = mkdtempSync(`${tmpdir()}/tablestore-state-`);
let state: TablestoreState;

beforeAll(() => {
  state = new TablestoreState(dir, 0);
});

afterAll(async () => {
  await state.close();
  rmSync(dir, { recursive: true });
});

describe('a write', () => {
  it('is over when it is committed: another reader of the file sees it', async () => {
    const other = open<unknown, string>({ path: dir, pageSize: 8192, noSubdir: false });
    const rows = other.openDB<Buffer, Buffer>({
      name: 'rows',
      keyEncoding: 'binary',
      encoding: 'binary',
    });
    for (let n = 0; n < 50; n += 1) {
      const key = encodeKey(1, [{ type: 'integer', value: BigInt(n) }]);
      await state.write(() => state.putRow(key, { writtenAtMs: n, cells: [] }));
      other.resetReadTxn();
      expect(rows.get(key), `row ${n}`).toBeDefined();
    }
    await other.close();
  });

  it('rejects with the error of its change, and the next one goes on', async () => {
    const refused = state.write(() => {
      throw new Error('not this one');
    });
    await expect(refused).rejects.toThrow('not this one');
    expect(await state.write(() => 'this one')).toBe('this one');
  });

  it('runs alone: what it reads is what it changes', async () => {
    const key = encodeKey(2, [{ type: 'string', value: 'n' }]);
    const increments = Array.from({ length: 200 }, () =>
      state.write(() => {
        const before = state.row(key)?.writtenAtMs ?? 0;
        state.putRow(key, { writtenAtMs: before + 1, cells: [] });
      }),
    );
    await Promise.all(increments);
    expect(state.row(key)?.writtenAtMs).toBe(200);
  });
});
