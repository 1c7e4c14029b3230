import { randomBytes } from 'node:crypto';
import TableStore from 'tablestore';
import { describe, expect, it } from 'vitest';
import {
  attributesOf,
  expectNoRow,
  expectRow,
  ignore,
  keyOf,
  makeTable,
  put,
  read,
  refusal,
  startFixture,
} from './emulator-fixture.ts';

const { Long, ReturnType } = TableStore;

describe('a row', () => {
  it('comes back with every type of value exactly as it was put', async () => {
    const { client } = await startFixture();
    await makeTable(client, 'values');
    const binary = randomBytes(300);
    await put(
      client,
      'values',
      [{ id: 'ключ 钥匙 🔑' }],
      [
        { zero: Long.fromNumber(0) },
        { largest: Long.fromString('9223372036854775807') },
        { smallest: Long.fromString('-9223372036854775808') },
        { odd: Long.fromString('9007199254740993') },
        { double: 0.1 },
        { negative: -1.5e300 },
        { yes: true },
        { no: false },
        { text: 'größer 更大 🐘' },
        { empty: '' },
        { binary },
      ],
    );
    const { row, consumed } = await client.getRow({
      tableName: 'values',
      primaryKey: [{ id: 'ключ 钥匙 🔑' }],
      maxVersions: 1,
    });
    expect(keyOf(row?.primaryKey)).toEqual({ id: 'ключ 钥匙 🔑' });
    expect(attributesOf(row?.attributes)).toEqual({
      zero: 0n,
      largest: 9223372036854775807n,
      smallest: -9223372036854775808n,
      odd: 9007199254740993n,
      double: 0.1,
      negative: -1.5e300,
      yes: true,
      no: false,
      text: 'größer 更大 🐘',
      empty: '',
      binary,
    });
    expect(row?.attributes?.map((cell) => cell.columnName)).toEqual([
      'binary',
      'double',
      'empty',
      'largest',
      'negative',
      'no',
      'odd',
      'smallest',
      'text',
      'yes',
      'zero',
    ]);
    expect(consumed.capacityUnit).toMatchObject({ read: 1, write: 0 });
  });

  it('is found by keys of each type, all four columns of them', async () => {
    const { client } = await startFixture();
    await makeTable(client, 'keys', {
      key: [
        { name: 'a', type: 'STRING' },
        { name: 'b', type: 'INTEGER' },
        { name: 'c', type: 'BINARY' },
        { name: 'd', type: 'STRING' },
      ],
    });
    const key = [
      { a: 'a\u0000b' },
      { b: Long.fromString('-9007199254740993') },
      { c: Buffer.from([0, 0, 255, 0]) },
      { d: '' },
    ];
    await put(client, 'keys', key, [{ v: 'x' }]);
    const { row } = await client.getRow({ tableName: 'keys', primaryKey: key, maxVersions: 1 });
    expect(keyOf(row?.primaryKey)).toEqual({
      a: 'a\u0000b',
      b: -9007199254740993n,
      c: Buffer.from([0, 0, 255, 0]),
      d: '',
    });
    expect(attributesOf(row?.attributes)).toEqual({ v: 'x' });
  });

  it('that is not there reads as an empty row', async () => {
    const { client } = await startFixture();
    await makeTable(client, 'rows');
    const { row, consumed } = await client.getRow({
      tableName: 'rows',
      primaryKey: [{ id: 'none' }],
      maxVersions: 1,
    });
    expect(row).toEqual({});
    expect(consumed.capacityUnit).toMatchObject({ read: 1, write: 0 });
  });

  it('may have a key and nothing else', async () => {
    const { client } = await startFixture();
    await makeTable(client, 'rows');
    await put(client, 'rows', [{ id: 'bare' }], []);
    expect(await read(client, 'rows', [{ id: 'bare' }])).toEqual({});
    await client.putRow({
      tableName: 'rows',
      primaryKey: [{ id: 'bare' }],
      attributeColumns: [],
      condition: expectRow(),
    });
  });

  it('is replaced whole by a put', async () => {
    const { client } = await startFixture();
    await makeTable(client, 'rows');
    await put(client, 'rows', [{ id: 'r' }], [{ a: '1' }, { b: '2' }]);
    await put(client, 'rows', [{ id: 'r' }], [{ b: '3' }]);
    expect(await read(client, 'rows', [{ id: 'r' }])).toEqual({ b: '3' });
  });

  it('answers a write with its key when asked to', async () => {
    const { client } = await startFixture();
    await makeTable(client, 'rows');
    const { row, consumed } = await client.putRow({
      tableName: 'rows',
      primaryKey: [{ id: 'r' }],
      attributeColumns: [{ a: 'x'.repeat(9000) }],
      condition: expectNoRow(),
      returnContent: { returnType: ReturnType.Primarykey },
    });
    expect(keyOf(row?.primaryKey)).toEqual({ id: 'r' });
    expect(consumed.capacityUnit).toMatchObject({ read: 1, write: 3 });
  });
});

