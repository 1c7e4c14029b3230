import TableStore, { type Client, type IndexMeta, type PrimaryKeyInput } from 'tablestore';
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

const { DefinedColumnType, IndexType, IndexUpdateMode, Long } = TableStore;
const LAG_MS = 1000;

const global = (name: string, primaryKey: string[], definedColumn: string[] = []): IndexMeta => ({
  name,
  primaryKey,
  definedColumn,
});
const local = (name: string, primaryKey: string[], definedColumn: string[] = []): IndexMeta => ({
  name,
  primaryKey,
  definedColumn,
  indexType: IndexType.IT_LOCAL_INDEX,
  indexUpdateMode: IndexUpdateMode.IUM_SYNC_INDEX,
});

/** Backups by cluster and id, with a phase, a size and a time that indexes may use. */
async function makeBackups(client: Client, indexes: IndexMeta[]): Promise<void> {
  await makeTable(client, 'backups', {
    key: [
      { name: 'cluster', type: 'STRING' },
      { name: 'id', type: 'STRING' },
    ],
    defined: [
      { name: 'phase', type: DefinedColumnType.DCT_STRING },
      { name: 'size', type: DefinedColumnType.DCT_INTEGER },
      { name: 'done', type: DefinedColumnType.DCT_BOOLEAN },
    ],
    indexes,
  });
}

const backup = (cluster: string, id: string): PrimaryKeyInput => [{ cluster }, { id }];

/** All rows of an index: its key, then its attributes. */
async function indexRows(client: Client, name: string, key: string[]): Promise<unknown[]> {
  const { rows } = await client.getRange({
    tableName: name,
    direction: 'FORWARD',
    inclusiveStartPrimaryKey: key.map((column) => ({ [column]: TableStore.INF_MIN })),
    exclusiveEndPrimaryKey: key.map((column) => ({ [column]: TableStore.INF_MAX })),
    maxVersions: 1,
  });
  return rows.map((row) => [Object.entries(keyOf(row.primaryKey)), attributesOf(row.attributes)]);
}

const PHASE_KEY = ['phase', 'cluster', 'id'];
const byPhase = (client: Client) => indexRows(client, 'by_phase', PHASE_KEY);
const phaseRow = (phase: string, cluster: string, id: string, attributes = {}) => [
  Object.entries({ phase, cluster, id }),
  attributes,
];

