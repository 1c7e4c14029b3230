import TableStore, { type CellValue, type ColumnCondition } from 'tablestore';
import { beforeEach, describe, expect, it } from 'vitest';
import {
  expectNoRow,
  expectRow,
  type Fixture,
  type ignore,
  makeTable,
  put,
  read,
  refusal,
  startFixture,
} from './emulator-fixture.ts';

const { ComparatorType, LogicalOperator, Long } = TableStore;
const { EQUAL, NOT_EQUAL, GREATER_THAN, GREATER_EQUAL, LESS_THAN, LESS_EQUAL } = ComparatorType;
type Comparator = (typeof ComparatorType)[keyof typeof ComparatorType];

const is = (name: string, comparator: Comparator, value: CellValue, passIfMissing = false) =>
  new TableStore.SingleColumnCondition(name, value, comparator, passIfMissing, true);

function combine(
  operator: (typeof LogicalOperator)[keyof typeof LogicalOperator],
  ...parts: ColumnCondition[]
): ColumnCondition {
  const composite = new TableStore.CompositeCondition(operator);
  for (const part of parts) composite.addSubCondition(part);
  return composite;
}

let fixture: Fixture;
const key = [{ id: 'r' }];

beforeEach(async () => {
  fixture = await startFixture();
  await makeTable(fixture.client, 'rows');
  await put(fixture.client, 'rows', key, [
    { n: Long.fromString('9007199254740993') },
    { d: 2.5 },
    { s: 'bc' },
    { t: true },
    { b: Buffer.from([1, 255]) },
  ]);
});

const putIf = (condition: TableStoreCondition, primaryKey = key) =>
  fixture.client.putRow({
    tableName: 'rows',
    primaryKey,
    attributeColumns: [{ written: 'yes' }],
    condition,
  });
type TableStoreCondition = ReturnType<typeof ignore>;

describe('what a write expects of its row', () => {
  it('is refused with 403 OTSConditionCheckFail and changes nothing', async () => {
    const before = await read(fixture.client, 'rows', key);
    expect(await refusal(putIf(expectNoRow()))).toMatchObject({
      status: 403,
      code: 'OTSConditionCheckFail',
    });
    expect((await refusal(putIf(expectRow(), [{ id: 'none' }]))).text).toContain(
      'Condition check failed.',
    );
    expect(await read(fixture.client, 'rows', key)).toEqual(before);
    expect(await read(fixture.client, 'rows', [{ id: 'none' }])).toBeUndefined();
  });

  it('costs a read beside the write', async () => {
    const { consumed } = await putIf(expectRow());
    expect(consumed.capacityUnit).toMatchObject({ read: 1, write: 1 });
  });

  it('binds updates and deletions too', async () => {
    const { client } = fixture;
    const gone = client.deleteRow({
      tableName: 'rows',
      primaryKey: key,
      condition: expectRow(is('s', EQUAL, 'other')),
    });
    expect((await refusal(gone)).code).toBe('OTSConditionCheckFail');
    const update = client.updateRow({
      tableName: 'rows',
      primaryKey: [{ id: 'none' }],
      condition: expectRow(),
      updateOfAttributeColumns: [{ PUT: [{ a: '1' }] }],
    });
    expect((await refusal(update)).code).toBe('OTSConditionCheckFail');
    await client.deleteRow({
      tableName: 'rows',
      primaryKey: key,
      condition: expectRow(is('s', EQUAL, 'bc')),
    });
    expect(await read(client, 'rows', key)).toBeUndefined();
  });
});