describe('an update', () => {
  it('puts, deletes and increments columns and leaves the others', async () => {
    const { client } = await startFixture();
    await makeTable(client, 'rows');
    await put(
      client,
      'rows',
      [{ id: 'r' }],
      [{ keep: 'k' }, { gone: 'g' }, { n: Long.fromNumber(5) }],
    );
    const { row } = await client.updateRow({
      tableName: 'rows',
      primaryKey: [{ id: 'r' }],
      condition: expectRow(),
      updateOfAttributeColumns: [
        { PUT: [{ added: true }, { keep: 'kept' }] },
        { DELETE_ALL: ['gone', 'never'] },
        { INCREMENT: [{ n: Long.fromNumber(-7) }, { fresh: Long.fromString('9007199254740993') }] },
      ],
      returnContent: { returnType: ReturnType.AfterModify, returnColumns: ['n', 'fresh'] },
    });
    expect(attributesOf(row?.attributes)).toEqual({ n: -2n, fresh: 9007199254740993n });
    expect(await read(client, 'rows', [{ id: 'r' }])).toEqual({
      keep: 'kept',
      added: true,
      n: -2n,
      fresh: 9007199254740993n,
    });
  });

  it('makes the row, unless it only deletes', async () => {
    const { client } = await startFixture();
    await makeTable(client, 'rows');
    const update = (id: string, change: { PUT: { a: string }[] } | { DELETE_ALL: string[] }) =>
      client.updateRow({
        tableName: 'rows',
        primaryKey: [{ id }],
        condition: ignore(),
        updateOfAttributeColumns: [change],
      });
    await update('made', { PUT: [{ a: '1' }] });
    await update('not-made', { DELETE_ALL: ['a'] });
    expect(await read(client, 'rows', [{ id: 'made' }])).toEqual({ a: '1' });
    expect(await read(client, 'rows', [{ id: 'not-made' }])).toBeUndefined();
  });

  it('deletes one version by its timestamp, and no other', async () => {
    const { client, clock } = await startFixture();
    await makeTable(client, 'rows');
    const version = Math.floor(clock.now());
    await put(client, 'rows', [{ id: 'r' }], [{ a: '1', timestamp: version }, { b: '2' }]);
    const deleteVersion = (timestamp: number) =>
      client.updateRow({
        tableName: 'rows',
        primaryKey: [{ id: 'r' }],
        condition: ignore(),
        updateOfAttributeColumns: [{ DELETE: [{ a: Long.fromNumber(timestamp) }] }],
      });
    await deleteVersion(version - 1);
    expect(await read(client, 'rows', [{ id: 'r' }])).toEqual({ a: '1', b: '2' });
    await deleteVersion(version);
    expect(await read(client, 'rows', [{ id: 'r' }])).toEqual({ b: '2' });
  });

  it('keeps the newer of two versions', async () => {
    const { client, clock } = await startFixture();
    await makeTable(client, 'rows');
    const nowMs = Math.floor(clock.now());
    const putVersion = (a: string, timestamp: number) =>
      client.updateRow({
        tableName: 'rows',
        primaryKey: [{ id: 'r' }],
        condition: ignore(),
        updateOfAttributeColumns: [{ PUT: [{ a, timestamp }] }],
      });
    await putVersion('newer', nowMs);
    await putVersion('older', nowMs - 5);
    expect(await read(client, 'rows', [{ id: 'r' }])).toEqual({ a: 'newer' });
    const refused = await refusal(putVersion('too old', nowMs - 86_400_000 - 1000));
    expect(refused).toMatchObject({ status: 400, code: 'OTSParameterInvalid' });
    expect(refused.text).toContain("Invalid timestamp. Cell:'a'.");
  });

  it('refuses to increment what is no integer, and past the range of one', async () => {
    const { client } = await startFixture();
    await makeTable(client, 'rows');
    await put(
      client,
      'rows',
      [{ id: 'r' }],
      [{ text: 't' }, { max: Long.fromString('9223372036854775807') }],
    );
    const increment = (name: string) =>
      client.updateRow({
        tableName: 'rows',
        primaryKey: [{ id: 'r' }],
        condition: ignore(),
        updateOfAttributeColumns: [{ INCREMENT: [{ [name]: Long.fromNumber(1) }] }],
      });
    for (const name of ['text', 'max']) {
      expect(await refusal(increment(name))).toMatchObject({
        status: 400,
        code: 'OTSParameterInvalid',
      });
    }
    expect(await read(client, 'rows', [{ id: 'r' }])).toEqual({
      text: 't',
      max: 9223372036854775807n,
    });
  });

  it('returns only columns that it increments', async () => {
    const { client } = await startFixture();
    await makeTable(client, 'rows');
    const attempt = client.updateRow({
      tableName: 'rows',
      primaryKey: [{ id: 'r' }],
      condition: ignore(),
      updateOfAttributeColumns: [{ PUT: [{ a: '1' }] }],
      returnContent: { returnType: ReturnType.AfterModify, returnColumns: ['a'] },
    });
    expect(await refusal(attempt)).toMatchObject({ status: 400, code: 'OTSParameterInvalid' });
    expect(await read(client, 'rows', [{ id: 'r' }])).toBeUndefined();
  });
});