describe('a global index', () => {
  it('shows a write when the clock has passed its lag, not before', async () => {
    const { client, clock } = await startFixture({ indexDelayMs: LAG_MS });
    await makeBackups(client, [global('by_phase', ['phase'], ['size'])]);
    await put(client, 'backups', backup('c1', 'b1'), [
      { phase: 'New' },
      { size: Long.fromNumber(5) },
      { other: 'not in the index' },
    ]);
    expect(await byPhase(client)).toEqual([]);
    clock.advance(LAG_MS);
    expect(await byPhase(client)).toEqual([phaseRow('New', 'c1', 'b1', { size: 5n })]);
  });

  it('lags with changes and deletions too', async () => {
    const { client, clock } = await startFixture({ indexDelayMs: LAG_MS });
    await makeBackups(client, [global('by_phase', ['phase'], ['size'])]);
    await put(client, 'backups', backup('c1', 'b1'), [{ phase: 'New' }]);
    clock.advance(LAG_MS);
    await client.updateRow({
      tableName: 'backups',
      primaryKey: backup('c1', 'b1'),
      condition: ignore(),
      updateOfAttributeColumns: [{ PUT: [{ phase: 'Done' }, { size: Long.fromNumber(1) }] }],
    });
    expect(await byPhase(client)).toEqual([phaseRow('New', 'c1', 'b1')]);
    clock.advance(LAG_MS);
    expect(await byPhase(client)).toEqual([phaseRow('Done', 'c1', 'b1', { size: 1n })]);
    await client.deleteRow({
      tableName: 'backups',
      primaryKey: backup('c1', 'b1'),
      condition: ignore(),
    });
    expect(await byPhase(client)).toHaveLength(1);
    clock.advance(LAG_MS);
    expect(await byPhase(client)).toEqual([]);
  });

  it('shows writes in their order, each when it is due', async () => {
    const { client, clock } = await startFixture({ indexDelayMs: LAG_MS });
    await makeBackups(client, [global('by_phase', ['phase'])]);
    for (const phase of ['1', '2', '3']) {
      await put(client, 'backups', backup('c1', 'b1'), [{ phase }]);
      clock.advance(400);
    }
    expect(await byPhase(client)).toEqual([phaseRow('1', 'c1', 'b1')]);
    clock.advance(400);
    expect(await byPhase(client)).toEqual([phaseRow('2', 'c1', 'b1')]);
    clock.advance(400);
    expect(await byPhase(client)).toEqual([phaseRow('3', 'c1', 'b1')]);
  });

  it('is right after a restart, due before it or after', async () => {
    const first = await startFixture({ indexDelayMs: LAG_MS });
    await makeBackups(first.client, [global('by_phase', ['phase'])]);
    await put(first.client, 'backups', backup('c1', 'b1'), [{ phase: 'New' }]);
    await first.emulator.close();
    const again = await startFixture({
      dir: first.dir,
      clock: first.clock,
      indexDelayMs: LAG_MS,
    });
    await put(again.client, 'backups', backup('c1', 'b2'), [{ phase: 'New' }]);
    first.clock.advance(LAG_MS);
    expect(await byPhase(again.client)).toEqual([
      phaseRow('New', 'c1', 'b1'),
      phaseRow('New', 'c1', 'b2'),
    ]);
  });

  it('does not wait again for what it owes when the clock was set back', async () => {
    const { client, clock } = await startFixture({ indexDelayMs: LAG_MS });
    await makeBackups(client, [global('by_phase', ['phase'])]);
    clock.advance(600_000);
    await put(client, 'backups', backup('c1', 'b1'), [{ phase: 'New' }]);
    clock.advance(-600_000);
    expect(await byPhase(client)).toEqual([phaseRow('New', 'c1', 'b1')]);
  });

  it('holds no row that lacks a column of its key', async () => {
    const { client, clock } = await startFixture({ indexDelayMs: LAG_MS });
    await makeBackups(client, [global('by_size', ['size', 'phase'])]);
    const size = Long.fromNumber(5);
    await put(client, 'backups', backup('c1', 'no-size'), [{ phase: 'New' }]);
    await put(client, 'backups', backup('c1', 'no-phase'), [{ size }]);
    await put(client, 'backups', backup('c1', 'both'), [{ phase: 'New' }, { size }]);
    await put(client, 'backups', backup('c1', 'lost'), [{ phase: 'New' }, { size }]);
    await client.updateRow({
      tableName: 'backups',
      primaryKey: backup('c1', 'lost'),
      condition: ignore(),
      updateOfAttributeColumns: [{ DELETE_ALL: ['size'] }],
    });
    clock.advance(LAG_MS);
    expect(await indexRows(client, 'by_size', ['size', 'phase', 'cluster', 'id'])).toEqual([
      [Object.entries({ size: 5n, phase: 'New', cluster: 'c1', id: 'both' }), {}],
    ]);
  });

  it('is read by its whole key, and knows no column that it does not hold', async () => {
    const { client, clock } = await startFixture({ indexDelayMs: LAG_MS });
    await makeBackups(client, [global('by_phase', ['phase'], ['size'])]);
    await put(client, 'backups', backup('c1', 'b1'), [
      { phase: 'New' },
      { size: Long.fromNumber(5) },
      { done: true },
    ]);
    clock.advance(LAG_MS);
    const key = [{ phase: 'New' }, { cluster: 'c1' }, { id: 'b1' }];
    const get = (columnsToGet: string[]) =>
      client.getRow({ tableName: 'by_phase', primaryKey: key, maxVersions: 1, columnsToGet });
    expect(attributesOf((await get([])).row?.attributes)).toEqual({ size: 5n });
    expect((await get(['done'])).row).toEqual({});
    const short = client.getRow({
      tableName: 'by_phase',
      primaryKey: [{ phase: 'New' }],
      maxVersions: 1,
    });
    expect((await refusal(short)).code).toBe('OTSInvalidPK');
  });

  it('may be keyed by columns of the table in another order', async () => {
    const { client, clock } = await startFixture({ indexDelayMs: LAG_MS });
    await makeBackups(client, [global('by_id', ['id'])]);
    await put(client, 'backups', backup('c2', 'a'), []);
    await put(client, 'backups', backup('c1', 'b'), []);
    clock.advance(LAG_MS);
    expect(await indexRows(client, 'by_id', ['id', 'cluster'])).toEqual([
      [Object.entries({ id: 'a', cluster: 'c2' }), {}],
      [Object.entries({ id: 'b', cluster: 'c1' }), {}],
    ]);
  });
});

