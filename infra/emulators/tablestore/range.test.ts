import TableStore, { type Client, type GetRangeParams, type PrimaryKeyInput } from 'tablestore';
import { describe, expect, it } from 'vitest';
import {
  attributesOf,
  ignore,
  keyOf,
  makeTable,
  put,
  refusal,
  startFixture,
} from './emulator-fixture.ts';

const { Long } = TableStore;
const INF_MIN: typeof TableStore.INF_MIN = TableStore.INF_MIN;
const INF_MAX: typeof TableStore.INF_MAX = TableStore.INF_MAX;

async function range(
  client: Client,
  params: Partial<GetRangeParams> & { tableName: string },
): Promise<{ keys: unknown[][]; next: unknown[] | undefined }> {
  const reply = await client.getRange({
    direction: 'FORWARD',
    inclusiveStartPrimaryKey: [{ id: INF_MIN }],
    exclusiveEndPrimaryKey: [{ id: INF_MAX }],
    maxVersions: 1,
    ...params,
  });
  const next = reply.nextStartPrimaryKey;
  return {
    keys: reply.rows.map((row) => Object.values(keyOf(row.primaryKey))),
    next: next ? Object.values(keyOf(next)) : undefined,
  };
}

async function tableOf(client: Client, ids: readonly string[]): Promise<void> {
  await makeTable(client, 'rows');
  for (const id of ids) await put(client, 'rows', [{ id }], [{ v: id }]);
}

describe('a range of strings', () => {
  const ids = ['', 'a', 'a\u0000', 'a\u0001', 'aa', 'ab', 'b', 'é', '中', '\uffee', '🔑'];

  it('is in the order of the UTF-8 bytes, from its start up to before its end', async () => {
    const { client } = await startFixture();
    await tableOf(client, [...ids].reverse());
    expect((await range(client, { tableName: 'rows' })).keys.flat()).toEqual(ids);
    const part = {
      inclusiveStartPrimaryKey: [{ id: 'a\u0000' }],
      exclusiveEndPrimaryKey: [{ id: 'b' }],
    };
    expect((await range(client, { tableName: 'rows', ...part })).keys.flat()).toEqual(
      ids.slice(2, 6),
    );
    const gap = {
      inclusiveStartPrimaryKey: [{ id: 'ac' }],
      exclusiveEndPrimaryKey: [{ id: 'az' }],
    };
    expect(await range(client, { tableName: 'rows', ...gap })).toEqual({
      keys: [],
      next: undefined,
    });
  });

  it('runs backward too', async () => {
    const { client } = await startFixture();
    await tableOf(client, ids);
    const backward = (from: PrimaryKeyInput, to: PrimaryKeyInput) =>
      range(client, {
        tableName: 'rows',
        direction: 'BACKWARD',
        inclusiveStartPrimaryKey: from,
        exclusiveEndPrimaryKey: to,
      });
    const all = await backward([{ id: INF_MAX }], [{ id: INF_MIN }]);
    expect(all.keys.flat()).toEqual([...ids].reverse());
    const part = await backward([{ id: 'b' }], [{ id: 'a' }]);
    expect(part.keys.flat()).toEqual(['b', 'ab', 'aa', 'a\u0001', 'a\u0000']);
    const between = await backward([{ id: 'ac' }], [{ id: 'a\u0001\u0001' }]);
    expect(between.keys.flat()).toEqual(['ab', 'aa']);
  });
});

describe('a range of integers', () => {
  it('is in the order of int64', async () => {
    const { client } = await startFixture();
    await makeTable(client, 'numbers', { key: [{ name: 'id', type: 'INTEGER' }] });
    const numbers = ['-9223372036854775808', '-256', '-1', '0', '1', '255', '9223372036854775807'];
    for (const n of [...numbers].reverse()) {
      await put(client, 'numbers', [{ id: Long.fromString(n) }], []);
    }
    const { keys } = await range(client, { tableName: 'numbers' });
    expect(keys.flat()).toEqual(numbers.map(BigInt));
    const part = await range(client, {
      tableName: 'numbers',
      inclusiveStartPrimaryKey: [{ id: Long.fromNumber(-256) }],
      exclusiveEndPrimaryKey: [{ id: Long.fromNumber(1) }],
    });
    expect(part.keys.flat()).toEqual([-256n, -1n, 0n]);
  });
});

describe('a range of several columns', () => {
  const key = (a: string, b: number | typeof INF_MIN | typeof INF_MAX): PrimaryKeyInput => [
    { a },
    { b: typeof b === 'number' ? Long.fromNumber(b) : b },
  ];

  async function filled(client: Client): Promise<void> {
    await makeTable(client, 'pairs', {
      key: [
        { name: 'a', type: 'STRING' },
        { name: 'b', type: 'INTEGER' },
      ],
    });
    for (const a of ['k', 'kk', 'l']) {
      for (const b of [-1, 0, 1]) await put(client, 'pairs', key(a, b), [{ v: `${a}${b}` }]);
    }
  }

  it('takes one partition by INF_MIN and INF_MAX', async () => {
    const { client } = await startFixture();
    await filled(client);
    const { keys } = await range(client, {
      tableName: 'pairs',
      inclusiveStartPrimaryKey: key('k', INF_MIN),
      exclusiveEndPrimaryKey: key('k', INF_MAX),
    });
    expect(keys).toEqual([
      ['k', -1n],
      ['k', 0n],
      ['k', 1n],
    ]);
    const across = await range(client, {
      tableName: 'pairs',
      direction: 'BACKWARD',
      inclusiveStartPrimaryKey: key('l', 0),
      exclusiveEndPrimaryKey: key('k', 1),
    });
    expect(across.keys).toEqual([
      ['l', 0n],
      ['l', -1n],
      ['kk', 1n],
      ['kk', 0n],
      ['kk', -1n],
    ]);
  });

  it('is paged by the key that follows', async () => {
    const { client } = await startFixture();
    await filled(client);
    const end: PrimaryKeyInput = [{ a: INF_MAX }, { b: INF_MAX }];
    const bounds = { tableName: 'pairs', exclusiveEndPrimaryKey: end, limit: 4 };
    const first = await range(client, {
      ...bounds,
      inclusiveStartPrimaryKey: [{ a: INF_MIN }, { b: INF_MIN }],
    });
    expect(first.keys).toHaveLength(4);
    expect(first.next).toEqual(['kk', 0n]);
    const second = await range(client, { ...bounds, inclusiveStartPrimaryKey: key('kk', 0) });
    expect(second.keys[0]).toEqual(['kk', 0n]);
    expect(second.next).toEqual(['l', 1n]);
    const third = await range(client, { ...bounds, inclusiveStartPrimaryKey: key('l', 1) });
    expect(third).toEqual({ keys: [['l', 1n]], next: undefined });
  });
});

