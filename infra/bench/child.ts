/**
 * One measurement in a process of its own, as a worker is one: the task comes as JSON on standard
 * input, numbers leave as JSON on standard output.
 */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { readBackupObject } from '../../shared/app/read-backup.ts';
import { isJsonObject } from '../../shared/domain/json.ts';
import { packLargeMember } from '../../shared/format/gzip-member.ts';
import { mappingTo, postAll, restoreBodies } from './bare-create.ts';
import { LISTS_AT_ONCE, readEveryPage } from './bare-list.ts';
import { BenchCentre, openCluster } from './bench-centre.ts';
import { benchNamespaces, bodyOf } from './fill-cluster.ts';
import { openRawServer } from './raw-server.ts';

/** Objects read one by one, spread over the backup. */
const OBJECTS_READ = 20;

/** Members packed to learn what packing costs, and their objects: about 1 MiB each. */
const MEMBERS_PACKED = 40;
const OBJECTS_PER_MEMBER = 50;

type Numbers = Readonly<Record<string, number>>;

async function bareList(kubeconfig: string): Promise<Numbers> {
  const client = openCluster(kubeconfig);
  const { resources } = await client.discover();
  await client.close();
  const lists = resources.filter(
    (r) => r.preferred && LISTED_VERBS.every((v) => r.verbs.includes(v)),
  );
  const server = await openRawServer(kubeconfig, LISTS_AT_ONCE);
  const begunAt = performance.now();
  const cpuBefore = process.cpuUsage();
  const { bytes, pages } = await readEveryPage(server, lists);
  const seconds = (performance.now() - begunAt) / 1000;
  const { user, system } = process.cpuUsage(cpuBefore);
  await server.close();
  return { seconds, bytes, pages, cpuSeconds: (user + system) / 1e6 };
}

/** What a kind must support to be captured (design §5). */
const LISTED_VERBS = ['list', 'create', 'get', 'delete'];

async function capture(kubeconfig: string, dir: string): Promise<Numbers> {
  const centre = await BenchCentre.create(dir, kubeconfig);
  const begunAt = performance.now();
  const cpuBefore = process.cpuUsage();
  const record = await centre.backUp(['*']);
  const seconds = (performance.now() - begunAt) / 1000;
  const { user, system } = process.cpuUsage(cpuBefore);
  const peakKiB = process.resourceUsage().maxRSS;
  const reading = await readSome(centre, record);
  await centre.client.close();
  return {
    seconds,
    cpuSeconds: (user + system) / 1e6,
    objects: record.progress.objectsDone,
    archiveBytes: record.billing.ossBytes,
    peakBytes: peakKiB * 1024,
    ...reading,
  };
}

/** CPU that packing some of the objects takes, as a capture packs them. */
async function packing(): Promise<Numbers> {
  let bytes = 0;
  const cpuBefore = process.cpuUsage();
  let making = 0;
  for (let member = 0; member < MEMBERS_PACKED; member += 1) {
    const before = process.cpuUsage();
    const objects = Array.from(
      { length: OBJECTS_PER_MEMBER },
      (_, i) => bodyOf(member * OBJECTS_PER_MEMBER + i, 'bench').bytes,
    );
    const raw = Buffer.concat(objects);
    const made = process.cpuUsage(before);
    making += made.user + made.system;
    await packLargeMember(raw);
    bytes += raw.length;
  }
  const { user, system } = process.cpuUsage(cpuBefore);
  return { bytes, cpuSeconds: (user + system - making) / 1e6 };
}

/** The dearest of some reads of one object each. */
async function readSome(
  centre: BenchCentre,
  record: Awaited<ReturnType<BenchCentre['backUp']>>,
): Promise<Numbers> {
  const bucket = centre.stores.open({ name: 'cnfs-oss-bench' });
  const objects = record.progress.objectsDone;
  const worst = { rangedGets: 0, wholeGets: 0, readBytes: 0 };
  for (let i = 0; i < OBJECTS_READ; i += 1) {
    bucket.resetReads();
    const n = Math.floor((i * (objects - 1)) / (OBJECTS_READ - 1));
    await readBackupObject(centre, record, n, { reveal: true });
    worst.rangedGets = Math.max(worst.rangedGets, bucket.reads.ranged);
    worst.wholeGets = Math.max(worst.wholeGets, bucket.reads.whole);
    worst.readBytes = Math.max(worst.readBytes, bucket.reads.bytes);
  }
  return worst;
}