describe('a local index', () => {
  it('shows a write at once', async () => {
    const { client } = await startFixture({ indexDelayMs: LAG_MS });
    await makeBackups(client, [local('by_size', ['cluster', 'size'], ['phase'])]);
    const rows = () => indexRows(client, 'by_size', ['cluster', 'size', 'id']);
    for (const [id, size] of Object.entries({ b1: 30, b2: 4 })) {
      await put(client, 'backups', backup('c1', id), [
        { size: Long.fromNumber(size) },
        { phase: 'New' },
      ]);
    }
    expect(await rows()).toEqual([
      [Object.entries({ cluster: 'c1', size: 4n, id: 'b2' }), { phase: 'New' }],
      [Object.entries({ cluster: 'c1', size: 30n, id: 'b1' }), { phase: 'New' }],
    ]);
    await put(client, 'backups', backup('c1', 'b2'), []);
    expect(await rows()).toHaveLength(1);
  });
});

describe('CreateIndex and DropIndex', () => {
  async function filled(): ReturnType<typeof startFixture> {
    const fixture = await startFixture({ indexDelayMs: LAG_MS });
    await makeBackups(fixture.client, []);
    await put(fixture.client, 'backups', backup('c1', 'b1'), [{ phase: 'New' }]);
    await put(fixture.client, 'backups', backup('c1', 'b2'), []);
    return fixture;
  }
  const create = (client: Client, indexMeta: IndexMeta, includeBaseData: boolean) => {
    // The SDK reads includeBaseData beside indexMeta; its types have it inside.
    const params = { mainTableName: 'backups', indexMeta: { ...indexMeta, includeBaseData } };
    return client.createIndex(Object.assign(params, { includeBaseData }));
  };

  it('take in the rows that are there, when told so', async () => {
    const { client, clock } = await filled();
    await create(client, global('by_phase', ['phase']), true);
    await create(client, local('by_cluster', ['cluster', 'phase']), true);
    expect(await indexRows(client, 'by_cluster', ['cluster', 'phase', 'id'])).toHaveLength(1);
    expect(await byPhase(client)).toEqual([]);
    expect(await client.describeTable({ tableName: 'backups' })).toMatchObject({
      indexMetas: [{ name: 'by_phase', indexSyncPhase: 'FULL' }, { name: 'by_cluster' }],
    });
    clock.advance(LAG_MS);
    expect(await byPhase(client)).toEqual([phaseRow('New', 'c1', 'b1')]);
    expect(await client.describeTable({ tableName: 'backups' })).toMatchObject({
      indexMetas: [
        {
          name: 'by_phase',
          primaryKey: PHASE_KEY,
          definedColumn: [],
          indexType: 0,
          indexSyncPhase: 'INCR',
        },
        { name: 'by_cluster', primaryKey: ['cluster', 'phase', 'id'], indexType: 1 },
      ],
    });
  });

  it('take in new rows only, when not', async () => {
    const { client, clock } = await filled();
    await create(client, global('by_phase', ['phase']), false);
    await put(client, 'backups', backup('c1', 'b3'), [{ phase: 'New' }]);
    clock.advance(LAG_MS);
    expect(await byPhase(client)).toEqual([phaseRow('New', 'c1', 'b3')]);
  });

  it('forget a dropped index, and what it had not shown yet', async () => {
    const { client, clock } = await filled();
    await create(client, global('by_phase', ['phase']), true);
    await client.dropIndex({ mainTableName: 'backups', indexName: 'by_phase' });
    expect((await refusal(byPhase(client))).code).toBe('OTSObjectNotExist');
    await create(client, global('by_phase', ['phase']), false);
    clock.advance(LAG_MS);
    expect(await byPhase(client)).toEqual([]);
  });

  it('describe an index as the table that it is read as', async () => {
    const { client } = await filled();
    await create(client, global('by_phase', ['phase'], ['size']), true);
    expect(await client.describeTable({ tableName: 'by_phase' })).toMatchObject({
      tableMeta: {
        tableName: 'by_phase',
        primaryKey: [{ name: 'phase' }, { name: 'cluster' }, { name: 'id' }],
        definedColumn: [{ name: 'size' }],
      },
    });
    expect(await client.listTable({})).toMatchObject({ tableNames: ['backups'] });
  });
});

