import TableStore, { type AttributesInput, type PrimaryKeyInput } from 'tablestore';
import { describe, expect, it } from 'vitest';
import { ignore, makeTable, put, read, refusal, startFixture } from './emulator-fixture.ts';

const { DefinedColumnType, Long, PrimaryKeyType } = TableStore;
const STRING = [{ name: 'id', type: 'STRING' as const }];

describe('tables', () => {
  it('are made, listed, described and deleted', async () => {
    const { client } = await startFixture();
    await makeTable(client, 'b_table');
    await makeTable(client, 'a_table', {
      key: [
        { name: 'p', type: 'STRING' },
        { name: 'q', type: 'INTEGER', option: 'AUTO_INCREMENT' },
      ],
      defined: [{ name: 'size', type: DefinedColumnType.DCT_INTEGER }],
      options: { timeToLive: 864_000, maxTimeDeviation: 1000, allowUpdate: false },
    });
    expect(await client.listTable({})).toMatchObject({ tableNames: ['a_table', 'b_table'] });
    expect(await client.describeTable({ tableName: 'a_table' })).toMatchObject({
      tableMeta: {
        tableName: 'a_table',
        primaryKey: [
          { name: 'p', type: PrimaryKeyType.STRING },
          { name: 'q', type: PrimaryKeyType.INTEGER, option: 1 },
        ],
        definedColumn: [{ name: 'size', type: DefinedColumnType.DCT_INTEGER }],
      },
      tableOptions: { timeToLive: 864_000, maxVersions: 1, allowUpdate: false },
      tableStatus: 1,
      indexMetas: [],
    });
    await client.deleteTable({ tableName: 'a_table' });
    expect(await client.listTable({})).toMatchObject({ tableNames: ['b_table'] });
    expect(await refusal(client.describeTable({ tableName: 'a_table' }))).toMatchObject({
      status: 404,
      code: 'OTSObjectNotExist',
    });
  });

  it('lose their rows with the deletion', async () => {
    const { client } = await startFixture();
    await makeTable(client, 'rows');
    await put(client, 'rows', [{ id: '1' }], [{ v: 'x' }]);
    await client.deleteTable({ tableName: 'rows' });
    expect((await refusal(read(client, 'rows', [{ id: '1' }]))).code).toBe('OTSObjectNotExist');
    await makeTable(client, 'rows');
    expect(await read(client, 'rows', [{ id: '1' }])).toBeUndefined();
  });

  it('change their settings', async () => {
    const { client } = await startFixture();
    await makeTable(client, 'rows');
    const reply = await client.updateTable({
      tableName: 'rows',
      tableOptions: { timeToLive: 86_400 },
      reservedThroughput: { capacityUnit: { read: 3, write: 0 } },
    });
    expect(reply).toMatchObject({
      tableOptions: { timeToLive: 86_400, maxVersions: 1, allowUpdate: true },
      reservedThroughputDetails: { capacityUnit: { read: 3, write: 0 } },
    });
    expect(await client.describeTable({ tableName: 'rows' })).toMatchObject({
      tableOptions: { timeToLive: 86_400 },
    });
  });

  it('exist once', async () => {
    const { client } = await startFixture();
    await makeTable(client, 'rows');
    expect(await refusal(makeTable(client, 'rows'))).toMatchObject({
      status: 409,
      code: 'OTSObjectAlreadyExist',
    });
  });

  it('are at most 64, indexes counted', async () => {
    const { client } = await startFixture();
    await makeTable(client, 'first', {
      defined: [{ name: 'c', type: DefinedColumnType.DCT_STRING }],
      indexes: [{ name: 'index', primaryKey: ['c'], definedColumn: [] }],
    });
    for (let n = 2; n < 64; n += 1) await makeTable(client, `t${n}`);
    const refused = await refusal(makeTable(client, 'one_more'));
    expect(refused).toMatchObject({ status: 403, code: 'OTSQuotaExhausted' });
    expect(refused.text).toContain('Number of tables exceeds the quota:64.');
  });

  it('are not ready at once, when told so', async () => {
    const { client, clock } = await startFixture({ tableReadyDelayMs: 30_000 });
    await makeTable(client, 'rows');
    expect(await refusal(put(client, 'rows', [{ id: '1' }], []))).toMatchObject({
      status: 404,
      code: 'OTSTableNotReady',
    });
    expect((await refusal(read(client, 'rows', [{ id: '1' }]))).code).toBe('OTSTableNotReady');
    expect(await client.describeTable({ tableName: 'rows' })).toMatchObject({ tableStatus: 3 });
    clock.advance(30_000);
    await put(client, 'rows', [{ id: '1' }], []);
    expect(await client.describeTable({ tableName: 'rows' })).toMatchObject({ tableStatus: 1 });
  });

  it('that are not to be updated take puts only', async () => {
    const { client } = await startFixture();
    await makeTable(client, 'log', { options: { allowUpdate: false } });
    await put(client, 'log', [{ id: '1' }], [{ v: 'x' }]);
    const update = client.updateRow({
      tableName: 'log',
      primaryKey: [{ id: '1' }],
      condition: ignore(),
      updateOfAttributeColumns: [{ PUT: [{ v: 'y' }] }],
    });
    expect((await refusal(update)).text).toContain('Update operation is not allowed in this table');
  });
});

