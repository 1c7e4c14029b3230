/** The rows of design §11 that run here; each measures and compares. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { BenchCluster } from './bench-cluster.ts';
import type { BenchContext, Capture } from './bench-context.ts';
import { type CaptureCost, captureBudget, difference } from './capture-budget.ts';
import { measureColdStarts } from './cold-start.ts';
import { compare, type Figure, median } from './figure.ts';
import { OBJECT_BYTES } from './fill-cluster.ts';
import { restoreRow } from './restore-row.ts';
import { runChild } from './run-child.ts';
import { schedulerRow } from './scheduler-row.ts';
import { snapshotsRow } from './snapshots-row.ts';

const MIB = 1024 * 1024;
/** Backup sizes that the design names. */
const FEW = 10_000;
const MANY = 100_000;

/** The rows by name, in the order in which they fill the cluster. */
export const ROWS = new Map<string, (context: BenchContext) => Promise<readonly Figure[]>>([
  ['capture', captureRow],
  ['memory', memoryRow],
  ['restore', restoreRow],
  ['read-one', readOneRow],
  ['scheduler', schedulerRow],
  ['snapshots', snapshotsRow],
  ['cold-start', coldStartRow],
]);

async function captureRow(context: BenchContext): Promise<readonly Figure[]> {
  const cluster = await context.cluster();
  await cluster.fillTo(FEW * context.scale);
  const ratios: number[] = [];
  const spent: CaptureCost[] = [];
  const task = { kind: 'bare-list', kubeconfig: cluster.kubeconfig } as const;
  // The first read of all warms the server, and counts for neither.
  await runChild(task, undefined);
  for (let round = 0; round < context.rounds; round += 1) {
    const before = await cluster.cpuSeconds();
    const bare = await runChild(task, context.profileDir);
    const between = await cluster.cpuSeconds();
    const ours = await captureOnce(context, cluster);
    const after = await cluster.cpuSeconds();
    spent.push({
      objects: ours.objects,
      bareSeconds: bare('seconds'),
      bareServer: difference(before, between),
      bareClient: bare('cpuSeconds'),
      server: difference(between, after),
      capture: ours.cpuSeconds,
    });
    ratios.push(bare('seconds') / ours.seconds);
    const rates = [bare('seconds'), ours.seconds].map((s) => Math.round(ours.objects / s));
    context.log(
      `capture: bare ${rates[0]} objects/s (${(bare('bytes') / MIB / bare('seconds')).toFixed(0)} ` +
        `MiB/s), ours ${rates[1]} objects/s, of ${ours.objects}`,
    );
  }
  const packing = await runChild({ ...task, kind: 'packing' }, undefined);
  const packed = (packing('cpuSeconds') / packing('bytes')) * OBJECT_BYTES;
  context.budgets.push(captureBudget(spent, packed));
  const show = (ratio: number) => ratio.toFixed(2);
  const what = `capture, objects/s against the bare limit, ${cluster.objects} objects`;
  return [compare({ what, value: median(ratios), better: 'higher', must: 0.6, aim: 0.8, show })];
}

async function memoryRow(context: BenchContext): Promise<readonly Figure[]> {
  const few = await captureOf(context, FEW * context.scale);
  const many = await captureOf(context, MANY * context.scale);
  const mib = (bytes: number) => `${Math.round(bytes / MIB)} MiB`;
  return [
    compare({
      what: `peak memory of a capture, ${many.objects} objects`,
      value: many.peakBytes,
      better: 'lower',
      must: 512 * MIB,
      aim: 256 * MIB,
      show: mib,
    }),
    compare({
      what: `peak memory against that of ${few.objects} objects (${mib(few.peakBytes)})`,
      value: many.peakBytes / few.peakBytes,
      better: 'lower',
      must: 1.3,
      show: (ratio) => `${ratio.toFixed(2)}x`,
    }),
  ];
}

async function readOneRow(context: BenchContext): Promise<readonly Figure[]> {
  const many = await captureOf(context, MANY * context.scale);
  const of = `one object of a ${many.objects}-object backup`;
  return [
    compare({
      what: `ranged GETs to read ${of} (besides ${many.wholeGets} for the manifest)`,
      value: many.rangedGets,
      better: 'lower',
      must: 2,
      show: String,
    }),
    compare({
      what: `bytes read for ${of}, manifest included`,
      value: many.readBytes,
      better: 'lower',
      must: 2 * MIB,
      show: (bytes) => `${(bytes / MIB).toFixed(2)} MiB`,
    }),
  ];
}

async function coldStartRow(context: BenchContext): Promise<readonly Figure[]> {
  const starts = await measureColdStarts(context.profileDir);
  return starts.map(({ name, ms }) =>
    compare({
      what: `cold start of ${name}`,
      value: ms,
      better: 'lower',
      must: 250,
      aim: 150,
      show: (value) => `${Math.round(value)} ms`,
    }),
  );
}

/** A capture of exactly this many objects, measured unless a row before did. */
async function captureOf(context: BenchContext, objects: number): Promise<Capture> {
  const cluster = await context.cluster();
  await cluster.fillTo(objects);
  const known = context.captures.get(objects);
  if (known !== undefined) return known;
  if (cluster.objects !== objects) {
    throw new Error(
      `Cannot capture ${objects} objects: the cluster has ${cluster.objects} already`,
    );
  }
  return await captureOnce(context, cluster);
}

async function captureOnce(context: BenchContext, cluster: BenchCluster): Promise<Capture> {
  const dir = join(cluster.dir, 'vault');
  const { kubeconfig } = cluster;
  const figure = await runChild({ kind: 'capture', kubeconfig, dir }, context.profileDir);
  await rm(dir, { recursive: true, force: true });
  const capture = {
    objects: figure('objects'),
    seconds: figure('seconds'),
    cpuSeconds: figure('cpuSeconds'),
    peakBytes: figure('peakBytes'),
    rangedGets: figure('rangedGets'),
    wholeGets: figure('wholeGets'),
    readBytes: figure('readBytes'),
  };
  context.captures.set(cluster.objects, capture);
  context.log(
    `capture of ${capture.objects} objects: ${capture.seconds.toFixed(1)} s, ` +
      `${capture.cpuSeconds.toFixed(1)} s of CPU, peak ${Math.round(capture.peakBytes / MIB)} MiB, ` +
      `archive ${Math.round(figure('archiveBytes') / MIB)} MiB`,
  );
  return capture;
}
