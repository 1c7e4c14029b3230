import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { createInterface } from 'node:readline';
import { build } from 'esbuild';
import TableStore, { type Client, type PrimaryKeyInput } from 'tablestore';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  ACCOUNT_KEY,
  clientOf,
  expectNoRow,
  expectRow,
  INSTANCE,
  keyOf,
  makeTable,
  put,
  read,
  refusal,
  startFixture,
  TestClock,
} from './emulator-fixture.ts';

const root = new URL('../../..', import.meta.url).pathname;
const work = mkdtempSync(`${tmpdir()}/tablestore-durability-`);
const script = `${work}/emulator.cjs`;
let child: ChildProcess | undefined;

const CHILD = `
  import { startTablestoreEmulator } from './server.ts';
  startTablestoreEmulator({
    dir: process.argv[2],
    now: Date.now,
    instanceName: '${INSTANCE}',
    credentials: () => (${JSON.stringify(ACCOUNT_KEY)}),
    indexDelayMs: 600000,
  }).then(({ url }) => console.log(url));
`;

beforeAll(() =>
  build({
    stdin: { contents: CHILD, resolveDir: new URL('.', import.meta.url).pathname, loader: 'ts' },
    bundle: true,
    platform: 'node',
    format: 'cjs',
    external: ['lmdb'],
    outfile: script,
  }),
);

afterAll(() => {
  child?.kill('SIGKILL');
  rmSync(work, { recursive: true });
});

async function startChild(dir: string): Promise<Client> {
  child = spawn(process.execPath, [script, dir], {
    env: { ...process.env, NODE_PATH: `${root}/node_modules` },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (child.stdout === null) throw new Error('Cannot read from the emulator: it has no stdout');
  const lines = createInterface({ input: child.stdout });
  return clientOf(await new Promise<string>((resolve) => lines.once('line', resolve)));
}

async function killChild(): Promise<void> {
  const exited = once(child ?? expect.unreachable('no child runs'), 'exit');
  child?.kill('SIGKILL');
  await exited;
}

const INDEX = { name: 'by_writer', primaryKey: ['writer'], definedColumn: [] };

async function idsOf(client: Client, tableName: string, columns: string[]): Promise<string[]> {
  const ids: string[] = [];
  let start: PrimaryKeyInput = columns.map((name) => ({ [name]: TableStore.INF_MIN }));
  for (;;) {
    const page = await client.getRange({
      tableName,
      direction: 'FORWARD',
      inclusiveStartPrimaryKey: start,
      exclusiveEndPrimaryKey: columns.map((name) => ({ [name]: TableStore.INF_MAX })),
      maxVersions: 1,
    });
    for (const row of page.rows) ids.push(String(keyOf(row.primaryKey).id));
    const next = page.nextStartPrimaryKey;
    if (!next) return ids.sort();
    start = next.map(({ name, value }) => ({ [name]: value }));
  }
}

describe('kill -9 in the middle of writes', () => {
  it('loses nothing that was answered, of rows and of what an index still owes', async () => {
    const dir = `${work}/writes`;
    const client = await startChild(dir);
    await makeTable(client, 'rows', {
      defined: [{ name: 'writer', type: TableStore.DefinedColumnType.DCT_STRING }],
      indexes: [INDEX],
    });
    const asked = new Set<string>();
    const answered: string[] = [];
    let enoughAnswered = () => {};
    const enough = new Promise<void>((resolve) => {
      enoughAnswered = resolve;
    });
    const writers = Array.from({ length: 8 }, async (_, writer) => {
      for (let n = 0; n < 5000; n += 1) {
        const id = `w${writer}-${n}`;
        asked.add(id);
        await put(client, 'rows', [{ id }], [{ writer: `w${writer}` }, { v: 'x'.repeat(500) }]);
        answered.push(id);
        if (answered.length === 400) enoughAnswered();
      }
    });
    const ended = Promise.allSettled(writers);
    await enough;
    await killChild();
    expect((await ended).every(({ status }) => status === 'rejected')).toBe(true);

    const clock = new TestClock();
    const { client: reader } = await startFixture({
      dir,
      clock,
      indexDelayMs: 600_000,
      checkSignatures: false,
    });
    const kept = await idsOf(reader, 'rows', ['id']);
    expect(kept.filter((id) => answered.includes(id))).toEqual([...answered].sort());
    expect(kept.filter((id) => !asked.has(id))).toEqual([]);
    expect(await idsOf(reader, 'by_writer', ['writer', 'id'])).toEqual([]);
    clock.advance(600_000);
    expect(await idsOf(reader, 'by_writer', ['writer', 'id'])).toEqual(kept);
  });
});

describe('writers of one row at once', () => {
  it('win one version each: of those that saw a version, exactly one', async () => {
    const { client } = await startFixture();
    await makeTable(client, 'rows');
    const { Long } = TableStore;
    await put(client, 'rows', [{ id: 'r' }], [{ version: Long.fromNumber(0) }]);
    const attempt = (version: number, writer: number) =>
      client.updateRow({
        tableName: 'rows',
        primaryKey: [{ id: 'r' }],
        condition: expectRow(
          new TableStore.SingleColumnCondition(
            'version',
            Long.fromNumber(version),
            TableStore.ComparatorType.EQUAL,
            false,
            true,
          ),
        ),
        updateOfAttributeColumns: [
          { PUT: [{ writer: `${version}-${writer}` }] },
          { INCREMENT: [{ version: Long.fromNumber(1) }] },
        ],
      });
    for (let version = 0; version < 20; version += 1) {
      const outcomes = await Promise.allSettled(
        Array.from({ length: 25 }, (_, writer) => attempt(version, writer)),
      );
      const winner = outcomes.findIndex(({ status }) => status === 'fulfilled');
      expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      expect(await read(client, 'rows', [{ id: 'r' }])).toEqual({
        version: BigInt(version + 1),
        writer: `${version}-${winner}`,
      });
    }
  });

  it('claim a name once', async () => {
    const { client } = await startFixture();
    await makeTable(client, 'names');
    const claims = Array.from({ length: 50 }, (_, n) =>
      client.putRow({
        tableName: 'names',
        primaryKey: [{ id: 'name' }],
        attributeColumns: [{ owner: String(n) }],
        condition: expectNoRow(),
      }),
    );
    const outcomes = await Promise.allSettled(claims);
    const winner = outcomes.findIndex(({ status }) => status === 'fulfilled');
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(await read(client, 'names', [{ id: 'name' }])).toEqual({ owner: String(winner) });
    for (const claim of claims.filter((_, n) => n !== winner)) {
      expect((await refusal(claim)).code).toBe('OTSConditionCheckFail');
    }
  });

  it('lose no increment', async () => {
    const { client } = await startFixture();
    await makeTable(client, 'counters');
    const { Long } = TableStore;
    await Promise.all(
      Array.from({ length: 300 }, () =>
        client.updateRow({
          tableName: 'counters',
          primaryKey: [{ id: 'c' }],
          condition: new TableStore.Condition(TableStore.RowExistenceExpectation.IGNORE, null),
          updateOfAttributeColumns: [{ INCREMENT: [{ n: Long.fromNumber(1) }] }],
        }),
      ),
    );
    expect(await read(client, 'counters', [{ id: 'c' }])).toEqual({ n: 300n });
  });
});
