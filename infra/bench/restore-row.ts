/** The rows about restores: creates per second against the bare limit, requests per object. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { BenchCluster } from './bench-cluster.ts';
import type { BenchContext } from './bench-context.ts';
import { compare, type Figure, median } from './figure.ts';
import { runChild } from './run-child.ts';

/** Objects of one restore: a round creates them twice, and the server keeps what was created. */
const OBJECTS = 5_000;
/** POSTs at once among which the bare limit has its best (VEL §4.4: servers take 16 to 32). */
const AT_ONCE = [8, 16, 32, 64];

/** Restores and bare POSTs of the same bodies by turns, each into namespaces of their own. */
export async function restoreRow(context: BenchContext): Promise<readonly Figure[]> {
  const cluster = await context.clusterOfItsOwn();
  try {
    await cluster.fillTo(Math.ceil(OBJECTS * context.scale));
    const atOnce = await bestAtOnce(context, cluster);
    const ratios: number[] = [];
    const requests: number[] = [];
    for (let round = 0; round < context.rounds; round += 1) {
      const bare = await createBare(context, cluster, { prefix: `bare-${round}`, atOnce });
      const ours = await restoreOnce(context, cluster, `ours-${round}`);
      ratios.push(ours.perSecond / bare);
      requests.push(ours.requests);
      context.log(`restore: bare ${bare.toFixed(0)}/s, ours ${ours.perSecond.toFixed(0)}/s`);
    }
    const what = `restore, creates/s against the bare limit (${atOnce} at once), ${cluster.objects} objects`;
    const show = (value: number) => value.toFixed(2);
    return [
      compare({ what, value: median(ratios), better: 'higher', must: 0.6, aim: 0.8, show }),
      compare({
        what: 'requests per restored object (creates and look-ups)',
        value: Math.max(...requests),
        better: 'lower',
        must: 1.2,
        aim: 1,
        show,
      }),
    ];
  } finally {
    await cluster.stop();
  }
}

/** The concurrency with the most creates per second. */
async function bestAtOnce(context: BenchContext, cluster: BenchCluster): Promise<number> {
  let best = { atOnce: 0, perSecond: 0 };
  for (const atOnce of AT_ONCE) {
    const perSecond = await createBare(context, cluster, { prefix: `try-${atOnce}`, atOnce });
    context.log(`restore: bare limit with ${atOnce} at once ${perSecond.toFixed(0)}/s`);
    if (perSecond > best.perSecond) best = { atOnce, perSecond };
  }
  return best.atOnce;
}

/** Creates per second without anything of ours. */
async function createBare(
  context: BenchContext,
  { kubeconfig }: BenchCluster,
  how: { readonly prefix: string; readonly atOnce: number },
): Promise<number> {
  const figure = await runChild({ kind: 'bare-create', kubeconfig, ...how }, context.profileDir);
  return figure('objects') / figure('seconds');
}

async function restoreOnce(
  context: BenchContext,
  cluster: BenchCluster,
  prefix: string,
): Promise<{ readonly perSecond: number; readonly requests: number }> {
  const dir = join(cluster.dir, 'vault');
  const { kubeconfig } = cluster;
  const figure = await runChild({ kind: 'restore', kubeconfig, dir, prefix }, context.profileDir);
  await rm(dir, { recursive: true, force: true });
  const objects = figure('objects');
  const seconds = figure('seconds');
  context.log(
    `restore of ${objects} objects: ${seconds.toFixed(1)} s, ` +
      `${figure('cpuSeconds').toFixed(1)} s of CPU, ${figure('requests')} requests`,
  );
  return { perSecond: objects / seconds, requests: figure('requests') / objects };
}
