/** 200 disks in one backup, in emulated time: calls to ECS, and how long functions run meanwhile. */
import { REGION, worldOfDisks } from '../../test/support/disk-samples.ts';
import type { BenchContext } from './bench-context.ts';
import { compare, type Figure } from './figure.ts';

const DISKS = 200;
/** How long each snapshot takes. */
const SNAPSHOT_MS = 600_000;
/** More pauses than the snapshots need. */
const INVOCATIONS_MAX = 200;

/** Calls per 200 snapshots and seconds of functions at work. @throws Error the backup failed */
export async function snapshotsRow(context: BenchContext): Promise<readonly Figure[]> {
  const half = await backUp(DISKS / 2);
  const whole = await backUp(DISKS);
  context.log(
    `snapshots: ${half.calls} calls for ${DISKS / 2} disks, ${whole.calls} for ${DISKS}; ` +
      `${whole.invocations} invocations in ${(whole.lastedMs / 60_000).toFixed(1)} min`,
  );
  return [
    compare({
      what: `calls per ${DISKS} snapshots, polling included (${half.calls} per ${DISKS / 2})`,
      value: whole.calls,
      better: 'lower',
      must: 260,
      show: String,
    }),
    compare({
      what: `functions active while ${DISKS} snapshots take 10 minutes`,
      value: whole.activeMs,
      better: 'lower',
      must: 60_000,
      show: (ms) => `${(ms / 1000).toFixed(1)} s`,
    }),
  ];
}

interface Measured {
  readonly calls: number;
  readonly invocations: number;
  /** Pauses within invocations, by the emulated clock, and their computing, by ours. */
  readonly activeMs: number;
  readonly lastedMs: number;
}

async function backUp(disks: number): Promise<Measured> {
  const world = await worldOfDisks(disks, { snapshotMs: SNAPSHOT_MS });
  const id = await world.start({ volumeBackup: true });
  const begunAtMs = world.clock.now();
  let activeMs = 0;
  for (let invocations = 1; invocations <= INVOCATIONS_MAX; invocations += 1) {
    const [pausedFrom, computedFrom] = [world.clock.now(), performance.now()];
    await world.work(id);
    activeMs += world.clock.now() - pausedFrom + (performance.now() - computedFrom);
    const { runId, phase } = await world.record(id);
    const run = (await world.records.get('runs', [runId]))?.value;
    if (run?.state === 'ended') {
      const calls = Object.values(world.disks.calls).reduce((sum, n) => sum + n, 0);
      const taken = (await world.disks.findSnapshots(REGION, runTag(runId))).length;
      if (phase !== 'Completed' || taken !== disks) throw new Error(`${phase}, ${taken} snapshots`);
      return { calls, invocations, activeMs, lastedMs: world.clock.now() - begunAtMs };
    }
    await world.clock.advance(Math.max(0, (run?.wakeAtMs ?? 0) - world.clock.now()));
  }
  throw new Error(`The backup of ${disks} disks did not end`);
}

function runTag(runId: string): { readonly key: string; readonly value: string } {
  return { key: 'backup-centre.io/run', value: runId };
}