describe('a deletion', () => {
  it('removes the row, and is content when there is none', async () => {
    const { client } = await startFixture();
    await makeTable(client, 'rows');
    await put(client, 'rows', [{ id: 'r' }], [{ a: '1' }]);
    const remove = () =>
      client.deleteRow({ tableName: 'rows', primaryKey: [{ id: 'r' }], condition: ignore() });
    const { consumed } = await remove();
    expect(consumed.capacityUnit).toMatchObject({ read: 0, write: 1 });
    expect(await read(client, 'rows', [{ id: 'r' }])).toBeUndefined();
    await remove();
  });
});

describe('auto-increment', () => {
  const key = [
    { name: 'user', type: 'STRING' as const },
    { name: 'seq', type: 'INTEGER' as const, option: 'AUTO_INCREMENT' as const },
  ];

  it('gives numbers that grow, and tells them', async () => {
    const { client } = await startFixture();
    await makeTable(client, 'events', { key });
    const numbers: bigint[] = [];
    for (let n = 0; n < 5; n += 1) {
      const { row } = await client.putRow({
        tableName: 'events',
        primaryKey: [{ user: 'u' }, { seq: TableStore.PK_AUTO_INCR }],
        attributeColumns: [{ n: Long.fromNumber(n) }],
        condition: ignore(),
        returnContent: { returnType: ReturnType.Primarykey },
      });
      numbers.push(BigInt(String(keyOf(row?.primaryKey).seq)));
    }
    expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => (a < b ? -1 : 1)));
    const third = await read(client, 'events', [
      { user: 'u' },
      { seq: Long.fromString(String(numbers[2])) },
    ]);
    expect(third).toEqual({ n: 2n });
  });

  it('goes with no condition, and a known row must be expected', async () => {
    const { client } = await startFixture();
    await makeTable(client, 'events', { key });
    const put = (seq: typeof TableStore.PK_AUTO_INCR | ReturnType<typeof Long.fromNumber>) =>
      client.putRow({
        tableName: 'events',
        primaryKey: [{ user: 'u' }, { seq }],
        attributeColumns: [],
        condition: expectNoRow(),
      });
    expect((await refusal(put(TableStore.PK_AUTO_INCR))).text).toContain(
      'Invalid expect:EXPECT_NOT_EXIST when modify row with pk auto increment.',
    );
    expect((await refusal(put(Long.fromNumber(7)))).text).toContain(
      'when modify a specific row for table with pk auto increment.',
    );
  });
});

describe('time to live', () => {
  it('takes columns and rows away by the clock, and conditions do not see them', async () => {
    const { client, clock } = await startFixture({ checkSignatures: false });
    await makeTable(client, 'sessions', { options: { timeToLive: 86_400 } });
    await put(client, 'sessions', [{ id: 's' }], [{ old: '1' }]);
    clock.advance(50_000_000);
    await client.updateRow({
      tableName: 'sessions',
      primaryKey: [{ id: 's' }],
      condition: expectRow(),
      updateOfAttributeColumns: [{ PUT: [{ young: '2' }] }],
    });
    clock.advance(40_000_000);
    expect(await read(client, 'sessions', [{ id: 's' }])).toEqual({ young: '2' });
    clock.advance(50_000_000);
    expect(await read(client, 'sessions', [{ id: 's' }])).toBeUndefined();
    await client.putRow({
      tableName: 'sessions',
      primaryKey: [{ id: 's' }],
      attributeColumns: [{ again: '3' }],
      condition: expectNoRow(),
    });
    expect(await read(client, 'sessions', [{ id: 's' }])).toEqual({ again: '3' });
  });
});
