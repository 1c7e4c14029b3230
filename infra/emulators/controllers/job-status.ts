import { changesNothing, withCondition } from './engine/conditions.ts';
import { type Condition, keyOf, timestamp } from './engine/kube-objects.ts';
import { isActive, isFinished, isReady } from './engine/pod-state.ts';
import type { Reconcilers } from './engine/reconcilers.ts';
import { type Job, jobs, type Pod, pods } from './engine/workload-objects.ts';

/** On pods of Jobs until the Job has counted them. */
export const TRACKING_FINALIZER = 'batch.kubernetes.io/job-tracking';
/** The index of a pod of an Indexed Job. */
export const INDEX_ANNOTATION = 'batch.kubernetes.io/job-completion-index';

/** The pods of a Job that have ended, counted once each, and what the Job still wants. */
export interface JobCounts {
  readonly succeeded: number;
  readonly failed: number;
  readonly completedIndexes: ReadonlySet<number>;
}

/** The condition by which a Job is over, Complete or Failed; undefined while it runs. */
export function completionOf(job: Job): Condition | undefined {
  return job.status?.conditions?.find(
    (each) => each.status === 'True' && (each.type === 'Complete' || each.type === 'Failed'),
  );
}

/**
 * Counts the pods that have ended since the last time. A pod is counted by its UID before its
 * finalizer is removed, and added to the sum after that, so a crash in between counts none twice.
 */
export async function countFinishedPods(
  reconcilers: Reconcilers,
  job: Job,
  members: readonly Pod[],
): Promise<{ job: Job; counts: JobCounts }> {
  const { cluster } = reconcilers;
  const tracked = members.filter(isTracked);
  const ended = tracked.filter(
    (pod) => isFinished(pod) || pod.metadata.deletionTimestamp !== undefined,
  );
  const completedIndexes = new Set(parseIndexes(job.status?.completedIndexes));
  for (const pod of members.filter((each) => each.status?.phase === 'Succeeded')) {
    const index = pod.metadata.annotations?.[INDEX_ANNOTATION];
    if (index !== undefined) completedIndexes.add(Number(index));
  }
  const { succeeded = 0, failed = 0 } = job.status ?? {};
  const known = uncountedOf(job);
  const isSuccess = (pod: Pod): boolean => pod.status?.phase === 'Succeeded';
  const successes = new Set([...known.succeeded, ...uids(ended.filter(isSuccess))]);
  const failures = new Set([
    ...known.failed,
    ...uids(ended.filter((pod) => !isSuccess(pod) && !successes.has(pod.metadata.uid))),
  ]);
  if (successes.size + failures.size === 0) {
    return { job, counts: { succeeded, failed, completedIndexes } };
  }
  const noted = await write(reconcilers, job, {
    uncountedTerminatedPods: {
      ...(successes.size === 0 ? {} : { succeeded: [...successes] }),
      ...(failures.size === 0 ? {} : { failed: [...failures] }),
    },
  });
  for (const pod of ended) {
    const finalizers = (pod.metadata.finalizers ?? []).filter(
      (each) => each !== TRACKING_FINALIZER,
    );
    await cluster.patch(pods, pod, { metadata: { finalizers } });
  }
  const counts = {
    succeeded: isIndexed(job) ? completedIndexes.size : succeeded + successes.size,
    failed: failed + failures.size,
    completedIndexes,
  };
  const counted = await write(reconcilers, noted, {
    // Null removes what a merge would keep; the empty object is what the real one leaves.
    uncountedTerminatedPods: { succeeded: null, failed: null },
    succeeded: counts.succeeded || null,
    failed: counts.failed || null,
    ...(isIndexed(job) ? { completedIndexes: formatIndexes(completedIndexes) || null } : {}),
  });
  return { job: counted, counts };
}