describe('a column condition', () => {
  const n = (text: string) => Long.fromString(text);
  const cases: [string, ColumnCondition, boolean][] = [
    ['int64 equal', is('n', EQUAL, n('9007199254740993')), true],
    ['int64 off by one, the same as a double', is('n', EQUAL, n('9007199254740992')), false],
    ['int64 not equal', is('n', NOT_EQUAL, n('9007199254740992')), true],
    ['int64 greater', is('n', GREATER_THAN, n('9007199254740992')), true],
    ['int64 not greater than itself', is('n', GREATER_THAN, n('9007199254740993')), false],
    ['int64 greater or equal', is('n', GREATER_EQUAL, n('9007199254740993')), true],
    ['int64 less', is('n', LESS_THAN, n('9007199254740994')), true],
    ['int64 negative is less', is('n', LESS_THAN, n('-1')), false],
    ['int64 less or equal', is('n', LESS_EQUAL, n('9007199254740993')), true],
    ['double', is('d', GREATER_THAN, 2.4), true],
    ['double less', is('d', LESS_THAN, 2.4), false],
    ['string by bytes', is('s', GREATER_THAN, 'bb'), true],
    ['longer string', is('s', LESS_THAN, 'bcd'), true],
    ['string beyond ASCII', is('s', LESS_THAN, 'é'), true],
    ['boolean', is('t', EQUAL, true), true],
    ['boolean other', is('t', EQUAL, false), false],
    ['binary', is('b', GREATER_THAN, Buffer.from([1, 254])), true],
    ['another type is not equal', is('n', EQUAL, 2.5), false],
    ['another type has no order', is('s', GREATER_EQUAL, n('0')), false],
    ['another type differs', is('s', NOT_EQUAL, n('0')), true],
    ['missing, not passed', is('none', EQUAL, 'x'), false],
    ['missing, passed', is('none', EQUAL, 'x', true), true],
    ['AND', combine(LogicalOperator.AND, is('s', EQUAL, 'bc'), is('t', EQUAL, true)), true],
    ['AND fails', combine(LogicalOperator.AND, is('s', EQUAL, 'bc'), is('t', EQUAL, false)), false],
    ['OR', combine(LogicalOperator.OR, is('s', EQUAL, 'x'), is('t', EQUAL, true)), true],
    ['OR fails', combine(LogicalOperator.OR, is('s', EQUAL, 'x'), is('t', EQUAL, false)), false],
    ['NOT', combine(LogicalOperator.NOT, is('s', EQUAL, 'x')), true],
    [
      'nested',
      combine(
        LogicalOperator.NOT,
        combine(
          LogicalOperator.OR,
          is('s', EQUAL, 'x'),
          combine(LogicalOperator.AND, is('d', LESS_THAN, 3), is('t', EQUAL, true)),
        ),
      ),
      false,
    ],
  ];

  it.each(cases)('%s', async (_name, condition, holds) => {
    const attempt = putIf(expectRow(condition));
    if (holds) {
      await attempt;
      expect(await read(fixture.client, 'rows', key)).toEqual({ written: 'yes' });
    } else {
      expect((await refusal(attempt)).code).toBe('OTSConditionCheckFail');
      expect(await read(fixture.client, 'rows', key)).toMatchObject({ s: 'bc' });
    }
  });

  it('finds every column missing in a row that is not there', async () => {
    const onNothing = (passIfMissing: boolean) =>
      new TableStore.Condition(
        TableStore.RowExistenceExpectation.IGNORE,
        is('v', EQUAL, 'x', passIfMissing),
      );
    expect((await refusal(putIf(onNothing(false), [{ id: 'new' }]))).code).toBe(
      'OTSConditionCheckFail',
    );
    await putIf(onNothing(true), [{ id: 'new' }]);
    expect(await read(fixture.client, 'rows', [{ id: 'new' }])).toEqual({ written: 'yes' });
  });

  it.each([
    [
      'more than 32 filters',
      combine(LogicalOperator.OR, ...Array.from({ length: 32 }, () => is('s', EQUAL, 'x'))),
      'The count of filter exceeds the max: 32.',
    ],
    [
      'NOT of two',
      combine(LogicalOperator.NOT, is('s', EQUAL, 'x'), is('s', EQUAL, 'y')),
      'Invalid NOT operator: the number of sub-filters must be 1.',
    ],
    [
      'AND of one',
      combine(LogicalOperator.AND, is('s', EQUAL, 'x')),
      'Invalid AND/OR operator: the number of sub-filters must be more than 1.',
    ],
    ['a name that cannot be', is('#s', EQUAL, 'x'), "Invalid column name: '#s'."],
  ])('is refused: %s', async (_name, condition, text) => {
    const refused = await refusal(putIf(expectRow(condition)));
    expect(refused).toMatchObject({ status: 400, code: 'OTSParameterInvalid' });
    expect(refused.text).toContain(text);
  });
});

