/**
 * `npm run bench [-- ROW]... [--quick] [--objects N] [--rounds N] [--profile DIR]`: measures the
 * figures of design §11 on the real API server. Prints one table; ends with status 1 where a must is
 * missed or a figure could not be taken. `--objects` is the number for 10,000 in smaller tries, of
 * which `--quick` is one.
 */
import { cpus, loadavg, totalmem } from 'node:os';
import { parseArgs } from 'node:util';
import { openCluster } from './bench-centre.ts';
import { BenchCluster } from './bench-cluster.ts';
import type { BenchContext } from './bench-context.ts';
import { allMet, type Figure, notMeasured, tableOf } from './figure.ts';
import { ROWS } from './rows.ts';

/** Objects that `--objects` stands for. */
const OBJECTS = 10_000;
/** What `--quick` stands for. */
const QUICK = { objects: '2000', rounds: '3' };
const FULL = { objects: String(OBJECTS), rounds: '5' };

const begunAt = performance.now();
const loadBefore = (loadavg()[0] ?? Number.NaN).toFixed(1);
const log = (line: string): void => {
  process.stderr.write(`${line}\n`);
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: 'boolean', default: false },
    objects: { type: 'string' },
    rounds: { type: 'string' },
    profile: { type: 'string' },
  },
});
const unknown = positionals.find((name) => !ROWS.has(name));
const { objects, rounds: times } = { ...(values.quick ? QUICK : FULL), ...values };
const scale = Number(objects) / OBJECTS;
const rounds = Number(times);
if (unknown !== undefined) usage(`no row ${unknown}, there are ${[...ROWS.keys()].join(', ')}`);
if (!(Number.isInteger(scale * OBJECTS) && scale > 0)) usage(`--objects ${objects}`);
if (!(Number.isInteger(rounds) && rounds > 0)) usage(`--rounds ${times}`);

let started: Promise<BenchCluster> | undefined;
let apiServer = 'none';
const context: BenchContext = {
  cluster: () => {
    started ??= startCluster();
    return started;
  },
  clusterOfItsOwn: startCluster,
  scale,
  rounds,
  profileDir: values.profile,
  log,
  budgets: [],
  captures: new Map(),
};

const figures: Figure[] = [];
for (const name of positionals.length === 0 ? ROWS.keys() : new Set(positionals)) {
  figures.push(...(await figuresOf(name)));
}
const cluster = await started?.catch(() => undefined);
process.stdout.write(`${machine()}, API server ${apiServer}\n`);
if (scale !== 1) process.stdout.write(`Smaller try: ${scale} of the objects the figures ask for\n`);
process.stdout.write(`Load average before: ${loadBefore}; the API server runs on the same cores\n`);
process.stdout.write(`Objects of 20 KB, nine in ten hardly compress\n`);
process.stdout.write(
  `Archives go to the local disk, records are in memory; the scheduler has emulators\n\n`,
);
process.stdout.write(`${tableOf(figures)}\n`);
for (const budget of context.budgets) process.stdout.write(`\n${budget}\n`);
await cluster?.stop();
const seconds = Math.round((performance.now() - begunAt) / 1000);
process.stdout.write(`\nTook ${seconds} s in all\n`);
process.exit(allMet(figures) ? 0 : 1);

async function figuresOf(name: string): Promise<readonly Figure[]> {
  try {
    return (await ROWS.get(name)?.(context)) ?? [];
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    log(`Row ${name} could not be measured: ${why}`);
    return [notMeasured(name, why)];
  }
}

async function startCluster(): Promise<BenchCluster> {
  const reason = await BenchCluster.unavailable(log);
  if (reason !== undefined) throw new Error(`no real API server: ${reason}`);
  const cluster = await BenchCluster.start(log);
  const client = openCluster(cluster.kubeconfig);
  apiServer = await client.version();
  await client.close();
  return cluster;
}

function machine(): string {
  const { length } = cpus();
  const gib = Math.round(totalmem() / 1024 ** 3);
  return `${length} cores (${cpus()[0]?.model ?? 'unknown'}), ${gib} GiB, Node ${process.version}`;
}

function usage(found: string): never {
  log(`Cannot measure: ${found}`);
  process.exit(2);
}