/** Writes how many pods run now, and how the Job ended if it has. */
export async function writeJobStatus(
  reconcilers: Reconcilers,
  job: Job,
  end: { type: 'Complete' | 'Failed'; reason: string; message: string } | undefined,
): Promise<void> {
  const { cluster } = reconcilers;
  const now = reconcilers.now();
  const members = cluster.informer(pods).controlledBy(job.metadata.uid);
  const active = members.filter(isActive);
  let conditions: readonly Condition[] = job.status?.conditions ?? [];
  const suspended = job.spec.suspend === true;
  const wasSuspended = conditions.some((each) => each.type === 'Suspended');
  if (suspended || wasSuspended) {
    conditions = withCondition(
      conditions,
      suspended
        ? condition('Suspended', 'True', { reason: 'JobSuspended', message: 'Job suspended' })
        : condition('Suspended', 'False', { reason: 'JobResumed', message: 'Job resumed' }),
      now,
    );
  }
  if (end !== undefined) {
    const interim = end.type === 'Complete' ? 'SuccessCriteriaMet' : 'FailureTarget';
    for (const type of [interim, end.type]) {
      const ending = { ...condition(type, 'True', end), lastProbeTime: timestamp(now) };
      conditions = withCondition(conditions, ending, now);
    }
  }
  const status = {
    active: active.length || null,
    ready: active.filter(isReady).length,
    terminating: members.filter(
      (pod) => !isFinished(pod) && pod.metadata.deletionTimestamp !== undefined,
    ).length,
    startTime: suspended ? null : (job.status?.startTime ?? timestamp(now)),
    ...(end?.type === 'Complete' ? { completionTime: timestamp(now) } : {}),
    ...(job.status !== undefined && 'uncountedTerminatedPods' in job.status
      ? {}
      : { uncountedTerminatedPods: {} }),
    conditions: conditions.length === 0 ? null : conditions,
  };
  await write(reconcilers, job, status);
}

/** Whether each pod of the Job has an index of its own. */
export function isIndexed(job: Job): boolean {
  return job.spec.completionMode === 'Indexed';
}

/** Whether the pod waits to be counted by its Job. */
export function isTracked(pod: Pod): boolean {
  return pod.metadata.finalizers?.includes(TRACKING_FINALIZER) === true;
}

async function write(reconcilers: Reconcilers, job: Job, change: object): Promise<Job> {
  const latest = reconcilers.cluster.informer(jobs).get(keyOf(job)) ?? job;
  if (changesNothing(latest.status, change)) return latest;
  return reconcilers.cluster.patchStatus(jobs, latest, change);
}

function condition(
  type: string,
  status: string,
  why: { reason: string; message: string },
): Condition {
  return { type, status, reason: why.reason, message: why.message };
}

function uncountedOf(job: Job): { succeeded: string[]; failed: string[] } {
  const { succeeded = [], failed = [] } = job.status?.uncountedTerminatedPods ?? {};
  return { succeeded: [...succeeded], failed: [...failed] };
}

function uids(list: readonly Pod[]): string[] {
  return list.map((pod) => pod.metadata.uid);
}

/** `0-2,5` as numbers. */
function parseIndexes(text: string | undefined): number[] {
  return (text ?? '')
    .split(',')
    .filter((part) => part !== '')
    .flatMap((part) => {
      const [first = 0, last = first] = part.split('-').map(Number);
      return Array.from({ length: last - first + 1 }, (_, offset) => first + offset);
    });
}

/** Numbers as `0-2,5`. */
function formatIndexes(indexes: ReadonlySet<number>): string {
  const runs: { first: number; last: number }[] = [];
  for (const index of [...indexes].sort((a, b) => a - b)) {
    const run = runs.at(-1);
    if (run !== undefined && run.last === index - 1) run.last = index;
    else runs.push({ first: index, last: index });
  }
  return runs
    .map(({ first, last }) =>
      first === last ? `${first}` : `${first}${last === first + 1 ? ',' : '-'}${last}`,
    )
    .join(',');
}