describe('a table that cannot be', () => {
  it.each([
    ['a digit first', '0', {}, "Invalid table name: '0'."],
    ['a hyphen', 'a-b', {}, "Invalid table name: 'a-b'."],
    ['256 letters', 'a'.repeat(256), {}, 'Invalid table name: '],
    ['no key', 't', { key: [] }, 'The number of primary key columns must be in range: [1, 4].'],
    [
      'five key columns',
      't',
      { key: ['a', 'b', 'c', 'd', 'e'].map((name) => ({ name, type: 'STRING' as const })) },
      'The number of primary key columns must be in range: [1, 4].',
    ],
    [
      'a key column twice',
      't',
      { key: [...STRING, ...STRING] },
      "Duplicated primary key name: 'id'.",
    ],
    [
      'a number of its own in front',
      't',
      { key: [{ name: 'id', type: 'INTEGER' as const, option: 'AUTO_INCREMENT' as const }] },
      'PkAutoIncr cannot be set as first pk column.',
    ],
    [
      'a number of its own as text',
      't',
      {
        key: [...STRING, { name: 'n', type: 'STRING' as const, option: 'AUTO_INCREMENT' as const }],
      },
      'AUTO_INCREMENT primary key must be integer.',
    ],
    [
      '33 predefined columns',
      't',
      {
        defined: Array.from({ length: 33 }, (_, n) => ({
          name: `c${n}`,
          type: DefinedColumnType.DCT_STRING,
        })),
      },
      'The number of defined columns must be in range: [0, 32].',
    ],
    [
      'no time to live at all',
      't',
      { options: { timeToLive: 0 } },
      'TimeToLive cannot be 0 or less than -1.',
    ],
    ['less than a day', 't', { options: { timeToLive: 3600 } }, 'at least 86400'],
    [
      'no version',
      't',
      { options: { maxVersions: 0 } },
      'The maximum versions cannot be less than or equal to 0.',
    ],
    ['several versions', 't', { options: { maxVersions: 3 } }, 'The emulator keeps one version'],
  ])('is refused: %s', async (_name, tableName, table, text) => {
    const { client } = await startFixture();
    const refused = await refusal(makeTable(client, tableName, table));
    expect(refused).toMatchObject({ status: 400, code: 'OTSParameterInvalid' });
    expect(refused.text).toContain(text);
    expect(await client.listTable({})).toMatchObject({ tableNames: [] });
  });
});

describe('a write that cannot be', () => {
  const key = [
    { name: 'a', type: 'STRING' as const },
    { name: 'b', type: 'INTEGER' as const },
  ];
  const one = Long.fromNumber(1);

  const cases: [string, PrimaryKeyInput, AttributesInput, string, string][] = [
    [
      'too few key columns',
      [{ a: 'x' }],
      [],
      'OTSInvalidPK',
      'Validate PK size fail. Input: 1, Meta: 2.',
    ],
    [
      'key columns in another order',
      [{ b: one }, { a: 'x' }],
      [],
      'OTSInvalidPK',
      'Validate PK name fail. Input: b, Meta: a.',
    ],
    [
      'a key of another type',
      [{ a: one }, { b: one }],
      [],
      'OTSInvalidPK',
      'Validate PK type fail. Input: VT_INTEGER, Meta: VT_STRING.',
    ],
    [
      'a bound in the key',
      [{ a: 'x' }, { b: TableStore.INF_MIN }],
      [],
      'OTSParameterInvalid',
      'VT_INF_MIN is an invalid type for the primary key.',
    ],
    [
      'a key column of 1025 bytes',
      [{ a: 'x'.repeat(1025) }, { b: one }],
      [],
      'OTSParameterInvalid',
      "The length of primary key column: 'a' exceeds the MaxLength:1024 with CurrentLength:1025.",
    ],
    [
      'a key column among the attributes',
      [{ a: 'x' }, { b: one }],
      [{ a: 'y' }],
      'OTSParameterInvalid',
      "Duplicated attribute column name with primary key column: 'a'.",
    ],
    [
      'a value over 2 MB',
      [{ a: 'x' }, { b: one }],
      [{ v: 'x'.repeat(2 * 1024 * 1024 + 1) }],
      'OTSParameterInvalid',
      "The length of attribute column: 'v' exceeds the MaxLength:2097152 with CurrentLength:2097153.",
    ],
    [
      'more than 4 MB',
      [{ a: 'x' }, { b: one }],
      ['u', 'v', 'w'].map((name) => ({ [name]: 'x'.repeat(2 * 1024 * 1024) })),
      'OTSParameterInvalid',
      'The total data size of PutRow request exceeds the limit, limit size: 4194304, data size: ',
    ],
    [
      '1025 columns',
      [{ a: 'x' }, { b: one }],
      Array.from({ length: 1025 }, (_, n) => ({ [`c${n}`]: true })),
      'OTSParameterInvalid',
      'The number of attribute columns exceeds the limit, limit count: 1024, column count: 1025.',
    ],
    [
      'not a number',
      [{ a: 'x' }, { b: one }],
      [{ v: Number.NaN }],
      'OTSParameterInvalid',
      "NaN can't be set to double value.",
    ],
  ];

  it.each(cases)('is refused: %s', async (_name, primaryKey, attributeColumns, code, text) => {
    const { client } = await startFixture();
    await makeTable(client, 'rows', { key });
    const refused = await refusal(put(client, 'rows', primaryKey, attributeColumns));
    expect(refused).toMatchObject({ status: 400, code });
    expect(refused.text).toContain(text);
  });

  it('is refused: an update of nothing, a table that is not there', async () => {
    const { client } = await startFixture();
    await makeTable(client, 'rows');
    const update = client.updateRow({
      tableName: 'rows',
      primaryKey: [{ id: '1' }],
      condition: ignore(),
      updateOfAttributeColumns: [],
    });
    expect((await refusal(update)).text).toContain('Attribute column is missing.');
    expect(await refusal(put(client, 'none', [{ id: '1' }], []))).toMatchObject({
      status: 404,
      code: 'OTSObjectNotExist',
    });
  });
});