describe('a table with indexes', () => {
  it('cannot be deleted before them', async () => {
    const { client } = await startFixture();
    await makeBackups(client, [global('by_phase', ['phase'])]);
    expect(await refusal(client.deleteTable({ tableName: 'backups' }))).toMatchObject({
      status: 400,
      code: 'OTSParameterInvalid',
    });
    await client.dropIndex({ mainTableName: 'backups', indexName: 'by_phase' });
    await client.deleteTable({ tableName: 'backups' });
    expect(await client.listTable({})).toMatchObject({ tableNames: [] });
  });

  it('takes no writes to an index, no versions from outside, no row twice in a batch', async () => {
    const { client, clock } = await startFixture();
    await makeBackups(client, [global('by_phase', ['phase'])]);
    const intoIndex = put(client, 'by_phase', [{ phase: 'x' }, { cluster: 'c' }, { id: 'i' }], []);
    expect((await refusal(intoIndex)).text).toContain("Can't write index table directly.");
    const version = put(client, 'backups', backup('c1', 'b1'), [
      { phase: 'New', timestamp: Math.floor(clock.now()) },
    ]);
    expect(await refusal(version)).toMatchObject({ status: 400, code: 'OTSParameterInvalid' });
    const row = {
      type: 'PUT' as const,
      condition: ignore(),
      primaryKey: backup('c1', 'b1'),
      attributeColumns: [{ phase: 'New' }],
    };
    const twice = client.batchWriteRow({ tables: [{ tableName: 'backups', rows: [row, row] }] });
    expect((await refusal(twice)).text).toContain('Duplicate rows detected in MultiPut.');
  });

  it('takes only values of the predefined type, and of a length that a key may have', async () => {
    const { client } = await startFixture();
    await makeBackups(client, [global('by_phase', ['phase'])]);
    const wrongType = put(client, 'backups', backup('c1', 'b1'), [{ phase: true }]);
    expect(await refusal(wrongType)).toMatchObject({ status: 400, code: 'OTSParameterInvalid' });
    const tooLong = put(client, 'backups', backup('c1', 'b1'), [{ phase: 'x'.repeat(1025) }]);
    expect((await refusal(tooLong)).text).toContain(
      "The length of primary key column: 'phase' exceeds the MaxLength:1024",
    );
  });

  it.each([
    ['an unknown column', [global('i', ['none'])], "Column does not exist:'none'."],
    [
      'a boolean key',
      [global('i', ['done'])],
      'Invalid column type, only STRING,INTEGER,BINARY is allowed.',
    ],
    [
      'no key',
      [global('i', [])],
      'The number of primary key columns must be in range: [1, 4] in index.',
    ],
    ['an unknown attribute', [global('i', ['phase'], ['none'])], "Column does not exist:'none'."],
    [
      'six of them',
      Array.from({ length: 6 }, (_, n) => global(`i${n}`, ['phase'])),
      'Number of index per table exceeds the quota:5.',
    ],
    ['a local one with another first column', [local('i', ['phase'])], 'The first primary key'],
    [
      'a local one that lags',
      [{ ...local('i', ['cluster', 'phase']), indexUpdateMode: IndexUpdateMode.IUM_ASYNC_INDEX }],
      'Index update mode does not go with a local index',
    ],
  ])('is refused with %s', async (_name, indexes, text) => {
    const { client } = await startFixture();
    const refused = await refusal(makeBackups(client, indexes));
    expect(refused).toMatchObject({ status: 400, code: 'OTSParameterInvalid' });
    expect(refused.text).toContain(text);
  });

  it('lives for ever or is never updated', async () => {
    const { client } = await startFixture();
    const make = (allowUpdate: boolean) =>
      makeTable(client, 'log', {
        defined: [{ name: 'phase', type: DefinedColumnType.DCT_STRING }],
        indexes: [global('by_phase', ['phase'])],
        options: { timeToLive: 86_400, allowUpdate },
      });
    expect((await refusal(make(true))).code).toBe('OTSParameterInvalid');
    await make(false);
    const forUpdate = client.updateTable({
      tableName: 'log',
      tableOptions: Object.assign({ timeToLive: 86_400 }, { allowUpdate: true }),
    });
    expect((await refusal(forUpdate)).code).toBe('OTSParameterInvalid');
  });
});