async function bareCreate(
  kubeconfig: string,
  { prefix, atOnce }: { readonly prefix: string; readonly atOnce: number },
): Promise<Numbers> {
  const client = openCluster(kubeconfig);
  const { namespaces, objects } = await restoreBodies(client, prefix);
  await client.close();
  const server = await openRawServer(kubeconfig, atOnce);
  const begunAt = performance.now();
  await postAll(server, namespaces, atOnce);
  await postAll(server, objects, atOnce);
  const seconds = (performance.now() - begunAt) / 1000;
  await server.close();
  return { seconds, objects: namespaces.length + objects.length };
}

/** Requests that count as a restore's (design §11): what the run asks once for itself is not. */
const RESTORE_VERBS = ['create', 'get', 'list', 'patch', 'delete'];

/** A restore of a backup that is made before the clock runs. */
async function restore(
  kubeconfig: string,
  { dir, prefix }: { readonly dir: string; readonly prefix: string },
): Promise<Numbers> {
  const centre = await BenchCentre.create(dir, kubeconfig);
  const backup = await centre.backUp(benchNamespaces());
  const before = { ...centre.client.requests };
  const begunAt = performance.now();
  const cpuBefore = process.cpuUsage();
  const record = await centre.restore(backup, mappingTo(prefix));
  const seconds = (performance.now() - begunAt) / 1000;
  const { user, system } = process.cpuUsage(cpuBefore);
  const sent = RESTORE_VERBS.map(
    (verb) => (centre.client.requests[verb] ?? 0) - (before[verb] ?? 0),
  );
  await centre.client.close();
  return {
    seconds,
    cpuSeconds: (user + system) / 1e6,
    objects: record.counts.created,
    requests: sent.reduce((sum, count) => sum + count, 0),
  };
}

/** One tick of the scheduler as it is deployed: its bundle, its environment, its handler. */
async function tick(environment: unknown, credentials: unknown): Promise<Numbers> {
  Object.assign(process.env, environment);
  const begunAt = performance.now();
  const load = createRequire(import.meta.url);
  const bundle: unknown = load(join(import.meta.dirname, '..', 'scheduler', 'index.js'));
  const handler: unknown = Object.entries(bundle ?? {}).find(([name]) => name === 'handler')?.[1];
  if (!isHandler(handler)) throw new Error('Cannot measure: scheduler has no handler');
  const reply = await handler(new Uint8Array(0), { requestId: 'bench', credentials });
  const seconds = (performance.now() - begunAt) / 1000;
  const { user, system } = process.cpuUsage();
  const count: unknown = JSON.parse(String(reply));
  const started = isJsonObject(count) ? Number(count.started) : Number.NaN;
  return { seconds, cpuSeconds: (user + system) / 1e6, started };
}

type Handler = (event: Uint8Array, context: object) => Promise<unknown>;

function isHandler(value: unknown): value is Handler {
  return typeof value === 'function';
}

async function measure(task: unknown): Promise<Numbers> {
  if (!isJsonObject(task)) throw new Error('Cannot measure: the task is no JSON object');
  if (task.kind === 'tick') return await tick(task.environment, task.keys);
  const { kind, kubeconfig, dir, prefix, atOnce } = task;
  if (typeof kubeconfig !== 'string') throw new Error('Cannot measure: no kubeconfig was given');
  if (kind === 'packing') return await packing();
  if (kind === 'bare-list') return await bareList(kubeconfig);
  if (kind === 'capture' && typeof dir === 'string') return await capture(kubeconfig, dir);
  if (kind === 'bare-create' && typeof prefix === 'string' && typeof atOnce === 'number') {
    return await bareCreate(kubeconfig, { prefix, atOnce });
  }
  if (kind === 'restore' && typeof dir === 'string' && typeof prefix === 'string') {
    return await restore(kubeconfig, { dir, prefix });
  }
  throw new Error(`Cannot measure ${String(kind)}: no such task`);
}

try {
  process.stdout.write(JSON.stringify(await measure(JSON.parse(await text(process.stdin)))));
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