describe('a filter of a read', () => {
  const get = (columnFilter: ColumnCondition, columnsToGet?: string[]) =>
    fixture.client.getRow({
      tableName: 'rows',
      primaryKey: key,
      maxVersions: 1,
      columnFilter,
      ...(columnsToGet === undefined ? {} : { columnsToGet }),
    });
  const names = async (attempt: ReturnType<typeof get>) =>
    (await attempt).row?.attributes?.map((cell) => cell.columnName);

  it('lets the row through or not', async () => {
    expect(await names(get(is('s', EQUAL, 'bc')))).toEqual(['b', 'd', 'n', 's', 't']);
    expect((await get(is('s', EQUAL, 'x'))).row).toEqual({});
  });

  it('sees only the columns that the read gets', async () => {
    expect((await get(is('s', EQUAL, 'bc'), ['n'])).row).toEqual({});
    expect(await names(get(is('s', EQUAL, 'bc', true), ['n']))).toEqual(['n']);
    expect(await names(get(is('s', EQUAL, 'bc'), ['n', 's']))).toEqual(['n', 's']);
  });

  it('pages through the columns by their names', async () => {
    const page = (limit: number, offset: number) =>
      get(new TableStore.ColumnPaginationFilter(limit, offset));
    expect(await names(page(2, 0))).toEqual(['b', 'd']);
    expect(await names(page(2, 3))).toEqual(['s', 't']);
    expect(await names(page(2, 4))).toEqual(['t']);
    expect((await page(2, 5)).row).toEqual({});
  });
});

describe('columns to get', () => {
  const get = (columnsToGet: string[]) =>
    fixture.client.getRow({ tableName: 'rows', primaryKey: key, maxVersions: 1, columnsToGet });

  it('limit the columns, and hide a row that has none of them', async () => {
    const { row } = await get(['s', 'none', 's']);
    expect(row?.attributes?.map((cell) => cell.columnName)).toEqual(['s']);
    expect(row?.primaryKey).toEqual([{ name: 'id', value: 'r' }]);
    expect((await get(['none'])).row).toEqual({});
  });

  it('show the row when its key is asked for', async () => {
    const { row } = await get(['id', 'none']);
    expect(row?.primaryKey).toEqual([{ name: 'id', value: 'r' }]);
    expect(row?.attributes).toEqual([]);
  });

  it('may be a stretch of names', async () => {
    const { row } = await fixture.client.getRow({
      tableName: 'rows',
      primaryKey: key,
      maxVersions: 1,
      startColumn: 'd',
      endColumn: 's',
    });
    expect(row?.attributes?.map((cell) => cell.columnName)).toEqual(['d', 'n']);
  });

  it('may be limited by version', async () => {
    const nowMs = Math.floor(fixture.clock.now());
    await put(
      fixture.client,
      'rows',
      [{ id: 'v' }],
      [
        { early: '1', timestamp: nowMs - 1000 },
        { late: '2', timestamp: nowMs },
      ],
    );
    const at = async (timeRange: {
      startTime?: number;
      endTime?: number;
      specificTime?: number;
    }) => {
      const { row } = await fixture.client.getRow({
        tableName: 'rows',
        primaryKey: [{ id: 'v' }],
        maxVersions: 1,
        timeRange,
      });
      return row?.attributes?.map((cell) => cell.columnName);
    };
    expect(await at({ startTime: nowMs - 1000, endTime: nowMs })).toEqual(['early']);
    expect(await at({ specificTime: nowMs })).toEqual(['late']);
    expect(await at({ specificTime: nowMs - 1 })).toBeUndefined();
  });
});
