/**
 * At most `RUNS_PER_CLUSTER_MAX` runs work on one cluster at once; the others wait in the order they
 * came. A run keeps its slot while it waits for cloud jobs. One row per cluster, changed by conditional
 * writes: two workers never both get the last slot.
 */
import { ConditionFailedError } from '../domain/errors.ts';
import { type ClusterSlots, RUNS_PER_CLUSTER_MAX } from '../domain/run.ts';
import type { RecordStore } from '../ports/record-store.ts';

const RACES_MAX = 50;
const NONE: ClusterSlots = { active: [], queue: [] };

/** Takes a slot, or a place in the queue. True when the run may work now. Safe to repeat. */
export async function takeSlot(
  records: RecordStore,
  cluster: string,
  runId: string,
): Promise<boolean> {
  const slots = await changeSlots(records, cluster, (now) => {
    if (now.active.includes(runId)) return now;
    const queue = now.queue.includes(runId) ? now.queue : [...now.queue, runId];
    return promote({ active: now.active, queue });
  });
  return slots.active.includes(runId);
}

/** Gives the slot or the place back. Returns the runs that may work from now on: dispatch them. */
export async function releaseSlot(
  records: RecordStore,
  cluster: string,
  runId: string,
): Promise<readonly string[]> {
  let promoted: readonly string[] = [];
  await changeSlots(records, cluster, (now) => {
    const kept = now.active.filter((id) => id !== runId);
    const next = promote({ active: kept, queue: now.queue.filter((id) => id !== runId) });
    promoted = next.active.filter((id) => !kept.includes(id));
    return next;
  });
  return promoted;
}

function promote(slots: ClusterSlots): ClusterSlots {
  const free = Math.max(0, RUNS_PER_CLUSTER_MAX - slots.active.length);
  return {
    active: [...slots.active, ...slots.queue.slice(0, free)],
    queue: slots.queue.slice(free),
  };
}

async function changeSlots(
  records: RecordStore,
  cluster: string,
  change: (slots: ClusterSlots) => ClusterSlots,
): Promise<ClusterSlots> {
  for (let race = 0; race < RACES_MAX; race += 1) {
    const row = await records.get('slots', [cluster]);
    const next = change(row?.value ?? NONE);
    if (row !== undefined && next === row.value) return next;
    try {
      await records.put(
        'slots',
        [cluster],
        next,
        row === undefined ? 'absent' : { version: row.version },
      );
      return next;
    } catch (error) {
      if (!(error instanceof ConditionFailedError)) throw error;
    }
  }
  throw new ConditionFailedError(
    `Cannot change slots of cluster ${cluster}: lost ${RACES_MAX} races`,
    undefined,
  );
}
