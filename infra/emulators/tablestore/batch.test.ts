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

const { Long } = TableStore;

const putOf = (id: string, condition = ignore(), v = 'x') => ({
  type: 'PUT' as const,
  condition,
  primaryKey: [{ id }],
  attributeColumns: [{ v }],
});

describe('BatchWriteRow', () => {
  it('writes the rows it can and says of each how it went', async () => {
    const { client, emulator } = await startFixture();
    await makeTable(client, 'a');
    await makeTable(client, 'b', { key: [{ name: 'id', type: 'INTEGER' }] });
    await put(client, 'a', [{ id: 'there' }], [{ v: 'old' }, { n: Long.fromNumber(1) }]);
    await put(client, 'a', [{ id: 'gone' }], [{ v: 'old' }]);
    const { tables } = await client.batchWriteRow({
      tables: [
        {
          tableName: 'a',
          rows: [
            putOf('new', expectNoRow()),
            {
              type: 'UPDATE',
              condition: expectRow(),
              primaryKey: [{ id: 'there' }],
              attributeColumns: [{ PUT: [{ w: 'added' }] }, { DELETE_ALL: ['v'] }],
              returnContent: { returnType: TableStore.ReturnType.Primarykey },
            },
            { type: 'DELETE', condition: expectRow(), primaryKey: [{ id: 'gone' }] },
          ],
        },
        { tableName: 'b', rows: [putOf('wrong type')] },
        { tableName: 'none', rows: [putOf('r')] },
      ],
    });
    expect(
      tables.map(({ tableName, isOk, errorCode, errorMessage }) => [
        tableName,
        isOk,
        errorCode,
        errorMessage,
      ]),
    ).toEqual([
      ['a', true, null, null],
      ['a', true, null, null],
      ['a', true, null, null],
      ['b', false, 'OTSInvalidPK', 'Validate PK type fail. Input: VT_STRING, Meta: VT_INTEGER.'],
      ['none', false, 'OTSObjectNotExist', 'Requested table does not exist.'],
    ]);
    expect(keyOf(tables[1]?.primaryKey)).toEqual({ id: 'there' });
    expect(await read(client, 'a', [{ id: 'new' }])).toEqual({ v: 'x' });
    expect(await read(client, 'a', [{ id: 'there' }])).toEqual({ n: 1n, w: 'added' });
    expect(await read(client, 'a', [{ id: 'gone' }])).toBeUndefined();
    expect(emulator.counters.writes).toEqual({ rows: 7, requests: 3 });
  });

  it('is not atomic: a failed condition leaves the other rows written', async () => {
    const { client } = await startFixture();
    await makeTable(client, 'a');
    await put(client, 'a', [{ id: '2' }], [{ v: 'old' }]);
    const { tables } = await client.batchWriteRow({
      tables: [
        {
          tableName: 'a',
          rows: [putOf('1', expectNoRow()), putOf('2', expectNoRow()), putOf('3', expectRow())],
        },
      ],
    });
    expect(tables.map((row) => row.errorCode)).toEqual([
      null,
      'OTSConditionCheckFail',
      'OTSConditionCheckFail',
    ]);
    expect(await read(client, 'a', [{ id: '1' }])).toEqual({ v: 'x' });
    expect(await read(client, 'a', [{ id: '2' }])).toEqual({ v: 'old' });
  });

  it('takes a row twice, but then without conditions', async () => {
    const { client } = await startFixture();
    await makeTable(client, 'a');
    const twice = (condition: ReturnType<typeof ignore>) =>
      client.batchWriteRow({
        tables: [
          { tableName: 'a', rows: [putOf('r', ignore(), 'first'), putOf('r', condition, 'last')] },
        ],
      });
    await twice(ignore());
    expect(await read(client, 'a', [{ id: 'r' }])).toEqual({ v: 'last' });
    expect((await refusal(twice(expectRow()))).text).toContain(
      'Repeated rows do not support row exist expectation check in BatchModify.',
    );
  });

  const rows = (count: number, v = 'x') =>
    Array.from({ length: count }, (_, n) => putOf(String(n), ignore(), v));
  it.each([
    ['201 rows', [{ tableName: 'a', rows: rows(201) }], 'Rows count exceeds the upper limit: 200.'],
    [
      'more than 4 MB',
      [{ tableName: 'a', rows: rows(5, 'x'.repeat(1024 * 1024)) }],
      'The total data size of BatchWriteRow request exceeds the limit, limit size: 4194304',
    ],
    [
      'a table without rows',
      [{ tableName: 'a', rows: [] }],
      "No operation is specified for table: 'a'.",
    ],
    [
      'a table twice',
      [
        { tableName: 'a', rows: rows(1) },
        { tableName: 'a', rows: rows(1) },
      ],
      "Duplicated table name: 'a'.",
    ],
    [
      'a bad name',
      [
        {
          tableName: 'a',
          rows: [putOf('1'), { ...putOf('2'), attributeColumns: [{ '#v': 'x' }] }],
        },
      ],
      "Invalid column name: '#v'.",
    ],
  ])('is refused whole: %s', async (_name, tables, text) => {
    const { client } = await startFixture();
    await makeTable(client, 'a');
    const refused = await refusal(client.batchWriteRow({ tables }));
    expect(refused).toMatchObject({ status: 400, code: 'OTSParameterInvalid' });
    expect(refused.text).toContain(text);
    expect(await read(client, 'a', [{ id: '1' }])).toBeUndefined();
  });
});