describe('a page', () => {
  const thousand = (tableName: string, from: number, attributes: { [name: string]: string }[]) => ({
    tables: Array.from({ length: 1 }, () => ({
      tableName,
      rows: Array.from({ length: 200 }, (_, n) => ({
        type: 'PUT' as const,
        condition: ignore(),
        primaryKey: [{ id: String(from + n).padStart(6, '0') }],
        attributeColumns: attributes,
      })),
    })),
  });

  it('ends after 5000 rows', async () => {
    const { client, emulator } = await startFixture();
    await makeTable(client, 'many');
    for (let from = 0; from < 5200; from += 200) {
      await client.batchWriteRow(thousand('many', from, [{ v: 'x' }]));
    }
    const before = emulator.counters.reads.rows;
    const { keys, next } = await range(client, { tableName: 'many' });
    expect(keys).toHaveLength(5000);
    expect(next).toEqual(['005000']);
    expect(emulator.counters.reads.rows - before).toBe(5000);
  });

  it('ends after 4 MB', async () => {
    const { client } = await startFixture();
    await makeTable(client, 'wide');
    for (let n = 0; n < 6; n += 1) {
      await put(client, 'wide', [{ id: String(n) }], [{ v: 'x'.repeat(1024 * 1024) }]);
    }
    const { keys, next } = await range(client, { tableName: 'wide' });
    expect(keys.flat()).toEqual(['0', '1', '2', '3']);
    expect(next).toEqual(['4']);
  });

  it('may be empty and still not be the last: the filter works after the scan', async () => {
    const { client } = await startFixture();
    await makeTable(client, 'many');
    for (let from = 0; from < 5200; from += 200) {
      await client.batchWriteRow(thousand('many', from, [{ v: from < 5000 ? 'x' : 'y' }]));
    }
    const columnFilter = new TableStore.SingleColumnCondition(
      'v',
      'y',
      TableStore.ComparatorType.EQUAL,
      false,
      true,
    );
    const first = await range(client, { tableName: 'many', columnFilter, limit: 3 });
    expect(first).toEqual({ keys: [], next: ['005000'] });
    const second = await range(client, {
      tableName: 'many',
      columnFilter,
      limit: 3,
      inclusiveStartPrimaryKey: [{ id: '005000' }],
    });
    expect(second.keys.flat()).toEqual(['005000', '005001', '005002']);
    expect(second.next).toEqual(['005003']);
  });

  it('shows only the columns asked for, and no row without any of them', async () => {
    const { client } = await startFixture();
    await makeTable(client, 'rows');
    await put(client, 'rows', [{ id: '1' }], [{ a: 'x' }, { b: 'y' }]);
    await put(client, 'rows', [{ id: '2' }], [{ b: 'y' }]);
    await put(client, 'rows', [{ id: '3' }], [{ a: 'z' }]);
    const { rows } = await client.getRange({
      tableName: 'rows',
      direction: 'FORWARD',
      inclusiveStartPrimaryKey: [{ id: INF_MIN }],
      exclusiveEndPrimaryKey: [{ id: INF_MAX }],
      maxVersions: 1,
      columnsToGet: ['a'],
    });
    expect(rows.map((row) => [keyOf(row.primaryKey), attributesOf(row.attributes)])).toEqual([
      [{ id: '1' }, { a: 'x' }],
      [{ id: '3' }, { a: 'z' }],
    ]);
  });
});

describe('a range that cannot be', () => {
  it.each([
    ['FORWARD', 'b', 'a', 'Begin key must less than end key in FORWARD'],
    ['FORWARD', 'a', 'a', 'Begin key must less than end key in FORWARD'],
    ['BACKWARD', 'a', 'b', 'Begin key must more than end key in BACKWARD'],
  ] as const)('is refused: %s from %s to %s', async (direction, from, to, text) => {
    const { client } = await startFixture();
    await makeTable(client, 'rows');
    const refused = await refusal(
      range(client, {
        tableName: 'rows',
        direction,
        inclusiveStartPrimaryKey: [{ id: from }],
        exclusiveEndPrimaryKey: [{ id: to }],
      }),
    );
    expect(refused).toMatchObject({ status: 400, code: 'OTSParameterInvalid' });
    expect(refused.text).toContain(text);
  });

  it('is refused: a limit below one', async () => {
    const { client } = await startFixture();
    await makeTable(client, 'rows');
    expect((await refusal(range(client, { tableName: 'rows', limit: -1 }))).text).toContain(
      'The limit must be greater than 0.',
    );
  });
});
