import TableStore, { type Client } from 'tablestore';
import { describe, expect, it } from 'vitest';
import { ignore, keyOf, makeTable, put, read, refusal, startFixture } from './emulator-fixture.ts';

const { Long } = TableStore;

async function startTransaction(client: Client, partition = 'p'): Promise<string> {
  const { transactionId } = await client.startLocalTransaction({
    tableName: 'rows',
    primaryKey: [{ p: partition }],
  });
  return transactionId;
}

const rowKey = (p: string, q: number) => [{ p }, { q: Long.fromNumber(q) }];

async function makeRows(client: Client): Promise<void> {
  await makeTable(client, 'rows', {
    key: [
      { name: 'p', type: 'STRING' },
      { name: 'q', type: 'INTEGER' },
    ],
  });
}

const putIn = (client: Client, transactionId: string, p: string, q: number, v: string) =>
  client.putRow({
    tableName: 'rows',
    primaryKey: rowKey(p, q),
    attributeColumns: [{ v }],
    condition: ignore(),
    transactionId,
  });

/** The SDK reads the reply to an abort as a request and misses the id; the abort itself is done. */
const abort = (client: Client, transactionId: string) =>
  client.abortTransaction({ transactionId }).catch((error: unknown) => {
    if (!String(error).includes("missing required 'transactionId'")) throw error;
  });

describe('a local transaction', () => {
  it('shows its writes to itself, and to all when it commits', async () => {
    const { client } = await startFixture();
    await makeRows(client);
    await put(client, 'rows', rowKey('p', 1), [{ v: 'one' }]);
    await put(client, 'rows', rowKey('p', 2), [{ v: 'two' }]);
    const transactionId = await startTransaction(client);
    await putIn(client, transactionId, 'p', 0, 'zero');
    await putIn(client, transactionId, 'p', 2, 'changed');
    await putIn(client, transactionId, 'p', 9, 'nine');
    await client.deleteRow({
      tableName: 'rows',
      primaryKey: rowKey('p', 1),
      condition: ignore(),
      transactionId,
    });
    const seenBy = async (id?: string) => {
      const { rows } = await client.getRange({
        tableName: 'rows',
        direction: 'FORWARD',
        inclusiveStartPrimaryKey: [{ p: 'p' }, { q: TableStore.INF_MIN }],
        exclusiveEndPrimaryKey: [{ p: 'p' }, { q: TableStore.INF_MAX }],
        maxVersions: 1,
        ...(id === undefined ? {} : { transactionId: id }),
      });
      return rows.map((row) => [keyOf(row.primaryKey).q, row.attributes?.[0]?.columnValue]);
    };
    const before = [
      [1n, 'one'],
      [2n, 'two'],
    ];
    const after = [
      [0n, 'zero'],
      [2n, 'changed'],
      [9n, 'nine'],
    ];
    expect(await seenBy()).toEqual(before);
    expect(await seenBy(transactionId)).toEqual(after);
    const { row } = await client.getRow({
      tableName: 'rows',
      primaryKey: rowKey('p', 2),
      maxVersions: 1,
      transactionId,
    });
    expect(row?.attributes?.[0]?.columnValue).toBe('changed');
    await client.commitTransaction({ transactionId });
    expect(await seenBy()).toEqual(after);
    expect(await refusal(client.commitTransaction({ transactionId }))).toMatchObject({
      status: 404,
      code: 'OTSSessionNotExist',
    });
  });

  it('leaves nothing when it is aborted', async () => {
    const { client } = await startFixture();
    await makeRows(client);
    const transactionId = await startTransaction(client);
    await putIn(client, transactionId, 'p', 1, 'x');
    await abort(client, transactionId);
    expect(await read(client, 'rows', rowKey('p', 1))).toBeUndefined();
    await put(client, 'rows', rowKey('p', 1), [{ v: 'free again' }]);
  });

  it('locks its partition for writes of others, and no other partition', async () => {
    const { client } = await startFixture();
    await makeRows(client);
    const transactionId = await startTransaction(client);
    expect(await refusal(put(client, 'rows', rowKey('p', 7), []))).toMatchObject({
      status: 409,
      code: 'OTSRowOperationConflict',
    });
    expect((await refusal(startTransaction(client))).code).toBe('OTSRowOperationConflict');
    await put(client, 'rows', rowKey('other', 7), []);
    const outside = putIn(client, transactionId, 'other', 1, 'x');
    expect((await refusal(outside)).code).toBe('OTSDataOutOfRange');
  });

  it('ends by itself after a minute, and its lock with it', async () => {
    const { client, clock } = await startFixture();
    await makeRows(client);
    const transactionId = await startTransaction(client);
    await putIn(client, transactionId, 'p', 1, 'x');
    clock.advance(60_000);
    await put(client, 'rows', rowKey('p', 2), []);
    expect((await refusal(client.commitTransaction({ transactionId }))).code).toBe(
      'OTSSessionNotExist',
    );
    expect(await read(client, 'rows', rowKey('p', 1))).toBeUndefined();
  });

  it('ends with its table', async () => {
    const { client } = await startFixture();
    await makeRows(client);
    const transactionId = await startTransaction(client);
    await putIn(client, transactionId, 'p', 1, 'x');
    await client.deleteTable({ tableName: 'rows' });
    await makeRows(client);
    expect((await refusal(client.commitTransaction({ transactionId }))).code).toBe(
      'OTSSessionNotExist',
    );
    expect(await read(client, 'rows', rowKey('p', 1))).toBeUndefined();
  });

  it('takes the first key column and no more', async () => {
    const { client } = await startFixture();
    await makeRows(client);
    const whole = client.startLocalTransaction({ tableName: 'rows', primaryKey: rowKey('p', 1) });
    expect((await refusal(whole)).text).toContain(
      'StartLocalTransaction support only one primary key.',
    );
    expect((await refusal(client.commitTransaction({ transactionId: '' }))).text).toContain(
      'TransactionID is invalid.',
    );
  });
});