describe('BatchGetRow', () => {
  const get = (tableName: string, ids: readonly string[]) => ({
    tableName,
    primaryKey: ids.map((id) => [{ id }]),
    maxVersions: 1,
  });

  it('answers row by row in the order asked, missing rows as empty', async () => {
    const { client, emulator } = await startFixture();
    await makeTable(client, 'a');
    await makeTable(client, 'b');
    await put(client, 'a', [{ id: '1' }], [{ v: 'one' }]);
    await put(client, 'a', [{ id: '3' }], [{ v: 'three' }]);
    await put(client, 'b', [{ id: '1' }], [{ v: 'other' }]);
    const { tables } = await client.batchGetRow({
      tables: [
        get('a', ['3', '2', '1']),
        { ...get('b', ['1']), columnsToGet: ['none'] },
        get('none', ['1']),
        { ...get('a2', []), tableName: 'b2', primaryKey: [[{ wrong: 'x' }]] },
      ],
    });
    expect(
      tables.map((rows) =>
        rows.map(({ isOk, errorCode, primaryKey, attributes }) => [
          isOk,
          errorCode,
          primaryKey && keyOf(primaryKey),
          attributes && attributesOf(attributes),
        ]),
      ),
    ).toEqual([
      [
        [true, null, { id: '3' }, { v: 'three' }],
        [true, null, null, null],
        [true, null, { id: '1' }, { v: 'one' }],
      ],
      [[true, null, null, null]],
      [[false, 'OTSObjectNotExist', null, null]],
      [[false, 'OTSObjectNotExist', null, null]],
    ]);
    expect(emulator.counters.reads).toEqual({ rows: 4, requests: 1 });
  });

  it('is refused whole: 101 rows, no table, a table twice', async () => {
    const { client } = await startFixture();
    await makeTable(client, 'a');
    const ids = Array.from({ length: 101 }, (_, n) => String(n));
    const ask = (...tables: ReturnType<typeof get>[]) => refusal(client.batchGetRow({ tables }));
    expect((await ask(get('a', ids))).text).toContain('Rows count exceeds the upper limit: 100.');
    expect((await ask()).text).toContain('No row specified in the request of BatchGetRow.');
    expect((await ask(get('a', ['1']), get('a', ['2']))).text).toContain(
      "Duplicated table name: 'a'.",
    );
  });
});
