/**
 * `npm run bench [-- ROW]... [--objects N] [--rounds N] [--profile DIR]`: measures the figures of
 * design §11 on the real API server. Prints one table; ends with status 1 where a must is missed or a
 * figure could not be taken. `--objects` is the number for 10,000 in smaller tries.
 */
import { cpus, totalmem } from 'node:os';
import { parseArgs } from 'node:util';
import { openCluster } from './bench-centre.ts';
import { BenchCluster } from './bench-cluster.ts';
import { allMet, type Figure, notMeasured, tableOf } from './figure.ts';
import { type BenchContext, ROWS } from './rows.ts';

/** Objects that `--objects` stands for. */
const OBJECTS = 10_000;

const log = (line: string): void => {
  process.stderr.write(`${line}\n`);
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    objects: { type: 'string', default: String(OBJECTS) },
    rounds: { type: 'string', default: '5' },
    profile: { type: 'string' },
  },
});
const unknown = positionals.find((name) => !ROWS.has(name));
const scale = Number(values.objects) / OBJECTS;
const rounds = Number(values.rounds);
if (unknown !== undefined) usage(`no row ${unknown}, there are ${[...ROWS.keys()].join(', ')}`);
if (!(Number.isInteger(scale * OBJECTS) && scale > 0)) usage(`--objects ${values.objects}`);
if (!(Number.isInteger(rounds) && rounds > 0)) usage(`--rounds ${values.rounds}`);

let started: Promise<BenchCluster> | undefined;
const context: BenchContext = {
  cluster: () => {
    started ??= startCluster();
    return started;
  },
  scale,
  rounds,
  profileDir: values.profile,
  log,
  captures: new Map(),
};

const figures: Figure[] = [];
for (const name of positionals.length === 0 ? ROWS.keys() : new Set(positionals)) {
  figures.push(...(await figuresOf(name)));
}
const cluster = await started?.catch(() => undefined);
const version = cluster === undefined ? 'none' : await openCluster(cluster.kubeconfig).version();
process.stdout.write(`${machine()}, API server ${version}\n`);
if (scale !== 1) process.stdout.write(`Smaller try: ${scale} of the objects the figures ask for\n`);
process.stdout.write(`Archives go to the local disk; records are in memory\n\n`);
process.stdout.write(`${tableOf(figures)}\n`);
await cluster?.stop();
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
  return await BenchCluster.start(log);
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
