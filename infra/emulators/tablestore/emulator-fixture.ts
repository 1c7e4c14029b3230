/** An emulator in a temporary folder, with a clock that tests move, and the vendor's SDK on it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import TableStore, {
  type AttributesInput,
  type Client,
  type ColumnCondition,
  type Condition,
  type IndexMeta,
  type PrimaryKeyInput,
  type TableMeta,
  type TableOptions,
} from 'tablestore';
import { expect, onTestFinished } from 'vitest';
import { startTablestoreEmulator, type TablestoreEmulator } from './server.ts';
import type { Credentials } from './signature.ts';

/** The instance that the emulators of the tests are. */
export const INSTANCE = 'backup-test';
/** Signs requests of an account. */
export const ACCOUNT_KEY = { accessKeyId: 'LTAIaccount', accessKeySecret: 'account-secret' };
/** Signs requests of a role session. */
export const SESSION_KEY = {
  accessKeyId: 'STS.session',
  accessKeySecret: 'session-secret',
  securityToken: 'session-token',
};

/** A clock that only tests move; it starts at the machine's time, for the SDK signs with that. */
export class TestClock {
  offsetMs = 0;
  readonly now = () => Date.now() + this.offsetMs;

  advance(ms: number): void {
    this.offsetMs += ms;
  }
}

/** What a test works with. */
export interface Fixture {
  readonly emulator: TablestoreEmulator;
  readonly client: Client;
  readonly clock: TestClock;
  readonly dir: string;
}

/** The parts of the emulator's options that tests choose. */
export interface FixtureOptions {
  readonly dir?: string;
  readonly clock?: TestClock;
  readonly indexDelayMs?: number;
  readonly tableReadyDelayMs?: number;
  readonly checkSignatures?: boolean;
  readonly credentials?: (accessKeyId: string) => Credentials | undefined;
}

/** Starts an emulator that ends with the test. */
export async function startFixture(options: FixtureOptions = {}): Promise<Fixture> {
  const dir = options.dir ?? newDir();
  const clock = options.clock ?? new TestClock();
  const { indexDelayMs, tableReadyDelayMs, checkSignatures } = options;
  const emulator = await startTablestoreEmulator({
    dir,
    now: clock.now,
    instanceName: INSTANCE,
    credentials: options.credentials ?? credentialsOf,
    ...(indexDelayMs === undefined ? {} : { indexDelayMs }),
    ...(tableReadyDelayMs === undefined ? {} : { tableReadyDelayMs }),
    ...(checkSignatures === undefined ? {} : { checkSignatures }),
  });
  onTestFinished(() => emulator.close());
  return { emulator, client: clientOf(emulator.url), clock, dir };
}

/** A folder that goes with the test. */
function newDir(): string {
  const dir = mkdtempSync(`${tmpdir()}/tablestore-emulator-`);
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** The SDK against an emulator, without its retries. */
export function clientOf(
  endpoint: string,
  key: { accessKeyId: string; accessKeySecret: string; securityToken?: string } = ACCOUNT_KEY,
): Client {
  return new TableStore.Client({
    endpoint,
    instancename: INSTANCE,
    accessKeyId: key.accessKeyId,
    secretAccessKey: key.accessKeySecret,
    ...(key.securityToken === undefined ? {} : { stsToken: key.securityToken }),
    maxRetries: 0,
    httpOptions: { timeout: 10_000, maxSockets: 64 },
  });
}

function credentialsOf(accessKeyId: string): Credentials | undefined {
  return [ACCOUNT_KEY, SESSION_KEY].find((key) => key.accessKeyId === accessKeyId);
}

/** Makes a table; by default one STRING key column `id`, one version, no end of life. */
export async function makeTable(
  client: Client,
  tableName: string,
  table: {
    readonly key?: TableMeta['primaryKey'];
    readonly defined?: NonNullable<TableMeta['definedColumn']>;
    readonly indexes?: IndexMeta[];
    readonly options?: Partial<TableOptions> & { allowUpdate?: boolean };
  } = {},
): Promise<void> {
  await client.createTable({
    tableMeta: {
      tableName,
      primaryKey: table.key ?? [{ name: 'id', type: 'STRING' }],
      ...(table.defined === undefined ? {} : { definedColumn: table.defined }),
    },
    reservedThroughput: { capacityUnit: { read: 0, write: 0 } },
    tableOptions: { timeToLive: -1, maxVersions: 1, ...table.options },
    ...(table.indexes === undefined ? {} : { indexMetas: table.indexes }),
  });
}

/** A condition that is always met. */
export const ignore = (): Condition =>
  new TableStore.Condition(TableStore.RowExistenceExpectation.IGNORE, null);
/** The row must be there, and its columns pass, where a test is given. */
export const expectRow = (test: ColumnCondition | null = null): Condition =>
  new TableStore.Condition(TableStore.RowExistenceExpectation.EXPECT_EXIST, test);
/** The row must not be there. */
export const expectNoRow = (): Condition =>
  new TableStore.Condition(TableStore.RowExistenceExpectation.EXPECT_NOT_EXIST, null);

/** Puts a row whatever is there. */
export async function put(
  client: Client,
  tableName: string,
  primaryKey: PrimaryKeyInput,
  attributeColumns: AttributesInput,
): Promise<void> {
  await client.putRow({ tableName, primaryKey, attributeColumns, condition: ignore() });
}

/** A row as plain values, integers as decimal text; undefined when there is none. */
export async function read(
  client: Client,
  tableName: string,
  primaryKey: PrimaryKeyInput,
): Promise<Readonly<Record<string, unknown>> | undefined> {
  const { row } = await client.getRow({ tableName, primaryKey, maxVersions: 1 });
  return row?.primaryKey ? attributesOf(row.attributes) : undefined;
}

/** The attributes of a row as plain values: integers as bigint. */
export function attributesOf(
  attributes: readonly { columnName: string; columnValue: unknown }[] | null | undefined,
): Record<string, unknown> {
  return Object.fromEntries(
    (attributes ?? []).map(({ columnName, columnValue }) => [columnName, plain(columnValue)]),
  );
}

/** A key as plain values: integers as bigint. */
export function keyOf(
  key: readonly { name: string; value: unknown }[] | null | undefined,
): Record<string, unknown> {
  return Object.fromEntries((key ?? []).map(({ name, value }) => [name, plain(value)]));
}

function plain(value: unknown): unknown {
  const isLong = typeof value === 'object' && value !== null && !Buffer.isBuffer(value);
  return isLong ? BigInt(String(value)) : value;
}

/** What the SDK makes of a refusal: the status, and the protobuf body as text in the message. */
export async function refusal(
  attempt: Promise<unknown>,
): Promise<{ status: unknown; code: string | undefined; text: string }> {
  const error = await attempt.then(
    () => expect.unreachable('the request was not refused'),
    (reason: unknown) => reason,
  );
  if (!(error instanceof Error)) throw error;
  const status = 'code' in error ? error.code : undefined;
  return { status, code: /OTS[A-Z][A-Za-z]+/.exec(error.message)?.[0], text: error.message };
}
